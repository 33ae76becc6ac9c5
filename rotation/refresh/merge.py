"""One table on its way from the previous vintage to the next: old rows, revisions, new rows.

A figure that the source changed stays as it was unless that is accepted; everything else of the
table goes on. Only a source that contradicts much of what is known is refused as a whole.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.errors import listing
from rotation.refresh.accept import Accepted
from rotation.refresh.sources import Source
from rotation.refresh.web import SourceError

# Two figures so near are one: what is left of binary fractions.
_ROUNDING = 1e-9
# A source that contradicts so many rows and such a share of those compared is not the same source.
_MANY, _SHARE = 3, 1 / 3
# Percentage points by which a month of a new edition may move without anybody being asked.
LARGEST_STEP = 3.0
# Revisions that a message names; all are listed in the log.
_NAMED = 3


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
    """One table on its way from the previous vintage to the next.

    Attributes
    ----------
    source : Source
    resource, before : dict
        What the descriptors of the frozen package and of the previous vintage say of it.
    typed : DataFrame
        The previous table.
    rows : list of list of str
        Its rows as text; they become those of the next.
    accepted : sequence of Accepted
    tolerance : dict
        By column, in its unit.
    fetched : DataFrame
        What the source says.
    added : int
        New rows.
    taken, open : list of Revision
        What differed and was taken over, and what differed and was not.
    notes : list of str
        What somebody may want to know and need not act on.
    through : str
        ISO date to which the table is complete.
    """

    source: Source
    resource: Mapping[str, Any]
    before: Mapping[str, Any]
    typed: pd.DataFrame
    rows: list[list[str]]
    accepted: Sequence[Accepted] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    fetched: pd.DataFrame = field(default_factory=pd.DataFrame)
    added: int = 0
    taken: list[Revision] = field(default_factory=list)
    open: list[Revision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    through: str = ""

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

    @property
    def title(self) -> str:
        """What the source calls itself."""
        return self.fetched.attrs["title"]

    def content(self) -> bytes:
        """Return the table as the bytes of its file."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue().encode()

    def revise(self, key: str, column: str, before: str, now: str) -> bool:
        """Note a revision; return whether it is accepted."""
        accepted = any(one.covers(self.name, key) for one in self.accepted)
        one = Revision(self.name, key, column, before, now)
        (self.taken if accepted else self.open).append(one)
        return accepted

    def put(self, number: int, column: str, value: str) -> None:
        """Write a figure into a row."""
        self.rows[number][self.columns.index(column)] = value

    def refusal(self) -> str:
        """Return why the source is not believed in some of what it says, or ``""``."""
        if not self.open:
            return ""
        named = listing(str(one).removeprefix(f"{self.name} ") for one in self.open[:_NAMED])
        more = f" and {len(self.open) - _NAMED} more" if len(self.open) > _NAMED else ""
        days = sorted({one.key.split(" ")[0] for one in self.open})
        span = days[0] if len(days) == 1 else f"{days[0]}..{days[-1]}"
        return (
            f"the source changed {named}{more}; the earlier figures stay; "
            f"--accept-revisions {self.name}:{span} takes them"
        )


# Figure by figure -------------------------------------------------------------------------------


def cells(table: Table, end: pd.Timestamp) -> None:
    """Compare the overlap figure by figure and add the rows that follow, in place.

    Raises
    ------
    SourceError
        If the source contradicts much of what is known.
    """
    since = table.fetched.attrs["since"]
    known, told = by_key(table.typed, table.key), by_key(table.fetched, table.key)
    overlap = [key for key in known if since <= first(key[0]) and last(key[0]) <= end]
    gone = [key for key in overlap if key not in told and _says_something(table, known[key])]
    dropped = {known[key] for key in gone if table.revise(_words(key), "", "a row", "")}
    _compare(table, [(key, known[key], told[key]) for key in overlap if key in told])
    # A table may hold several series, each with its own last day.
    lasts = {key[1:]: first(key[0]) for key in sorted(known, key=lambda key: first(key[0]))}
    ordered = sorted(told, key=lambda key: (first(key[0]), key[1:]))
    unknown = [key for key in ordered if key not in known]
    later = [key for key in unknown if key[1:] not in lasts or first(key[0]) > lasts[key[1:]]]
    if table.source.selected:
        unknown = later = _month_ends(later, ordered)
    new = [key for key in later if last(key[0]) <= end]
    earlier = [key for key in unknown if key not in set(later) and last(key[0]) <= end]
    inserted = [key for key in earlier if table.revise(_words(key), "", "", "a row")]
    wrong = {one.key for one in table.open}
    if len(wrong) >= _MANY and len(wrong) > _SHARE * len(overlap):
        raise SourceError(
            f"{table.source.name}: {len(wrong)} of {len(overlap)} known rows differ at the source: "
            "expected the same series"
        )
    table.added = len(new)
    table.rows = [row for number, row in enumerate(table.rows) if number not in dropped]
    table.rows += [row_of(table, told[key]) for key in (*inserted, *new)]
    if inserted:
        table.rows.sort(key=lambda row: row[0])
    table.through = _complete(table, end)


