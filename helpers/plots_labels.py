"""Words in figures: beside points and lines, above dates, kept apart from each other.

:mod:`helpers.plots` has all of it, too: ``plots.note`` is ``plots_labels.note``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from helpers.palette import INK, QUIET

_POINTS: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}


def note(ax: Axes, x: Any, y: float, text: str, dx: float = 0, dy: float = 0, **style: Any) -> Axes:
    """Write beside a point of a plot, ``dx`` and ``dy`` points away.

    Examples
    --------
    >>> from helpers import plots
    >>> note(plots.figure()[1], 0.5, 0.8, "the peak", dx=5).texts[0].get_text()
    'the peak'
    """
    # A rim of paper keeps words apart from the lines beneath.
    rim = [withStroke(linewidth=2.5, foreground="white")]
    options: dict[str, Any] = _POINTS | {"size": 9, "va": "center", "path_effects": rim} | style
    ax.annotate(text, (x, y), (dx, dy), **options)
    return ax


def beside(ax: Axes, y: float, text: str, color: str = INK) -> Axes:
    """Name a level at the right edge of the axes."""
    right = ("axes fraction", "data")
    return note(ax, 1, y, text, dx=5, color=color, xycoords=right)


def label_end(ax: Axes, series: pd.Series, text: str, color: str, dy: float = 0) -> Axes:
    """Write a line's name to the right of its last point, ``dy`` points up."""
    known = series.dropna()
    return note(ax, known.index[-1], known.iloc[-1], text, dx=5, dy=dy, color=color)


def spread(values: Sequence[float], gap: float) -> np.ndarray:
    """Move values apart until neighbours lie at least ``gap`` apart, each as little as can be.

    Values that come too close share the room around their mean; order is kept, equal values in
    the order given.
    """
    order = np.argsort(values, kind="stable")
    groups: list[tuple[float, int]] = []  # centre and size of runs of labels packed gap by gap
    for value in np.asarray(values, float)[order]:
        groups.append((value, 1))
        while len(groups) > 1:
            (low, n_low), (high, n_high) = groups[-2:]
            if high - low >= gap * (n_low + n_high) / 2:
                break
            size = n_low + n_high
            groups[-2:] = [((low * n_low + high * n_high) / size, size)]
    placed = [
        centre + gap * (step - (size - 1) / 2) for centre, size in groups for step in range(size)
    ]
    result = np.empty(len(placed))
    result[order] = placed
    return result


def label_ends(ax: Axes, paths: pd.DataFrame, texts: Sequence[str], color: str = "#666666") -> Axes:
    """Name every column to the right of its last point, labels kept a line apart.

    Call it after the limits of the axes are set; a column without any value gets no label.

    Examples
    --------
    >>> from helpers import plots
    >>> paths = pd.DataFrame({"2001": [0.0, 3.0], "2019": [0.0, 3.1]})
    >>> ax = plots.figure()[1]
    >>> _ = ax.plot(paths)
    >>> [text.get_text() for text in label_ends(ax, paths, paths.columns).texts]
    ['2001', '2019']
    """
    known = paths.dropna(axis=1, how="all")
    ends = [(one.last_valid_index(), one.dropna().iloc[-1]) for _, one in known.items()]
    labels = [text for text, column in zip(texts, paths, strict=True) if column in known]
    low, high = ax.get_ylim()
    height = ax.get_window_extent().height * 72 / ax.figure.dpi  # points
    placed = spread([y for _, y in ends], 12 * (high - low) / height)
    for (x, y), at, text in zip(ends, placed, labels, strict=True):
        note(ax, x, y, text, dx=5, dy=(at - y) * height / (high - low), color=color)
    ax.set_ylim(low, high)
    return ax


def flags(ax: Axes, dates: Sequence[pd.Timestamp], labels: Sequence[str]) -> Axes:
    """Mark dates with thin lines and write their labels above the axes, in at most two heights.

    Where they are crowded the latest come first; a line whose label finds no room stays without.

    Examples
    --------
    >>> from helpers import plots
    >>> days = pd.to_datetime(["1998-09-29", "2001-01-03", "2001-02-01"])
    >>> ax = plots.figure()[1]
    >>> _ = ax.plot(pd.date_range("1990", "2026", 37), range(37))
    >>> [text.get_text() for text in flags(ax, days, [f"{day:%B %Y}" for day in days]).texts]
    ['February 2001', 'January 2001']
    """
    for date in dates:
        ax.axvline(date, color=INK, linewidth=0.8, alpha=min(0.7, 30 / len(dates)), label="_flag")
    taken: tuple[list[Any], list[Any]] = ([], [])
    place: dict[str, Any] = {"ha": "center", "va": "bottom", "xycoords": ("data", "axes fraction")}
    for date, label in sorted(zip(dates, labels, strict=True), reverse=True):
        for height, row in enumerate(taken):
            note(ax, date, 1, label, dy=3 + 12 * height, **place)
            box = ax.texts[-1].get_window_extent().expanded(1.06, 1)
            if not any(box.x0 < other.x1 and other.x0 < box.x1 for other in row):
                row.append(box)
                break
            ax.texts[-1].remove()
    return ax


def labels_right(ax: Axes, x: Sequence[Any], y: Sequence[float], texts: Sequence[str]) -> Axes:
    """Name points beside the right edge of the axes, moved apart so that no names overlap.

    Set the limits of the axes before; a thin line leads from each point to its name.
    """
    low, high = ax.get_ylim()
    box = ax.get_window_extent()
    gap = (high - low) * 13 * ax.figure.dpi / 72 / box.height
    for day, value, place, text in zip(x, y, spread(y, gap), texts, strict=True):
        ax.annotate(
            text,
            (day, value),
            xytext=(1.02, place),
            textcoords=("axes fraction", "data"),
            size=9,
            va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": QUIET, "shrinkA": 1},
            annotation_clip=False,
        )
    return ax


def upright(ax: Axes, xs: Sequence[Any], ys: Sequence[float], labels: Sequence[str]) -> Axes:
    """Name points by labels that stand upright above them; near neighbours lean apart.

    ``xs`` increase. Draw everything else first: what is near depends on the limits.
    """
    spots = np.array([ax.convert_xunits(x) for x in xs], float)
    near = np.diff(spots, prepend=-np.inf, append=np.inf) < 0.025 * np.ptp(ax.get_xlim())
    for x, y, label, after, before in zip(xs, ys, labels, near[:-1], near[1:], strict=True):
        side = "right" if before and not after else "left" if after and not before else "center"
        dx = {"right": 2, "left": -2, "center": 0}[side]
        note(ax, x, y, label, dx=dx, dy=6, ha=side, va="bottom", rotation=90)
    ax.margins(y=0.22)
    return ax
