"""Regressions keep their promise where nothing is to be found, and find what is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import inference
from support import histories
from support import measure_regressions as measured

AT = {"rejected_1": 0.01, "rejected_5": 0.05, "rejected_10": 0.1}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return measured.table(histories.HISTORIES)


def most(share: float, tried: int) -> float:
    """What a true share shows at most in so many histories, but for one time in a thousand."""
    return share + 3.09 * np.sqrt(share * (1 - share) / tried)


def pick(table: pd.DataFrame, p: str, **columns: str) -> pd.DataFrame:
    found = table[table["p"] == p]
    for column, words in columns.items():
        found = found[found[column].str.fullmatch(words)]
    assert len(found)
    return found


def test_bootstrap_rejects_as_often_as_it_says_at_the_persistence_of_the_data(table):
    rows = pick(table, "p_bootstrap", histories="as persistent as the data")
    for _, row in rows.iterrows():
        for column, at in AT.items():
            assert row[column] <= most(at, row["tried"]), row.to_dict()


def test_newey_west_rejects_far_too_often_in_long_windows_and_the_bootstrap_less(table):
    long = pick(table, "p_hac", test="predictive regression", horizon="(5|10) years")
    assert (long["rejected_5"] > 0.1).all()
    keys = ["histories", "horizon"]
    bootstrapped = pick(table, "p_bootstrap", horizon="(5|10) years").set_index(keys)
    assert (bootstrapped["rejected_5"] < long.set_index(keys)["rejected_5"] - 0.05).all()


def test_intervals_of_local_projections_cover_93_percent(table):
    for _, row in pick(table, "p", test="local projection").iterrows():
        assert row["rejected_5"] <= most(0.07, row["tried"]), row.to_dict()


def test_few_events_make_the_printed_p_value_of_newey_west_the_smaller_one(table):
    keys = ["test", "histories", "events", "horizon"]
    own, printed = (pick(table, p).set_index(keys)["rejected_5"] for p in ("p", "p_hac"))
    assert (printed.loc[own.index] >= own).all()


def test_permutation_rejects_as_often_as_it_says(table):
    for _, row in pick(table, "p_permutation", histories="resampled|model").iterrows():
        for column, at in AT.items():
            assert row[column] <= most(at, row["tried"]), row.to_dict()


def test_a_change_of_the_smallest_size_is_found_about_as_often_as_stated(table):
    found = pick(table, "p_permutation", histories=".*, planted")["rejected_5"]
    assert (found > 0.65).all()
    assert (found < 0.97).all()


def test_kept_labellings_give_the_p_value_of_the_library():
    rng = np.random.default_rng(0)
    for sizes in ((8, 9), (3, 4), (5, 2)):
        early, late = rng.normal(size=sizes[0]), rng.normal(0.5, 1, sizes[1])
        quick, known = (
            one(early, late)
            for one in (measured.every_relabelling, inference.permutation_difference)
        )
        assert (quick["p"], quick["relabellings"]) == (
            pytest.approx(known["p"]),
            known["relabellings"],
        )


@pytest.mark.skipif(not histories.FULL, reason="the table is made of 1,000 histories")
def test_the_published_table_is_what_was_measured(table):
    pd.testing.assert_frame_equal(pd.read_csv(measured.TABLE), table, atol=0.002)
