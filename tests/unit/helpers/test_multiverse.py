from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from helpers import histories, inference, multiverse, nulls, returns
from helpers.errors import InputError
from helpers.multiverse import STATISTIC, Choice, Curve, Family, History, Option, Sample
from helpers.specifications import FAMILIES, POST_STREAK, RATE_CUTS, RECESSIONS
from support.multiverse import planted, thinned

AS_OF = "2026-01-20"
SIZE = Choice("size", "size of it", (Option("small", 1, "less"), Option("big", 10, "more")))
SIGN = Choice("sign", "sign", (Option("plus", 1, "up"), Option("minus", -1, "down")))
ONLY = Choice("only", "the only one", (Option("this", 1, "there is no other"),))
STATISTICS = Choice(
    STATISTIC, "statistic", (Option("mean", "mean", "all"), Option("median", "median", "any"))
)
SHARE = Choice(STATISTIC, "statistic", (Option("share", "share", "how many"),))


def toy(sample, *choices: Choice, **more) -> Family:
    """A family made up for a test; its sample gets the values of the choices by name."""
    family = Family("toy", (), "what is it", "points", (*(choices or [ONLY]), STATISTICS), sample)
    return replace(family, **more)


def sample_of(outcomes, events=None, **more) -> Sample:
    outcomes = np.asarray(outcomes, dtype=float)
    return Sample(
        outcomes, np.arange(len(outcomes)) if events is None else np.array(events), **more
    )


@pytest.fixture(scope="module")
def observed(market):
    return market.until(AS_OF)


def labelled(curve: Curve) -> pd.DataFrame:
    """The table of a curve by its labels."""
    return curve.table.set_index([choice.name for choice in curve.family.choices])


# Combinations and estimates ---------------------------------------------------------------------


class TestCombinations:
    def test_are_the_product_in_order(self):
        found = multiverse.combinations(toy(None, SIZE, SIGN))
        assert list(found.itertuples(index=False, name=None)) == list(
            product(("small", "big"), ("plus", "minus"), ("mean", "median"))
        )

    def test_leave_out_what_has_no_reason(self):
        family = toy(None, SIZE, SIGN, admits=lambda o: o["size"] == "big" or o["sign"] == "plus")
        found = multiverse.combinations(family)
        assert len(found) == 6
        assert not ((found["size"] == "small") & (found["sign"] == "minus")).any()

    def test_own_is_the_first_option_of_each_choice(self):
        assert toy(None, SIZE, SIGN).own == {"size": "small", "sign": "plus", "statistic": "mean"}


class TestEstimates:
    def test_sum_up_each_sample_by_each_statistic(self, market):
        values = np.array([1.0, 0.0, 1.0, 1.0])
        family = toy(lambda history, size: sample_of(size * values, [0, 1, 3]), SIZE)
        found = multiverse.estimates(family, History(market))
        assert found == pytest.approx([2 / 3, 1, 20 / 3, 10])

    def test_take_each_sample_once(self, market):
        calls = []

        def sample(history, size, sign):
            calls.append((size, sign))
            return sample_of([size * sign])

        multiverse.estimates(toy(sample, SIZE, SIGN), History(market))
        assert sorted(calls) == [(1, -1), (1, 1), (10, -1), (10, 1)]

    def test_are_missing_where_there_is_nothing_to_look_at(self, market):
        def sample(history, size, sign):
            if size == 10:
                raise InputError("no data")
            return sample_of([np.nan, 5.0], [0] if sign < 0 else [0, 1])

        found = multiverse.estimates(toy(sample, SIZE, SIGN), History(market))
        assert np.isfinite(found).tolist() == [True] * 2 + [False] * 6
        assert found[0] == 5

    @pytest.mark.parametrize("statistic", ["mean", "share", "median", "value"])
    @given(
        st.lists(
            st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=5, max_size=5),
            min_size=1,
            max_size=8,
        )
    )
    def test_each_row_is_summed_up_as_numpy_does(self, statistic, rows):
        plain = np.median if statistic == "median" else np.mean
        for value, row in zip(multiverse._reduced(np.array(rows), statistic), rows, strict=True):
            known = [one for one in row if one == one]
            if known:
                assert value == pytest.approx(plain(known), rel=1e-9, abs=1e-6)
            else:
                assert np.isnan(value)


