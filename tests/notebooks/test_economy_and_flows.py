"""What notebook 07 adds to the helpers, against hand calculations and plain loops."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers import economy, notebook
from helpers.errors import InputError

MACRO = pd.DataFrame(
    [
        ("2025-11-30", "jobless", 4.6, 4.5),
        ("2025-09-30", "jobless", 4.4, 4.4),
        ("2025-10-31", "jobless", np.nan, np.nan),
        ("2025-10-31", "empty", np.nan, np.nan),
        ("2024-12-31", "treasury_10_year_yield", 4.58, 4.58),
        ("2024-12-31", "treasury_2_year_yield", 4.25, 4.25),
        ("2026-01-12", "treasury_10_year_yield", 4.19, 4.19),
    ],
    columns=["as_of", "series", "first_release", "latest"],
).assign(as_of=lambda rows: pd.to_datetime(rows["as_of"]))
decimals = st.integers(-99, 99).map(lambda tenths: tenths / 10)


def test_releases_by_hand():
    table = economy.releases(MACRO, "jobless")
    assert [str(month) for month in table.index] == ["2025-09", "2025-10", "2025-11"]
    assert table["revision"].round(10).to_list()[::2] == [0.0, -0.1]
    assert table.loc["2025-10"].isna().all()


@pytest.mark.parametrize("series", ["empty", "no such"])
def test_releases_need_a_reading(series):
    with pytest.raises(InputError, match=f"{series}: macro_readings hold no reading"):
        economy.releases(MACRO, series)


def test_curve_by_hand():
    table = economy.curve(MACRO)
    assert list(table.columns) == ["two_year", "ten_year", "slope"]
    assert table["slope"].iloc[0] == pytest.approx(33)
    assert math.isnan(table["slope"].iloc[1])  # no two-year yield of that day


def test_curve_without_yields_is_empty():
    assert economy.curve(MACRO.head(3)).empty


def test_curve_of_the_shipped_table(market):
    assert economy.curve(market.macro)["slope"].round(6).to_list() == [33, 65]


def test_total_range_by_hand():
    low, high = economy.total_range([2.4, 0.89])
    assert (low, high) == pytest.approx((3.235, 3.345))


@given(whole=decimals, part=decimals, rest=decimals)
def test_the_weight_needed_gives_back_the_whole(whole, part, rest):
    assume(part != rest)
    weight = economy.weight_needed(whole, part, rest)
    assert weight * part + (1 - weight) * rest == pytest.approx(whole, abs=1e-9)


def test_weight_by_hand():
    assert economy.weight_needed(-2.1, -3.2, -1.8) == pytest.approx(0.3 / 1.4)
    assert math.isnan(economy.weight_needed(1, 2, 2))


def test_weight_range_against_a_loop():
    low, high = economy.weight_range(-2.1, -3.2, -1.8)
    steps = [-0.05, -0.025, 0, 0.025, 0.05]
    found = [
        economy.weight_needed(-2.1 + a, -3.2 + b, -1.8 + c)
        for a in steps
        for b in steps
        for c in steps
    ]
    assert (low, high) == pytest.approx((min(found), max(found)))


def test_weight_range_needs_figures_apart():
    assert all(math.isnan(end) for end in economy.weight_range(1.5, 1.2, 1.3))


def test_undecided_lists_every_untestable_claim_with_what_would_decide_it(registry):
    table = notebook.undecided(registry, "economy_and_flows")
    expected = {c.claim_id for c in registry.family("economy_and_flows") if c.rule == "none"}
    assert set(table.index) == expected
    assert table["what would decide it"].str.len().min() > 0
    assert table.loc["HR-65", "what would decide it"] == "fund flows (licensed)"
    assert table.loc["SA-16", "reason"] == "no definition"


def test_undecided_of_a_family_that_can_be_decided_keeps_its_columns(registry):
    table = notebook.undecided(registry, "rate_cut_response")
    claims = [c for c in registry.family("rate_cut_response") if c.rule == "none"]
    assert len(table) == len(claims)
    assert list(table.columns) == ["article", "statement", "reason", "what would decide it"]


@pytest.fixture
def axes():
    _, ax = plt.subplots()
    yield ax
    plt.close("all")
