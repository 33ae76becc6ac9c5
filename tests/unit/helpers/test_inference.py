from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from helpers import event_studies, inference, nulls
from helpers.errors import InputError
from support.data import closes_of

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


class TestBlockInterval:
    @staticmethod
    def autoregressive(n: int, slope: float, seed: int) -> np.ndarray:
        shocks = np.random.default_rng(seed).normal(size=n)
        values = [0.0]
        for shock in shocks:
            values.append(slope * values[-1] + shock)
        return np.array(values[1:])

    def test_block_length_is_that_of_arch(self):
        values = self.autoregressive(500, 0.8, 1)
        expected = optimal_block_length(values)["stationary"].iloc[0]
        assert inference.block_length(pd.Series(values)) == pytest.approx(expected)
        assert expected > 10

    def test_block_is_at_least_one_value(self):
        # A series that alternates asks for less than one; a constant one for nothing.
        noise = self.autoregressive(500, 0.0, 4)
        assert inference.block_length(noise) >= 1
        assert inference.block_length(np.ones(30)) == 1

    def test_agrees_with_a_plain_calculation_on_the_resamples_of_arch(self):
        values = self.autoregressive(120, 0.6, 2)
        n, block = len(values), round(inference.block_length(values))
        assert block > 1

        def error(series):
            # Sum of all autocovariances, those of lag k times (1 - 1/block)^k, over n.
            apart = series - series.mean()
            lags = range(-n + 1, n)
            products = [apart[abs(k) :] @ apart[: n - abs(k)] / n for k in lags]
            weights = [(1 - 1 / block) ** abs(k) for k in lags]
            return np.sqrt(np.dot(products, weights) / n)

        bootstrap = StationaryBootstrap(block, values, seed=np.random.default_rng(9))
        distances = sorted(
            abs(x.mean() - values.mean()) / error(x) for (x,), _ in bootstrap.bootstrap(99)
        )
        half = distances[94] * error(values)
        interval = inference.block_interval(pd.Series(values), draws=99, seed=9)
        assert interval.low == pytest.approx(values.mean() - half)
        assert interval.high == pytest.approx(values.mean() + half)
        assert interval.method == f"stationary bootstrap, mean block {block}"

    def test_independent_values_give_about_students_interval(self):
        values = self.autoregressive(400, 0.0, 3)
        assert round(inference.block_length(values)) <= 2
        block, t = inference.block_interval(values), inference.t_interval(pd.Series(values))
        assert block.high - block.low == pytest.approx(t.high - t.low, rel=0.1)

    def test_persistence_widens_it(self):
        values = self.autoregressive(1000, 0.8, 1)
        block, t = inference.block_interval(values), inference.t_interval(pd.Series(values))
        # The standard error of the mean of an AR(1) is sqrt((1 + r) / (1 - r)) = 3 times as large.
        assert 2 < (block.high - block.low) / (t.high - t.low) < 4

    def test_is_reproducible_and_of_the_asked_level(self):
        values = self.autoregressive(100, 0.5, 1)
        one, same, other = (inference.block_interval(values, 0.8, 200, k) for k in (1, 1, 2))
        assert one == same != other
        assert one.level == 0.8
        assert one.high < inference.block_interval(values, 0.99, 200, 1).high

    def test_shares_and_constant_series(self):
        won = pd.Series(self.autoregressive(200, 0.0, 5) > 0)
        interval = inference.block_interval(won)
        assert interval.low < won.mean() < interval.high
        constant = inference.block_interval(np.ones(30), draws=10)
        assert (constant.low, constant.high) == (1, 1)

    def test_refuses_gaps_and_short_series(self):
        with pytest.raises(InputError, match="value 2: expected no NaN"):
            inference.block_interval(np.array([0.0, 1, np.nan] + [1.0] * 20))
        with pytest.raises(InputError, match="19 values: expected at least 20"):
            inference.block_interval(np.arange(19.0))


