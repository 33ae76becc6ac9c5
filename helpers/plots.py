"""Figures: axes in, axes out; no statistic is computed here.

``show`` turns a finished figure into the notebook's output: a PNG whose metadata carry the alt
text, and as plain text what the figure plots, so that a comparison of outputs sees the data.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter

from helpers import claims, pairs, words
from helpers.claims import grading
from helpers.words import signed

# Okabe and Ito's palette, told apart with any colour vision; one colour for each side.
SMALL, LARGE, LEAD = "#D55E00", "#0072B2", "#009E73"
QUIET, INK, BAND = "#B8B8B8", "#222222", "#DDDDDD"
# Outcomes, told apart by their marks as well.
OUTCOMES = {
    grading.SUPPORTED: "#66C2A5",
    grading.PARTLY: "#CDEBDF",
    grading.CONTRADICTED: "#E6A0C4",
    grading.INCONCLUSIVE: "#F2E394",
    grading.NOT_TESTABLE: "#D9D9D9",
    grading.PENDING: "#FFFFFF",
}
WIDTH, HEIGHT, DPI = 8.0, 4.5, 110

_source = "Source: not stated"


def style(source: str) -> None:
    """Set the house style and the source line that every figure carries."""
    global _source
    _source = source
    plt.close("all")
    sns.set_theme(context="notebook", style="ticks", font="DejaVu Sans")
    mpl.rcParams.update(
        {
            "figure.figsize": (WIDTH, HEIGHT),
            "figure.dpi": DPI,
            "savefig.dpi": DPI,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "text.color": INK,
            "axes.labelcolor": INK,
            "legend.frameon": False,
        }
    )


def figure(
    rows: int = 1,
    columns: int = 1,
    height: float = HEIGHT,
    **options: Any,
) -> tuple[Figure, Any]:
    """Return a figure of the house's width and its axes."""
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
    """
    if not title or not alt:
        raise ValueError("a figure expects a title that states its finding, and an alt text")
    if pairs.shown():
        _rename(fig)
        title, alt, note = (pairs.named(text) for text in (title, alt, note))
    lines = textwrap.wrap(title, 78)
    foot = textwrap.wrap(f"{note}. {_source}" if note else _source, 140)
    height = fig.get_figheight()
    top = 1 - (0.30 + 0.22 * len(lines)) / height
    bottom = (0.12 + 0.17 * len(foot)) / height
    fig.text(0.01, 1 - 0.08 / height, "\n".join(lines), va="top", size=12, weight="bold")
    fig.text(0.01, 0.06 / height, "\n".join(foot), size=8, color="#555555", va="bottom")
    fig.tight_layout(rect=(0, bottom, 1, top))
    stream = io.BytesIO()
    fig.savefig(stream, format="png", metadata={"Software": None})
    plotted = describe(fig)
    plt.close(fig)
    display(
        {
            "image/png": base64.b64encode(stream.getvalue()).decode(),
            "text/plain": f"{title}\n{plotted}",
        },
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def _rename(fig: Figure) -> None:
    """Give everything written in a figure the names of the pair that is shown."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            fixed = axis.get_major_formatter()
            if isinstance(fixed, FixedFormatter):
                fixed.seq = [pairs.named(label) for label in fixed.seq]
        for drawn in (*ax.lines, *ax.collections, *ax.patches):
            drawn.set_label(pairs.named(str(drawn.get_label())))
    for text in fig.findobj(Text):
        text.set_text(pairs.named(text.get_text()))


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
    """Draw the line of no difference."""
    ax.axhline(0, color=INK, linewidth=0.8, label="_zero")
    return ax


def label_end(ax: Axes, series: pd.Series, text: str, color: str, dy: float = 0) -> Axes:
    """Write a line's name to the right of its last point, ``dy`` points up."""
    known = series.dropna()
    ax.annotate(
        text,
        (known.index[-1], known.iloc[-1]),
        xytext=(5, dy),
        textcoords="offset points",
        color=color,
        size=9,
        va="center",
        annotation_clip=False,
    )
    return ax


