"""Bring the tables up to date: a new vintage is the previous one and what the sources add to it.

Each table that has a source says in ``datapackage.json`` under ``refresh`` how far back the two
are compared (``overlap_days``; else the whole table), how far they may differ (``tolerance``, in
the columns' units), by how many days a date may be off (``key_days``) and which columns follow the
source within the tolerance (``follows``). All else is as it was, and what no source feeds is as in
the frozen package. The new vintage is written aside, loaded and checked like any other, and then
put in place; if anything is wrong nothing changes.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from helpers import data, vintages
from helpers.errors import DataError, InputError, listing
from rotation.refresh import merge, prints, sources, store
from rotation.refresh.merge import Revision, Table
from rotation.refresh.sources import Source
from rotation.refresh.web import SourceError

# After so long the closes of a session are taken as final.
SETTLED = pd.Timedelta(hours=2)

_log = logging.getLogger(__name__)


class RefreshError(InputError):
    """A refresh that was asked for in a way that cannot be."""


class RevisionError(SourceError):
    """Sources that no longer say what the previous vintage holds; ``revisions`` says where."""

    def __init__(self, revisions: Sequence[Revision]) -> None:
        tables = listing(dict.fromkeys(one.table for one in revisions))
        super().__init__(
            f"{len(revisions)} figures of the previous vintage differ at their source beyond the "
            f"tolerance ({tables}); --accept-revisions takes them"
        )
        self.revisions = tuple(revisions)


@dataclass(frozen=True)
class Refreshed:
    """What a refresh came to.

    Attributes
    ----------
    vintage, previous : str
        Names; they are the same if the sources had nothing new.
    last : str
        Day of the last close.
    added : dict
        Number of new rows by table.
    revisions : tuple of Revision
        What was accepted, or follows the source within its tolerance.
    """

    vintage: str
    previous: str
    last: str
    added: Mapping[str, int]
    revisions: tuple[Revision, ...]

    @property
    def changed(self) -> bool:
        """Whether there is a new vintage."""
        return self.vintage != self.previous


def refresh(
    *,
    base: str = vintages.LATEST,
    only: Collection[str] = (),
    until: str | None = None,
    accept_revisions: bool = False,
    closures: Collection[str] = (),
    moves: Collection[str] = (),
    now: pd.Timestamp | None = None,
    feeds: Sequence[Source] = sources.SOURCES,
) -> Refreshed:
    """Ask the sources for what is new and make a vintage of it, whole or not at all.

    Parameters
    ----------
    base : str
        Vintage to build on. If the latest one is damaged the one before it is taken.
    only : collection of str
        Names of sources to ask; all if empty. The other tables stay as they are.
    until : str, optional
        ISO date; by default the last session that has closed. Later data are not taken.
    accept_revisions : bool
        Whether figures that differ from the previous vintage replace it.
    closures : collection of str
        ISO dates of sessions on which the exchange stayed closed, to be kept in the vintage.
    moves : collection of str
        ISO dates of moves that look like bad prints and are none, to be kept in the vintage.
    now : Timestamp, optional
        The present, with a time zone.
    feeds : sequence of Source

    Returns
    -------
    Refreshed

    Raises
    ------
    SourceError
        If a source cannot be reached or used; nothing has changed then.
    RevisionError
        If sources differ from the previous vintage and that was not accepted.
    RefreshError, VintageError, DataError
        For what was asked for, a place that cannot be written, or data that do not load.
    BusyError
        If another refresh is running.
    """
    feeds = _chosen(feeds, only)
    closed = last_closed(pd.Timestamp.now("UTC") if now is None else now)
    end = min(closed, _date("until", until)) if until else closed
    days = {*map(_checked_date, closures)}, {*map(_checked_date, moves)}
    with store.building() as build:
        previous, market = _sound(base)
        package = data.descriptor(vintages.path(previous))
        tables = [_fetched(_opened(package, one), end) for one in feeds]
        for table in tables:
            merge.merge(table, end)
            _log.info("%s: %d rows added", table.name, table.added)
        revisions = [one for table in tables for one in table.revisions]
        if revisions and not accept_revisions:
            raise RevisionError(revisions)
        closed_days = {*_iso(market.closures)} | _unscheduled(tables, market, days[0], end)
        excused = {*package.get("moves", [])} | days[1]
        for table in tables:
            if table.name == "index_closes":
                _check_closes(table, market.last, closed_days, excused)
        made = store.write(build, package, tables, sorted(closed_days), sorted(excused))
        name = made["vintage"]
        added = {table.name: table.added for table in tables if table.added}
        if store.hashes(made) == store.hashes(package) and closed_days == {*_iso(market.closures)}:
            return Refreshed(previous, previous, str(market.last.date()), {}, ())
        taken = (*revisions, *(one for table in tables for one in table.followed))
        store.write_provenance(build, previous, end, added, taken)
        last = data.load(build).last
        store.discard_damaged(name)
        store.publish(build, name)
    _log.info("vintage %s after %s", name, previous)
    return Refreshed(name, previous, str(last.date()), added, tuple(taken))


def last_closed(now: pd.Timestamp) -> pd.Timestamp:
    """Return the last New York session whose closes are final at a point in time."""
    closes = data.calendar(now.year - 1, now.year).closes
    return closes.index[closes + SETTLED <= now][-1].as_unit("us")


# What is asked for ------------------------------------------------------------------------------


def _chosen(feeds: Sequence[Source], only: Collection[str]) -> list[Source]:
    known = [one.name for one in feeds]
    for name in only:
        if name not in known:
            raise RefreshError(f"source {name!r}: expected one of {listing(known)}")
    return [one for one in feeds if not only or one.name in only]


def _date(what: str, text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d").as_unit("us")
    except (ValueError, TypeError):
        raise RefreshError(f"{what} {text!r}: expected an ISO date like '2026-10-29'") from None


def _checked_date(text: str) -> str:
    return str(_date("accepted day", text).date())


def _iso(days: Iterable[pd.Timestamp]) -> list[str]:
    return [str(day.date()) for day in days]


def _sound(base: str) -> tuple[str, data.Market]:
    """Return the vintage to build on, loaded: the latest that is whole, if not told which."""
    name = vintages.resolve(base)
    earlier = [one for one in reversed(vintages.names()) if one < name]
    for one in [name, *earlier, vintages.FROZEN]:
        try:
            return one, data.load(vintage=one)
        except DataError as error:
            if base != vintages.LATEST or one == vintages.FROZEN:
                raise
            _log.warning("%s; building on the vintage before it", error)
    raise AssertionError("the frozen vintage is always tried")


def _opened(package: dict[str, Any], source: Source) -> Table:
    """Read a table of the previous vintage, as text and typed."""
    file = f"{source.table}.csv"
    typed = data.table(package, source.table)
    with (package["folder"] / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    resource = next(r for r in data.descriptor()["resources"] if r["path"] == file)
    return Table(source, resource, typed, rows)


def _fetched(table: Table, end: pd.Timestamp) -> Table:
    """Fetch what overlaps the previous vintage and what follows it."""
    days = merge.days(table.typed[table.key[0]])
    back = table.rules.get("overlap_days")
    since = days.min() if back is None else max(days.min(), days.max() - pd.Timedelta(days=back))
    # Dates that may be off are cut to the overlap only after they were matched.
    slack = pd.Timedelta(days=2 * table.rules.get("key_days", 0))
    fetched = table.source.fetch(since - slack, max(end, since))
    if slack:
        fetched = _snapped(table, fetched)
    fresh = fetched[merge.days(fetched[table.key[0]]) >= since].reset_index(drop=True)
    fresh.attrs = fetched.attrs | {"since": since}
    return replace(table, fetched=fresh)


def _snapped(table: Table, fetched: pd.DataFrame) -> pd.DataFrame:
    """Give a row the date that the previous vintage has for the same figures a few days off."""
    key, values = table.key[0], list(table.rules["tolerance"])
    slack = pd.Timedelta(days=table.rules["key_days"])

    def known(row: pd.Series) -> pd.Timestamp:
        near = table.typed[(table.typed[key] - row[key]).abs() <= slack]
        same = near[(near[values] == row[values]).all(axis=1)]
        return same[key].iloc[0] if len(same) else row[key]

    snapped = fetched.copy()
    if len(fetched):
        snapped[key] = fetched.apply(known, axis=1)
    return snapped


# Closes -----------------------------------------------------------------------------------------


def _unscheduled(
    tables: Sequence[Table], market: data.Market, days: Collection[str], end: pd.Timestamp
) -> set[str]:
    """Return those of the closures a user accepts that the new closes pass over."""
    table = next((one for one in tables if one.name == "index_closes"), None)
    new = {day for day in days if day not in _iso(market.closures) and pd.Timestamp(day) <= end}
    if table is None or not new:
        return set()
    told = {*_iso(table.fetched["date"])}
    for day in sorted(new):
        stamp = pd.Timestamp(day)
        if stamp <= market.last or stamp not in data.sessions(day, str(end.date())):
            raise RefreshError(
                f"--accept-closure {day}: expected a session after {market.last.date()}"
            )
        if day in told:
            raise RefreshError(f"--accept-closure {day}: the source has closes of that day")
    last = max(told, default="")
    return {day for day in new if day < last}


def _check_closes(
    table: Table, last: pd.Timestamp, closed: Collection[str], excused: Collection[str]
) -> None:
    """Refuse closes off the calendar, gaps, and what looks like a bad print, by name."""
    closes = table.fetched.set_index("date")
    if closes.empty:
        return
    day = closes.index[-1]
    expected = data.sessions(*map(str, (closes.index[0].date(), day.date())))
    expected = expected.difference(pd.DatetimeIndex([*closed]).as_unit("us"))
    for stranger in closes.index.difference(expected):
        raise SourceError(f"closes: {stranger:%Y-%m-%d, a %A,} is no New York session")
    for absent in expected.difference(closes.index):
        if absent > last:
            raise SourceError(
                f"closes: no close on {absent:%Y-%m-%d}; if the exchange stayed closed, accept "
                f"that with --accept-closure {absent:%Y-%m-%d}"
            )
    for when, what in prints.bad_prints(closes):
        if str(when.date()) not in excused:
            raise SourceError(
                f"closes: {when:%Y-%m-%d}: {what}; if it was so, accept it with "
                f"--accept-move {when:%Y-%m-%d}"
            )
