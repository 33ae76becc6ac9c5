"""What notebook 02 adds to the helpers, against hand calculations and plain loops."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import economy, events, plots


def _target(rows):
    table = pd.DataFrame(rows, columns=["announced", "upper_percent"])
    table["announced"] = pd.to_datetime(table["announced"])
    table = table.set_index("announced")
    return table.assign(change_bp=100 * table["upper_percent"].diff())


TARGET = _target(
    [
        ("2000-01-03", 1.0),
        ("2000-06-01", 2.0),
        ("2001-06-01", 3.5),
        ("2002-03-01", 4.0),
        ("2003-01-02", 3.0),  # first cut
        ("2003-02-03", 2.0),
        ("2004-06-01", 2.5),
        ("2005-06-01", 2.0),  # first cut
    ]
)


def test_tightenings_by_hand():
    table = economy.tightenings(TARGET, pd.Timestamp("2006-01-02"), 24, "2000-01-03")
    assert list(table.index) == list(pd.to_datetime(["2003-01-02", "2005-06-01"]))
    assert list(table["start"]) == list(pd.to_datetime(["2000-01-03", "2003-01-02"]))
    # 1.0 to 4.0 lies 639 days apart (2000-05-31 to 2002-03-01): inside 24 months
    assert table["rise_bp"].tolist() == [300.0, 50.0]
    short = economy.tightenings(TARGET, pd.Timestamp("2006-01-02"), 12, "2000-01-03")
    # 2.0 on 2001-05-31 to 4.0 on 2002-03-01
    assert short["rise_bp"].tolist() == [200.0, 50.0]


@pytest.mark.parametrize("months", [1, 6, 12, 24, 36])
def test_tightenings_against_a_loop(months):
    table = economy.tightenings(TARGET, pd.Timestamp("2006-01-02"), months, "2000-02-01")
    window = round(months * 365.25 / 12)
    for end, row in table.iterrows():
        days = pd.date_range(row["start"], end)
        level = [economy.target_on(TARGET, day)["upper_percent"] for day in days]
        best = max(
            level[j] - level[i]
            for j in range(len(level))
            for i in range(max(0, j - window + 1), j + 1)
        )
        assert row["rise_bp"] == pytest.approx(100 * best)


def test_tightenings_without_a_first_cut():
    table = economy.tightenings(TARGET.iloc[:3], pd.Timestamp("2002-01-02"), 24, "2000-01-03")
    assert table.empty
    assert list(table.columns) == ["start", "rise_bp"]


RECESSIONS = pd.DataFrame(
    {
        "peak": pd.PeriodIndex(["1990-07", "2001-03"], freq="M"),
        "trough": pd.PeriodIndex(["1991-03", "2001-11"], freq="M"),
    }
)


def test_near_recession_by_hand():
    months = pd.PeriodIndex(
        ["1989-07", "1989-08", "1990-07", "1991-03", "1991-04", "2000-03", "2000-04"], freq="M"
    )
    found = events.near_recession(months, RECESSIONS)
    # the recession of 1990 has its first month in August 1990
    assert found.tolist() == [False, True, True, True, False, False, True]
    assert found.index.equals(months)


@pytest.mark.parametrize("after", [0, 3, 12, 30])
def test_near_recession_against_a_loop(after):
    months = pd.period_range("1988-01", "2003-12", freq="M")
    in_recession = {
        month
        for peak, trough in RECESSIONS.itertuples(index=False)
        for month in pd.period_range(peak + 1, trough, freq="M")
    }
    expected = [any(month + step in in_recession for step in range(after + 1)) for month in months]
    assert events.near_recession(months, RECESSIONS, after).tolist() == expected


def test_near_recession_with_no_recession_known():
    months = pd.PeriodIndex(["1990-01"], freq="M")
    assert events.near_recession(months, RECESSIONS.iloc[:0]).tolist() == [False]


def test_spread_by_hand():
    assert plots.spread([0, 10, 20], 5).tolist() == [0, 10, 20]
    assert plots.spread([10, 0, 10], 4).tolist() == [8, 0, 12]
    # three within reach of each other are packed around their mean, 2
    assert plots.spread([1, 2, 3], 2).tolist() == [0, 2, 4]
    # a pair that is moved apart meets a third value
    assert plots.spread([0, 0, 2.5], 2).tolist() == pytest.approx([-7 / 6, 5 / 6, 17 / 6])
    assert plots.spread([], 1).tolist() == []


def test_spread_keeps_order_and_gap():
    rng = np.random.default_rng(7)
    for _ in range(50):
        values, gap = rng.normal(size=rng.integers(1, 12)), rng.uniform(0.01, 1)
        placed = plots.spread(values, gap)
        assert (np.argsort(values) == np.argsort(placed)).all()
        assert (np.diff(np.sort(placed)) >= gap - 1e-9).all()
        assert placed.mean() == pytest.approx(values.mean())


def test_label_ends_names_each_path_a_line_apart():
    paths = pd.DataFrame({"a": [0.0, 1.0, 1.0], "b": [0.0, 2.0, np.nan], "c": [np.nan] * 3})
    fig, ax = plt.subplots()
    ax.plot(paths.index, paths)
    plots.label_ends(ax, paths.assign(d=[0.0, 0.5, 1.0]), ["A", "B", "C", "D"])
    assert [text.get_text() for text in ax.texts] == ["A", "B", "D"]
    height = ax.get_position().height * fig.get_figheight() * 72
    low, high = ax.get_ylim()
    at = [t.xy[1] + t.xyann[1] * (high - low) / height for t in ax.texts]
    assert min(np.diff(np.sort(at))) >= 12 * (high - low) / height - 1e-9
    plt.close(fig)