def spread(values: Sequence[float], gap: float) -> np.ndarray:
    """Move values apart until neighbours lie at least ``gap`` apart, each as little as can be.

    Values that come too close share the room around their mean; order is kept, equal values in
    the order given.
    """
    order = np.argsort(values, kind="stable")
    groups: list[list[float]] = []  # centre and size of runs of labels packed gap by gap
    for value in np.asarray(values, float)[order]:
        groups.append([value, 1])
        while len(groups) > 1:
            (low, n_low), (high, n_high) = groups[-2:]
            if high - low >= gap * (n_low + n_high) / 2:
                break
            size = n_low + n_high
            groups[-2:] = [[(low * n_low + high * n_high) / size, size]]
    placed = [
        centre + gap * (step - (size - 1) / 2) for centre, size in groups for step in range(size)
    ]
    result = np.empty(len(placed))
    result[order] = placed
    return result


def label_ends(ax: Axes, paths: pd.DataFrame, texts: Sequence[str], color: str = "#666666") -> Axes:
    """Name every column to the right of its last point, labels kept a line apart.

    Call it once the limits of the axes stand; a column without any value gets no label.
    """
    known = paths.dropna(axis=1, how="all")
    ends = [(one.last_valid_index(), one.dropna().iloc[-1]) for _, one in known.items()]
    labels = [text for text, column in zip(texts, paths, strict=True) if column in known]
    low, high = ax.get_ylim()
    height = ax.get_position().height * ax.figure.get_figheight() * 72  # points
    placed = spread([y for _, y in ends], 12 * (high - low) / height)
    for (x, y), at, text in zip(ends, placed, labels, strict=True):
        ax.annotate(
            text,
            (x, y),
            xytext=(5, (at - y) * height / (high - low)),
            textcoords="offset points",
            color=color,
            size=8,
            va="center",
            annotation_clip=False,
        )
    ax.set_ylim(low, high)
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
    """Plot one row a label, top to bottom: a dot and its interval; NaN ends draw no interval."""
    rows = np.arange(len(labels))[::-1]
    ax.hlines(rows, lows, highs, color=colors, linewidth=2, alpha=0.6)
    ax.scatter(values, rows, color=colors, s=36, zorder=3, label="value")
    ax.set_yticks(rows, labels)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
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
    colors = np.where(estimate > 0, SMALL, LARGE)
    upper.vlines(x, table["low"], table["high"], color=QUIET, linewidth=0.6, alpha=0.6)
    if envelope is not None:
        for end in ("low", "high"):
            upper.plot(
                x, envelope[end], color=INK, linewidth=1, linestyle="--", label=f"null {end}"
            )
        _beside(
            upper, "dashed: middle 95% by chance", (x[-1], envelope["high"].iloc[-1]), 6, "right"
        )
    size = 6 if len(x) > 150 else 24
    upper.scatter(x, estimate, c=colors, s=size, zorder=3, linewidths=0, label="estimates")
    zero(upper)
    if stated is not None:
        upper.axhline(stated, color=LEAD, linewidth=1.2, label="stated")
        _beside(upper, f"stated {form(stated)}", (x[-1], stated), 3, "right")
    middle = len(x) // 2
    upper.scatter(middle, np.median(estimate), color=INK, marker="|", s=120, label="median")
    _beside(
        upper, f"median {form(np.median(estimate))}", (middle, np.median(estimate)), 8, "center"
    )
    if own >= 0:
        upper.scatter([own], estimate[[own]], color=INK, s=34, zorder=4, label="own reading")
        side = "left" if own < 0.8 * len(x) else "right"
        _beside(upper, f"own reading {form(estimate[own])}", (own, estimate[own]), -16, side)
        for ax in (upper, lower):
            ax.axvline(own, color=INK, linewidth=0.8, linestyle=":", label="_own")
    _panel(lower, table, choices, colors)
    return upper, lower


def _beside(ax: Axes, text: str, at: tuple[float, float], dy: float, ha: str) -> None:
    box = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    ax.annotate(text, at, (0, dy), textcoords="offset points", ha=ha, size=8, zorder=5, bbox=box)


