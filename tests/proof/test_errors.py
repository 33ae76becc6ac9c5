"""Tests of a few events err as seldom and find as much as docs/error_rates.csv says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from support import histories, measure_errors

KEY = ["test", "histories", "n", "level"]


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return pd.read_csv(measure_errors.TABLE)


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    return measure_errors.table(histories.HISTORIES)


def too_many(table: pd.DataFrame) -> pd.Series:
    """Rows that reject more often than their level by more than chance explains."""
    rejections = (table["rejected"] * table["tried"]).round().astype(int)
    p = [
        stats.binomtest(int(found), int(n), level, alternative="greater").pvalue
        for found, n, level in zip(rejections, table["tried"], table["level"], strict=True)
    ]
    return pd.Series(p, index=table.index) < 0.001


@pytest.mark.parametrize("table", ["committed", "measured"])
def test_placebo_p_values_err_no_more_than_they_say(table, request):
    rows = request.getfixturevalue(table)
    placebo = rows[(rows["planted"] == 0) & rows["test"].str.startswith("placebo")]
    assert set(placebo["level"]) == set(measure_errors.LEVELS)
    assert not too_many(placebo).any(), placebo[too_many(placebo)]


@pytest.mark.parametrize("table", ["committed", "measured"])
def test_t_test_finds_a_planted_effect_with_the_stated_power(table, request):
    rows = request.getfixturevalue(table)
    planted = rows[(rows["planted"] > 0) & rows["test"].str.startswith("t,")]
    assert set(planted["n"]) == {9, measure_errors.MANY}
    # The stated power is that for normal outcomes; these are not quite normal.
    slack = 4 * np.sqrt(0.8 * 0.2 / planted["tried"]) + 0.03
    assert ((planted["rejected"] - measure_errors.POWER).abs() < slack).all(), planted


def test_histories_measured_now_agree_with_the_table(committed, measured):
    both = measured.assign(effect=measured["planted"] > 0).merge(
        committed.assign(effect=committed["planted"] > 0),
        on=[*KEY, "effect"],
        suffixes=("", "_committed"),
    )
    assert len(both) == len(committed) == len(measured)
    apart = histories.errors_apart(
        both["rejected"], both["tried"], both["rejected_committed"], both["tried_committed"]
    )
    assert apart.max() < 4.5, both[apart >= 4.5]