class TestBinomialTest:
    def test_agrees_with_a_hand_calculation(self):
        # 3 or fewer of 9 at 0.5: (1 + 9 + 36 + 84) / 512; twice that on both sides.
        assert inference.binomial_test(3, 9, 0.5, "less") == pytest.approx(130 / 512)
        assert inference.binomial_test(3, 9, 0.5) == pytest.approx(260 / 512)

    @given(st.integers(0, 20), st.integers(1, 20), st.floats(0.01, 0.99))
    def test_agrees_with_the_sums_of_probabilities(self, hits, n, share):
        hits = min(hits, n)
        chances = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
        greater = inference.binomial_test(hits, n, share, "greater")
        assert greater == pytest.approx(sum(chances[hits:]))
        as_rare = sum(c for c in chances if c <= chances[hits] * (1 + 1e-7))
        assert inference.binomial_test(hits, n, share) == pytest.approx(as_rare)

    @pytest.mark.parametrize(("hits", "n", "share"), [(0, 0, 0.5), (5, 4, 0.5), (1, 4, 1.5)])
    def test_refuses_impossible_numbers(self, hits, n, share):
        with pytest.raises(InputError, match="expected"):
            inference.binomial_test(hits, n, share)


class TestPermutationDifference:
    EARLY, LATE = np.array([2.0, 5, -1, 4]), np.array([7.0, 3, 9])

    def test_agrees_with_every_relabelling(self):
        everything = np.concatenate([self.EARLY, self.LATE])
        observed = self.LATE.mean() - self.EARLY.mean()
        differences = []
        for chosen in combinations(range(7), 3):
            late = everything[list(chosen)]
            rest = np.delete(everything, chosen)
            differences.append(late.mean() - rest.mean())
        differences = np.array(differences)
        above = np.mean(differences >= observed - 1e-9)
        below = np.mean(differences <= observed + 1e-9)
        found = inference.permutation_difference(self.EARLY, pd.Series([*self.LATE, np.nan]))
        assert found["difference"] == pytest.approx(observed)
        assert found["p"] == pytest.approx(2 * min(above, below))
        assert (found["relabellings"], found["exact"]) == (35, True)
        # However few draws are asked for, all relabellings are tried where that can be done.
        assert inference.permutation_difference(self.EARLY, self.LATE, draws=5) == found

    def test_draws_where_there_are_too_many_relabellings(self):
        rng = np.random.default_rng(1)
        early, late = rng.normal(0, 1, 12), rng.normal(0.9, 1, 12)
        one, same, other = (
            inference.permutation_difference(early, late, 999, seed) for seed in (1, 1, 2)
        )
        assert one == same
        assert one["p"] != other["p"]
        assert (one["relabellings"], one["exact"]) == (999, False)
        # Close to that of Student's test on normal values, and never below 2 / (1 + draws).
        assert one["p"] == pytest.approx(stats.ttest_ind(early, late).pvalue, abs=0.02)
        assert inference.permutation_difference(early, late + 99, 999)["p"] == 2 / 1000

    def test_refuses_an_empty_group(self):
        with pytest.raises(InputError, match="at least one event in each group"):
            inference.permutation_difference([], [1.0])


class TestManyTests:
    P = pd.Series({"a": 0.01, "b": np.nan, "c": 0.04, "d": 0.03, "e": 0.5})

    def test_textbook_values(self):
        # Four tests, sorted 0.01, 0.03, 0.04, 0.5: Holm multiplies by 4, 3, 2, 1 and never falls;
        # Benjamini and Hochberg by 4/1, 4/2, 4/3, 4/4 and never rise from the largest down.
        holm, hochberg = inference.holm(self.P), inference.benjamini_hochberg(self.P)
        pd.testing.assert_series_equal(
            holm, pd.Series({"a": 0.04, "b": np.nan, "c": 0.09, "d": 0.09, "e": 0.5})
        )
        expected = pd.Series({"a": 0.04, "b": np.nan, "c": 0.16 / 3, "d": 0.16 / 3, "e": 0.5})
        pd.testing.assert_series_equal(hochberg, expected)

    @pytest.mark.parametrize("m", [1, 15])
    def test_agrees_with_the_definitions(self, m):
        values = np.random.default_rng(m).beta(0.3, 1, m)
        p = np.sort(values)
        down, up, highest, lowest = [], [], 0.0, 1.0
        for rank in range(m):
            highest = max(highest, min(1.0, (m - rank) * p[rank]))
            down.append(highest)
            lowest = min(lowest, m / (m - rank) * p[m - 1 - rank])
            up.insert(0, lowest)
        holm = np.sort(inference.holm(pd.Series(values)))
        hochberg = np.sort(inference.benjamini_hochberg(pd.Series(values)))
        assert holm == pytest.approx(down)
        assert hochberg == pytest.approx(up)

    def test_nothing_tested(self):
        assert inference.holm(pd.Series([np.nan, None])).isna().all()

    def test_refuses_what_is_no_probability(self):
        with pytest.raises(InputError, match="from 0 to 1"):
            inference.holm(pd.Series([0.2, 1.2]))


