from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import valuation
from helpers.errors import InputError
from support.data import raw

readings = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)


@given(readings, st.integers(-6, 6))
def test_percentile_agrees_with_scipy_and_stays_in_bounds(values, value):
    measured = valuation.percentile(pd.Series(values), value)
    assert measured == pytest.approx(stats.percentileofscore(values, value, kind="strict"))
    assert 0 <= measured <= 100


@given(readings, st.integers(-6, 6), st.integers(-6, 6))
def test_percentile_rises_with_the_value(values, one, other):
    low, high = sorted((one, other))
    history = pd.Series(values)
    assert valuation.percentile(history, low) <= valuation.percentile(history, high)
    assert valuation.rank_from_lowest(history, low) <= valuation.rank_from_lowest(history, high)


@given(readings, st.integers(-6, 6))
def test_below_above_and_ties_make_the_whole(values, value):
    history = pd.Series(values)
    ties = 100 * values.count(value) / len(values)
    below, above = valuation.percentile(history, value), valuation.share_above(history, value)
    assert below + ties + above == pytest.approx(100)


@given(readings)
def test_rank_agrees_with_scipy(values):
    ranks = stats.rankdata(values, method="min")
    assert [valuation.rank_from_lowest(pd.Series(values), v) for v in values] == list(ranks)


def test_percentile_leaves_out_missing_readings_and_knows_an_empty_history():
    history = pd.Series([1.0, np.nan, 3.0])
    assert valuation.percentile(history, 2) == 50
    assert valuation.share_above(history, 2) == 50
    assert np.isnan(valuation.percentile(pd.Series([np.nan]), 2))
    assert np.isnan(valuation.share_above(pd.Series([], dtype=float), 2))


@given(readings, st.integers(1, 45))
def test_expanding_percentile_is_that_of_the_truncated_history(values, periods):
    history = pd.Series(values)
    measured = valuation.expanding_percentile(history, periods)
    for i, found in enumerate(measured):
        if i + 1 < periods:
            assert np.isnan(found)
        else:
            known = history.iloc[: i + 1]
            assert found == pytest.approx(valuation.percentile(known, values[i]))


@given(readings.filter(lambda values: len(values) > 2), st.floats(-100, 100))
def test_expanding_standings_do_not_see_later_readings(values, later):
    history, spoiled = pd.Series(values), pd.Series([*values[:-1], later])
    for standing in (valuation.expanding_percentile, lambda s: valuation.expanding_zscore(s, 2)):
        pd.testing.assert_series_equal(standing(history).iloc[:-1], standing(spoiled).iloc[:-1])


varied = readings.filter(lambda values: len(set(values)) > 1)


@given(varied)
def test_zscore_agrees_with_scipy(values):
    assert valuation.zscore(pd.Series(values)).to_numpy() == pytest.approx(
        stats.zscore(values, ddof=1)
    )


@given(varied)
def test_last_expanding_zscore_is_that_of_the_whole(values):
    whole = valuation.zscore(pd.Series(values)).iloc[-1]
    assert valuation.expanding_zscore(pd.Series(values), 2).iloc[-1] == pytest.approx(whole)


def test_relative_multiple_divides_the_quintiles(market):
    row = raw("size_price_to_book")[-1]
    ratio = valuation.relative_multiple(market.price_to_book)
    assert ratio.iloc[-1] == pytest.approx(float(row["quintile_2"]) / float(row["quintile_5"]))
    micro = valuation.relative_multiple(market.price_to_book, small="quintile_1")
    assert micro.iloc[-1] == pytest.approx(float(row["quintile_1"]) / float(row["quintile_5"]))


@pytest.mark.parametrize(
    ("small", "large", "percent"),
    [(14.2, 22.0, 35.45), (18.1, 22.3, 18.83), (1, 1, 0), (2, 1, -100)],
)
def test_discount(small, large, percent):
    assert valuation.discount(small, large) == pytest.approx(percent, abs=0.006)


class TestReadings:
    frame = pd.DataFrame(
        [
            ("2025-01-01", "A", "P/E", 10.0, "high"),
            ("2025-01-21", "A", "P/E", 12.0, "high"),
            ("2025-01-11", "A", "P/E", 99.0, "low"),
            ("2025-01-12", "A", "P/E", np.nan, "high"),
            ("2025-01-11", "B", "P/E", 77.0, "high"),
            ("2025-01-11", "A", "P/B", 66.0, "high"),
        ],
        columns=["as_of", "index", "metric", "value", "confidence"],
    ).assign(as_of=lambda f: pd.to_datetime(f["as_of"]), provider_basis="one provider")

    @pytest.mark.parametrize(
        ("date", "value", "days"),
        [
            ("2025-01-02", 10, -1),
            ("2025-01-11", 12, 10),  # a tie: the later
            ("2025-01-10", 10, -9),
            ("2024-06-01", 10, 214),
            ("2026-01-21", 12, -365),
        ],
    )
    def test_nearest_sure_one(self, date, value, days):
        row = valuation.nearest_readings(self.frame, "A", "P/E", date).iloc[0]
        assert (row["value"], row["distance_days"]) == (value, days)

    def test_none_at_all_is_refused(self):
        with pytest.raises(InputError, match="C, P/E: expected at least one reading"):
            valuation.nearest_readings(self.frame, "C", "P/E", "2025-01-01")

    def test_sure_ones_come_in_order_of_time(self):
        assert valuation.sure_readings(self.frame.iloc[::-1], "A", "P/E")["value"].tolist() == [
            10,
            12,
        ]