class TestHistory:
    def test_computes_once_what_is_asked_often(self, market):
        calls, history = [], History(market)

        def make(history, value):
            calls.append(value)
            return [value]

        assert history.priced(make, 1) is history.priced(make, 1)
        assert history.dated(make, 1) is history.dated(make, 1)
        assert history.priced(make, 2) == [2]
        assert calls == [1, 1, 2]

    def test_a_resampled_one_shares_dates_and_no_price(self, observed):
        history = History(observed)
        other = history.resampled(3, np.random.default_rng(0))
        made = history.dated(lambda h: object())

        def kept(h):
            return object()

        assert other.dated(kept) is history.dated(kept)
        assert other.priced(kept) is not history.priced(kept)
        assert made is not None


# Resampling -------------------------------------------------------------------------------------


class TestBlocks:
    @given(st.integers(0, 300), st.integers(1, 50), st.floats(1, 30), st.integers(0, 2**32 - 1))
    def test_hold_positions_of_the_source(self, size, source, mean, seed):
        found = histories._blocks(size, source, mean, np.random.default_rng(seed))
        assert found.shape == (size,)
        assert ((found >= 0) & (found < source)).all()

    @given(st.integers(1, 60), st.integers(0, 2**32 - 1))
    def test_run_on_and_around_within_a_block(self, source, seed):
        found = histories._blocks(200, source, 1e12, np.random.default_rng(seed))
        assert (np.diff(found) % source == 1 % source).all()

    @pytest.mark.parametrize("mean", [1.0, 1.7, 6.0])
    def test_lengths_are_geometric(self, mean):
        source = 2**60  # so large that no block goes on where the one before it ended
        found = histories._blocks(60_000, source, mean, np.random.default_rng(3))
        begins = np.flatnonzero(np.concatenate(([True], np.diff(found) != 1)))
        lengths = np.diff(begins)  # without the last, which the end cuts off
        longest = int(lengths.max())
        law = [stats.geom.pmf(k, 1 / mean) * len(lengths) for k in range(1, longest + 1)]
        counts = np.bincount(lengths, minlength=longest + 1)[1:]
        if mean == 1:
            assert longest == 1
            return
        common = [k for k in range(longest) if law[k] >= 5]
        rest = [sum(side) - sum(side[k] for k in common) for side in (counts, law)]
        tail = len(lengths) - sum(law[k] for k in common)
        test = stats.chisquare(
            [*(counts[k] for k in common), rest[0]], [*(law[k] for k in common), tail]
        )
        assert test.pvalue > 0.001
        assert lengths.mean() == pytest.approx(mean, rel=0.03)

    def test_each_start_is_equally_likely(self):
        found = histories._blocks(30_000, 7, 1.0, np.random.default_rng(4))
        assert stats.chisquare(np.bincount(found, minlength=7)).pvalue > 0.001


def steps_of(market) -> np.ndarray:
    return np.diff(np.log(market.closes.to_numpy(float)), axis=0)


@pytest.fixture(scope="module")
def other(market):
    """A resampled history of a market whose closes run on after its portfolios."""
    return History(market).resampled(2.5, np.random.default_rng(7)).market


