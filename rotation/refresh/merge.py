"""One table on its way from the previous vintage to the next: old rows, revisions, new rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rotation.refresh.sources import Source

# Two figures so near are one: what is left of binary fractions.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Revision:
    """A figure, or a whole row (``column`` is empty), that differs from the previous vintage."""

    table: str
    key: str
    column: str
    before: str
    now: str

    def __str__(self) -> str:
        name = f"{self.table} {self.key} {self.column}".rstrip()
        return f"{name}: {self.before or 'none'} → {self.now or 'none'}"


@dataclass
class Table:
    """One table on its way from the previous vintage to the next."""

    source: Source
    resource: Mapping[str, Any]
    typed: pd.DataFrame
    rows: list[list[str]]
    fetched: pd.DataFrame = field(default_factory=pd.DataFrame)
    added: int = 0
    revisions: list[Revision] = field(default_factory=list)
    followed: list[Revision] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.source.table

    @property
    def rules(self) -> Mapping[str, Any]:
        """How the descriptor says that old and new are compared."""
        return self.resource["refresh"]

    @property
    def key(self) -> list[str]:
        """Columns that name a row."""
        key = self.resource["schema"]["primaryKey"]
        return [key] if isinstance(key, str) else list(key)

    @property
    def columns(self) -> list[str]:
        """Its columns, in order."""
        return [one["name"] for one in self.resource["schema"]["fields"]]

    def content(self) -> bytes:
        """Return the table as the bytes of its file."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue().encode()


def merge(table: Table, end: pd.Timestamp) -> None:
    """Compare the overlap, note revisions, and extend the rows of a table, in place.

    Revisions are carried out too: whether they may be is for the caller to say.
    """
    since = table.fetched.attrs["since"]
    known, told = _by_key(table.typed, table.key), _by_key(table.fetched, table.key)
    overlap = [key for key in known if since <= _first(key[0]) and last_day(key[0]) <= end]
    gone = [key for key in overlap if key not in told and _says_something(table, known[key])]
    for key in gone:
        _note(table, table.revisions, key, "", "a row", "")
    _compare(table, [(key, known[key], told[key]) for key in overlap if key in told])
    # A table may hold several series, each with its own last day.
    lasts = {key[1:]: _first(key[0]) for key in sorted(known, key=lambda key: _first(key[0]))}
    new = sorted(
        (key for key in told if key not in known and last_day(key[0]) <= end),
        key=lambda key: (_first(key[0]), key[1:]),
    )
    later = [key for key in new if key[1:] not in lasts or _first(key[0]) > lasts[key[1:]]]
    if table.source.selected:
        new = later = _month_ends(later, end)
    for key in sorted({*new} - {*later}):
        _note(table, table.revisions, key, "", "", "a row")
    table.added = len(later)
    dropped = {known[key] for key in gone}
    table.rows = [row for number, row in enumerate(table.rows) if number not in dropped]
    table.rows += [_row(table, told[key]) for key in new]
    if len(new) > len(later):
        table.rows.sort(key=lambda row: row[0])


def _compare(table: Table, pairs: Iterable[tuple[tuple[Any, ...], int, int]]) -> None:
    """Note where rows differ at their source, and take over what the source says."""
    pairs = list(pairs)
    for column, tolerance in table.rules["tolerance"].items():
        before, now = table.typed[column].tolist(), table.fetched[column].tolist()
        follows = column in table.rules.get("follows", ())
        for key, old, new in pairs:
            gap = _gap(before[old], now[new])
            within = gap <= tolerance + _ROUNDING
            if gap <= _ROUNDING or (within and not follows):
                continue
            notes = table.followed if within else table.revisions
            _note(table, notes, key, column, shown(before[old]), shown(now[new]))
            table.rows[old][table.columns.index(column)] = shown(now[new])


def _gap(before: Any, now: Any) -> float:
    """Return how far two figures are apart; months count as one each."""
    if isinstance(before, pd.Period):
        return abs(before.ordinal - now.ordinal)
    if math.isnan(before) or math.isnan(now):
        return 0.0 if math.isnan(before) and math.isnan(now) else math.inf
    return abs(before - now)


def _says_something(table: Table, row: int) -> bool:
    return not table.typed[list(table.rules["tolerance"])].iloc[row].isna().all()


def _month_ends(keys: Iterable[tuple[Any, ...]], end: pd.Timestamp) -> list[tuple[Any, ...]]:
    """Return the last key of each month that is over, for each series; keys are in order."""
    last = {(key[0].to_period("M"), key[1:]): key for key in keys}
    return [key for (month, _), key in last.items() if month.end_time.normalize() <= end]


def _note(
    table: Table, notes: list[Revision], key: tuple[Any, ...], column: str, before: str, now: str
) -> None:
    notes.append(Revision(table.name, " ".join(map(shown, key)), column, before, now))


def _by_key(frame: pd.DataFrame, key: list[str]) -> dict[tuple[Any, ...], int]:
    columns = [frame[name] for name in key]
    return {values: number for number, values in enumerate(zip(*columns, strict=True))}


def _row(table: Table, number: int) -> list[str]:
    """Return a new row; a column that the source does not give, such as a release day, is empty."""
    row = table.fetched.iloc[number]
    return [shown(row.get(column, "")) for column in table.columns]


def shown(value: Any) -> str:
    """Return a value as the tables write it."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return str(value) if isinstance(value, pd.Period) else f"{float(value) + 0.0:.10g}"


def _first(value: pd.Timestamp | pd.Period) -> pd.Timestamp:
    return value.to_timestamp() if isinstance(value, pd.Period) else value


def last_day(value: pd.Timestamp | pd.Period) -> pd.Timestamp:
    """Return a day, or the last one of a month."""
    return value.end_time.normalize() if isinstance(value, pd.Period) else value


def days(column: pd.Series) -> pd.Series:
    """Return days; a month counts as its first."""
    return column.dt.to_timestamp() if isinstance(column.dtype, pd.PeriodDtype) else column
