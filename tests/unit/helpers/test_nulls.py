from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import inference, nulls
from helpers.errors import InputError


class TestEventSpacing:
    def test_is_the_smallest_distance_in_any_order(self):
        assert nulls.event_spacing(np.array([40, 10, 25])) == 15

    def test_one_event_keeps_no_distance(self):
        assert nulls.event_spacing(np.array([7])) == 1

    @pytest.mark.parametrize(
        ("positions", "message"), [([], "at least one"), ([3, 3], "different")]
    )
    def test_refuses_what_are_no_events(self, positions, message):
        with pytest.raises(InputError, match=message):
            nulls.event_spacing(np.array(positions))


class TestPlaceboDates:
    @given(st.integers(1, 12), st.integers(1, 20), st.integers(0, 60), st.integers(0, 2**32 - 1))
    def test_dates_keep_their_distance_within_the_admissible_ones(self, n, gap, room, seed):
        n_admissible = (n - 1) * gap + 1 + room
        drawn = nulls.placebo_dates(n_admissible, n, gap, 20, np.random.default_rng(seed))
        assert drawn.shape == (20, n)
        assert drawn.min() >= 0
        assert drawn.max() < n_admissible
        assert (np.diff(drawn, axis=1) >= gap).all()

    @pytest.mark.parametrize(
        ("n_admissible", "n_events", "min_gap"),
        [(9, 3, 1), (9, 3, 2), (10, 3, 3), (9, 2, 5), (8, 6, 1), (7, 1, 4), (8, 4, 2)],
    )
    def test_every_set_is_equally_likely(self, n_admissible, n_events, min_gap):
        every = [
            positions
            for positions in combinations(range(n_admissible), n_events)
            if all(b - a >= min_gap for a, b in pairwise(positions))
        ]
        draws = 400 * len(every)
        rng = np.random.default_rng(20)
        drawn = nulls.placebo_dates(n_admissible, n_events, min_gap, draws, rng)
        counts = Counter(map(tuple, drawn.tolist()))
        assert set(counts) == set(every)
        assert stats.chisquare([counts[positions] for positions in every]).pvalue > 0.001

    @pytest.mark.parametrize(("n_admissible", "min_gap"), [(5, 1), (13, 3)])
    def test_only_one_set_fits(self, n_admissible, min_gap):
        drawn = nulls.placebo_dates(n_admissible, 5, min_gap, 9, np.random.default_rng(0))
        assert np.unique(drawn, axis=0).tolist() == [[min_gap * k for k in range(5)]]

    def test_same_seed_same_dates(self):
        one, same, other = (
            nulls.placebo_dates(500, 5, 30, 8, np.random.default_rng(seed)) for seed in (1, 1, 2)
        )
        assert (one == same).all()
        assert (one != other).any()

    def test_says_how_many_fit(self):
        with pytest.raises(InputError, match="4 events at least 4 apart: expected at most 3 among"):
            nulls.placebo_dates(12, 4, 4, 1, np.random.default_rng(0))
        assert nulls.placebo_dates(13, 4, 4, 1, np.random.default_rng(0)).tolist() == [
            [0, 4, 8, 12]
        ]

    @pytest.mark.parametrize(("n_events", "min_gap"), [(0, 1), (1, 0)])
    def test_refuses_no_event_and_no_distance(self, n_events, min_gap):
        with pytest.raises(InputError, match="expected at least 1 of each"):
            nulls.placebo_dates(12, n_events, min_gap, 1, np.random.default_rng(0))