class TestResampled:
    def test_has_the_same_dates_and_columns(self, market, other):
        for name in ("closes", "portfolios"):
            ours, theirs = getattr(other, name), getattr(market, name)
            assert ours.index.equals(theirs.index)
            assert list(ours) == list(theirs)
            assert np.isfinite(ours.to_numpy()).all()
        assert other.target is market.target

    def test_all_markets_of_a_month_come_from_one_month(self, market, other):
        days, steps, drawn = (
            market.closes.index[1:].to_period("M"),
            steps_of(market),
            steps_of(other),
        )
        sized = market.portfolios
        months = {
            tuple(pair): month for month, pair in zip(sized.index, sized.to_numpy(), strict=True)
        }
        for month in days.unique().intersection(sized.index):
            origin, rows = months[tuple(other.portfolios.loc[month])], np.flatnonzero(days == month)
            # All sessions of the source, or as many as fit; what they lack is of its neighbours.
            first, last = np.flatnonzero(days == origin)[[0, -1]]
            starts = first, last - len(rows) + 1
            assert any(
                np.allclose(steps[begin : begin + len(rows)], drawn[rows], rtol=0, atol=1e-10)
                for begin in range(min(starts), max(starts) + 1)
            ), month

    def test_no_session_of_a_month_is_favoured(self, market):
        """Each of a lead of one point that comes on last or on first sessions alone is kept."""
        days = market.closes.index[1:].to_period("M")
        edge = np.flatnonzero(days[1:] != days[:-1])
        for rows in (edge, edge + 1):
            step = np.zeros(len(days))
            step[rows] = 0.01
            closes = market.closes.assign(russell_2000=100 * np.exp([0, *step.cumsum()]))
            history, rng = History(replace(market, closes=closes)), np.random.default_rng(5)
            found = [
                (steps_of(history.resampled(2, rng).market)[:, 0] > 0.005).sum() for _ in range(100)
            ]
            assert np.mean(found) == pytest.approx(len(rows), abs=4 * np.std(found) / 10)

    def test_months_before_the_closes_come_from_months_before(self, market, other):
        early = market.portfolios.loc[:"1978-12"].itertuples(index=False, name=None)
        found = other.portfolios.loc[:"1978-12"].itertuples(index=False, name=None)
        assert set(found) <= set(early)

    def test_mean_lead_stays_about_the_same(self, observed):
        history, rng = History(observed), np.random.default_rng(11)
        leads = steps_of(observed)[observed.closes.index[1:] < "2026"] @ [1, -1]  # whole months
        means = [
            (steps_of(history.resampled(1.7, rng).market) @ [1, -1]).mean() for _ in range(150)
        ]
        assert abs(np.mean(means) - leads.mean()) < 4 * np.std(means) / 150**0.5
        sized = observed.portfolios["small"] - observed.portfolios["large"]
        means = [
            (one["small"] - one["large"]).mean()
            for one in (history.resampled(1.7, rng).market.portfolios for _ in range(150))
        ]
        assert abs(np.mean(means) - sized.mean()) < 4 * np.std(means) / 150**0.5

    def test_same_seed_same_history_and_the_observed_one_is_left_alone(self, observed):
        before = observed.closes.copy(), observed.portfolios.copy()
        one, same, another = (
            History(observed).resampled(2, np.random.default_rng(seed)).market.closes
            for seed in (1, 1, 2)
        )
        pd.testing.assert_frame_equal(one, same)
        assert not one.equals(another)
        pd.testing.assert_frame_equal(observed.closes, before[0])
        pd.testing.assert_frame_equal(observed.portfolios, before[1])

    def test_too_few_months_are_one_line(self, market):
        with pytest.raises(InputError, match=r"^22 months: expected at least 24 with closes and"):
            History(market.until("1980-10-31")).resampled(2, np.random.default_rng(0))


# Against chance ---------------------------------------------------------------------------------


