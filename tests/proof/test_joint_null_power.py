"""The joint null errs as seldom and finds as much as docs/joint_null_power.csv says."""

from __future__ import annotations

import pandas as pd
import pytest

from support import measure_null
from support.histories import HISTORIES

KEY = ["family", "method", "effect"]


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return pd.read_csv(measure_null.TABLE).set_index(KEY)


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    return measure_null.table(max(HISTORIES, 80)).set_index(KEY)


def error(found: pd.Series, histories: pd.Series) -> pd.Series:
    """Standard error of a share tested on one half, against edges from the other."""
    spread = (found * (1 - found)).clip(lower=0.05 * 0.95)
    return 2 * (spread / (histories / 2)) ** 0.5


def test_the_size_is_five_percent_on_the_full_families(committed):
    size = committed.xs(("shifted", 0.0), level=["method", "effect"])
    assert len(size) == 2
    assert size["found"].between(0.03, 0.07).all()


def test_more_is_found_of_larger_effects(committed):
    for _, rows in committed.groupby(level=["family", "method"]):
        assert rows["found"].is_monotonic_increasing


def test_the_table_is_measured_again(committed, measured):
    apart = (committed["found"] - measured["found"]).abs()
    limit = 3.5 * (
        error(committed["found"], committed["histories"]) ** 2
        + error(measured["found"], measured["histories"]) ** 2
    ).pow(0.5)
    assert list(committed.index) == list(measured.index)
    assert (apart <= limit).all(), pd.DataFrame({"apart": apart, "limit": limit})


def test_what_a_referee_measured_is_found_again(committed):
    """A recomputation found this by shifting the null medians at 5%."""
    expected = {"rate_cuts": (0.13, 0.42, 0.80, 0.97), "post_streak": (0.16, 0.47, 0.86, 0.98)}
    for family, shares in expected.items():
        rows = committed.xs((family, "shifted"), level=["family", "method"])["found"]
        assert rows[[4.2, 8.0, 12.0, 16.0]].to_list() == pytest.approx(shares, abs=0.08)