class TestPower:
    @pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
    @pytest.mark.parametrize("n", [3, 4, 9, 16, 19])
    def test_smallest_effect_agrees_with_statsmodels(self, n, power):
        expected = TTestPower().solve_power(nobs=n, power=power, alpha=0.05)
        assert inference.smallest_effect(2.0, n, power) == pytest.approx(2 * expected, rel=1e-5)

    @given(st.floats(0.1, 30), st.integers(5, 100), st.floats(0.1, 0.95))
    def test_an_effect_so_small_is_found_so_often(self, sd, n, power):
        effect = inference.smallest_effect(sd, n, power)
        assert TTestPower().power(effect / sd, n, 0.05) == pytest.approx(power, abs=1e-5)

    @pytest.mark.parametrize(
        ("sd", "n", "power"), [(0, 9, 0.8), (1, 1, 0.8), (1, 9, 1), (1, 9, 0.01)]
    )
    def test_refuses_impossible_numbers(self, sd, n, power):
        with pytest.raises(InputError, match="expected"):
            inference.smallest_effect(sd, n, power)


@pytest.mark.parametrize("min_length", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("win_share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_expected_runs_agree_with_every_history(n, win_share, min_length):
    expected = 0.0
    for wins in product((0, 1), repeat=n):
        runs = "".join(map(str, wins)).split("0")
        chance = np.prod([win_share if won else 1 - win_share for won in wins])
        expected += chance * sum(len(run) >= min_length for run in runs)
    assert nulls.expected_runs(n, win_share, min_length) == pytest.approx(expected)


class TestChanceStreaks:
    def test_same_seed_same_histories(self):
        one, same, other = (nulls.chance_streaks(500, 0.5, 3, 20, seed) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one, same)
        assert not one.equals(other)

    def test_mean_count_comes_near_the_exact_expectation(self):
        drawn = nulls.chance_streaks(400, 0.5, 4, 2000, seed=7)["count"]
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(drawn.mean() - nulls.expected_runs(400, 0.5, 4)) < 4 * error

    @pytest.mark.parametrize(("win_share", "count", "longest"), [(0.0, 0, 0), (1.0, 1, 30)])
    def test_certain_histories(self, win_share, count, longest):
        drawn = nulls.chance_streaks(30, win_share, 5, 3, seed=0)
        assert drawn.drop_duplicates().to_numpy().tolist() == [[count, longest]]


class TestEventStudy:
    def test_agrees_with_a_plain_calculation(self):
        small = [100.0, 102, 101, 105, 104, 108, 110]
        closes = closes_of(small)
        days = closes.index[[0, 2, 6]]
        row = event_studies.event_study(closes, days, (2,)).loc[2]
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
        row = event_studies.event_study(closes, closes.index[[0]], (1,)).loc[1]
        assert np.isnan([row["low"], row["high"]]).all()
        assert row["n"] == 1

    def test_no_event_with_a_full_window_is_a_row_of_none(self):
        closes = closes_of([100.0, 102, 101])
        row = event_studies.event_study(closes, closes.index, (1, 5)).loc[5]
        assert (row["n"], row["dropped"]) == (0, 3)
        assert row[["mean", "low", "median", "hit_rate", "hit_low"]].isna().all()

    def test_portfolios_are_compounded_over_months(self):
        months = pd.period_range("2000-01", periods=5, freq="M")
        frame = pd.DataFrame({"small": [0.0, 0.1, 0.1, 0.1, 0.1], "large": 0.0}, index=months)
        table = event_studies.portfolio_event_study(frame, months[[0, 4]], (1, 2))
        assert table["mean"].tolist() == pytest.approx([10, 21])
        assert table["dropped"].tolist() == [1, 1]
        assert table["base_mean"].tolist() == pytest.approx([10, 21])
