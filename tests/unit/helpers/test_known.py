"""Nothing looks ahead: a history cut at any close holds the events that were known by then."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import analogs, economy, events, returns

steps = st.lists(st.sampled_from([-0.02, -0.01, 0.0, 0.01, 0.02]), min_size=8, max_size=40)
Cut = pd.Timestamp


def leads_of(values: list[float]) -> pd.Series:
    return pd.Series(values, pd.bdate_range("2020-01-01", periods=len(values)))


def closes_of(values: list[float]) -> pd.Series:
    return 100 * np.exp(leads_of(values).cumsum())


def by_then(table: pd.DataFrame, day: Cut, known: str = "known") -> pd.DataFrame:
    return table[table[known] <= day].reset_index(drop=True)


def own_day(dates: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"event": dates, "known": dates})


def streaks_ended(values: list[float], last: int | None = None) -> pd.DataFrame:
    return events.streaks(leads_of(values).iloc[:last], 2).drop(columns=["running", "reached"])


def streaks_reached(values: list[float], last: int | None = None) -> pd.DataFrame:
    table = events.streaks(leads_of(values).iloc[:last], 3)
    return table[["start", "reached"]].rename(columns={"reached": "known"})


def record_closes(values: list[float], last: int | None = None) -> pd.DataFrame:
    table = events.records(closes_of(values).iloc[:last])
    return table.reset_index(names="known")


def long_awaited(values: list[float], last: int | None = None) -> pd.DataFrame:
    return own_day(events.breakouts(closes_of(values).iloc[:last], 3))


def crossed(values: list[float], last: int | None = None) -> pd.DataFrame:
    return own_day(events.crossings(closes_of(values).iloc[:last], 100))


def fallen(values: list[float], last: int | None = None) -> pd.DataFrame:
    table = events.drawdown(closes_of(values).iloc[:last])
    return table.rename("event").rename_axis("known").reset_index()


def spans(values: list[float], last: int | None = None) -> pd.DataFrame:
    return events.merged_spans(leads_of(values).iloc[:last], 0.01, 2)


def first_reached(values: list[float], last: int | None = None) -> pd.DataFrame:
    closes = closes_of(values).iloc[:last]
    table = events.levels_reached(closes, [100.0, 102.0], 1, "2020-01-02")
    return table[["first"]].rename(columns={"first": "known"}).dropna().reset_index()


def rate_moves(values: list[float], last: int | None = None) -> pd.DataFrame:
    moves = leads_of(values)[:last].mul(2500).rename("change_bp")
    moves.index = pd.date_range("2000-01-31", periods=len(values), freq="2ME")[:last]
    return moves[moves != 0].to_frame()


def first_cut_dates(values: list[float], last: int | None = None) -> pd.DataFrame:
    return own_day(events.first_cuts(rate_moves(values, last)))


def tightenings(values: list[float], last: int | None = None) -> pd.DataFrame:
    target = rate_moves(values, last)
    target["upper_percent"] = 5 + target["change_bp"].cumsum() / 100
    if target.empty:
        return own_day(target.index)
    table = economy.tightenings(target, target.index[-1], 12, "2000-01-01")
    return table.reset_index(names="known")


FUNCTIONS = [
    streaks_ended,
    streaks_reached,
    record_closes,
    long_awaited,
    crossed,
    fallen,
    spans,
    first_reached,
    first_cut_dates,
    tightenings,
]


@pytest.mark.parametrize("found", FUNCTIONS, ids=lambda one: one.__name__)
@given(values=steps)
@settings(max_examples=40)
def test_a_history_cut_anywhere_holds_what_was_known(found, values):
    everything = found(values)
    dates = rate_moves([0.01] * len(values)).index
    days = dates if found in (first_cut_dates, tightenings) else leads_of(values).index
    for last in range(2, len(values) + 1):
        day = days[last - 1]
        expected = by_then(everything, day)
        pd.testing.assert_frame_equal(
            by_then(found(values, last), day), expected, check_dtype=False
        )


@given(values=steps)
@settings(max_examples=25)
def test_windows_alike_that_were_complete_are_found_in_a_cut_history(values):
    """The path compared lies at the start, so that a cut keeps it."""
    leads = leads_of(values)
    everything = analogs.windows(leads, leads.index[1], 1, 1)
    for last in range(3, len(leads) + 1):
        cut = leads.iloc[:last]
        found = analogs.windows(cut, leads.index[1], 1, 1)
        expected = everything[everything["known"] <= cut.index[-1]]
        pd.testing.assert_frame_equal(found, expected)


@given(values=steps)
def test_windows_begin_when_their_event_is_known_unless_they_are_said_to_look_ahead(values):
    leads = leads_of(values)
    table = events.streaks(leads, 2)
    over = table[~table["running"]]
    assert (events.window_starts(over, leads.index) == over["known"]).all()
    assert (events.window_starts(over, leads.index, "length reached") == over["reached"]).all()
    ahead = events.window_starts(over, leads.index, "last win")
    assert (ahead < over["known"]).all()
    assert events.looks_ahead("last win")
    assert not events.looks_ahead("first loss") + events.looks_ahead("length reached")


def test_a_window_from_the_last_win_begins_with_a_loss(market):
    """A recomputation found: -0.58, -0.99 and -1.11 points on the session that ends a streak."""
    daily = returns.lead(returns.simple_returns(market.closes))
    for length, points in ((8, -0.58), (10, -0.99), (12, -1.11)):
        table = events.earlier_streaks(daily, length)
        first = 100 * daily.reindex(pd.DatetimeIndex(table["known"]))
        assert (first <= 0).all()
        assert first.mean() == pytest.approx(points, abs=0.005)


def test_nobody_knew_a_recession_in_time(market):
    spans = market.recessions.dropna(subset=["known_from"])
    ends = pd.PeriodIndex(spans["trough"], freq="M").end_time
    late = (pd.to_datetime(spans["known_from"]) - ends).dt.days
    assert len(spans) == 6
    assert late.between(4 * 30, 21 * 31).all()
