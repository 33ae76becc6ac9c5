"""The page of a sweep: small multiples of the answer, and what moves it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from helpers import multiverse, palette, tables, words
from rotation.report import pages

# Panels that one page shows; of more values, those at equal steps.
PANELS = 9
COLUMNS = 3


def page(asked: Mapping[str, Any], answers: pd.DataFrame) -> str:
    """Return the page of a sweep.

    Parameters
    ----------
    asked : dict
        What ``sweep.json`` holds.
    answers : DataFrame
        A row a run: its parameters, ``estimate``, ``low``, ``high``, ``n``, ``answers``.
    """
    known = answers.dropna(subset=["estimate"])
    over = list(asked["over"])
    moved = multiverse.movers(known, {name: name for name in over}).rename_axis("parameter")
    return pages.template("sweep.html.j2").render(
        **pages.dress("report", scripted=False),
        asked=asked,
        line=_line(known, asked, moved),
        figure=_figure(known, over) if len(known) else "",
        moved=Markup(_table(moved.reset_index(), {"spread": 1, "explained": 2})),
        answers=Markup(_table(known[[*over, "estimate", "low", "high", "n"]], {"n": 0})),
        unanswered=len(answers) - len(known),
    )


def _line(known: pd.DataFrame, asked: Mapping[str, Any], moved: pd.DataFrame) -> str:
    if known.empty:
        return "No run gave a mean with an interval."
    low, high, middle = (words.fixed(known["estimate"].quantile(q)) for q in (0, 1, 0.5))
    above = (known["estimate"] > 0).mean()
    said = (
        f"Over {words.count(len(known), 'run')} the answer lies between {low} and {high}, half of "
        f"them above {middle}; {above:.0%} are above zero."
    )
    if len(moved):
        first = moved.iloc[0]
        said += (
            f" {moved.index[0]} moves it most: from {words.plain(first['lowest'])} to "
            f"{words.plain(first['highest'])} its mean changes by {words.fixed(first['spread'])}."
        )
    return said


def _table(frame: pd.DataFrame, digits: Mapping[str, int]) -> str:
    return tables.Table(frame.set_index(frame.columns[0]), digits).data if len(frame) else ""


def _figure(known: pd.DataFrame, over: Sequence[str]) -> str:
    """Return small multiples of the answer as the address of a picture."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    across = max(over, key=lambda name: known[name].nunique())
    rest = [name for name in over if name != across]
    values = list(dict.fromkeys(known.sort_values(across)[across]))
    told = known.sort_values([*rest, across]).assign(at=known[across].map(values.index))
    labels = [[f"{name} = {value}" for value in told[name]] for name in rest]
    told["panel"] = ["\n".join(parts) for parts in zip(*labels, strict=True)] or across
    panels = list(dict.fromkeys(told["panel"]))
    places = np.unique(np.linspace(0, len(panels) - 1, min(PANELS, len(panels))).astype(int))
    order = [panels[place] for place in places]
    options = {"col_wrap": min(COLUMNS, len(order)), "col_order": order, "height": 2.4}
    grid = sns.FacetGrid(told, col="panel", aspect=1.35, **options)
    grid.map_dataframe(_draw)
    grid.set_titles("{col_name}", size=8).tick_params(labelsize=7)
    step = -(-len(values) // 8)
    grid.set(xticks=range(0, len(values), step), xticklabels=values[::step])
    grid.set_axis_labels(across, "answer, 95% interval", size=9)
    made = io.BytesIO()
    grid.figure.savefig(made, format="png", dpi=160, metadata={"Software": None})
    plt.close(grid.figure)
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()


def _draw(data: pd.DataFrame, **_: Any) -> None:
    import matplotlib.pyplot as plt

    ax = plt.gca()
    ax.axhline(0, color=palette.INK, linewidth=0.8)
    ax.vlines(data["at"], data["low"], data["high"], color=palette.LEAD, alpha=0.5, linewidth=2)
    ax.scatter(data["at"], data["estimate"], color=palette.LEAD, s=14, zorder=3)
