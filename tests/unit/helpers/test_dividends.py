"""What dividends would do to verdicts measured on prices."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from helpers import claims, dividends, measures
from helpers.errors import InputError
from helpers.returns import LARGE, SMALL
from support.data import claim_rows, closes_of, raw

CLOSES = {row["date"]: row for row in raw("index_closes")}
ROWS = {row["claim_id"]: row for row in claim_rows()}


@pytest.fixture(scope="module")
def table(loaded_claims):
    return dividends.table(loaded_claims, "post_streak_outcomes")


def judged(registry, claim_id, small=0.0, large=0.0):
    """Judge a claim on closes to which yields, percent a year, were added."""
    closes = dividends.with_dividends(registry.market.closes, small, large)
    paid = replace(registry, market=replace(registry.market, closes=closes))
    return paid.reading(claim_id)


# By hand


def test_a_yield_of_two_percent_adds_two_percent_in_a_year():
    closes = closes_of([100.0, 150.0, 90.0], [200.0, 210.0, 220.0])
    closes.index = pd.DatetimeIndex(["2020-01-01", "2020-07-01", "2020-12-31"])
    paid = dividends.with_dividends(closes, small=2.0, large=0.0)
    assert paid[LARGE].tolist() == [200.0, 210.0, 220.0]
    assert paid[SMALL].iloc[0] == 100.0
    assert paid[SMALL].iloc[1] == pytest.approx(150 * 1.02 ** (182 / 365.25))
    assert paid[SMALL].iloc[2] == pytest.approx(90 * 1.02 ** (365 / 365.25))
    assert closes[SMALL].tolist() == [100.0, 150.0, 90.0]


@pytest.mark.parametrize(
    ("points", "years", "bound", "expected"),
    [
        (-7.5, 1, 0, 7.5),  # small caps lost by 7.5 points in a year: they must yield 7.5 more
        (3.0, 2, 0, -1.5),  # they led by 3 in two years: large caps must yield 1.5 more
        (-0.4, 0.5, 3.2, 7.2),
        (2.0, 1, 2.0, 0.0),
    ],
)
def test_the_break_even_is_what_lies_between_over_the_years(points, years, bound, expected):
    found = dividends.break_even(points, years, bound)
    assert found == pytest.approx(expected)
    assert points + years * found == pytest.approx(bound)


def test_no_yield_turns_what_has_no_length():
    assert math.isnan(dividends.break_even(1.0, 0.0))


def test_one_years_break_even_turns_the_sign_exactly():
    closes = closes_of([100.0, 104.0], [100.0, 110.0])
    closes.index = pd.DatetimeIndex(["2020-01-01", "2024-01-01"])  # 1,461 days: four years

    def lead(yearly):
        first, last = dividends.with_dividends(closes, yearly, 0).to_numpy()
        return float(last[0] / first[0] - last[1] / first[1])

    turn = 100 * ((1.10 / 1.04) ** 0.25 - 1)
    assert lead(turn) == pytest.approx(0, abs=1e-12)
    assert lead(turn - 0.001) < 0 < lead(turn + 0.001)
    assert dividends.break_even(-6, 4) == pytest.approx(turn, abs=0.12)


# On the claims


def between(start, end, name):
    """Price return and length in years, from the raw table."""
    first, last = float(CLOSES[start][name]), float(CLOSES[end][name])
    days = (pd.Timestamp(end) - pd.Timestamp(start)).days
    return last / first, days / 365.25


@pytest.mark.parametrize("claim_id", ["HR-34", "HR-36", "HR-40"])
def test_one_indexs_break_even_solves_its_equation(table, claim_id):
    row, call = ROWS[claim_id], json.loads(ROWS[claim_id]["call"])
    days = sorted(CLOSES)
    start = days.index(call["date"])
    growth, years = between(call["date"], days[start + call["sessions"]], call["of"])
    edges = [float(row["stated"]) + sign * float(row["bound"]) for sign in (-1, 1)]
    turns = [100 * (((1 + edge / 100) / growth) ** (1 / years) - 1) for edge in edges]
    expected = min(turn for turn in turns if turn > 0)
    assert table.loc[claim_id, "break_even"] == pytest.approx(expected, abs=0.002)
    assert table.loc[claim_id, "years"] == pytest.approx(growth * years, rel=0.01)


@pytest.mark.parametrize(
    ("claim_id", "index"),
    [("HR-34", LARGE), ("HR-36", LARGE), ("HR-40", LARGE), ("HR-41", SMALL), ("HR-42", SMALL)],
)
def test_the_outcome_turns_at_the_break_even(registry, table, claim_id, index):
    turn, outcome = table.loc[claim_id, "break_even"], table.loc[claim_id, "outcome"]
    side = "small" if index == SMALL else "large"
    assert judged(registry, claim_id, **{side: turn - 0.02})[1] == outcome
    assert judged(registry, claim_id, **{side: turn + 0.02})[1] != outcome


def test_a_verdict_can_turn_between_two_ends_that_agree_with_it(registry, table):
    row = table.loc["HR-40"]
    assert row["at_lowest"] == row["at_highest"] == row["outcome"] == "contradicted"
    assert row["could_change"]
    assert judged(registry, "HR-40", large=1.5)[1] == "supported"


@pytest.mark.parametrize("claim_id", ["HR-04", "HR-28", "HR-33", "HR-42"])
def test_what_cannot_turn_holds_over_the_plausible_yields(registry, table, claim_id):
    assert not table.loc[claim_id, "could_change"]
    yields = dividends.plausible_yields(registry.market)
    for small in yields.loc[SMALL]:
        for large in yields.loc[LARGE]:
            assert judged(registry, claim_id, small, large)[1] == table.loc[claim_id, "outcome"]


def test_the_sign_of_a_lead_near_zero_could_change(registry):
    yields = dividends.plausible_yields(registry.market)
    row = dividends._row(registry, registry.get("SA-20"), yields)
    both = between("2025-01-31", "2026-01-12", SMALL), between("2025-01-31", "2026-01-12", LARGE)
    (small, years), (large, _) = both
    assert row["measured"] == pytest.approx(100 * (small - large))
    assert row["break_even"] == pytest.approx(100 * ((large / small) ** (1 / years) - 1), abs=0.002)
    assert (row["at_lowest"], row["at_highest"]) == ("contradicted", "supported")
    assert row["could_change"]


def test_plausible_yields_are_the_published_ones_and_an_upper_estimate(market):
    published = [
        float(row["value"])
        for row in raw("valuation_readings")
        if (row["index"], row["metric"]) == ("Russell 2000", "dividend yield %")
    ]
    last = {day[:7]: float(CLOSES[day]["sp_500"]) for day in sorted(CLOSES)}
    months = [r for r in raw("size_portfolios_monthly") if r["month"] > "1978-12"]
    total = math.prod(1 + float(r["large_percent"]) / 100 for r in months)
    price = last[months[-1]["month"]] / last["1978-12"]
    years = len(months) / 12
    upper = 100 * (total ** (1 / years) - price ** (1 / years))
    yields = dividends.plausible_yields(market)
    assert yields.loc[SMALL].tolist() == [min(published), max(published)]
    assert yields.loc[LARGE].tolist() == pytest.approx([0.0, upper])


def test_without_published_yields_the_wider_range_stands_for_both(market):
    yields = dividends.plausible_yields(market.until("2005-12-30"))
    assert yields.loc[SMALL].tolist() == yields.loc[LARGE].tolist()


def test_a_yield_cannot_be_estimated_from_a_few_months(market):
    with pytest.raises(InputError, match="5 months of total and price returns: expected at least"):
        dividends.plausible_yields(market.until("1979-06-15"))


def test_only_due_claims_about_returns_are_looked_at(market, loaded_claims):
    found = {c.claim_id for c in dividends.affected(loaded_claims, "post_streak_outcomes")}
    assert {"HR-04", "HR-41", "HR-42"} <= found
    assert not {"HR-43", "HR-44", "HR-68"} & found  # their own figures; rates
    early = claims.load(market.until("2019-06-28"))
    empty = dividends.table(early, "post_streak_outcomes")
    assert empty.empty
    assert tuple(empty.columns) == dividends.COLUMNS


def test_leads_and_streaks_are_all_moved_by_dividends():
    named = dividends.SMOOTH | dividends.STEPPED
    total_returns = {"portfolio_lead", "portfolio_return", "lead_in_recessions"}
    no_returns = {"lead_over_record", "target_change_before_streaks", "sector_lead"}
    leads = {name for name in measures.MEASURES if re.search("lead|streak", name)}
    own = {name for name in leads if name.startswith("own_")}  # a researcher's tables
    assert leads - total_returns - no_returns - own <= named