class TestPlacebo:
    def test_p_is_that_of_all_sets_that_keep_the_distance(self, market):
        outcomes = np.linspace(0, 10, 60) + np.random.default_rng(0).normal(size=60)
        outcomes[:5] = 50  # before the first day on which an event could have been
        outcomes[50:] = np.nan  # windows that are not full
        events = [19, 32, 47, 55]
        family = toy(lambda history, **_: sample_of(outcomes, events, first=5), placebo=True)
        table = multiverse.curve(family, market, draws=20_000).table
        # 45 open positions, three events with a full window, at least 13 apart
        every = np.array(
            [
                [outcomes[5 + place] for place in places]
                for places in combinations(range(45), 3)
                if min(np.diff(places)) >= 13
            ]
        )
        for name, reduce in (("mean", np.mean), ("median", np.median)):
            row = table[table[STATISTIC] == name].iloc[0]
            at = reduce(outcomes[events[:3]])
            assert row["estimate"] == pytest.approx(at)
            assert row["n"] == 3
            drawn = reduce(every, axis=1)
            exact = 2 * min((drawn >= at - 1e-12).mean(), (drawn <= at + 1e-12).mean())
            assert row["p"] == pytest.approx(exact, abs=0.02)

    def test_none_where_there_could_have_been_no_other_date(self, market):
        family = toy(lambda history, **_: sample_of(np.arange(9.0)))
        curve = multiverse.curve(family, market, draws=50)
        assert curve.table["p"].isna().all()
        assert "share with p below 5%" not in curve.summary()

    def test_same_seed_same_p(self, market):
        outcomes = np.random.default_rng(1).normal(size=80)
        family = toy(lambda history, **_: sample_of(outcomes, [3, 30, 60]), placebo=True)
        one, same, other = (
            multiverse.curve(family, market, draws=99, seed=seed).table["p"] for seed in (4, 4, 5)
        )
        assert one.equals(same)
        assert not one.equals(other)

    def test_own_p_is_that_of_the_row_s_own_reading(self, observed):
        family = thinned(RATE_CUTS, statistic=2)
        curve = multiverse.curve(family, observed, draws=400, seed=2)
        assert multiverse.own_p(RATE_CUTS, observed, 400, 2) == curve.table.loc[0, "p"]

    def test_own_p_without_other_dates_is_student_s(self, observed):
        curve = multiverse.curve(RECESSIONS, observed)
        history = History(observed)
        (sample,) = multiverse._samples(thinned(RECESSIONS), history)
        _, p, _ = DescrStatsW(sample.outcomes[sample.full]).ttest_mean(0)
        assert multiverse.own_p(RECESSIONS, observed, 50, 0) == pytest.approx(p)
        assert curve.table["p"].isna().all()

    def test_own_p_of_a_single_number_or_none_is_missing(self, observed, market):
        one = toy(lambda history, **_: sample_of([3.0]), placebo=True)
        assert np.isnan(multiverse.own_p(one, market, 50, 0))
        (rank,) = (family for family in FAMILIES if family.name == "valuation_rank")
        assert np.isnan(multiverse.own_p(rank, observed, 50, 0))
        assert np.isnan(multiverse.own_p(RATE_CUTS, market.until("1983-06-30"), 50, 0))


class TestNull:
    FEW = thinned(RATE_CUTS, quiet=2, outcome=3, statistic=2)

    def test_is_what_resampled_histories_give_in_order(self, observed):
        drawn = multiverse.null(self.FEW, History(observed), 3, 9)
        rng = np.random.default_rng(9)
        months = inference.block_length(returns.lead(returns.calendar_returns(observed.closes)))
        for row in drawn:
            other = History(observed).resampled(months, rng).market
            assert row == pytest.approx(multiverse.estimates(self.FEW, History(other)))

    def test_seed_decides(self, observed):
        history = History(observed)
        one, same, other = (multiverse.null(self.FEW, history, 2, seed) for seed in (1, 1, 2))
        assert (one == same).all()
        assert (one != other).any()

    def test_only_where_it_makes_sense(self, observed):
        (rank,) = (family for family in FAMILIES if family.name == "valuation_rank")
        assert multiverse.curve(rank, observed, histories=5).drawn is None

    def test_a_planted_effect_moves_the_curve_and_is_found_if_large(self, observed):
        plain, some, large = (
            multiverse.curve(self.FEW, planted(observed, points), draws=400, histories=49)
            for points in (0, 8, 16)
        )
        median = [curve.summary()["median"] for curve in (plain, some, large)]
        assert np.diff(median) == pytest.approx([8, 8], abs=1.5)
        assert plain.summary()["p of the median"] > 0.2
        assert large.summary()["p of the median"] <= 0.05
        p = [curve.table["p"].median() for curve in (plain, some, large)]
        assert p[0] > p[1] > p[2]
        assert p[2] < 0.05


# The curve --------------------------------------------------------------------------------------


def hand_made(estimates, drawn=None, p=None) -> Curve:
    """A curve of four specifications, two choices; NaN estimates are left out."""
    family = replace(toy(None, SIZE, SIGN), choices=(SIZE, SIGN))
    table = pd.DataFrame(
        {
            "size": ["small", "small", "big", "big"],
            "sign": ["plus", "minus"] * 2,
            "estimate": estimates,
            "p": np.nan if p is None else p,
        }
    )
    kept = table.dropna(subset="estimate").sort_values("estimate")
    return Curve(family, kept, len(table) - len(kept), drawn)


