"""Figures of event studies side by side; axes in and axes out, as in :mod:`helpers.plots`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import plots
from helpers.palette import INK, LEAD

# Panels in a row; more would print over each other.
ACROSS = 3


def panels(
    studies: Mapping[str, pd.DataFrame], label: str, color: str = LEAD, **options: Any
) -> Figure:
    """Plot a panel for each study: means with their intervals, and a tick for all days.

    Parameters
    ----------
    studies : dict of DataFrame
        Title of a panel → ``mean``, ``low``, ``high`` and ``base_mean`` by horizon in sessions, of
        the same horizons in each. NaN ends draw no interval.
    label : str
        What the x axes show.
    color : str
    **options
        As of :func:`matplotlib.pyplot.subplots`, such as ``sharex``.
    """
    count, horizons = len(studies), max(map(len, studies.values()))
    down, across = -(-count // ACROSS), min(count, ACROSS)
    height = 1.1 + down * (1.0 + 0.3 * horizons)
    fig, axes = plots.figure(down, across, height, sharey=True, squeeze=False, **options)
    for number, (ax, (title, study)) in enumerate(zip(axes.flat, studies.items(), strict=False)):
        rows = [f"{horizon} sessions" for horizon in study.index]
        plots.dots_with_intervals(ax, rows, study["mean"], study["low"], study["high"], color)
        up = range(len(study))[::-1]
        ax.scatter(study["base_mean"], up, marker="|", s=160, color=INK, label="all days")
        ax.set_title(title, size=10, weight="normal")
        ax.tick_params(labelbottom=number >= count - across or not options.get("sharex"))
        if across < ACROSS or number == min((down - 1) * ACROSS + 1, count - 1):
            ax.set_xlabel(label)
    for ax in axes.flat[count:]:
        ax.remove()
    return fig


def ratio_ticks(ax: Axes) -> Axes:
    """Set round ticks on a logarithmic y axis of relative strength, first close 100."""
    low, high = ax.get_ylim()
    steps = (1, 2, 5, 10, 20, 30, 40, 60, 80, 100, 120, 160, 200, 300, 500, 1000, 2000, 5000)
    ticks = [step for step in steps if low <= step <= high]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    return ax
