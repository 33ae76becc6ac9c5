"""Forecasts settled early: on the day they come true, or can no longer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers import claims
from helpers.claims import grading
from helpers.claims.settled import lasts
from helpers.measures import Measured


@pytest.fixture(scope="module")
def forecast(market):
    """A made-up forecast due in 2026, with this measure, rule and bound."""
    one = claims.load(market).get("HR-51")

    def made(measure, rule, bound, **arguments):
        call = {"measure": measure, **arguments}
        return replace(one, call=call, rule=rule, bound=bound)

    return made


def test_the_index_reaches_2850_before_the_middle_of_the_year(market):
    """The published closes reach it in the second quarter; the claim is due on 30 June."""
    reached = market.closes["russell_2000"].loc["2026-01-23":]
    day = reached.index[reached >= 2850][0]
    assert str(day.date()) < "2026-06-30"
    eve = market.closes.index[market.closes.index < day][-1]
    before = claims.load(market.until(eve)).check("HR-51")
    on = claims.load(market.until(day)).check("HR-51")
    assert before.grade.outcome == grading.PENDING
    assert on.grade.outcome == grading.SUPPORTED
    assert on.measured == reached.loc[day]


def test_a_support_that_broke_stays_broken(market):
    lows = market.closes["russell_2000"].loc["2026-01-23":]
    day = lows.index[lows < 2600][0]
    eve = market.closes.index[market.closes.index < day][-1]
    outcomes = [claims.load(market.until(one)).check("HR-63").grade.outcome for one in (eve, day)]
    assert outcomes == [grading.PENDING, grading.CONTRADICTED]


@pytest.mark.parametrize(
    ("side", "rule", "settled"),
    [
        # Values on both sides of the bound of 100, and on it.
        ("highest", "at least", {99: False, 100: True, 101: True}),
        ("highest", "above", {99: False, 100: False, 101: True}),
        ("highest", "at most", {99: False, 100: False, 101: True}),
        ("highest", "below", {99: False, 100: True, 101: True}),
        ("lowest", "at least", {99: True, 100: False, 101: False}),
        ("lowest", "above", {99: True, 100: True, 101: False}),
        ("lowest", "at most", {99: True, 100: True, 101: False}),
        ("lowest", "below", {99: True, 100: False, 101: False}),
        ("lowest", "within", {99: False, 100: False, 101: False}),
    ],
)
def test_rules(forecast, side, rule, settled):
    claim = forecast("extreme_close", rule, 100, index="russell_2000", side=side)
    assert {value: lasts(claim, Measured(float(value))) for value in settled} == settled


def test_counts_only_grow(forecast):
    claim = forecast("moves_announced", "equal", 3)
    assert [lasts(claim, Measured(n)) for n in (2, 3, 4)] == [False, False, True]


def test_what_may_turn_again_waits(forecast):
    lead = forecast("after_date", "above", 0)
    assert not lasts(lead, Measured(12.0))
    date = forecast("extreme_close", "at least", 100, side="highest", give="date")
    assert not lasts(date, Measured("2026-05-01"))
    fact = replace(forecast("extreme_close", "at least", 100, side="highest"), kind="value")
    assert not lasts(fact, Measured(101.0))
