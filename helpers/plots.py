"""Figures: axes in, axes out; no statistic is computed here.

``show`` turns a finished figure into the notebook's output: a PNG with an alt text and the finding
as caption, and as plain text what the figure plots, so that a comparison of outputs sees the data.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator

from helpers import pairs, pictures, words
from helpers.palette import BAND, BEHIND, INK, LARGE, LEAD, QUIET, SMALL
from helpers.plots_labels import beside as beside
from helpers.plots_labels import flags as flags
from helpers.plots_labels import label_end as label_end
from helpers.plots_labels import label_ends as label_ends
from helpers.plots_labels import labels_right as labels_right
from helpers.plots_labels import note as note
from helpers.plots_labels import spread as spread
from helpers.plots_labels import upright as upright
from helpers.words import signed

# Inches; a figure is drawn at twice the dots that it is shown at, in few colours: sharp and light.
WIDTH, HEIGHT, DPI, COLORS = 8.0, 4.5, 220, 64

_source = "Source: not stated"


def style(source: str) -> None:
    """Set the house style and the source line that every figure carries."""
    global _source
    _source = source
    plt.close("all")
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "figure.figsize": (WIDTH, HEIGHT),
            "figure.dpi": DPI,
            "savefig.dpi": DPI,
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.edgecolor": INK,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "lines.solid_capstyle": "round",
            "patch.edgecolor": "white",
            "legend.frameon": False,
        }
    )


def figure(
    rows: int = 1, columns: int = 1, height: float = HEIGHT, **options: Any
) -> tuple[Figure, Any]:
    """Return a figure of the house's width and its axes.

    Examples
    --------
    >>> fig, (left, right) = figure(1, 2, height=3)
    >>> fig.get_size_inches().tolist()
    [8.0, 3.0]
    """
    return plt.subplots(rows, columns, figsize=(WIDTH, height), **options)


def show(fig: Figure, title: str, alt: str, note: str = "") -> None:
    """Finish a figure and make it the output of the cell.

    Parameters
    ----------
    fig : Figure
    title : str
        The finding, one sentence.
    alt : str
        What a reader who cannot see the figure must know.
    note : str
        What is counted, with n; put before the source line.

    Raises
    ------
    ValueError
        If title or alt text is empty.

    Examples
    --------
    >>> fig, ax = figure()
    >>> _ = ax.plot([0, 1])
    >>> show(fig, "Small caps led", "A line that rises.")  # doctest: +ELLIPSIS
    {'text/html': ...Small caps led...A line that rises...}
    """
    if not title or not alt:
        raise ValueError("a figure expects a title that states its finding, and an alt text")
    _reword(fig)
    title, alt, note = (words.prose(pairs.named(text)) for text in (title, alt, note))
    foot = _lines(fig, f"{note}. {_source}" if note else _source, 122, size=9)
    height = fig.get_figheight()
    bottom = (0.12 + 0.18 * len(foot)) / height
    fig.text(0.01, 0.06 / height, "\n".join(foot), size=9, color="#555555", va="bottom")
    fig.tight_layout(rect=(0, bottom, 1, 1))
    plotted, picture = describe(fig), _png(fig, {"Title": title, "Description": alt})
    plt.close(fig)
    display(pictures.bundle(title, alt, picture, plotted), raw=True)


def _lines(fig: Figure, text: str, most: int, **style: Any) -> list[str]:
    """Return a text in lines of at most so many characters that fit the width of a figure."""
    for width in range(most, 20, -2):
        lines = textwrap.wrap(text, width)
        drawn = fig.text(0.01, 0, "\n".join(lines), **style)
        fits = drawn.get_window_extent().x1 <= 0.99 * fig.bbox.x1
        drawn.remove()
        if fits:
            break
    return lines


def _png(fig: Figure, told: Mapping[str, str]) -> bytes:
    """Return a figure as a PNG of few colours, lighter than in full, and with texts about it."""
    from PIL import Image, PngImagePlugin

    packed, texts, canvas = io.BytesIO(), PngImagePlugin.PngInfo(), FigureCanvasAgg(fig)
    for name, text in told.items():
        texts.add_itxt(name, text)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    few = drawn.quantize(COLORS, dither=Image.Dither.NONE)
    few.save(packed, format="png", optimize=True, pnginfo=texts)
    return packed.getvalue()


def _written(text: str) -> str:
    return words.singular(pairs.named(text))


def _reword(fig: Figure) -> None:
    """Write everything in a figure as readers do, with the names of the pair that is shown."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            texts = [label.get_text() for label in axis.get_ticklabels()]
            if isinstance(axis.get_major_locator(), FixedLocator) and any(texts):
                axis.set_ticklabels([*map(_written, texts)])
        for drawn in (*ax.lines, *ax.collections, *ax.patches):
            drawn.set_label(_written(str(drawn.get_label())))
    for text in fig.findobj(Text):
        text.set_text(_written(text.get_text()))


