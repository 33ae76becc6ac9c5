from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import analogs, economy, events, returns
from helpers.errors import InputError
from support.data import FIRST_CUTS, closes_of, raw

lead_values = st.lists(
    st.sampled_from([-0.02, -0.001, 0.0, 0.001, 0.02, float("nan")]), min_size=0, max_size=60
)
levels = st.lists(st.integers(1, 12).map(float), min_size=1, max_size=40)


def series(values) -> pd.Series:
    days = pd.bdate_range("2020-01-01", periods=len(values), unit="us")
    return pd.Series(values, index=days, dtype=float)


def runs_by_loop(values: list[float]) -> list[tuple[int, int]]:
    """First and last position of each unbroken run of winning values."""
    runs, start = [], None
    for i, value in enumerate(values):
        if value > 0:
            start = i if start is None else start
        elif start is not None:
            runs.append((start, i - 1))
            start = None
    if start is not None:
        runs.append((start, len(values) - 1))
    return runs


class TestStreaks:
    @given(lead_values)
    def test_agree_with_a_plain_loop(self, values):
        leads = series(values)
        table = events.streaks(leads)
        expected = runs_by_loop(values)
        assert table["start"].tolist() == [leads.index[a] for a, _ in expected]
        assert table["end"].tolist() == [leads.index[b] for _, b in expected]
        assert table["length"].tolist() == [b - a + 1 for a, b in expected]
        assert table["running"].tolist() == [b == len(values) - 1 for _, b in expected]

    @given(lead_values)
    def test_lengths_sum_to_the_number_of_wins(self, values):
        assert events.streaks(series(values))["length"].sum() == sum(v > 0 for v in values)

    @given(lead_values, st.integers(1, 10))
    def test_a_longer_minimum_keeps_a_part(self, values, length):
        every, kept = events.streaks(series(values)), events.streaks(series(values), length)
        assert kept["start"].tolist() == every.loc[every["length"] >= length, "start"].tolist()

    @pytest.mark.parametrize("breaker", [0.0, float("nan"), -1e-12])
    def test_end_at_a_tie_a_gap_and_the_smallest_loss(self, breaker):
        table = events.streaks(series([0.01, breaker, 0.01, 0.01]))
        assert table["length"].tolist() == [1, 2]

    @given(lead_values, st.integers(1, 5))
    def test_earlier_and_running_make_up_all(self, values, length):
        leads = series(values)
        now = events.running_streak(leads)
        expected = runs_by_loop(values)
        running = expected and expected[-1][1] == len(values) - 1
        assert now["length"] == (expected[-1][1] - expected[-1][0] + 1 if running else 0)
        earlier = events.earlier_streaks(leads, length)
        both = len(earlier) + (now["length"] >= length)
        assert both == len(events.streaks(leads, length))
        assert not earlier["running"].any()

    @pytest.mark.parametrize("length", [0, -3])
    def test_refuse_an_impossible_minimum(self, length):
        with pytest.raises(InputError, match="expected at least 1"):
            events.streaks(series([0.01]), length)

    def test_the_longest_that_ended_in_a_month_is_the_later_on_a_tie(self):
        leads = series([0.01, 0.01, -1, 0.01, -1, 0.01, 0.01, -1, 0.01])  # all in January 2020
        found = events.longest_streak_in(leads, "2020-01")
        assert (found["start"], found["length"]) == (leads.index[5], 2)

    def test_a_month_without_a_streak_is_refused(self):
        with pytest.raises(InputError, match="2020-02: expected a month in which a streak ended"):
            events.longest_streak_in(series([0.01]), "2020-02")

    def test_the_streak_of_january_2026(self, market):
        leads = returns.lead(returns.simple_returns(market.closes))
        (row,) = events.streaks(leads.loc["2025-12-31":], 14).to_dict("records")
        assert [str(row["start"])[:10], str(row["end"])[:10]] == ["2026-01-02", "2026-01-22"]
        assert row["length"] == 14

    def test_monthly_leads_make_monthly_streaks(self):
        months = pd.period_range("2020-01", periods=4, freq="M")
        table = events.streaks(pd.Series([0.1, 0.1, -0.1, 0.1], index=months))
        assert [str(end) for end in table["end"]] == ["2020-02", "2020-04"]


def first_cuts_slowly(rows, min_change_bp, quiet_months):
    """The rule in DESIGN's words, move by move: (date, change) pairs in, dates out."""
    big = [(day, change) for day, change in rows if abs(change) >= min_change_bp]
    found = []
    for i, (day, change) in enumerate(big):
        if change >= 0 or i == 0 or big[i - 1][1] <= 0:
            continue
        since = day - pd.DateOffset(months=quiet_months)
        if not any(since < earlier < day and move < 0 for earlier, move in big):
            found.append(day)
    return found


