"""What notebook 08 measures with: rolling annual returns and its parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import notebook, parameters, returns


def monthly(values: list[float], first: str = "2000-01") -> pd.DataFrame:
    months = pd.period_range(first, periods=len(values), freq="M")
    return pd.DataFrame({"small": values}, index=months)


def test_twelve_months_at_one_percent_by_hand():
    got = returns.rolling_annualised(monthly([0.01] * 13), 12)["small"]
    assert got.isna().sum() == 11
    assert got.iloc[-2:].tolist() == pytest.approx([0.12682503013196977] * 2)


def test_two_years_that_double_then_halve_by_hand():
    # 1 -> 4 over 24 months is 100% a year; 4 -> 1 is a loss of half a year.
    up, down = [0.0] * 23 + [3.0], [0.0] * 23 + [-0.75]
    got = returns.rolling_annualised(monthly(up + down), 24)["small"]
    assert got.iloc[[23, 46, 47]].tolist() == pytest.approx([1.0, 1.0, -0.5])


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40),
    st.integers(1, 15),
)
def test_agrees_with_a_plain_loop(values, months):
    got = returns.rolling_annualised(monthly(values), months)["small"].to_numpy()
    for end in range(len(values)):
        if end + 1 < months:
            assert np.isnan(got[end])
            continue
        wealth = 1.0
        for value in values[end + 1 - months : end + 1]:
            wealth *= 1 + value
        assert got[end] == pytest.approx(wealth ** (12 / months) - 1, rel=1e-9, abs=1e-9)


def test_a_gap_makes_every_window_over_it_nan():
    got = returns.rolling_annualised(monthly([0.01, np.nan, 0.01, 0.01]), 2)["small"]
    assert got.isna().tolist() == [True, True, True, False]


def test_agrees_with_the_measure_of_the_claims(market):
    table = market.portfolios
    rolled = returns.rolling_annualised(table, 60)
    for start in ("1990-03", "2000-03"):
        one = returns.annualised(table, start, 60)
        later = rolled.loc[pd.Period(start, "M") + 60]
        assert later.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-12)


@pytest.mark.parametrize("value", ["2000-13", "2000-3", "2000", "2000-03-31", 2000, None, "March"])
def test_a_month_that_is_none_is_refused(value):
    with pytest.raises(parameters.ParameterError, match=r"pivot_month = .*a month like '2000-03'"):
        parameters.validated({"pivot_month": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("months", "0,12"), ("months", "12,12"), ("months", "601"), ("start_months", 0)],
)
def test_impossible_spans_are_refused(name, value):
    with pytest.raises(parameters.ParameterError, match=f"{name} = "):
        parameters.validated({name: value})


@pytest.mark.parametrize("value", ["1963-06", "2026-02", "2030-01"])
def test_a_pivot_outside_the_portfolios_is_refused(value):
    with pytest.raises(parameters.ParameterError, match="expected from 1963-07 to before 2026-02"):
        notebook.start("dotcom_precedent", as_of="last", vintage="frozen", pivot_month=value)


def test_a_pivot_outside_the_data_is_refused_and_one_after_the_as_of_day_is_not():
    for month in ("1963-06", "2026-09"):
        with pytest.raises(parameters.ParameterError, match=r"from 1963-07 to before 2026-"):
            notebook.start("dotcom_precedent", as_of="last", pivot_month=month)
    # The notebook says that the month is not over yet.
    notebook.start("dotcom_precedent", as_of="2000-01-14", pivot_month="2000-03")