def describe(fig: Figure) -> str:
    """Return what a figure plots as text: lines, points, spans and bars of each axes, in short.

    Points and spans are told by both coordinates: some figures plot their values along x.
    """
    lines = []
    for number, ax in enumerate(fig.axes, start=1):
        lines.append(f"axes {number}: x {ax.get_xlabel() or '-'}, y {ax.get_ylabel() or '-'}")
        for line in ax.get_lines():
            lines.append("  line " + _ends(line.get_label(), np.asarray(line.get_ydata(), float)))
        for cloud in ax.collections:
            if isinstance(cloud, PathCollection):
                x, y = np.ma.filled(np.ma.asarray(cloud.get_offsets(), float), np.nan).T
                lines.append("  points " + _ends(cloud.get_label(), y))
                lines.append("  at x " + _ends("_", x))
            elif isinstance(cloud, LineCollection):
                ends = np.concatenate([np.ravel(s) for s in cloud.get_segments()] or [np.empty(0)])
                lines.append("  spans " + _ends(cloud.get_label(), ends))
        if ax.patches:
            heights = np.array([getattr(p, "get_height", lambda: np.nan)() for p in ax.patches])
            widths = np.array([getattr(p, "get_width", lambda: np.nan)() for p in ax.patches])
            lines.append("  bars " + _ends("height", heights))
            lines.append("  bars " + _ends("width", widths))
    return "\n".join(lines)


def _ends(label: object, values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    name = "" if str(label).startswith("_") else f"{label}: "
    if not known.size:
        return f"{name}n=0"
    return f"{name}n={known.size} first={known[0]:.6g} last={known[-1]:.6g} sum={known.sum():.6g}"


def zero(ax: Axes) -> Axes:
    """Draw the line of no difference.

    Examples
    --------
    >>> zero(figure()[1]).get_lines()[0].get_ydata()
    [0, 0]
    """
    ax.axhline(0, color=INK, linewidth=0.8, label="_zero")
    return ax


def pair(ax: Axes, paths: pd.DataFrame) -> Axes:
    """Plot a small-cap and a large-cap line in their colours, named at their ends.

    ``paths`` has the small side first.
    """
    (small, large), end = paths.columns, paths.ffill().iloc[-1]
    gap = 6 if abs(end.iloc[0] - end.iloc[1]) < 0.06 * np.ptp(paths.to_numpy()) else 0
    up = 1 if end.iloc[0] >= end.iloc[1] else -1
    for name, color, dy in ((small, SMALL, up * gap), (large, LARGE, -up * gap)):
        ax.plot(paths.index, paths[name], color=color, linewidth=1.8, label=name)
        label_end(ax, paths[name], name, color, dy)
    return ax


def fan(ax: Axes, paths: pd.DataFrame, named: Mapping[Any, str] | None = None) -> Axes:
    """Plot every path thin and grey, the middle half as a band and the median bold.

    Parameters
    ----------
    ax : Axes
    paths : DataFrame of shape (n_steps, n_events)
        Any NaN ends a path. Quartiles are those of the events there are at each step.
    named : dict, optional
        Column → label of paths to name at their end.
    """
    ax.plot(paths.index, paths.to_numpy(), color=QUIET, linewidth=0.8, label="_path")
    quartiles = paths.quantile([0.25, 0.5, 0.75], axis=1).T
    ax.fill_between(paths.index, quartiles[0.25], quartiles[0.75], color=LEAD, alpha=0.2)
    ax.plot(paths.index, quartiles[0.5], color=LEAD, linewidth=2.4, label="median")
    for column, text in (named or {}).items():
        label_end(ax, paths[column], text, "#666666")
    return zero(ax)


def dots_with_intervals(
    ax: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    colors: Sequence[str] | str = LEAD,
) -> Axes:
    """Plot one row a label, top to bottom: a dot and its interval; NaN ends draw no interval.

    Examples
    --------
    >>> ax = dots_with_intervals(figure()[1], ["a month", "a year"], [1, 2], [0, -3], [2, 7])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['a month', 'a year']
    """
    rows = np.arange(len(labels))[::-1]
    ax.hlines(rows, lows, highs, color=colors, linewidth=2, alpha=0.6)
    ax.scatter(values, rows, color=colors, s=36, zorder=3, label="value")
    ax.set_yticks(rows, labels)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.set_ylim(-0.6, len(labels) - 0.4)
    return ax


def specification_curve(
    upper: Axes,
    lower: Axes,
    table: pd.DataFrame,
    choices: Mapping[str, tuple[str, Sequence[str]]],
    own: int,
    envelope: pd.DataFrame | None = None,
    stated: float | None = None,
    form: Callable[[float], str] = signed,
) -> tuple[Axes, Axes]:
    """Plot sorted estimates above, and below a mark for each option that makes them.

    Parameters
    ----------
    upper, lower : Axes
        One above the other, with one x axis.
    table : DataFrame of shape (n_specifications, ...)
        ``estimate``, ``low`` and ``high`` and a column of labels for each choice, sorted.
    choices : dict
        Column of each choice → its title and its labels.
    own : int
        Row of the claim's own reading; -1 for none.
    envelope : DataFrame, optional
        ``low`` and ``high`` of the sorted curve under the null.
    stated : float, optional
        What the claim states.
    form : callable
        How to write an estimate.
    """
    x, estimate = np.arange(len(table)), table["estimate"].to_numpy(float)
    colors = np.where(estimate > 0, LEAD, BEHIND)
    upper.vlines(x, table["low"], table["high"], color=QUIET, linewidth=0.6, alpha=0.6)
    box = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}

    def named(text: str, x: float, y: float, dy: float, ha: str) -> None:
        note(upper, x, y, text, dy=dy, ha=ha, va="baseline", zorder=5, bbox=box)

    if envelope is not None:
        for end in ("low", "high"):
            upper.plot(
                x, envelope[end], color=INK, linewidth=1, linestyle="--", label=f"null {end}"
            )
        named("dashed: middle 95% by chance", x[-1], envelope["high"].iloc[-1], 6, "right")
    size = 6 if len(x) > 150 else 24
    upper.scatter(x, estimate, c=colors, s=size, zorder=3, linewidths=0, label="estimates")
    zero(upper)
    if stated is not None:
        upper.axhline(stated, color=SMALL, linewidth=1.2, label="stated")
        named(f"stated {form(stated)}", 0, stated, 4, "left")
    middle = len(x) // 2
    upper.scatter(middle, np.median(estimate), color=INK, marker="|", s=120, label="median")
    named(f"median {form(np.median(estimate))}", middle, np.median(estimate), -22, "left")
    if own >= 0:
        upper.scatter([own], estimate[[own]], color=INK, s=34, zorder=4, label="own reading")
        side = "left" if own < 0.8 * len(x) else "right"
        dy = 10 if abs(own - middle) < 0.25 * len(x) else -16
        named(f"own reading {form(estimate[own])}", own, estimate[own], dy, side)
        for ax in (upper, lower):
            ax.axvline(own, color=INK, linewidth=0.8, linestyle=":", label="_own")
    _panel(lower, table, choices, colors)
    return upper, lower


