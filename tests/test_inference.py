from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import closes_of
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from helpers import inference
from helpers.errors import InputError

samples = st.lists(st.floats(-50, 50), min_size=2, max_size=30).filter(lambda x: np.ptp(x) > 1e-6)
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@given(samples, LEVELS)
def test_t_interval_agrees_with_statsmodels(values, level):
    interval = inference.t_interval(pd.Series([*values, np.nan]), level)
    assert (interval.low, interval.high) == pytest.approx(
        DescrStatsW(values).tconfint_mean(1 - level)
    )
    assert (interval.level, interval.method) == (level, "t")


def test_t_interval_of_a_textbook_sample():
    # Mean 5, s = sqrt(2.5), t(0.975; 4) = 2.776: 5 -+ 2.776 x 0.7071.
    interval = inference.t_interval(pd.Series([3.0, 4, 5, 6, 7]))
    assert (interval.low, interval.high) == pytest.approx((3.037, 6.963), abs=0.001)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_t_interval_needs_two_values(values):
    assert inference.t_interval(pd.Series(values, dtype=float)) is None


@given(st.integers(0, 40), st.integers(1, 40), LEVELS)
def test_wilson_interval_agrees_with_scipy(hits, n, level):
    hits = min(hits, n)
    interval = inference.wilson_interval(hits, n, level)
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert -1e-12 <= interval.low <= hits / n <= interval.high + 1e-12 <= 1 + 1e-9


@given(st.integers(0, 30), st.integers(1, 30))
def test_wilson_interval_is_antisymmetric_in_hits_and_misses(hits, n):
    hits = min(hits, n)
    one, other = inference.wilson_interval(hits, n), inference.wilson_interval(n - hits, n)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


def test_wilson_interval_without_trials():
    assert inference.wilson_interval(0, 0) is None


def coverage(n: int, low: int, high: int) -> float:
    """Share of the 2^n equally likely sign patterns in which a pair of ranks holds the median.

    It lies between the low-th and high-th smallest value if at least ``low`` and fewer
    than ``high`` values fall below it.
    """
    patterns = [sum(signs) for signs in product((0, 1), repeat=n)]
    return sum(low <= below < high for below in patterns) / len(patterns)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", range(1, 14))
def test_median_interval_is_the_narrowest_that_covers(n, level):
    # Values 1 to n: the ends of the interval are the ranks of its order statistics.
    interval = inference.median_interval(pd.Series(range(1, n + 1), dtype=float), level)
    enough = [k for k in range(1, n // 2 + 1) if coverage(n, k, n + 1 - k) >= level]
    if not enough:
        assert interval is None
    else:
        assert (interval.low, interval.high) == (max(enough), n + 1 - max(enough))


def test_median_interval_does_not_depend_on_order_or_gaps():
    values = [9.0, 1, 8, np.nan, 2, 7, 3]
    interval = inference.median_interval(pd.Series(values))
    assert (interval.low, interval.high) == (1, 9)


@pytest.mark.parametrize("min_length", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("win_share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_expected_runs_agree_with_every_history(n, win_share, min_length):
    expected = 0.0
    for wins in product((0, 1), repeat=n):
        runs = "".join(map(str, wins)).split("0")
        chance = np.prod([win_share if won else 1 - win_share for won in wins])
        expected += chance * sum(len(run) >= min_length for run in runs)
    assert inference.expected_runs(n, win_share, min_length) == pytest.approx(expected)


class TestChanceStreaks:
    def test_same_seed_same_histories(self):
        one, same, other = (inference.chance_streaks(500, 0.5, 3, 20, seed) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one, same)
        assert not one.equals(other)

    def test_mean_count_comes_near_the_exact_expectation(self):
        drawn = inference.chance_streaks(400, 0.5, 4, 2000, seed=7)["count"]
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(drawn.mean() - inference.expected_runs(400, 0.5, 4)) < 4 * error

    @pytest.mark.parametrize(("win_share", "count", "longest"), [(0.0, 0, 0), (1.0, 1, 30)])
    def test_certain_histories(self, win_share, count, longest):
        drawn = inference.chance_streaks(30, win_share, 5, 3, seed=0)
        assert drawn.drop_duplicates().to_numpy().tolist() == [[count, longest]]


class TestEventStudy:
    def test_agrees_with_a_plain_calculation(self):
        small = [100.0, 102, 101, 105, 104, 108, 110]
        closes = closes_of(small)
        days = closes.index[[0, 2, 6]]
        row = inference.event_study(closes, days, (2,)).loc[2]
        leads = [100 * (small[2] / small[0] - 1), 100 * (small[4] / small[2] - 1)]
        every = [100 * (b / a - 1) for a, b in zip(small, small[2:], strict=False)]
        assert (row["n"], row["dropped"]) == (2, 1)
        assert row["mean"] == pytest.approx(np.mean(leads))
        assert row["median"] == pytest.approx(np.median(leads))
        assert row["hit_rate"] == 1
        assert row["base_mean"] == pytest.approx(np.mean(every))
        assert row["base_hit_rate"] == pytest.approx(np.mean([x > 0 for x in every]))
        assert row["low"] < row["mean"] < row["high"]

    def test_one_event_has_no_t_interval(self):
        closes = closes_of([100.0, 102, 101])
        row = inference.event_study(closes, closes.index[[0]], (1,)).loc[1]
        assert np.isnan([row["low"], row["high"]]).all()
        assert row["n"] == 1

    def test_no_event_with_a_full_window_is_refused(self):
        closes = closes_of([100.0, 102, 101])
        with pytest.raises(InputError, match="5 sessions: expected at least one event"):
            inference.event_study(closes, closes.index, (1, 5))

    def test_portfolios_are_compounded_over_months(self):
        months = pd.period_range("2000-01", periods=5, freq="M")
        frame = pd.DataFrame({"small": [0.0, 0.1, 0.1, 0.1, 0.1], "large": 0.0}, index=months)
        table = inference.portfolio_event_study(frame, months[[0, 4]], (1, 2))
        assert table["mean"].tolist() == pytest.approx([10, 21])
        assert table["dropped"].tolist() == [1, 1]
        assert table["base_mean"].tolist() == pytest.approx([10, 21])
