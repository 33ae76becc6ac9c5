"""What notebook 06 measures with: breakouts, levels, paths and returns after them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import event_studies, events, parameters, returns

levels = st.lists(st.floats(1, 1000), min_size=1, max_size=60)


def series(values: list[float]) -> pd.Series:
    return pd.Series(values, index=pd.bdate_range("2020-01-01", periods=len(values)), dtype=float)


def test_a_breakout_by_hand():
    # Records at 0, 1, 4, 8: two quiet sessions lie before the third, three before the fourth.
    closes = series([10, 12, 11, 12, 13, 9, 9, 13, 14])
    assert events.breakouts(closes, 2).tolist() == [closes.index[4], closes.index[8]]
    assert events.breakouts(closes, 3).tolist() == [closes.index[8]]
    assert events.breakouts(closes, 4).empty


@given(levels, st.integers(1, 10))
def test_breakouts_agree_with_a_plain_loop(values, quiet):
    closes, high, last, found = series(values), values[0], 0, []
    for day in range(1, len(values)):
        if values[day] > high:
            if day - last - 1 >= quiet:
                found.append(closes.index[day])
            high, last = values[day], day
    assert events.breakouts(closes, quiet).tolist() == found


def test_levels_by_hand():
    closes = series([98, 99, 97, 101, 99.5, 96, 103])
    table = events.levels_reached(closes, [100, 103, 110], 1, str(closes.index[2].date()))
    assert table["near"].tolist() == [1, 0, 0]  # 99 alone lies within 1% of 100 by the third day
    assert table["first"].tolist()[:2] == [closes.index[3], closes.index[6]]
    assert table.loc[100.0, ["below", "lowest"]].tolist() == [2, 96]
    assert table.loc[103.0, ["below", "lowest"]].isna().all()  # no session followed
    assert pd.isna(table.loc[110.0, "first"])
    assert np.isnan(table.loc[110.0, "below"])


def test_paths_by_hand():
    closes = series([100, 110, 99, 120])
    paths = returns.paths_after(closes, closes.index[[0, 2]], 2)
    assert paths.index.tolist() == [0, 1, 2]
    assert paths.iloc[:, 0].tolist() == pytest.approx([0, 0.10, -0.01])
    assert paths.iloc[:2, 1].tolist() == pytest.approx([0, 21 / 99])
    assert np.isnan(paths.iloc[2, 1])


@given(levels, st.integers(1, 10))
def test_paths_end_where_forward_returns_do(values, sessions):
    closes = series(values)
    got = returns.paths_after(closes, closes.index, sessions).loc[sessions]
    want = returns.forward_returns(closes.to_frame("x"), closes.index, sessions)["x"]
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_a_price_study_by_hand():
    # After the first and the third close: +10% and +20%; after any of the four: +2.5% on average.
    closes = series([100, 110, 100, 120, 84])
    study = event_studies.price_event_study(closes, closes.index[[0, 2, 4]], (1,)).loc[1]
    assert study["n"] == 2
    assert study["dropped"] == 1
    assert study["mean"] == pytest.approx(15)
    assert study["base_mean"] == pytest.approx((10 - 100 / 11 + 20 - 30) / 4)
    # t quantile with one degree of freedom is tan(0.475 pi); the standard error is 5.
    assert study["high"] - study["mean"] == pytest.approx(5 * np.tan(0.475 * np.pi))


def test_a_study_without_a_full_window_has_no_events():
    closes = series([100, 110])
    study = event_studies.price_event_study(closes, closes.index[1:], (1,)).loc[1]
    assert study["n"] == 0
    assert study["dropped"] == 1
    assert np.isnan(study["mean"])


@pytest.mark.parametrize("value", ["0", "5041", "504,504", "x", "", None])
def test_quiet_sessions_are_refused(value):
    with pytest.raises(parameters.ParameterError, match=r"^quiet_sessions = "):
        parameters.validated({"quiet_sessions": value})


def test_quiet_sessions_are_read():
    assert parameters.validated({"quiet_sessions": "504,756"}) == {"quiet_sessions": (504, 756)}
