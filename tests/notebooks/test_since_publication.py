"""What notebook 09 adds to the helpers, against hand calculations and plain loops."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import claims, economy, events, inference, returns
from helpers.errors import InputError

DAYS = pd.DatetimeIndex(
    ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-31", "2020-03-31", "2020-04-01"],
    name="date",
)
CLOSES = pd.DataFrame(
    {"russell_2000": [80.0, 100, 110, 99, 120, 132], "sp_500": [50.0, 50, 51, 52, 65, 60]},
    index=DAYS,
)
LEVELS = st.lists(st.floats(50, 200), min_size=1, max_size=30)


def series(levels: list[float]) -> pd.Series:
    return pd.Series(levels, pd.bdate_range("2020-01-01", periods=len(levels)))


def test_forward_extremes_by_hand():
    found = returns.forward_extremes(CLOSES["russell_2000"], 2)
    assert list(found.index) == list(DAYS[:4])
    assert np.allclose(found["lowest"], [0.25, -0.01, -0.1, 120 / 99 - 1])
    assert np.allclose(found["highest"], [0.375, 0.10, 120 / 110 - 1, 132 / 99 - 1])


@given(LEVELS, st.integers(1, 35))
def test_forward_extremes_are_those_of_a_plain_loop(levels, sessions):
    found = returns.forward_extremes(series(levels), sessions)
    assert len(found) == max(len(levels) - sessions, 0)
    for at, row in enumerate(found.itertuples()):
        window = levels[at + 1 : at + 1 + sessions]
        assert row.lowest == pytest.approx(min(window) / levels[at] - 1)
        assert row.highest == pytest.approx(max(window) / levels[at] - 1)


def test_forward_extremes_refuse_no_session():
    with pytest.raises(InputError, match="horizon 0"):
        returns.forward_extremes(CLOSES["sp_500"], 0)


def test_later_leads_by_hand():
    found = returns.later_leads(CLOSES, 1, 3)
    assert list(found.index) == list(DAYS[:3])
    expected = [(99 / 100 - 1) - (52 / 50 - 1), (120 / 110 - 1) - (65 / 51 - 1)]
    assert np.allclose(found, [*expected, (132 / 99 - 1) - (60 / 52 - 1)])
    assert returns.later_leads(CLOSES, 0, 9).empty


def test_later_leads_from_the_start_are_forward_leads(market):
    every = returns.lead(returns.all_forward_returns(market.closes, 63))
    pd.testing.assert_series_equal(returns.later_leads(market.closes, 0, 63), every)


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (3, 3), (4, 3)])
def test_later_leads_refuse_a_window_the_wrong_way(first, last):
    with pytest.raises(InputError, match=f"sessions {first} to {last}"):
        returns.later_leads(CLOSES, first, last)


def test_returns_by_calendar_by_hand():
    found = returns.returns_by_calendar(CLOSES, "M", "2020-01-15")
    assert [str(month) for month in found.index] == ["2020-01", "2020-03", "2020-04"]
    assert list(found["through"]) == list(DAYS[3:])
    assert np.allclose(found["russell_2000"], [-0.01, 120 / 99 - 1, 0.10])
    assert np.allclose(found["lead"], found["russell_2000"] - found["sp_500"])
    quarters = returns.returns_by_calendar(CLOSES, "Q", "2019-12-31")
    assert math.isnan(quarters["lead"].iloc[0])  # no close before the last quarter of 2019
    assert np.allclose(quarters["sp_500"].iloc[1:], [65 / 50 - 1, 60 / 65 - 1])


def test_returns_by_calendar_agree_with_finished_months(market):
    closes = market.until("2026-07-31").closes
    mine = returns.returns_by_calendar(closes, "M", "1979-01-31")
    theirs = returns.calendar_returns(closes, "M").loc["1979-01":]
    assert np.allclose(mine[theirs.columns], theirs)


def test_crossings_by_hand():
    closes = CLOSES["russell_2000"]
    assert list(events.crossings(closes, 110)) == [DAYS[2], DAYS[3], DAYS[4]]  # at it is above
    assert events.crossings(closes, 10).empty
    assert events.crossings(closes.iloc[:1], 80).empty


@given(LEVELS, st.floats(50, 200))
def test_crossings_are_those_of_a_plain_loop(levels, level):
    closes = series(levels)
    expected = [
        closes.index[at]
        for at in range(1, len(levels))
        if (levels[at] >= level) != (levels[at - 1] >= level)
    ]
    assert list(events.crossings(closes, level)) == expected


def test_target_by_session_by_hand():
    announced = pd.DatetimeIndex(["2020-01-02", "2020-02-01", "2020-03-15"])
    target = pd.DataFrame(
        {"upper_percent": [1.75, 1.5, 0.25], "change_bp": [np.nan, -25, -125]}, index=announced
    )
    found = economy.target_by_session(target, DAYS)
    assert np.allclose(
        found["upper_percent"], [np.nan, np.nan, 1.75, 1.75, 0.25, 0.25], equal_nan=True
    )
    assert np.allclose(found["cuts"], [np.nan, np.nan, 0, 0, 2, 2], equal_nan=True)


def test_target_by_session_counts_each_cut_once(market):
    cuts = economy.target_by_session(market.target, market.closes.index)["cuts"].dropna()
    assert cuts.iloc[-1] == sum(change < 0 for change in market.target["change_bp"])
    year = cuts.groupby(cuts.index.year).last().diff()
    assert year.loc[2025] == 3
    assert year.loc[2001] == 11


def test_base_rate_by_hand():
    found = inference.base_rate(pd.Series([True, False, True, True, False]), 2)
    assert found["starts"] == 5
    assert found["share"] == pytest.approx(0.6)
    assert found["windows"] == 3  # starts 0, 2 and 4
    z, n, share = 1.959964, 3, 0.6
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (found["low"], found["high"]) == pytest.approx((centre - half, centre + half), abs=1e-6)


@given(st.integers(0, 200), st.integers(1, 50))
def test_base_rate_counts_windows_as_they_fit(n, sessions):
    found = inference.base_rate(pd.Series([True] * n, dtype=bool), sessions)
    assert found["windows"] == events.non_overlapping(np.arange(n), sessions)
    assert math.isnan(found["share"]) == (n == 0)


def test_base_rate_on_real_closes(market):
    ahead = returns.lead(returns.all_forward_returns(market.closes, 63)) > 0
    levels = market.closes[["russell_2000", "sp_500"]].to_numpy()
    won = [
        levels[at + 63, 0] / levels[at, 0] > levels[at + 63, 1] / levels[at, 1]
        for at in range(len(levels) - 63)
    ]
    found = inference.base_rate(ahead, 63)
    assert found["starts"] == len(won)
    assert found["share"] == pytest.approx(sum(won) / len(won))


def test_publications(market):
    found = claims.load(market.until("2026-01-20")).publications()
    assert found.to_dict() == {
        "ainvest": pd.Timestamp("2026-01-12"),
        "sausalito": pd.Timestamp("2026-01-12"),
        "coiled-spring": pd.Timestamp("2026-01-16"),
        "nexymus": pd.Timestamp("2026-01-16"),  # 19 January was a holiday
    }


def test_before_the_first_article_there_are_no_publications(market):
    assert claims.load(market.until("2026-01-09")).publications().empty
