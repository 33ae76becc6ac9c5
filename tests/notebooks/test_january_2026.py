"""What notebook 05 adds to the helpers, against hand calculations and plain loops."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import claims, events, parameters, plots, returns
from helpers.errors import InputError

DAYS = pd.DatetimeIndex(
    ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03", "2020-12-31", "2021-01-04"],
    name="date",
)
CLOSES = pd.DataFrame(
    {"russell_2000": [90.0, 100, 110, 99, 200, 220], "sp_500": [50.0, 50, 51, 52, 60, 57]},
    index=DAYS,
)


def test_year_to_date_by_hand():
    path = returns.year_to_date(CLOSES, 2020)
    assert list(path.index) == list(DAYS[2:5])
    assert np.allclose(path["russell_2000"], [0.10, -0.01, 1.0])
    assert np.allclose(path["sp_500"], [0.02, 0.04, 0.20])
    assert np.allclose(returns.year_to_date(CLOSES, 2021).iloc[0], [0.10, -0.05])


@pytest.mark.parametrize("year", [2019, 2022])
def test_year_to_date_needs_closes_in_the_year_and_before(year):
    with pytest.raises(InputError, match=f"{year}: expected"):
        returns.year_to_date(CLOSES, year)


def test_starts_of_years_by_hand():
    first = returns.starts_of_years(CLOSES, 1)
    assert list(first.index) == [2020, 2021]  # 2019 has no close before it
    assert np.allclose(first["russell_2000"], [0.10, 0.10])
    assert np.allclose(first["sp_500"], [0.02, -0.05])
    second = returns.starts_of_years(CLOSES["russell_2000"], 2)
    assert list(second.index) == [2020]  # 2021 has one session
    assert np.allclose(second, [-0.01])
    assert returns.starts_of_years(CLOSES, 9).empty


def test_starts_of_years_on_real_closes(market):
    starts = returns.starts_of_years(market.closes, 12)
    level = market.closes["russell_2000"]
    for year in (1979, 1987, 2001, 2026):
        before = level[level.index.year < year].iloc[-1]
        then = level[level.index.year == year].iloc[11]
        assert starts.loc[year, "russell_2000"] == pytest.approx(then / before - 1)
    # 20 January 2026 was the twelfth session of its year
    assert 100 * starts.loc[2026, "russell_2000"] == pytest.approx(6.586, abs=5e-4)


def test_trailing_leads_by_hand():
    found = returns.trailing_leads(CLOSES, 2)
    assert found.iloc[:2].isna().all()
    assert found.iloc[2] == pytest.approx(110 / 90 - 51 / 50)
    assert found.iloc[5] == pytest.approx(220 / 99 - 57 / 52)


def _spans_oracle(values, threshold, gap):
    spans = []
    for position, value in enumerate(values):
        if not value >= threshold:
            continue
        if spans and position - spans[-1][1] <= gap:
            start, _, days, peak, where = spans[-1]
            if value > peak:
                peak, where = value, position
            spans[-1] = (start, position, days + 1, peak, where)
        else:
            spans.append((position, position, 1, value, position))
    return spans


@given(
    st.lists(st.one_of(st.integers(-3, 9).map(float), st.just(float("nan"))), max_size=40),
    st.integers(1, 6),
)
def test_merged_spans_against_a_loop(values, gap):
    series = pd.Series(
        np.array(values, float), pd.bdate_range("2020-01-01", periods=len(values), unit="us")
    )
    table = events.merged_spans(series, 5, gap)
    position = series.index.get_indexer
    found = list(
        zip(
            position(pd.DatetimeIndex(table["start"])),
            position(pd.DatetimeIndex(table["end"])),
            table["days"],
            table["peak"],
            position(pd.DatetimeIndex(table["peak_day"])),
            strict=True,
        )
    )
    assert found == _spans_oracle(values, 5, gap)
    reached = np.flatnonzero((series >= 5).to_numpy())
    assert len(table) == events.merged_episodes(reached, gap)


def test_a_reading_is_judged_by_the_rule_of_its_claim_and_is_no_check(registry):
    measured, outcome = registry.reading("HR-02")
    assert (measured, outcome) == (pytest.approx(-0.7105, abs=5e-5), "supported")
    later, outcome = registry.reading("HR-02", as_of="2026-01-21")
    assert (later, outcome) == (pytest.approx(0.4414, abs=5e-3), "contradicted")
    assert registry.reading("HR-02", -0.6) == (-0.6, "supported")
    assert registry.reading("HR-13", points=50)[0] == 0
    assert not registry.checked


def test_a_reading_may_drop_an_argument_of_the_call(registry):
    closes = registry.market.closes["sp_500"]
    measured, _ = registry.reading("HR-09", end=None, as_of="2026-01-21")
    assert measured == pytest.approx(
        100 * (closes.loc["2026-01-21"] / closes.loc["2026-01-16"] - 1)
    )


def test_a_reading_later_than_the_run_is_pending(market):
    registry = claims.load(market.until("2026-01-20"))
    assert registry.reading("HR-02", as_of="2026-01-21") == (None, "pending")
    assert registry.reading("HR-02")[1] == "supported"


def test_a_reading_that_does_not_fit_names_the_claim(registry):
    with pytest.raises(claims.ClaimError, match="HR-13: "):
        registry.reading("HR-13", colour="red")
    with pytest.raises(claims.ClaimError, match="HR-14: "):
        registry.reading("HR-14")


@pytest.mark.parametrize(
    ("name", "value"),
    [("lead_points", 0), ("lead_points", "7.8%"), ("lead_sessions", 12.5), ("episode_gap", 0)],
)
def test_impossible_parameters(name, value):
    with pytest.raises(parameters.ParameterError, match=f"{name} = "):
        parameters.validated({name: value})


def test_upright_labels_of_near_points_lean_apart():
    _fig, ax = plots.figure()
    ax.set_xlim(0, 100)
    plots.upright(ax, [10, 50, 51, 90], [1.0] * 4, list("abcd"))
    assert [text.get_ha() for text in ax.texts] == ["center", "right", "left", "center"]
    assert {text.get_rotation() for text in ax.texts} == {90}
    plots.upright(ax, [], [], [])
    plt.close("all")
