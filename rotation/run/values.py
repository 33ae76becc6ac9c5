"""The numbers of an executed notebook as rows: of its tables, and of its checks."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from helpers.claims import MIMETYPE

# Columns of a row; ``value`` is a number, ``text`` what is none.
COLUMNS = ("cell", "row", "column", "value", "text")
# A table that holds these answers with an interval.
INTERVAL = ("mean", "low", "high")


def told(nb: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of a notebook, and its answers: the first, then that of each table."""
    cells = ("", *(cell for cell, _ in tables(nb)))
    return {"rows": rows(nb), "answers": [answer(nb, parameters, cell) for cell in cells]}


def rows(nb: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every number that a notebook's tables and checks show.

    Returns
    -------
    list of dict with ``COLUMNS``. The row of a table is named by its index, and by its first
    column too where that is not enough; that of a check by its claim.
    """
    found: list[dict[str, Any]] = []
    for cell, table in tables(nb):
        found += _of_table(cell, table)
    for cell, data in _data(nb):
        for check in data.get(MIMETYPE, ()):
            found += _of_check(cell, check)
    return found


def tables(nb: Mapping[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the id of each cell that put out a table, and the table with its index as a column."""
    for cell, data in _data(nb):
        if "text/csv" in data:
            yield cell, pd.read_csv(io.StringIO("".join(data["text/csv"])))


def answer(nb: Mapping[str, Any], parameters: Mapping[str, Any], cell: str = "") -> dict[str, Any]:
    """Return the one number that a notebook answers with, and how sure it is.

    It is the mean, with its interval, of the last row of the first table that has both (or of the
    named cell's). A column that is called like a parameter selects the rows of its value.

    Returns
    -------
    dict with ``estimate``, ``low``, ``high``, ``n`` (None where there is none) and ``answers``,
    the cell; all None if no table has a mean with an interval.
    """
    for name, table in tables(nb):
        if cell not in ("", name) or not {*INTERVAL} <= {*table.columns}:
            continue
        for column in {*table.columns} & {*parameters}:
            own = table[table[column].astype(str) == str(parameters[column])]
            table = own if len(own) else table
        last = table.iloc[-1] if len(table) else table.reindex([0]).iloc[0]
        known = {"estimate": last["mean"], "low": last["low"], "high": last["high"]}
        known["n"] = last.get("n")
        plain = {name: None if pd.isna(one) else float(one) for name, one in known.items()}
        return plain | {"answers": name}
    return dict.fromkeys(("estimate", "low", "high", "n", "answers"))


def _data(nb: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for cell in nb["cells"]:
        for output in cell.get("outputs", ()):
            if "data" in output:
                yield cell.get("id", ""), output["data"]


def _of_table(cell: str, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    labels, rest = table.iloc[:, 0].astype(str), table.iloc[:, 1:]
    if labels.duplicated().any() and rest.shape[1] > 1:
        labels = labels + "; " + rest.columns[0] + " " + rest.iloc[:, 0].astype(str)
    for label, (_, values) in zip(labels, rest.iterrows(), strict=True):
        for column, value in values.items():
            yield _row(cell, label, str(column), value)


def _of_check(cell: str, check: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    measured = check["measured"]
    parts = measured if isinstance(measured, Mapping) else {"": measured}
    for name, value in parts.items():
        yield _row(cell, check["claim_id"], f"measured {name}".strip(), value)
    for end in ("low", "high"):
        if check.get("interval"):
            yield _row(cell, check["claim_id"], end, check["interval"][end])
    yield _row(cell, check["claim_id"], "outcome", check["outcome"])


def _row(cell: str, row: str, column: str, value: Any) -> dict[str, Any]:
    number = pd.to_numeric(value, errors="coerce") if not isinstance(value, list) else float("nan")
    known = not pd.isna(number)
    text = None if known or value is None or value != value else str(value)
    return dict(
        zip(COLUMNS, (cell, row, column, float(number) if known else None, text), strict=True)
    )