class TestCurve:
    def test_is_sorted_and_keeps_the_numbers_of_the_combinations(self, market):
        family = toy(lambda history, size, sign: sample_of([size * sign] * 3), SIZE, SIGN)
        curve = multiverse.curve(family, market)
        assert curve.table["estimate"].is_monotonic_increasing
        assert curve.table["estimate"].iloc[[0, -1]].tolist() == [-10, 10]
        own = curve.table.iloc[curve.place]
        assert {name: own[name] for name in family.own} == family.own
        assert (curve.without, curve.drawn, curve.envelope) == (0, None, None)
        assert (curve.table["n"] == 3).all()

    def test_leaves_out_and_counts_what_has_no_estimate(self, market):
        def sample(history, size, sign):
            return sample_of([np.nan if size == 1 else sign])

        curve = multiverse.curve(toy(sample, SIZE, SIGN), market)
        assert set(curve.table["size"]) == {"big"}
        assert curve.without == 4
        assert curve.place == -1
        assert np.isnan(curve.summary()["the row's own"])

    def test_without_any_data_is_one_line(self, market):
        def sample(history, size):
            raise InputError("no data")

        with pytest.raises(
            InputError, match=r"^toy: expected at least one specification with data; none has$"
        ):
            multiverse.curve(toy(sample, SIZE), market)

    def test_choices_are_the_real_ones(self, market):
        curve = multiverse.curve(
            toy(lambda history, only, sign: sample_of([sign]), ONLY, SIGN), market
        )
        assert curve.choices == {
            "sign": ("sign", ["plus", "minus"]),
            "statistic": ("statistic", ["mean", "median"]),
        }

    def test_intervals_fit_their_statistic(self, market):
        values = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0, np.nan])
        curve = multiverse.curve(toy(lambda history, **_: sample_of(values)), market)
        ends = labelled(curve)[["low", "high"]]
        known = values[:8]
        half = stats.t.ppf(0.975, 7) * known.std(ddof=1) / 8**0.5
        assert ends.loc["this", "mean"].tolist() == pytest.approx(
            [known.mean() - half, known.mean() + half]
        )
        # Between the smallest and the largest of eight lies the median in all but 2 of 256 cases;
        # between the next ones in all but 18, which is less than 95%.
        assert ends.loc["this", "median"].tolist() == [-5, 9]

    def test_a_share_counts_windows_that_do_not_overlap(self, market):
        came = np.zeros(40)
        events = [0, 3, 10, 12, 21, 35]  # 0, 10, 21 and 35 are ten apart
        came[[0, 3, 10]] = 1
        family = toy(lambda history, **_: sample_of(came, events, width=10))
        (row,) = multiverse.curve(replace(family, choices=(ONLY, SHARE)), market).table.itertuples()
        assert row.estimate == 0.5
        z2 = stats.norm.ppf(0.975) ** 2
        half = (z2 * 0.25 / 4 + z2**2 / (4 * 16)) ** 0.5 / (1 + z2 / 4)
        assert [row.low, row.high] == pytest.approx([0.5 - half, 0.5 + half])

    def test_a_single_number_has_no_interval(self, market):
        values = Choice(STATISTIC, "statistic", (Option("value", "value", "one number"),))
        family = replace(toy(lambda history, sign: sample_of([sign]), SIGN), choices=(SIGN, values))
        table = multiverse.curve(family, market).table
        assert table["estimate"].tolist() == [-1, 1]
        assert table[["low", "high"]].isna().all(axis=None)

    def test_summary_of_a_hand_made_curve(self):
        drawn = np.array([[1.0, 2, 3, 4], [0, 0, 0, 0], [-4, -3, -2, -1]])
        found = hand_made([2.0, -1.0, 4.0, 4.0], drawn, [0.01, 0.2, 0.04, np.nan]).summary()
        expected = {
            "specifications": 4,
            "different estimates": 3,
            "lowest": -1,
            "median": 3,
            "highest": 4,
            "the row's own": 2,
            "share above zero": 0.75,
            "share with p below 5%": 2 / 3,
            # medians of the histories: -2.5, 0 and 2.5
            "median under the null, low": -2.375,
            "median under the null, high": 2.375,
            "p of the median": 0.5,  # only the observed one itself of four is as high
        }
        assert found.to_dict() == pytest.approx(expected)

    def test_zero_is_not_above_zero(self):
        found = hand_made([0.0, -1.0, 1.0, 3.0]).summary()
        assert (found["share above zero"], found["the row's own"]) == (0.5, 0)

    def test_summary_leaves_missing_estimates_out(self):
        drawn = np.array([[np.nan, 9, 1, 3], [np.nan, 9, np.nan, 5]])
        curve = hand_made([1.0, np.nan, 2.0, 3.0], drawn)
        found = curve.summary()
        assert (curve.without, found["specifications"], found["median"]) == (1, 3, 2)
        low, high = 2 + 0.025 * 3, 5 - 0.025 * 3  # medians 2 and 5: what was left out stays out
        assert found["median under the null, low"] == pytest.approx(low)
        assert found["median under the null, high"] == pytest.approx(high)

    def test_envelope_is_sorted_history_by_history(self):
        drawn = np.array([[4.0, 1, 3, 2], [30, 10, 20, 40]])
        found = hand_made([1.0, 2.0, 3.0, 4.0], drawn).envelope
        assert found["median"].tolist() == [5.5, 11, 16.5, 22]
        assert found["low"].tolist() == pytest.approx([1.225, 2.45, 3.675, 4.9])
        assert found["high"].tolist() == pytest.approx([9.775, 19.55, 29.325, 39.1])

    def test_envelope_ends_where_every_history_does(self):
        drawn = np.array([[np.nan, 1, 3, 2], [30, np.nan, 20, 40]])
        found = hand_made([1.0, 2.0, 3.0, 4.0], drawn).envelope
        assert found["median"].tolist()[:3] == [10.5, 16, 21.5]
        assert found.iloc[3].isna().all()

    def test_histories_without_events_are_left_out(self, observed, monkeypatch):
        nothing = np.full((2, 2), np.nan)
        family = thinned(RATE_CUTS, statistic=2)
        some = np.array([[1.0, 2.0], *nothing])
        monkeypatch.setattr(multiverse, "null", lambda *_: some)
        assert multiverse.curve(family, observed, histories=3).drawn.tolist() == [[1, 2]]
        monkeypatch.setattr(multiverse, "null", lambda *_: nothing)
        assert multiverse.curve(family, observed, histories=2).drawn is None