moves = st.lists(
    st.tuples(st.integers(1, 300), st.sampled_from([-50, -25, -12.5, 12.5, 25, np.nan])),
    min_size=8,
    max_size=40,
)


class TestFirstCuts:
    def test_are_the_nine_known_ones(self, market):
        assert [str(day.date()) for day in events.first_cuts(market.target)] == FIRST_CUTS

    @settings(max_examples=100)
    @given(moves, st.sampled_from([10, 25, 50]), st.sampled_from([0, 3, 12]))
    def test_agree_with_a_slow_implementation(self, steps, bp, quiet):
        days = pd.Timestamp("1980-01-01") + pd.to_timedelta(np.cumsum([d for d, _ in steps]), "D")
        target = pd.DataFrame(
            {"change_bp": np.array([c for _, c in steps], dtype=float)},
            index=pd.DatetimeIndex(days),
        )
        expected = first_cuts_slowly(list(target["change_bp"].items()), bp, quiet)
        assert list(events.first_cuts(target, bp, quiet)) == expected

    def test_target_in_force_changes_on_the_day_of_its_announcement(self, market):
        assert economy.target_on(market.target, "2024-09-17")["upper_percent"] == 5.5
        assert economy.target_on(market.target, "2024-09-18")["upper_percent"] == 5.0

    def test_a_day_before_the_first_target_is_refused(self, market):
        with pytest.raises(InputError, match="expected a date on or after 1982-09-27"):
            economy.target_on(market.target, "1982-09-26")

    def test_changes_are_differences_of_the_upper_end(self):
        rows = raw("fed_target_changes")
        for before, row in pairwise(rows):
            change = 100 * (float(row["upper_percent"]) - float(before["upper_percent"]))
            assert float(row["change_bp"]) == pytest.approx(change)


class TestLevels:
    @given(levels, st.one_of(st.none(), st.integers(1, 10)))
    def test_drawdown_agrees_with_a_plain_loop(self, values, window):
        measured = events.drawdown(series(values), window)
        for i, depth in enumerate(measured):
            first = 0 if window is None else max(0, i - window + 1)
            assert depth == pytest.approx(values[i] / max(values[first : i + 1]) - 1)
            assert depth <= 0

    @given(levels)
    def test_records_agree_with_a_plain_loop(self, values):
        table = events.records(series(values))
        found = [i for i, value in enumerate(values) if all(value > v for v in values[:i])]
        assert table.index.tolist() == series(values).index[found].tolist()
        gaps = [b - a - 1 for a, b in pairwise(found)]
        assert table["quiet"].tolist()[1:] == gaps
        assert np.isnan(table["quiet"].iloc[0])

    @given(levels)
    def test_records_lie_where_the_drawdown_is_nil(self, values):
        assert (
            events.drawdown(series(values)).loc[events.records(series(values)).index] == 0
        ).all()

    def test_the_bear_market_of_2007_to_2009_is_the_deepest(self, market):
        depth = events.drawdown(market.closes["sp_500"])
        assert str(depth.idxmin().date()) == "2009-03-09"
        assert 100 * depth.min() == pytest.approx(-56.8, abs=0.05)


class TestCounting:
    @given(st.lists(st.integers(0, 100), max_size=30, unique=True), st.integers(0, 20))
    def test_episodes_agree_with_a_plain_loop(self, days, gap):
        count, last = 0, None
        for day in sorted(days):
            count += last is None or day - last > gap
            last = day
        assert events.merged_episodes(np.array(days, dtype=int), gap) == count

    @given(st.lists(st.integers(0, 12), max_size=8, unique=True), st.integers(1, 6))
    def test_windows_that_do_not_overlap_are_as_many_as_can_be(self, starts, width):
        best = 0  # every subset of the starts, by brute force
        for mask in range(2 ** len(starts)):
            chosen = sorted(s for i, s in enumerate(starts) if mask >> i & 1)
            if all(b - a >= width for a, b in pairwise(chosen)):
                best = max(best, len(chosen))
        assert events.non_overlapping(np.array(starts, dtype=int), width) == best


class TestComplete:
    def test_drops_and_counts(self):
        closes = closes_of([100, 110, 121])
        table = events.forward_leads(closes, closes.index, 1)
        kept, dropped = events.complete(table)
        assert kept["lead"].tolist() == pytest.approx([0.1, 0.1])
        assert dropped == 1

    def test_no_event_is_an_answer(self):
        closes = closes_of([100, 110, 121])
        kept, dropped = events.complete(events.forward_leads(closes, closes.index, 3))
        assert kept.empty
        assert dropped == 3