def _panel(
    ax: Axes,
    table: pd.DataFrame,
    choices: Mapping[str, tuple[str, Sequence[str]]],
    colors: np.ndarray,
) -> None:
    """Plot one row an option, grouped by choice, with a mark for each specification that has it."""
    x, at, ticks, names = np.arange(len(table)), 0.0, [], []
    for name, (title, labels) in choices.items():
        ax.annotate(
            title,
            (1, at - (len(labels) - 1) / 2),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            size=7.5,
            color="#555555",
            annotation_clip=False,
        )
        for label in labels:
            marked = x[(table[name] == label).to_numpy()]
            ax.vlines(marked, at - 0.38, at + 0.38, color=colors[marked], linewidth=0.7)
            ticks.append(at)
            names.append(label)
            at -= 1
        at -= 0.6
    ax.set_yticks(ticks, names, size=7.5)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(at + 1.0, 0.7)
    ax.set_xlim(-1, len(table))
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xticks([])


def precedents(ax: Axes, table: pd.DataFrame) -> Axes:
    """Plot measured means with their intervals, and stated ones as diamonds beside them.

    ``table`` is indexed by labels, with ``measured``, ``low``, ``high`` and ``stated`` (NaN where
    nothing was stated).
    """
    dots_with_intervals(ax, list(table.index), table["measured"], table["low"], table["high"])
    for row, (_, one) in zip(range(len(table))[::-1], table.iterrows(), strict=True):
        place = {"textcoords": "offset points", "ha": "center", "size": 8.5}
        _beside(ax, signed(one["measured"]), (one["measured"], row), -16, "center")
        if np.isfinite(one["stated"]):
            ax.scatter(one["stated"], row, marker="D", color=INK, s=30, zorder=4, label="stated")
            text = f"stated {signed(one['stated'])}"
            ax.annotate(text, (one["stated"], row), (4, 7), **place | {"ha": "left"})
    return ax


