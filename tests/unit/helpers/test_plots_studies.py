"""Panels of event studies wrap, share a label, and print over nothing."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from helpers import plots, plots_studies

STUDY = pd.DataFrame(
    {"mean": [1.0, 2.0], "low": [-1.0, np.nan], "high": [3.0, np.nan], "base_mean": [0.5, 0.6]},
    index=[21, 252],
)


@pytest.fixture(autouse=True)
def styled():
    plots.style("Source: made up")
    yield
    plots.plt.close("all")


def overlapping(boxes):
    return [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize(("count", "down"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 3)])
def test_panels_wrap_and_their_words_stay_apart(count, down):
    studies = {f"{n + 3} or more (n = 774 to 784)": STUDY for n in range(count)}
    fig = plots_studies.panels(studies, "mean small minus large, percentage points")
    fig.tight_layout()
    fig.canvas.draw()
    titles = [text for text in fig.findobj(Text) if text.get_text() in studies]
    assert len(titles) == count
    rows = {round(ax.get_position().y0, 2) for ax in fig.axes}
    assert len(rows) == down
    labelled = [ax.xaxis.label for ax in fig.axes if ax.get_xlabel()]
    assert len(labelled) == (count if count < 3 else 1)
    assert overlapping([text.get_window_extent() for text in titles + labelled]) == []


def test_each_panel_draws_its_study():
    fig = plots_studies.panels({"one": STUDY, "two": STUDY + 1}, "lead", sharex=True)
    told = plots.describe(fig)
    assert told.count("n=2 first=1 last=0 sum=1") == 4  # rows of dots and ticks, top down
    assert "all days: n=2" in told
    shown = [label.get_visible() for ax in fig.axes for label in ax.get_xticklabels()]
    assert all(shown)


@pytest.mark.parametrize("count", [1, 2, 19, 410])
def test_crowded_flags_keep_their_lines_and_lose_labels(count):
    fig, ax = plots.figure()
    days = pd.date_range("1980-01-01", "2026-01-16", count or 1)
    ax.plot(days, range(count))
    plots.flags(ax, days, [f"{day:%b %Y} (12)" for day in days])
    fig.canvas.draw()
    lines = [line for line in ax.get_lines() if line.get_label() == "_flag"]
    assert len(lines) == count
    assert overlapping([text.get_window_extent() for text in ax.texts]) == []
    assert f"{days[-1]:%b %Y} (12)" in {text.get_text() for text in ax.texts}
    assert len(ax.texts) >= min(count, 8)