class TestPlacebo:
    OUTCOMES = np.random.default_rng(5).normal(1, 10, 800)

    def test_agrees_with_a_plain_calculation_on_the_same_dates(self):
        found = nulls.placebo(pd.Series(self.OUTCOMES), 6, 40, draws=50, seed=3)
        dates = nulls.placebo_dates(800, 6, 40, 50, np.random.default_rng(3))
        for row, positions in zip(found.itertuples(index=False), dates, strict=True):
            chosen = sorted(self.OUTCOMES[p] for p in positions)
            assert row[0] == pytest.approx(sum(chosen) / 6, rel=1e-12)
            assert row[1] == pytest.approx((chosen[2] + chosen[3]) / 2, rel=1e-12)
            assert row[2] == sum(x > 0 for x in chosen) / 6

    def test_zero_is_no_hit(self):
        assert nulls.placebo(np.zeros(10), 2, 1, ["hit rate"], draws=3)["hit rate"].eq(0).all()

    def test_mean_of_the_draws_is_that_of_all_dates(self):
        # Without a distance to keep each date is drawn as often as any other; the variance is
        # that of sampling without replacement.
        found = nulls.placebo(self.OUTCOMES, 20, 1, ["mean"], draws=20_000)["mean"]
        variance = self.OUTCOMES.var(ddof=1) / 20 * (1 - 20 / 800)
        assert abs(found.mean() - self.OUTCOMES.mean()) < 4 * np.sqrt(variance / 20_000)
        assert found.var() == pytest.approx(variance, rel=0.05)

    def test_chunks_are_whole(self, monkeypatch):
        monkeypatch.setattr(nulls, "_CHUNK", 64)
        found = nulls.placebo(self.OUTCOMES, 10, 5, ("median", "mean"), draws=20)
        assert found.shape == (20, 2)
        assert list(found) == ["median", "mean"]
        assert not found.duplicated().any()

    def test_refuses_a_gap_in_the_outcomes_and_an_unknown_statistic(self):
        with pytest.raises(InputError, match="none NaN"):
            nulls.placebo(np.array([1.0, np.nan, 2.0]), 1, 1)
        with pytest.raises(InputError, match="statistic 'mode': expected one of mean, median"):
            nulls.placebo(np.arange(5.0), 1, 1, ["mode"])


class TestPlaceboTest:
    def test_counts_the_finding_among_the_draws(self):
        # Of 1 to 99, three are at least 97: p = (1 + 3) / 100.
        found = nulls.placebo_test(97, np.arange(1, 100), "greater")
        assert found["p"] == pytest.approx(0.04)
        assert found["percentile"] == pytest.approx(100 * 96.5 / 99)
        assert found["mean"] == 50
        assert (found["low"], found["high"]) == pytest.approx((3.45, 96.55))

    @pytest.mark.parametrize(
        ("observed", "side", "p"),
        [(97, "less", 0.98), (97, "two-sided", 0.08), (50, "two-sided", 1), (200, "greater", 0.01)],
    )
    def test_sides(self, observed, side, p):
        assert nulls.placebo_test(observed, np.arange(1, 100), side)["p"] == pytest.approx(p)

    def test_sums_in_another_order_are_ties(self):
        # 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last digit.
        found = nulls.placebo_test(0.6, np.array([0.1 + 0.2 + 0.3] * 9), "less")
        assert (found["p"], found["percentile"]) == (1, 50)

    @given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.integers(-6, 6))
    def test_sides_mirror_each_other(self, drawn, observed):
        values = np.array(drawn)
        up = nulls.placebo_test(observed, values, "greater")
        down = nulls.placebo_test(-observed, -values, "less")
        both = nulls.placebo_test(observed, values)["p"]
        assert up["p"] == down["p"]
        assert up["percentile"] == pytest.approx(100 - down["percentile"])
        assert 1 / (1 + len(values)) <= up["p"] <= 1
        assert both <= 2 * up["p"]

    def test_agrees_with_scipy_on_all_sets_of_dates(self):
        # scipy counts ties among all relabellings; here each of them is one draw.
        values = np.array([3.0, -1, 4, 1, -5, 9])
        every = [np.mean(values[list(pair)]) for pair in combinations(range(6), 2)]
        expected = np.mean(np.array(every) >= 2 - 1e-9)
        found = nulls.placebo_test(2.0, np.array(every), "greater")["p"]
        assert found == pytest.approx((1 + expected * 15) / 16)

    @pytest.mark.parametrize(("observed", "drawn"), [(1, []), (np.nan, [1.0]), (1, [np.nan])])
    def test_refuses_what_cannot_be_ranked(self, observed, drawn):
        with pytest.raises(InputError, match="expected a finding and at least one draw"):
            nulls.placebo_test(observed, np.array(drawn))

    def test_refuses_another_side(self):
        with pytest.raises(InputError, match="side 'up': expected one of greater, less"):
            nulls.placebo_test(1, np.arange(3), "up")


def histories(n: int, win_share: float) -> list[tuple[list[int], float]]:
    """Lengths of the runs of every possible history, and its probability."""
    result = []
    for wins in product((0, 1), repeat=n):
        lengths = [len(run) for run in "".join(map(str, wins)).split("0") if run]
        result.append((lengths, win_share ** sum(wins) * (1 - win_share) ** (n - sum(wins))))
    return result