class TestInfluence:
    def test_of_a_hand_made_curve(self):
        found = multiverse.influence(hand_made([1.0, 2.0, 5.0, 8.0]))
        # Mean 4, squares 9 + 4 + 1 + 16 = 30; means by size 1.5 and 6.5, by sign 3 and 5.
        assert found.index.tolist() == ["size of it", "sign"]
        assert found["spread"].tolist() == pytest.approx([5, 2])
        assert found["explained"].tolist() == pytest.approx([25 / 30, 4 / 30])
        assert found["lowest"].tolist() == ["small", "plus"]
        assert found["highest"].tolist() == ["big", "minus"]

    def test_of_options_that_are_left(self):
        found = multiverse.influence(hand_made([1.0, np.nan, 5.0, np.nan]))
        assert found.index.tolist() == ["size of it"]
        assert found.loc["size of it", "explained"] == pytest.approx(1)

    def test_of_one_estimate_and_of_equal_ones(self):
        assert multiverse.influence(hand_made([1.0, *[np.nan] * 3])).empty
        same = multiverse.influence(hand_made([2.0] * 4))
        assert (same["spread"] == 0).all()
        assert same["explained"].isna().all()


def test_curve_on_the_data_is_whole_and_reproducible(observed):
    family = thinned(POST_STREAK, least=2, start=3, outcome=2, overlap=2, statistic=2)
    one, same = (multiverse.curve(family, observed, 50, 5, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, same.table)
    assert (one.drawn == same.drawn).all()
    assert one.drawn.shape == (5, len(multiverse.combinations(family)))
    assert one.table["p"].between(2 / 51, 1).all()
    known = one.table.dropna(subset="low")
    assert ((known["low"] <= known["estimate"]) & (known["estimate"] <= known["high"])).all()
    assert nulls.placebo_test(one.summary()["median"], np.nanmedian(one.drawn, axis=1))[
        "p"
    ] == pytest.approx(one.summary()["p of the median"])
