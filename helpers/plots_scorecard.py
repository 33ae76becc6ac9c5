"""Figures of the scorecard: outcomes as bars, stated against measured in tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import claims, words
from helpers.claims import grading
from helpers.palette import BAND, INK, OUTCOMES, ink_on
from helpers.plots import beside, dots_with_intervals, note
from helpers.words import signed


def outcome_key(ax: Axes, counts: Mapping[str, int]) -> Axes:
    """Write each outcome that occurs above the axes: its colour, mark, name and count."""
    known = [name for name in grading.OUTCOMES if counts.get(name)]
    for place, name in enumerate(known):
        row, column = divmod(place, 3)
        text = f"{claims.MARKS[name]} {name} {counts[name]}"
        color = OUTCOMES[name]
        box = {"facecolor": color, "edgecolor": "#777777", "linewidth": 0.5, "pad": 2}
        look: dict[str, Any] = {"color": ink_on(color), "bbox": box, "path_effects": []}
        up = 26 - 17 * row if len(known) > 3 else 9
        note(ax, 0.36 * column, 1, text, dy=up, va="bottom", xycoords="axes fraction", **look)
    return ax


def outcome_bars(ax: Axes, groups: Mapping[str, pd.DataFrame]) -> Axes:
    """Plot bars of the share of each outcome, one row a group, under a heading for each table.

    ``groups`` maps headings to tables with a column of counts for each outcome and ``all``. Each
    part carries its count, and its mark where there is room.
    """
    y, ticks = 0.0, {}
    for heading, table in groups.items():
        note(ax, 0.6, y, heading, weight="bold")
        for name, row in table.iterrows():
            y, left = y - 1, 0.0
            for outcome in grading.OUTCOMES:
                if count := int(row[outcome]):
                    width, color = 100 * count / row["all"], OUTCOMES[outcome]
                    edge: dict[str, Any] = {"edgecolor": "#777777", "linewidth": 0.5}
                    ax.barh(y, width, left=left, color=color, height=0.8, **edge)
                    join = " " if width > 7 else "\n"
                    text = f"{claims.MARKS[outcome]}{join}{count}"
                    size = 9 if width > 7 else 6.5
                    middle = left + width / 2
                    look: dict[str, Any] = {"color": ink_on(color), "path_effects": []}
                    note(ax, middle, y, text, size=size, ha="center", **look)
                    left += width
            label = words.named(str(name)) if "_" in str(name) else str(name)
            ticks[y] = f"{label} ({row['all']})"
        y -= 1.4
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 100)
    ax.set_ylim(y + 0.7, 0.7)
    return ax


def tolerance_dots(ax: Axes, table: pd.DataFrame, limit: float = 8.0) -> Axes:
    """Plot how far measured lies from stated in units of each claim's tolerance.

    Parameters
    ----------
    ax : Axes
    table : DataFrame indexed by claim
        ``article``, ``stated``, ``measured``, ``unit``, ``distance`` (infinite: only equality
        counts, and it fails) and ``outcome``, the claims of an article one after another.
    limit : float
        What lies farther out is drawn here as an arrow, with its distance.
    """
    heads = (table["article"] != table["article"].shift()).to_numpy(bool)
    rows = -(np.arange(len(table)) + 1.4 * np.cumsum(heads)).astype(float)
    ax.axvspan(-1, 1, color=BAND, alpha=0.8, zorder=0, linewidth=0)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
    far = table["distance"].to_numpy(float)
    x, right = far.clip(-limit, limit), (table["outcome"] == grading.SUPPORTED).to_numpy(bool)
    kinds = {
        "supported": (right, "o", OUTCOMES[grading.SUPPORTED]),
        "not supported": (~right & (abs(far) <= limit), "x", INK),
        "far below": (~right & (far < -limit), "<", INK),
        "far above": (~right & (far > limit), ">", INK),
    }
    for label, (own, marker, color) in kinds.items():
        ax.scatter(x[own], rows[own], color=color, marker=marker, s=26, label=label)
    for distance, at, y in zip(far, x, rows, strict=True):
        if abs(distance) > limit:
            side = -1 if at > 0 else 1
            text = signed(distance, 0) if np.isfinite(distance) else "not equal"
            note(ax, at, y, text, dx=7 * side, ha="left" if side > 0 else "right", size=8)
    for (_, row), y in zip(table.iterrows(), rows, strict=True):
        measured = words.measured({**row, "unit": ""})
        beside(ax, y, f"{words.value(row['stated'])} → {measured}")
    for name, y in zip(table["article"][heads], rows[heads], strict=True):
        note(ax, -limit * 1.04, y + 1.1, name, weight="bold")
    ax.set_yticks(rows, table.index)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(-limit * 1.06, limit * 1.06)
    ax.set_ylim(min(rows, default=0) - 0.8, max(rows, default=0) + 1.8)
    return ax


def precedents(ax: Axes, table: pd.DataFrame) -> Axes:
    """Plot measured means with their intervals, and stated ones as diamonds beside them.

    ``table`` is as :func:`helpers.findings.precedents` gives it.
    """
    dots_with_intervals(ax, list(table.index), table["measured"], table["low"], table["high"])
    for row, (_, one) in zip(range(len(table))[::-1], table.iterrows(), strict=True):
        note(ax, one["measured"], row, signed(one["measured"]), dy=-14, ha="center")
        if pd.notna(one["stated"]):
            ax.scatter(one["stated"], row, marker="D", color=INK, s=30, zorder=4, label="stated")
            note(ax, one["stated"], row, f"stated {signed(one['stated'])}", dx=4, dy=12)
    return ax