def bars_by_sign(ax: Axes, labels: Sequence[str], values: Sequence[float], unit: str) -> Axes:
    """Plot horizontal bars top to bottom: small caps' colour above zero, large caps' below."""
    rows = np.arange(len(labels))[::-1]
    colors = [SMALL if value > 0 else LARGE for value in values]
    ax.barh(rows, values, color=colors, height=0.65)
    span = max(np.nanmax(np.abs(values)), 1e-9)
    for row, value in zip(rows, values, strict=True):
        ax.annotate(
            signed(value),
            (value, row),
            xytext=(4 if value >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            size=9,
        )
    ax.set_yticks(rows, labels)
    ax.set_xlim(min(0, np.nanmin(values)) - 0.18 * span, max(0, np.nanmax(values)) + 0.18 * span)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
    ax.set_xlabel(unit)
    return ax


def histogram_against(
    ax: Axes, counts: pd.Series, expected: pd.Series, label: str, unit: str
) -> Axes:
    """Plot observed counts as bars and expected ones as a line of dots, on a log axis."""
    ax.bar(counts.index, counts, color=QUIET, width=0.8, label="observed")
    ax.plot(expected.index, expected, color=LARGE, marker="o", markersize=4, label=label)
    ax.set_yscale("log")
    ax.set_xlabel(unit)
    return ax


def bands(ax: Axes, center: float, spread: float, times: Sequence[float] = (1, 2)) -> Axes:
    """Draw a mean and bands of so many standard deviations around it, named at the right."""
    for k in sorted(times, reverse=True):
        ax.axhspan(center - k * spread, center + k * spread, color=BAND, alpha=0.5, zorder=0)
    ax.axhline(center, color=INK, linewidth=1, label="mean")
    for k in (0, *times, *(-t for t in times)):
        text = "mean" if k == 0 else f"{k:+d} sd".replace("-", "−")
        ax.annotate(
            text,
            (1, center + k * spread),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            size=8,
            va="center",
            annotation_clip=False,
        )
    return ax


def shade(ax: Axes, spans: pd.DataFrame) -> Axes:
    """Shade spans of time (two columns, start and end), such as recessions or streaks."""
    for start, end in spans.itertuples(index=False):
        ax.axvspan(start, end, color=BAND, alpha=0.8, zorder=0, linewidth=0)
    return ax


def month_ticks(days: pd.DatetimeIndex, every: int = 2) -> tuple[list[pd.Timestamp], list[str]]:
    """Return the first session of every second month as ticks, and their labels."""
    months = days.to_period("M")
    chosen = list(days[1:][months[1:] != months[:-1]][::every])
    return chosen, [f"{day:%b}\n{day:%Y}" for day in chosen]


def last_marked(ax: Axes, series: pd.Series) -> Axes:
    """Plot a series with its last value marked and written beside."""
    ax.plot(series.index, series, color=LEAD, linewidth=1.4, label="series")
    at = (series.index[-1], series.iloc[-1])
    ax.scatter(*at, color=LEAD, s=24, zorder=3, label="last")
    text = f"{at[0]}: {at[1]:.2f}"
    ax.annotate(text, at, (-4, -13), textcoords="offset points", ha="right", size=8.5)
    return ax


def flags(ax: Axes, dates: Sequence[pd.Timestamp], labels: Sequence[str]) -> Axes:
    """Mark dates with thin lines and write their labels above the axes, in two heights."""
    for number, (date, label) in enumerate(zip(dates, labels, strict=True)):
        ax.axvline(date, color=INK, linewidth=0.8, alpha=0.7, label="_flag")
        ax.annotate(
            label,
            (date, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 12 * (number % 2)),
            textcoords="offset points",
            size=8,
            ha="center",
        )
    return ax


def mark(ax: Axes, x: Any, y: float, text: str, dx: float = 6, dy: float = 6) -> Axes:
    """Name one point of a plot."""
    ax.scatter([x], [y], color=INK, s=22, zorder=4, label="_mark")
    ax.annotate(text, (x, y), xytext=(dx, dy), textcoords="offset points", size=9)
    return ax


def point_out(
    ax: Axes,
    x: Any,
    y: float,
    text: str,
    height: float,
    ha: str = "center",
) -> Axes:
    """Name one point of a plot at another height, a thin line between them."""
    ax.scatter([x], [y], color=INK, s=22, zorder=4, label="_mark")
    ax.annotate(
        text,
        (x, y),
        xytext=(x, height),
        size=9,
        ha=ha,
        va="center",
        arrowprops={"arrowstyle": "-", "linewidth": 0.6, "color": INK},
    )
    return ax


def dots_named(
    ax: Axes,
    values: pd.Series,
    rows: Sequence[float],
    name: str,
    color: str,
    right: bool,
    latest: bool = True,
    digits: int | None = 2,
) -> Axes:
    """Plot one dot a row with its value beside it, the name above the first one.

    Parameters
    ----------
    ax : Axes
    values : Series of shape (n_rows,)
        NaN leaves its row empty.
    rows : sequence of float
        Height of each.
    name, color : str
    right : bool
        Whether values and name stand to the right of the dots, else to the left.
    latest : bool
        Whether a dotted line marks the level of the last one.
    digits : int, optional
        Decimals of the values; by default as many as they have.
    """
    ax.scatter(values, rows, color=color, s=40, zorder=3, label=name)
    if latest:
        ax.axvline(values.iloc[-1], color=color, linewidth=0.8, linestyle=":", label="_latest")
    style = {"textcoords": "offset points", "color": color, "ha": "left" if right else "right"}
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    way = 1 if right else -1
    for row, value in zip(rows, values, strict=True):
        if np.isfinite(value):
            text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
            ax.annotate(text, (value, row), xytext=(7 * way, 0), va="center", size=8, **style)
    known = [pair for pair in zip(values, rows, strict=True) if np.isfinite(pair[0])]
    if known:
        ax.annotate(name, known[0], xytext=(-4 * way, 8), size=9, **style)
    return ax


def before_after(
    ax: Axes, before: pd.Series, after: pd.Series, names: tuple[str, str], color: str = LEAD
) -> Axes:
    """Plot one row an event, top to bottom: an open dot before, a filled one after, joined."""
    rows = np.arange(len(before))[::-1]
    ax.hlines(rows, before, after, color=QUIET, linewidth=2)
    dot = {"s": 40, "zorder": 3}
    ax.scatter(before, rows, facecolors="white", edgecolors=INK, label=names[0], **dot)
    ax.scatter(after, rows, color=color, label=names[1], **dot)
    first, last = before.iloc[0], after.iloc[0]
    for name, x, right in ((names[0], first, first > last), (names[1], last, first <= last)):
        ax.annotate(
            name,
            (x, rows[0]),
            xytext=(7 if right else -7, 8),
            textcoords="offset points",
            size=9,
            ha="left" if right else "right",
        )
    ax.set_ylim(-0.6, len(before) - 0.2)
    ax.margins(x=0.2)
    return ax


def points_by_group(
    ax: Axes,
    x: pd.Series,
    y: pd.Series,
    groups: pd.Series,
    known: Sequence[str],
    color: str,
    title: str,
) -> Axes:
    """Plot points with one marker a group; the panel's title carries the key, no box needed.

    ``known`` lists every group of all panels, so that each keeps its marker; five at most.
    """
    markers = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}
    if len(known) > len(markers):
        raise ValueError(f"{len(known)} groups: expected at most {len(markers)}")
    keys = []
    for name, (marker, sign) in zip(known, markers.items(), strict=False):
        own = groups == name
        if own.any():
            ax.scatter(x[own], y[own], color=color, marker=marker, s=30, label=name)
            keys.append(f"{sign} {name}")
    key = f" ({', '.join(keys)})" if keys else " (no reading)"
    ax.set_title(title + key, size=10, weight="normal", color=color)
    return ax


