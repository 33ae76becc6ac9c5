"""Tables: the one place where a frame becomes HTML, for the notebook and for its page alike.

A cell of words carries its alignment as an inline style, all that JupyterLab leaves of a table's
looks; the rest is the notebook's theme or the page's style sheet.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from helpers import pairs, words

_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")


class Markup(str):
    """HTML that a table puts as it is."""

    def __html__(self) -> str:
        return str(self)

    def __add__(self, other: str) -> Markup:
        return Markup(f"{self}{other if isinstance(other, Markup) else html.escape(other)}")


def markup(template: str, *texts: str) -> Markup:
    """Fill texts, escaped, into a template of HTML with a ``{}`` for each.

    Examples
    --------
    >>> markup("<b>{}</b>", "a < b")
    '<b>a &lt; b</b>'
    """
    return Markup(template.format(*map(html.escape, texts)))


class Table:
    """A frame shown as HTML that carries itself as CSV for download.

    Parameters
    ----------
    frame : DataFrame
    digits : int or dict
        Decimals of float columns, for all or by column.
    header : bool
        Whether to show the column names.

    Attributes
    ----------
    data : str
        The HTML.
    """

    def __init__(
        self, frame: pd.DataFrame, digits: int | Mapping[str, int] = 1, header: bool = True
    ) -> None:
        if isinstance(digits, Mapping):
            digits = {pairs.named(column): places for column, places in digits.items()}
        self._frame = pairs.renamed(frame)
        self.data = _framed(self._frame, digits, header)

    def __str__(self) -> str:
        return self._frame.to_string(float_format="%.6g")

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        # Its text a third time would make a notebook and its differences longer.
        rows, columns = self._frame.shape
        return {
            "text/html": self.data,
            "text/csv": self._frame.to_csv(float_format="%.10g"),
            "text/plain": f"table of {rows} by {columns}; print it to read it here",
        }


def render(head: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Sequence[bool] = ()) -> str:
    """Return an HTML table, the first cell of each row its heading.

    Parameters
    ----------
    head : sequence of str
        Column names; none for a table without them.
    rows : iterable of sequences
        Texts, which are escaped, or objects with ``__html__``, which are put as they are.
    numeric : sequence of bool, optional
        Which columns are aligned to the right.
    """
    right = [*numeric, *[False] * (len(head) - len(numeric))]
    # A head of its own is repeated on each page of a print.
    top = f"<thead>{_row('col', head, right)}</thead>" if head else ""
    lines = "".join(_row("row", row, right or [False] * len(row)) for row in rows)
    return f'<table style="border-collapse:collapse">{top}<tbody>{lines}</tbody></table>'


def _row(scope: str, cells: Sequence[Any], right: Sequence[bool]) -> str:
    made = []
    for place, (cell, number) in enumerate(zip(cells, right, strict=True)):
        heads = scope == "col" or place == 0
        tag, scoped = ("th", f' scope="{scope}"') if heads else ("td", "")
        content = cell.__html__() if hasattr(cell, "__html__") else html.escape(cell)
        # Attributes by the alphabet, as nbconvert writes them.
        look = f' class="n"{scoped}' if number else f"{scoped} {_look(str(cell))}"
        made.append(f"<{tag}{look}>{content}</{tag}>")
    return f"<tr>{''.join(made)}</tr>\n"


def _look(cell: str) -> str:
    # JupyterLab aligns to the right unless told; a page aligns to the left but for numbers.
    return f'style="text-align:left{";white-space:nowrap" if _DAY.fullmatch(cell) else ""}"'


def _framed(frame: pd.DataFrame, digits: int | Mapping[str, int], header: bool) -> str:
    def show(value: Any, column: str) -> str:
        if isinstance(value, float):
            places = digits.get(column, 1) if isinstance(digits, Mapping) else digits
            return words.fixed(value, places)
        missing = value is None or value is pd.NaT
        return words.MISSING if missing else words.prose(words.plain(value))

    numeric = [False, *map(pd.api.types.is_numeric_dtype, frame.dtypes)]
    head = [words.prose(words.label(name)) for name in (frame.index.name or "", *frame.columns)]
    rows = [
        [words.prose(words.label(label)), *map(show, values, frame.columns)]
        for label, *values in frame.itertuples(name=None)
    ]
    if not header:
        return render([], rows)
    return render(head, rows, numeric)
