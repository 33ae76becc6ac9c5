"""What notebook 03 needs: standings, what followed wide gaps, dated readings, its plots."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import claims, data, plots, valuation

numbers = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def market():
    return data.load()


@pytest.fixture
def readings():
    columns = ["as_of", "index", "metric", "value", "provider_basis", "confidence"]
    rows = [
        ("2021-01-10", "Russell 2000", "P/E forward", 15.0, "BofA via Press", "high"),
        ("2021-01-10", "Russell 1000", "P/E forward", 20.0, "BofA via Press", "high"),
        ("2021-01-10", "S&P 500", "P/E forward", 18.0, "Other", "high"),
        ("2021-03-01", "S&P 600", "P/E forward", 14.0, "FactSet via Press", "medium"),
        ("2021-03-01", "S&P 500", "P/E forward", 28.0, "FactSet via Press", "medium"),
        ("2021-03-02", "Russell 2000", "P/E forward", 90.0, "FactSet via Press", "low"),
        ("2021-03-02", "S&P 500", "P/E forward", 20.0, "FactSet via Press", "high"),
        ("2021-01-10", "Russell 2000", "P/B", 2.0, "BofA via Press", "high"),
    ]
    return pd.DataFrame(rows, columns=columns).assign(
        as_of=lambda frame: pd.to_datetime(frame["as_of"], format="%Y-%m-%d")
    )


@given(numbers, st.integers(1, 12))
def test_trailing_percentile_is_a_count_in_each_window(values, count):
    found = valuation.trailing_percentile(pd.Series(values), count)
    for place, value in enumerate(values):
        window = values[place - count + 1 : place + 1] if place + 1 >= count else None
        expected = 100 * sum(x < value for x in window) / count if window else np.nan
        assert found.iloc[place] == pytest.approx(expected, nan_ok=True)


def test_standings_by_hand():
    table = valuation.standings(pd.Series([3.0, 1.0, 2.0, 4.0]), (2, 3))
    assert list(table["last 2"].iloc[1:]) == [0, 50, 50]
    assert table["last 3"].iloc[:2].isna().all()
    assert list(table["last 3"].iloc[2:]) == pytest.approx([100 / 3, 200 / 3])
    assert list(table["as known then"]) == pytest.approx([0, 0, 100 / 3, 75])
    assert list(table["all, with hindsight"]) == [50, 0, 25, 75]
    assert table["sd with hindsight"].iloc[3] == pytest.approx(1.5 / np.sqrt(5 / 3))
    assert table["sd as known then"].isna().all()


def test_latest_reading_stands_the_same_known_then_and_with_hindsight(market):
    ratio = valuation.relative_multiple(market.price_to_book)
    last = valuation.standings(ratio, (25,)).iloc[-1]
    assert last["as known then"] == pytest.approx(last["all, with hindsight"])
    assert last["sd as known then"] == pytest.approx(last["sd with hindsight"])


def test_span_score_by_hand():
    series = pd.Series(
        [1.0, 2.0, 3.0, 10.0], index=pd.period_range("2000-06", periods=4, freq="12M")
    )
    found = valuation.span_score(series, "2002-06", "2003-06")
    assert found == pytest.approx((6.5 - 2.5) / np.std([1, 2, 3, 10], ddof=1))
    assert np.isnan(valuation.span_score(series, "2010-06", "2011-06"))


def test_span_score_is_what_the_claim_measures(market):
    registry = claims.load(market)
    call = registry.get("AI-12").call
    ratio = valuation.relative_multiple(market.price_to_book)
    found = valuation.span_score(ratio, call["first"], call["last"])
    assert found == pytest.approx(registry.measure("AI-12").value)


def test_after_lowest_by_hand():
    junes = pd.PeriodIndex([f"{year}-06" for year in range(2000, 2005)], freq="M")
    ratio = pd.Series([1.0, 5.0, 2.0, 4.0, 1.0], index=junes)
    months = pd.period_range("2000-01", "2004-06", freq="M")
    portfolios = pd.DataFrame({"small": 0.01, "large": 0.0}, index=months)
    table = valuation.after_lowest(ratio, portfolios, 40, 2)
    assert list(table.index.year) == [2000, 2004]
    first, last = table.iloc[0], table.iloc[1]
    assert first[["then", "later", "change"]].tolist() == [1, 2, 1]
    assert first["small"] == pytest.approx(1.01**12 - 1)
    assert first["large"] == 0
    assert first["lead"] == pytest.approx(1.01**12 - 1)
    assert last.drop("then").isna().all()


def test_after_lowest_agrees_with_the_claim(market):
    registry = claims.load(market)
    call = registry.get("CS-22").call
    table = valuation.after_lowest(
        valuation.relative_multiple(market.price_to_book),
        market.portfolios,
        call["lowest_percent"],
        call["years"],
    ).dropna()
    measured = registry.measure("CS-22")
    assert len(table) == measured.n
    assert (table["change"] > 0).mean() == pytest.approx(measured.value)


def test_carried_moves_with_the_price_alone():
    prices = pd.Series(
        [100.0, 110.0, 121.0], index=pd.to_datetime(["2020-01-02", "2020-01-03", "2020-01-06"])
    )
    start, end = pd.Timestamp("2020-01-05"), pd.Timestamp("2020-01-06")
    assert valuation.carried(20, prices, start, end) == pytest.approx(22)
    assert valuation.carried(22, prices, end, start) == pytest.approx(20)
    assert np.isnan(valuation.carried(20, prices, start, end + pd.Timedelta(days=1)))
    assert np.isnan(valuation.carried(20, prices, pd.NaT, end))


@pytest.mark.parametrize(("value", "half"), [(16.0, 0.5), (16.2, 0.05), (14.48, 0.005), (110, 0.5)])
def test_half_step_is_half_the_last_decimal(value, half):
    assert valuation.half_step(value) == pytest.approx(half)


def test_half_step_of_nothing_is_nothing():
    assert np.isnan(valuation.half_step(float("nan")))


def test_providers_are_the_first_word():
    basis = pd.Series(["BofA/FactSet via Funds", "JPM Guide", "Yardeni (I/B/E/S)"])
    assert valuation.providers(basis).tolist() == ["BofA", "JPM", "Yardeni"]


def test_against_readings_takes_the_nearest_sure_one(readings):
    days = pd.to_datetime(["2021-03-03", "2021-02-01", "2021-02-01"])
    stated = pd.DataFrame(
        {"index": ["Russell 2000", "S&P 500", "S&P 400"], "date": days, "stated": [14.0, 19, 17]},
        index=["A-1", "A-2", "A-3"],
    )
    table = valuation.against_readings(readings, stated, "P/E forward")
    assert table.loc["A-1", ["reading", "distance_days", "gap"]].tolist() == [15, -52, -1]
    assert table.loc["A-2", ["reading", "provider_basis"]].tolist() == [18, "Other"]
    assert table.loc["A-3", ["reading", "read_on", "distance_days", "gap"]].isna().all()


def test_paired_readings_share_day_and_provider(readings):
    table = valuation.paired_readings(readings, "P/E forward")
    assert table["pair"].tolist() == ["Russell 2000 / Russell 1000", "S&P 600 / S&P 500"]
    assert table["discount"].tolist() == pytest.approx([25, 50])


def test_paired_readings_without_a_pair_are_an_empty_table(readings):
    none = valuation.paired_readings(readings.iloc[:1], "P/E forward")
    assert none.empty
    assert "discount" in none


@given(numbers, st.floats(0.1, 5))
def test_apart_keeps_order_and_distance(values, gap):
    placed = plots.spread(values, gap)
    order = np.argsort(values, kind="stable")
    assert (np.diff(placed[order]) >= gap * (1 - 1e-9)).all()
    assert placed.mean() == pytest.approx(np.mean(values), abs=1e-9)


def test_apart_leaves_distant_values_alone():
    assert plots.spread([5, 1, 5.2], 1).tolist() == pytest.approx([4.6, 1, 5.6])


def test_labels_right_name_every_point():
    fig, ax = plots.figure()
    plots.labels_right(ax, [0.1, 0.2], [0.5, 0.5], ["one", "two"])
    low, high = sorted(text.xyann[1] for text in ax.texts)
    assert low < 0.5 < high
    plt.close(fig)


def test_before_after_plots_both_ends():
    fig, ax = plots.figure()
    plots.before_after(ax, pd.Series([1.0, 2.0]), pd.Series([3.0, 1.0]), ("then", "later"))
    then, later = ax.collections[1:]
    assert then.get_offsets().tolist() == [[1, 1], [2, 0]]
    assert later.get_offsets().tolist() == [[3, 1], [1, 0]]
    plt.close(fig)
