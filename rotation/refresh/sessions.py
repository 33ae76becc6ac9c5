"""Daily closes from one vintage to the next, session by session.

Three things are told apart. A session whose closes the source lacks is carried as missing and
filled when they come. A close taken on the evening of its session is provisional: within five
sessions the settled one replaces it, by at most 0.25% of its level. Whatever else the source
changed in days that are known is a revision: the earlier close stays unless it is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pandas as pd

from helpers import data
from helpers.errors import listing
from rotation.refresh import prints
from rotation.refresh.merge import Revision, Table, by_key, shown
from rotation.refresh.web import SourceError

# For so many sessions a close taken in the evening may be replaced by the settled one, if the two
# differ by no more than this share of its level. Seen: 0.01%; once 0.12%.
SETTLING, BAND = 5, 0.0025
# A source that contradicts or lacks more days than this is not the same source.
_MANY = 5
_ROUNDING = 1e-9


@dataclass
class Days:
    """What the next vintage says of sessions beside their closes.

    Attributes
    ----------
    closures : set of str
        Sessions on which the exchange stayed closed.
    missing : set of str
        Sessions whose closes the source lacks.
    provisional : set of str
        Sessions whose closes may yet be replaced by settled ones.
    moves : set of str
        Days whose closes look wrong and are right.
    held : str
        Why closes from some day on are not taken, or ``""``.
    """

    closures: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    provisional: set[str] = field(default_factory=set)
    moves: set[str] = field(default_factory=set)
    held: str = ""

    def become(self, other: Days) -> None:
        """Take over what other days say."""
        self.__dict__.update(other.__dict__)


Second = Callable[[pd.Timestamp, pd.Timestamp], pd.DataFrame | None]


def sessions(table: Table, end: pd.Timestamp, days: Days, second: Second) -> None:
    """Bring the closes up to date, in place.

    Parameters
    ----------
    table : Table
    end : Timestamp
        Last session wanted.
    days : Days
        Of the previous vintage, with what the user accepts; becomes that of the next.
    second : callable
        ``second(since, until)`` asks the second source; None if there is none.

    Raises
    ------
    SourceError
        If the source contradicts or lacks much of what is known.
    """
    since = table.fetched.attrs["since"]
    known = table.typed.set_index("date").loc[since:]
    told = table.fetched.set_index("date").loc[:end]
    expected = data.sessions(str(since.date()), str(end.date()))
    told = _on_sessions(table, told, known.index[-1], expected, days)
    _compare(table, told, known, days)
    new = _new(table, told, known, expected, days, second)
    new = _held(table, known, new, days, second)
    table.added = len(new)
    table.rows += [[shown(day), *map(shown, new.loc[day])] for day in new.index]
    table.rows.sort(key=lambda row: row[0])
    there = known.index.union(new.index)
    days.closures = {day for day in days.closures if day <= shown(there[-1])}
    days.missing = _missing(table, days, expected.difference(there), there[-1])
    days.provisional = (days.provisional | {*_iso(new.index)}) & {*_iso(expected[-SETTLING:])}
    table.through = shown(there[-1])


def _on_sessions(
    table: Table,
    told: pd.DataFrame,
    last: pd.Timestamp,
    expected: pd.DatetimeIndex,
    days: Days,
) -> pd.DataFrame:
    """Leave out rows of days without trading; a closure that has closes after all was none."""
    strangers = told.index.difference(expected)
    if len(new := strangers[strangers > last]):
        table.notes.append(f"{table.name}: left out {listing(_iso(new))}: no New York session")
    told = told.loc[told.index.isin(expected)]
    # Both prices repeated to the cent: the exchange was closed, or nothing was updated yet.
    still = {*_iso(told.index[(told.diff() == 0).all(axis=1) & (told.index > last)])} - days.moves
    reopened = sorted(days.closures & {*_iso(told.dropna().index)} - still)
    if reopened:
        days.closures -= {*reopened}
        table.notes.append(f"{table.name}: {listing(reopened)} has closes and is no closure")
    return told.loc[~told.index.isin(_days(days.closures | still))]


def _compare(table: Table, told: pd.DataFrame, known: pd.DataFrame, days: Days) -> None:
    """Take settled closes and accepted revisions; note the others, and days that are gone."""
    overlap = known.index[known.index <= told.index.max()] if len(told) else known.index[:0]
    gone = overlap.difference(told.dropna().index)
    if len(gone) > _MANY:
        raise SourceError(
            f"closes: the source lacks {len(gone)} of {len(overlap)} known days, from "
            f"{gone[0]:%Y-%m-%d} on: expected the same days"
        )
    if len(gone):
        table.notes.append(f"{table.name}: the source lacks {listing(_iso(gone))}; kept")
    numbers = by_key(table.typed, table.key)
    settled = []
    for day in overlap.difference(gone):
        for column, tolerance in table.tolerance.items():
            before, now = float(known.loc[day, column]), float(told.loc[day, column])
            if abs(now - before) <= tolerance + _ROUNDING:
                continue
            key, texts = shown(day), (shown(before), shown(now))
            if key in days.provisional and abs(now - before) <= BAND * before:
                table.taken.append(Revision(table.name, key, column, *texts))
                settled.append(key)
            elif not table.revise(key, column, *texts):
                continue
            table.put(numbers[(day,)], column, texts[1])
            known.loc[day, column] = now
    if settled:
        which = listing(dict.fromkeys(settled))
        table.notes.append(f"{table.name}: settled closes replace provisional ones: {which}")
    changed = {one.key for one in table.open}
    if len(changed) > _MANY:
        raise SourceError(
            f"closes: {len(changed)} of {len(overlap)} known days differ, first {table.open[0]}: "
            f"expected the same series; --accept-revisions {table.name}:{min(changed)}.."
            f"{max(changed)} takes them"
        )


def _new(
    table: Table,
    told: pd.DataFrame,
    known: pd.DataFrame,
    expected: pd.DatetimeIndex,
    days: Days,
    second: Second,
) -> pd.DataFrame:
    """Return the closes of sessions that are not known, from the second source where need be."""
    wanted = expected.difference(known.index).difference(_days(days.closures))
    new = told.reindex(wanted).dropna()
    absent = wanted.difference(new.index)
    if len(absent) and (other := _asked(table, second, absent[0], absent[-1])) is not None:
        filled = other.reindex(absent).dropna()
        if len(filled):
            table.notes.append(
                f"{table.name}: {listing(_iso(filled.index))} from the second source"
            )
        new = pd.concat([new, filled]).sort_index()
    return new


def _asked(
    table: Table, second: Second, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame | None:
    try:
        other = second(first, last)
    except SourceError as error:
        table.notes.append(f"{table.name}: second source: {error}")
        return None
    return None if other is None else other.set_index("date")


def _held(
    table: Table, known: pd.DataFrame, new: pd.DataFrame, days: Days, second: Second
) -> pd.DataFrame:
    """Return the new closes before the first that looks wrong and cannot be had elsewhere."""
    bad = _suspect(known, new, days.moves)
    if bad and (other := _asked(table, second, bad[0][0], new.index[-1])) is not None:
        # What a second source says too is right; what it says otherwise takes its place.
        for day, _ in bad:
            if day in other.index and other.loc[day].notna().all() and day in new.index:
                gap = (other.loc[day] - new.loc[day]).abs()
                if (gap <= pd.Series(table.tolerance) + _ROUNDING).all():
                    days.moves.add(shown(day))
                else:
                    new.loc[day] = other.loc[day]
                    table.notes.append(f"{table.name}: {shown(day)} from the second source")
        bad = _suspect(known, new, days.moves)
    if not bad:
        return new
    day, what = bad[0]
    wild = "expected at most" in what
    advice = "no switch lifts that" if wild else f"--accept-move {shown(day)} takes it if it was so"
    days.held = f"{shown(day)}: {what}; closes from then on wait; {advice}"
    return new.loc[new.index < day]


def _suspect(
    known: pd.DataFrame, new: pd.DataFrame, moves: Collection[str]
) -> list[tuple[pd.Timestamp, str]]:
    """Return what looks wrong in new closes, or in known ones because of new ones."""
    both = pd.concat([known, new]).sort_index()
    old = prints.bad_prints(known)
    found = [one for one in prints.bad_prints(both) if one not in old]
    found += [one for one in prints.stale_prints(both) if one[0] in new.index]
    found = [one for one in found if shown(one[0]) not in moves]
    return sorted(prints.wild_prints(both) + found, key=lambda one: one[0])


def _missing(table: Table, days: Days, absent: pd.DatetimeIndex, last: pd.Timestamp) -> set[str]:
    """Return sessions before the last close that have none, those of earlier vintages too."""
    earlier = {day for day in days.missing if day < shown(table.fetched.attrs["since"])}
    missing = (earlier | {*_iso(absent[absent < last])}) - days.closures
    for day in sorted(missing - days.missing):
        table.notes.append(
            f"{table.name}: no close on {day}; it is filled when the source has it; if the "
            f"exchange stayed closed, --accept-closure {day} says so"
        )
    if filled := sorted(days.missing - missing - days.closures):
        table.notes.append(f"{table.name}: {listing(filled)} filled in")
    return missing


def behind(through: str, end: pd.Timestamp, closures: Collection[str]) -> int:
    """Return how many sessions lie after the last close, to the last one wanted."""
    after = data.sessions(through, str(end.date()))[1:] if through < str(end.date()) else []
    return len({*_iso(pd.DatetimeIndex(after))} - {*closures})


def _days(texts: Collection[str]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(sorted(texts)).as_unit("us")


def _iso(index: pd.DatetimeIndex) -> list[str]:
    return [str(day.date()) for day in index]