def _panel(
    ax: Axes,
    table: pd.DataFrame,
    choices: Mapping[str, tuple[str, Sequence[str]]],
    colors: np.ndarray,
) -> None:
    """Plot one row an option, grouped by choice, with a mark for each specification that has it."""
    x, at, ticks, names = np.arange(len(table)), 0.0, [], []
    for name, (title, labels) in choices.items():
        beside(ax, at - (len(labels) - 1) / 2, title, "#555555")
        for label in labels:
            marked = x[(table[name] == label).to_numpy()]
            ax.vlines(marked, at - 0.38, at + 0.38, color=colors[marked], linewidth=0.7)
            ticks.append(at)
            names.append(label)
            at -= 1
        at -= 0.6
    ax.set_yticks(ticks, names, size=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(at + 1.0, 0.7)
    ax.set_xlim(-1, len(table))
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xticks([])


def bars_by_sign(ax: Axes, labels: Sequence[str], values: Sequence[float], unit: str) -> Axes:
    """Plot leads as horizontal bars, top to bottom, full where small caps led."""
    rows = np.arange(len(labels))[::-1]
    colors = [LEAD if value > 0 else BEHIND for value in values]
    ax.barh(rows, values, color=colors, height=0.65)
    ends = [0.0, *(value for value in values if np.isfinite(value))]
    span = max(*map(abs, ends), 1e-9)
    for row, value in zip(rows, values, strict=True):
        side = 1 if value >= 0 else -1
        note(ax, value, row, signed(value), dx=4 * side, ha="left" if side > 0 else "right")
    ax.set_yticks(rows, labels)
    ax.set_xlim(min(ends) - 0.18 * span, max(ends) + 0.18 * span)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
    ax.set_xlabel(unit)
    return ax


def shade(ax: Axes, spans: pd.DataFrame) -> Axes:
    """Shade spans of time (two columns, start and end), such as recessions or streaks."""
    for start, end in spans.itertuples(index=False):
        ax.axvspan(start, end, color=BAND, alpha=0.8, zorder=0, linewidth=0)
    return ax


def before_after(
    ax: Axes, before: pd.Series, after: pd.Series, names: tuple[str, str], color: str = LEAD
) -> Axes:
    """Plot one row an event, top to bottom: an open dot before, a filled one after, joined."""
    rows = np.arange(len(before))[::-1]
    ax.hlines(rows, before, after, color=QUIET, linewidth=2)
    dot: dict[str, Any] = {"s": 40, "zorder": 3}
    ax.scatter(before, rows, facecolors="white", edgecolors=INK, label=names[0], **dot)
    ax.scatter(after, rows, color=color, label=names[1], **dot)
    first, last = before.iloc[0], after.iloc[0]
    for name, x, right in ((names[0], first, first > last), (names[1], last, first <= last)):
        side = 1 if right else -1
        note(ax, x, rows[0], name, dx=7 * side, dy=8, ha="left" if right else "right")
    ax.set_ylim(-0.6, len(before) - 0.2)
    ax.margins(x=0.2)
    return ax
