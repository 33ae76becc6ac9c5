"""The intervals cover what docs/coverage.csv says, and those that decide verdicts enough."""

from __future__ import annotations

import pandas as pd
import pytest

from support import histories, measure_coverage

KEY = ["interval", "used_for", "verdict", "histories", "n", "horizon"]
CLAIMS = {"AI-10", "HR-67", "HR-70", "CS-21", "CS-22"}
# What an interval that decides a verdict must cover, and those that do not: docs/methods.md says
# what they cover instead.
LEAST = 0.93
SHORT = {("t, found to cover 92%", "mean lead in recessions", "resampled")}


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    table = pd.read_csv(measure_coverage.TABLE, keep_default_na=False)
    return table.astype({"n": str}).set_index(KEY)


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    table = measure_coverage.table(histories.HISTORIES)
    return table.astype({"n": str}).set_index(KEY)


def test_table_is_of_a_thousand_histories(committed):
    # Of events that not every history holds, or that take several, there are fewer or more.
    used_for = committed.index.get_level_values("used_for")
    always = ~used_for.str.contains("streaks|breakouts|gaps")
    assert (committed.loc[always, "tried"] == 1000).all()
    decides = committed.index.get_level_values("verdict") != ""
    assert committed.loc[decides, "tried"].min() >= 100


def test_an_interval_that_decides_a_verdict_covers_enough(committed):
    verdict = committed.index.get_level_values("verdict")
    decides = committed[verdict != ""]
    assert set("; ".join(verdict[verdict != ""]).split("; ")) == CLAIMS
    short = decides[decides["covered"].round(2) < LEAST].index
    assert {(row[0], row[1], row[3]) for row in short} == SHORT


def test_histories_measured_now_agree_with_the_table(committed, measured):
    both = measured.merge(committed, on=KEY, suffixes=("", "_committed"))
    # Only what few histories hold may be missing from a tenth of them.
    assert (committed.drop(both.index)["tried"] < 100).all()
    apart = histories.errors_apart(
        both["covered"], both["tried"], both["covered_committed"], both["tried_committed"]
    )
    assert apart.max() < 4.5, both[apart >= 4.5]