def _compare(table: Table, pairs: Iterable[tuple[tuple[Any, ...], int, int]]) -> None:
    """Note where figures differ at their source, and take over what may be."""
    pairs = list(pairs)
    for column, tolerance in table.tolerance.items():
        before, now = table.typed[column].tolist(), table.fetched[column].tolist()
        follows = column in table.rules.get("follows", ())
        for key, old, new in pairs:
            gap = _gap(before[old], now[new])
            if gap <= _ROUNDING:
                continue
            texts = shown(before[old]), shown(now[new])
            if gap <= tolerance + _ROUNDING:
                if follows:
                    table.taken.append(Revision(table.name, _words(key), column, *texts))
                    table.put(old, column, texts[1])
            elif table.revise(_words(key), column, *texts):
                table.put(old, column, texts[1])


def _gap(before: Any, now: Any) -> float:
    """Return how far two figures are apart; months count as one each."""
    if isinstance(before, pd.Period):
        return abs(before.ordinal - now.ordinal)
    if math.isnan(before) or math.isnan(now):
        return 0.0 if math.isnan(before) and math.isnan(now) else math.inf
    return abs(before - now)


def _says_something(table: Table, row: int) -> bool:
    return not table.typed[list(table.tolerance)].iloc[row].isna().all()


def _month_ends(
    keys: Iterable[tuple[Any, ...]], told: Iterable[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Return the last key of each month that is over, for each series; keys are in order.

    A month is over if its last day is there, or the source has gone on to a later month: a source
    that lags shows the last day of March only in April.
    """
    newest = {key[1:]: key[0] for key in told}
    ends = {(key[0].to_period("M"), key[1:]): key for key in keys}
    return [
        key
        for (month, series), key in ends.items()
        if key[0] == month.end_time.normalize() or newest[series] > month.end_time
    ]


def _complete(table: Table, end: pd.Timestamp) -> str:
    """Return the day to which a table is complete: what its source says, else its last rows."""
    told = table.fetched.attrs.get("complete_through")
    if told is None:
        days_of = table.fetched.assign(day=days(table.fetched[table.key[0]]))
        days_of = days_of[days_of["day"] <= end]
        told = days_of.groupby(table.key[1:])["day"].max().min() if table.key[1:] else end
        if table.source.selected:  # only whole months are in the table
            told = (told + pd.Timedelta(days=1)).replace(day=1) - pd.Timedelta(days=1)
    return max(str(min(told, end).date()), complete_before(table.before))


def complete_before(resource: Mapping[str, Any]) -> str:
    """Return the day to which the previous vintage had a table complete, or ``""``."""
    return resource.get("complete_through", "")


# Edition by edition -----------------------------------------------------------------------------


def editions(table: Table, end: pd.Timestamp) -> None:
    """Take a newer edition as a whole, in place, unless it is shorter or moves a month too far.

    Raises
    ------
    SourceError
        If the edition is older, shorter, or moves months beyond what may go unasked.
    """
    known, told = by_key(table.typed, table.key), by_key(table.fetched, table.key)
    before, now = edition_of(table.before), table.fetched.attrs["edition"]
    accepted = any(one.takes(table.name, now) for one in table.accepted)
    taking = f"--accept-revisions {table.name}:{now} takes it"
    lacking = [key for key in known if key not in told]
    if lacking:
        raise SourceError(
            f"{table.source.name}: edition {now} lacks {len(lacking)} known months "
            f"({_words(lacking[0])} to {_words(lacking[-1])}): expected none fewer"
        )
    moves = [
        (abs(new - old), Revision(table.name, _words(key), column, shown(old), shown(new)))
        for column in table.tolerance
        for key, old, new in _pairs(table, column, known, told)
        if _gap(old, new) > _ROUNDING
    ]
    wild = [one for size, one in moves if size > LARGEST_STEP]
    if now < before and not accepted:
        raise SourceError(
            f"{table.source.name}: edition {now} is older than {before}, which is here: "
            f"expected a newer one; {taking}"
        )
    if now == before and moves and not accepted:
        raise SourceError(
            f"{table.source.name}: {len(moves)} figures differ under the same edition {now}, first "
            f"{moves[0][1]}: expected a new edition; {taking}"
        )
    if wild and not accepted:
        raise SourceError(
            f"{table.source.name}: edition {now} moves {len(wild)} figures by more than "
            f"{LARGEST_STEP:g} points, first {wild[0]}; {taking}"
        )
    for _, one in moves:
        number = known[(pd.Period(one.key, "M"),)]
        table.put(number, one.column, one.now)
    new = [key for key in told if key not in known and last(key[0]) <= end]
    table.rows += [row_of(table, told[key]) for key in new]
    table.added = len(new)
    table.taken += [one for _, one in moves]
    if now != before:
        table.notes.append(_moved(table, before, now, moves))
    ends = [last(key[0]) for key in (*known, *new)]
    table.through = str(max(ends).date())


def _pairs(
    table: Table, column: str, known: Mapping[Any, int], told: Mapping[Any, int]
) -> Iterable[tuple[tuple[Any, ...], float, float]]:
    before, now = table.typed[column].tolist(), table.fetched[column].tolist()
    return ((key, before[old], now[told[key]]) for key, old in known.items())


def _moved(table: Table, before: str, now: str, moves: Sequence[tuple[float, Revision]]) -> str:
    """Return what moved from one edition to the next, in words."""
    said = f"{table.name}: edition {now} in the place of {before}"
    if not moves:
        return f"{said}, no earlier figure moved"
    beyond = sum(size > table.tolerance[one.column] + _ROUNDING for size, one in moves)
    size, one = max(moves, key=lambda move: move[0])
    return (
        f"{said}, {len(moves)} earlier figures moved, {beyond} of them beyond the tolerance, "
        f"the farthest by {size:.3g} points ({one.key} {one.column} {one.before} → {one.now})"
    )


def edition_of(resource: Mapping[str, Any]) -> str:
    """Return the edition that a table is of, from its sources' titles; ``""`` if none is named."""
    titles = [one["title"] for one in resource["sources"] if "vintage " in one["title"]]
    return titles[-1].rsplit("vintage ", 1)[1] if titles else ""


# Rows -------------------------------------------------------------------------------------------


def by_key(frame: pd.DataFrame, key: list[str]) -> dict[tuple[Any, ...], int]:
    """Return the number of each row by its key."""
    columns = [frame[name] for name in key]
    return {values: number for number, values in enumerate(zip(*columns, strict=True))}


def row_of(table: Table, number: int) -> list[str]:
    """Return a new row; a column that the source does not give, such as a release day, is empty."""
    row = table.fetched.iloc[number]
    return [shown(row.get(column, "")) for column in table.columns]


def _words(key: tuple[Any, ...]) -> str:
    return " ".join(map(shown, key))


def shown(value: Any) -> str:
    """Return a value as the tables write it."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return str(value) if isinstance(value, pd.Period) else f"{float(value) + 0.0:.10g}"


def first(value: pd.Timestamp | pd.Period) -> pd.Timestamp:
    """Return a day, or the first of a month."""
    return value.to_timestamp() if isinstance(value, pd.Period) else value


def last(value: pd.Timestamp | pd.Period) -> pd.Timestamp:
    """Return a day, or the last of a month."""
    return value.end_time.normalize() if isinstance(value, pd.Period) else value


def days(column: pd.Series) -> pd.Series:
    """Return days; a month counts as its first."""
    return column.dt.to_timestamp() if isinstance(column.dtype, pd.PeriodDtype) else column