def labels_right(ax: Axes, x: Sequence[Any], y: Sequence[float], texts: Sequence[str]) -> Axes:
    """Name points beside the right edge of the axes, moved apart so that no names overlap.

    Set the limits of the axes before; a thin line leads from each point to its name.
    """
    low, high = ax.get_ylim()
    box = ax.get_window_extent()
    gap = (high - low) * 12 * ax.figure.dpi / 72 / box.height
    for day, value, place, text in zip(x, y, spread(y, gap), texts, strict=True):
        ax.annotate(
            text,
            (day, value),
            xytext=(1.02, place),
            textcoords=("axes fraction", "data"),
            size=8,
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
        ax.annotate(
            label,
            (x, y),
            xytext=({"right": 2, "left": -2, "center": 0}[side], 6),
            textcoords="offset points",
            size=8,
            ha=side,
            va="bottom",
            rotation=90,
        )
    ax.margins(y=0.22)
    return ax


def stems(ax: Axes, values: pd.Series, level: float, name: str, color: str) -> Axes:
    """Plot a stem a year, the last one in colour and named, and a named dashed level.

    ``values`` is indexed by year; a NaN level is not drawn.
    """
    past, now, year = values.iloc[:-1], values.iloc[-1], values.index[-1]
    beside = {"textcoords": "offset points", "color": color, "va": "center"}
    ax.vlines(past.index, 0, past, color=QUIET, linewidth=1.5)
    ax.scatter(past.index, past, color="#888888", s=14, label="earlier years")
    ax.scatter(year, now, color=color, s=44, zorder=4, label=str(year))
    dy = 13 if now >= level else -13
    ax.annotate(f"{year}: {signed(now)}", (year, now), xytext=(7, dy), size=9, **beside)
    if np.isfinite(level):
        ax.axhline(level, color=color, linewidth=1, linestyle="--", label=name)
        right = ("axes fraction", "data")
        ax.annotate(name, (1, level), xycoords=right, xytext=(4, 0), size=8, **beside)
    return zero(ax)


def revisions(ax: Axes, table: pd.DataFrame, stated: float, unit: str) -> Axes:
    """Plot a ring at the figure first released and a dot at the one that stands now, by month.

    Parameters
    ----------
    ax : Axes
    table : DataFrame indexed by month, columns ``first_release`` and ``latest``
        A month without either is said to be not collected.
    stated : float
        Level of a dashed line, named at the left.
    unit : str
        Label of the other axis.
    """
    at = np.arange(len(table))
    ax.axhline(stated, color=LARGE, linewidth=1, linestyle="--", label="stated")
    ax.vlines(at, table["first_release"], table["latest"], color=QUIET, linewidth=2)
    ring = {"facecolors": "none", "edgecolors": INK, "s": 110, "zorder": 3}
    ax.scatter(at, table["first_release"], label="first released", **ring)
    ax.scatter(at, table["latest"], color=LEAD, s=30, zorder=4, label="now")
    ax.set_xticks(at, [f"{month:%b}\n{month:%Y}" for month in table.index])
    ax.set_xlim(-0.6, len(table) - 0.4)
    ax.margins(y=0.25)
    ax.set_xlabel("month of the reading")
    ax.set_ylabel(unit)
    lost = table[["first_release", "latest"]].isna().all(axis=1)
    style = {"size": 8, "ha": "center", "rotation": 90}
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for x in at[lost]:
        ax.annotate("not collected", (x, 0.03), xycoords=("data", "axes fraction"), **style)
    beside = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(f"stated: {stated:g}", (1, stated), xytext=(4, 0), size=8, va="center", **beside)
    return ax


def paired_bars(
    ax: Axes, values: pd.DataFrame, names: Mapping[str, str], marked: pd.Period | None = None
) -> Axes:
    """Plot two bars a month side by side, named above the axes, one month shaded.

    Parameters
    ----------
    ax : Axes
    values : DataFrame indexed by month
    names : dict
        Two columns → their names; the first in small caps' colour, the second grey.
    marked : Period, optional
        Month to shade, if it is there.
    """
    at = np.arange(len(values))
    bars = zip(names.items(), ((-0.2, SMALL), (0.2, "#888888")), strict=True)
    for line, ((column, name), (shift, color)) in enumerate(bars):
        ax.bar(at + shift, values[column], width=0.38, color=color, label=name)
        above = {"xytext": (0, 18 - 13 * line), "textcoords": "offset points"}
        ax.annotate(name, (0, 1), xycoords="axes fraction", color=color, size=9, **above)
    if marked in values.index:
        spot = values.index.get_loc(marked)
        ax.axvspan(spot - 0.5, spot + 0.5, color=BAND, alpha=0.8, zorder=0, linewidth=0)
    ticks = at[:: max(1, len(at) // 14)]
    ax.set_xticks(ticks, [f"{values.index[x]:%b}\n{values.index[x]:%Y}" for x in ticks])
    ax.set_xlabel("month")
    return zero(ax)


def outcome_key(ax: Axes, counts: Mapping[str, int]) -> Axes:
    """Write each outcome that occurs above the axes: its colour, mark, name and count."""
    before, at, shift = ("figure fraction", "axes fraction"), (0.015, 1), (0, 9)
    for name in [name for name in OUTCOMES if counts.get(name)]:
        before = ax.annotate(
            f"{claims.MARKS[name]} {name} {counts[name]}",
            at,
            xycoords=before,
            xytext=shift,
            textcoords="offset points",
            size=8.5,
            va="bottom",
            bbox={"facecolor": OUTCOMES[name], "edgecolor": "#888888", "linewidth": 0.5, "pad": 2},
        )
        at, shift = (1, 0), (9, 0)
    return ax


def tolerance_dots(ax: Axes, table: pd.DataFrame, limit: float = 8.0) -> Axes:
    """Plot how far measured lies from stated in units of each claim's tolerance.

    Parameters
    ----------
    ax : Axes
    table : DataFrame indexed by claim
        ``article``, ``stated``, ``measured``, ``unit``, ``distance`` (NaN: only equality counts)
        and ``outcome``, the claims of an article one after another.
    limit : float
        What lies farther out is drawn here as an arrow, with its distance.
    """
    if table.empty:
        return ax
    heads = (table["article"] != table["article"].shift()).to_numpy()
    rows = -(np.arange(len(table)) + 1.4 * np.cumsum(heads)).astype(float)
    ax.axvspan(-1, 1, color=BAND, alpha=0.8, zorder=0, linewidth=0)
    ax.axvline(0, color=INK, linewidth=0.8, label="_zero")
    gap = (table["measured"] - table["stated"]).to_numpy()
    exact = table["distance"].isna().to_numpy()
    far = np.where(exact, np.copysign(np.inf, gap), table["distance"].to_numpy())
    far = np.where(exact & (gap == 0), 0.0, far)
    inside, right = np.abs(far) <= limit, (table["outcome"] == grading.SUPPORTED).to_numpy()
    ax.scatter(far[inside & right], rows[inside & right], color=LEAD, s=26, label="supported")
    other = {"color": INK, "marker": "x", "s": 24}
    ax.scatter(far[inside & ~right], rows[inside & ~right], label="not supported", **other)
    for side, marker in ((-1, "<"), (1, ">")):
        out = ~inside & (np.sign(far) == side)
        ax.scatter(
            np.full(out.sum(), side * limit), rows[out], color=INK, marker=marker, s=26, label="far"
        )
    for x, y, is_exact in zip(far, rows, exact, strict=True):
        text = ("equal" if x == 0 else "not equal") if is_exact else signed(x, 0)
        if is_exact or abs(x) > limit:
            side = -1 if x > 0 else 1
            ax.annotate(
                text,
                (np.clip(x, -limit, limit), y),
                xytext=(6 * side, 0),
                textcoords="offset points",
                size=7,
                ha="left" if side > 0 else "right",
                va="center",
            )
    for (_, row), y in zip(table.iterrows(), rows, strict=True):
        values = f"{words.value(row['stated'])} → {words.value(row['measured'])} {row['unit']}"
        place = {"xycoords": ("axes fraction", "data"), "size": 7, "va": "center"}
        ax.annotate(values, (1.01, y), annotation_clip=False, **place)
    for name, y in zip(table["article"][heads], rows[heads], strict=True):
        ax.annotate(
            name,
            (-limit * 1.04, y + 1.1),
            size=8,
            weight="bold",
            va="center",
            annotation_clip=False,
        )
    ax.set_yticks(rows, table.index, size=7)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(-limit * 1.06, limit * 1.06)
    ax.set_ylim(rows.min() - 0.8, rows.max() + 1.8)
    return ax


def outcome_marks(ax: Axes, table: pd.DataFrame, per_row: int = 14) -> Axes:
    """Plot one box a claim with its mark and id, articles one below another.

    ``table`` is indexed by claim with ``article`` and ``outcome``, the claims of an article one
    after another.
    """
    y, ticks = 0.0, {}
    for article, own in table.groupby("article", sort=False):
        ticks[article] = y
        for number, (claim, outcome) in enumerate(own["outcome"].items()):
            x, line = number % per_row, y - number // per_row
            box = {"s": 640, "marker": "s", "edgecolors": "#888888", "linewidths": 0.5}
            ax.scatter(x, line, color=OUTCOMES[outcome], label=outcome, **box)
            ax.text(x, line + 0.14, claims.MARKS[outcome], ha="center", va="center", size=10)
            ax.text(x, line - 0.24, claim, ha="center", va="center", size=6.5)
        y -= (len(own) - 1) // per_row + 1.35
    ax.set_yticks(list(ticks.values()), list(ticks))
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlim(-0.6, per_row - 0.4)
    ax.set_ylim(y + 0.6, 0.7)
    return ax


def outcome_bars(ax: Axes, groups: Mapping[str, pd.DataFrame]) -> Axes:
    """Plot bars of the share of each outcome, one row a group, under a heading for each table.

    ``groups`` maps headings to tables with a column of counts for each outcome and ``all``.
    """
    y, ticks = 0.0, {}
    beside = {"va": "center", "annotation_clip": False}
    for heading, table in groups.items():
        ax.annotate(heading, (0.6, y), size=9, weight="bold", **beside)
        for name, row in table.iterrows():
            y -= 1
            left = 0.0
            for outcome, color in OUTCOMES.items():
                if count := int(row[outcome]):
                    width = 100 * count / row["all"]
                    edge = {"edgecolor": "#888888", "linewidth": 0.5}
                    ax.barh(y, width, left=left, color=color, height=0.78, **edge)
                    mark = f"{claims.MARKS[outcome]} " if width > 6 else ""
                    place = {"ha": "center", "va": "center", "size": 7.5}
                    ax.text(left + width / 2, y, f"{mark}{count}", **place)
                    left += width
            ax.annotate(f"n = {row['all']}", (101, y), size=8, **beside)
            ticks[y] = str(name).replace("_", " ")
        y -= 1.4
    ax.set_yticks(list(ticks), list(ticks.values()), size=8.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 100)
    ax.set_ylim(y + 0.7, 0.7)
    return ax


def ratio_ticks(ax: Axes) -> None:
    """Set round ticks on a logarithmic y axis of relative strength, first close 100."""
    low, high = ax.get_ylim()
    steps = (1, 2, 5, 10, 20, 30, 40, 60, 80, 100, 120, 160, 200, 300, 500, 1000, 2000, 5000)
    ticks = [step for step in steps if low <= step <= high]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