@pytest.mark.parametrize("win_share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 4, 9])
class TestRunsOfEveryHistory:
    def test_expected_number_of_each_length(self, n, win_share):
        law = nulls.run_length_law(n, win_share, range(1, n + 2))
        for length, expected in law.items():
            counted = sum(lengths.count(length) * p for lengths, p in histories(n, win_share))
            assert expected == pytest.approx(counted, abs=1e-12)

    def test_chance_of_at_least_one(self, n, win_share):
        for length in range(1, n + 2):
            every = histories(n, win_share)
            counted = sum(p for lengths, p in every if max(lengths, default=0) >= length)
            found = nulls.at_least_one_run(n, win_share, length)
            assert found == pytest.approx(counted, abs=1e-12)


def test_run_lengths_fall_geometrically_over_a_long_history():
    law = nulls.run_length_law(10**6, 0.6, [1, 2, 10, 11])
    assert law[2] / law[1] == pytest.approx(0.6, rel=1e-5)
    assert law[11] / law[10] == pytest.approx(0.6, rel=1e-4)


def test_chance_of_a_run_agrees_with_the_recursion_of_feller():
    # XIII.7: no run of r in n trials, by the place of the last possible end of a run.
    n, p, r = 3000, 0.51, 12
    without = [1.0] * r + [1 - p**r]
    for k in range(r + 1, n + 1):
        without.append(without[k - 1] - (1 - p) * p**r * without[k - r - 1])
    assert nulls.at_least_one_run(n, p, r) == pytest.approx(1 - without[n], rel=1e-9)


@pytest.mark.parametrize(("win_share", "chance"), [(0.0, 0), (1.0, 1)])
def test_certain_runs(win_share, chance):
    assert nulls.at_least_one_run(30, win_share, 5) == chance


@pytest.mark.parametrize("arguments", [(-1, 0.5, 1), (5, 1.2, 1), (5, 0.5, 0)])
def test_runs_need_sensible_numbers(arguments):
    with pytest.raises(InputError, match="expected at least 0, a share"):
        nulls.at_least_one_run(*arguments)
    with pytest.raises(InputError, match="expected at least 0, a share"):
        nulls.run_length_law(*arguments[:2], [arguments[2]])


class TestBootstrappedStreaks:
    LEADS = pd.Series(np.random.default_rng(8).normal(0.1, 1, 600))

    def test_single_days_are_independent_ones(self):
        # Blocks of one day: as many runs as chance gives with the observed share of wins.
        drawn = nulls.bootstrapped_streaks(self.LEADS, 4, 1500, seed=2, block=1)["count"]
        expected = nulls.expected_runs(600, (self.LEADS > 0).mean(), 4)
        # The mean's own error, and the share of wins that varies between the draws.
        assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(1500))

    def test_long_blocks_keep_the_observed_streaks(self):
        pattern = pd.Series(([1.0] * 9 + [-1.0] * 11) * 30)
        drawn = nulls.bootstrapped_streaks(pattern, 9, 100, seed=0, block=400)
        apart = nulls.bootstrapped_streaks(pattern, 9, 100, seed=0, block=1)
        assert drawn["count"].mean() > 27
        assert apart["count"].mean() < 2

    def test_same_seed_same_histories(self):
        one, same, other = (
            nulls.bootstrapped_streaks(self.LEADS, 3, 20, seed) for seed in (1, 1, 2)
        )
        pd.testing.assert_frame_equal(one, same)
        assert not one.equals(other)
        assert list(one) == ["count", "longest"]

    def test_block_is_that_of_the_leads(self):
        smooth = self.LEADS.rolling(20, min_periods=1).mean()
        block = round(inference.block_length(smooth))
        assert block > 5
        pd.testing.assert_frame_equal(
            nulls.bootstrapped_streaks(smooth, 10, 5, 0),
            nulls.bootstrapped_streaks(smooth, 10, 5, 0, block=block),
        )

    def test_refuses_a_gap_and_an_empty_block(self):
        with pytest.raises(InputError, match="value 3: expected no NaN"):
            nulls.bootstrapped_streaks(self.LEADS.where(self.LEADS.index != 3), 4, 1, 0)
        with pytest.raises(InputError, match="block 0: expected at least 1"):
            nulls.bootstrapped_streaks(self.LEADS, 4, 1, 0, block=0)