def test_recession_leads_agree_with_a_plain_loop(market):
    table = events.recession_leads(market.portfolios, market.recessions)
    rows = {row["month"]: row for row in raw("size_portfolios_monthly")}
    held = [row for row in raw("recessions") if row["peak"] in rows and row["trough"] in rows]
    assert [str(peak) for peak in table.index] == [row["peak"] for row in held]
    for spell, measured in zip(held, table["lead"], strict=True):
        small = large = 1.0
        for month, row in rows.items():
            if spell["peak"] < month <= spell["trough"]:
                small *= 1 + float(row["small_percent"]) / 100
                large *= 1 + float(row["large_percent"]) / 100
        assert measured == pytest.approx(small - large)


class TestAnalogWindows:
    @given(
        st.lists(st.floats(-0.05, 0.05), min_size=8, max_size=40),
        st.integers(1, 4),
        st.integers(0, 4),
        st.integers(0, 39),
    )
    def test_agree_with_a_plain_loop(self, values, before, after, anchor):
        anchor = before - 1 + anchor % (len(values) - after - before + 1)
        leads = series(values)

        def path(i):
            return [
                sum(values[: k + 1]) - sum(values[: i + 1])
                for k in range(i - before, i + after + 1)
            ]

        own = path(anchor)
        table = analogs.windows(leads, leads.index[anchor], before, after)
        expected = {
            leads.index[i]: np.sqrt(
                np.mean([(a - b) ** 2 for a, b in zip(path(i), own, strict=True)])
            )
            for i in range(max(0, before - 1), len(values) - after)
            if abs(i - anchor) > before + after
        }
        assert list(table.index) == list(expected)
        assert table["distance"].to_numpy() == pytest.approx(list(expected.values()), abs=1e-9)
        assert table["correlation"].abs().le(1 + 1e-9).all()

    def test_a_repeated_path_is_found_at_no_distance(self):
        steps = [0.01, -0.02, 0.03, 0.01]
        leads = series([*steps, *[0.0] * 10, *steps])
        table = analogs.windows(leads, leads.index[16], 2, 1)
        best = table["distance"].idxmin()
        assert best == leads.index[2]
        assert list(table.loc[best, ["distance", "correlation"]]) == pytest.approx(
            [0, 1], abs=1e-12
        )

    @pytest.mark.parametrize("anchor", [0, 9])
    def test_an_anchor_without_a_full_window_is_refused(self, anchor):
        leads = series([0.01] * 10)
        with pytest.raises(InputError, match="expected a session with 3 before it and 1 after"):
            analogs.windows(leads, leads.index[anchor], 3, 1)

    def test_a_day_that_is_no_session_is_refused(self):
        with pytest.raises(InputError, match="expected a session"):
            analogs.windows(series([0.01] * 30), pd.Timestamp("2020-01-04"), 1, 1)

    def test_log_leads_sum_to_the_log_of_the_ratio(self, market):
        leads = analogs.log_leads(market.closes)
        first, last = market.closes.iloc[0], market.closes.iloc[-1]
        ratio = np.log(last / first)
        assert leads.sum() == pytest.approx(ratio["russell_2000"] - ratio["sp_500"])
        assert len(leads) == len(market.closes) - 1


def test_windows_start_at_the_last_win_or_at_the_first_loss():
    sessions = pd.bdate_range("2026-01-01", periods=7)
    leads = pd.Series([1, -1, 1, 1, -1, 1, 1], sessions, dtype=float)
    table = events.streaks(leads)
    last = events.window_starts(table, sessions, "last win")
    lost = events.window_starts(table, sessions)
    assert events.looks_ahead("last win").startswith("looks ahead")
    assert not events.looks_ahead("first loss")
    assert [sessions.get_loc(day) for day in last] == [0, 3, 6]
    assert [sessions.get_loc(day) for day in lost] == [1, 4, 6]  # the last streak still runs
    reached = events.window_starts(events.streaks(leads, 2), sessions, "length reached")
    assert [sessions.get_loc(day) for day in reached] == [3, 6]
    with pytest.raises(InputError, match="window_from 'soon': expected one of first loss, length"):
        events.window_starts(table, sessions, "soon")


def test_a_published_study_of_streaks_is_reproduced(market):
    """One house: 19 streaks of eight or more, 1988 to 2025; a month on +2.72%, ahead in 74%."""
    closes = market.closes.loc["1987-12-31":"2025-12-31"]
    table = events.earlier_streaks(returns.lead(returns.simple_returns(closes)), 8)
    start = events.window_starts(table, closes.index, "first loss")
    after = 100 * events.forward_leads(closes, start, 21)
    assert len(table) == 19
    assert after["russell_2000"].mean() == pytest.approx(2.72, abs=0.5)
    assert abs((after["lead"] > 0).sum() - round(0.74 * 19)) <= 2
