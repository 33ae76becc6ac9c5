"""Bring the tables up to date: a new vintage is the previous one and what the sources add to it.

Each table that has a source says in ``datapackage.json`` under ``refresh`` how far back the two
are compared (``overlap_days``; else the whole table), how far they may differ (``tolerance``, in
the columns' units), by how many days a date may be off (``key_days``) and which columns follow the
source within the tolerance (``follows``). All else is as it was, and what no source feeds is as in
the frozen package.

Each source stands alone: what fails or is refused carries its table over as it was, with the day
since when and the reason, and the others go on. The new vintage is written aside, loaded and
checked like any other, and then put in place.
"""

from __future__ import annotations

import csv
import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import data, vintages
from helpers.errors import DataError, InputError, listing
from rotation import atomic
from rotation.refresh import accept, closes, merge, sources, status, store
from rotation.refresh.accept import Accepted
from rotation.refresh.merge import Revision, Table
from rotation.refresh.sessions import Days, behind, sessions
from rotation.refresh.sources import EDITIONS, SESSIONS, Source
from rotation.refresh.status import Status
from rotation.refresh.web import SourceError

# After so long the closes of a session are taken.
CLOSED = pd.Timedelta(hours=2)
# Sessions without new closes after which a silent source is told.
LATE_AFTER = 2
# Replaced figures that are listed one by one.
_LISTED = 20

_log = logging.getLogger(__name__)


class RefreshError(InputError):
    """A refresh that was asked for in a way that cannot be."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh came to.

    Attributes
    ----------
    vintage, previous : str
        Names; they are the same if nothing is new.
    last : str
        Day of the last close.
    added : dict
        Number of new rows by table.
    revisions : tuple of Revision
        Earlier figures that were replaced: accepted, settled, or those of a new edition.
    refused : tuple of Revision
        Figures that differ at their source and stay as they were.
    status : tuple of Status
        Of each table that has a source.
    notes : tuple of str
        What else happened, a line each.
    """

    vintage: str
    previous: str
    last: str
    added: Mapping[str, int]
    revisions: tuple[Revision, ...]
    refused: tuple[Revision, ...] = ()
    status: tuple[Status, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is a new vintage."""
        return self.vintage != self.previous

    def told(self) -> list[str]:
        """Return what the refresh came to, in lines."""
        if not self.changed:
            return [*self.notes, f"nothing new: vintage {self.vintage}, closes to {self.last}"]
        new = [f"{table}: {rows} new" for table, rows in self.added.items()]
        many = {one.table for one in self.revisions[_LISTED:]}
        new += [str(one) for one in self.revisions if one.table not in many]
        made = f"vintage {self.vintage} after {self.previous}, closes to {self.last}"
        return [*new, *self.notes, made]

    @property
    def wrong(self) -> list[Status]:
        """Tables that somebody should look at."""
        return [one for one in self.status if one.wrong]


@dataclass(frozen=True)
class Options:
    """Settings of a refresh.

    Attributes
    ----------
    accepted : sequence of str
        Revisions that are accepted, as ``rotation refresh --accept-revisions`` takes them.
    closures, moves : collection of str
        ISO dates of sessions on which the exchange stayed closed, and of moves that look like bad
        prints and are none; both are kept in the vintage.
    off : collection of str
        Sources that are not asked.
    tolerance : dict
        By source, in the place of what the descriptor says.
    late_after : int
        Sessions without new closes that are no reason to look.
    second : str
        Where closes are asked for that the first source lacks, as :func:`closes.closes` takes it;
        by default what ``ROTATION_CLOSES_SECOND`` names.
    """

    accepted: Sequence[str] = ()
    closures: Collection[str] = ()
    moves: Collection[str] = ()
    off: Collection[str] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    late_after: int = LATE_AFTER
    second: str = ""

    def ask_second(self, since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame | None:
        """Return the closes of the second source; None if there is none."""
        return closes.second(since, until, self.second)


def refresh(
    *,
    base: str = vintages.LATEST,
    only: Collection[str] = (),
    until: str | None = None,
    options: Options | None = None,
    now: pd.Timestamp | None = None,
    feeds: Sequence[Source] = sources.SOURCES,
) -> Refreshed:
    """Ask the sources for what is new and make a vintage of it.

    Parameters
    ----------
    base : str
        Vintage to build on. If the latest one is damaged the one before it is taken.
    only : collection of str
        Names of sources to ask; all if empty. The other tables stay as they are.
    until : str, optional
        ISO date; by default the last session that has closed. Later data are not taken.
    options : Options, optional
    now : Timestamp, optional
        The present, with a time zone.
    feeds : sequence of Source

    Returns
    -------
    Refreshed
        Its ``status`` tells which sources failed or were refused.

    Raises
    ------
    RefreshError, AcceptError
        For what was asked for in a way that cannot be.
    LockedError
        If another refresh is running.
    UnwritableError, VintageError, DataError
        For a place that cannot be written, and for vintages that cannot be loaded.
    """
    options = options or Options()
    asked = _chosen(feeds, only, options)
    accepted = accept.read(options.accepted, [one.table for one in feeds])
    closed = last_closed(pd.Timestamp.now("UTC") if now is None else now)
    end = min(closed, _date("until", until)) if until else closed
    told = _told(options)
    with store.building() as build:
        previous, market = _sound(base)
        package = data.descriptor(vintages.path(previous))
        days = _days(package)
        tables = [_opened(package, one, accepted, options) for one in asked]
        found = {}
        for table, error in _fetched(tables, end, options):
            found[table.name] = _merged(table, error, end, (days, told), options)
        notes = [note for table in tables for note in table.notes]
        silent = [one for one in feeds if one.name in options.off]
        found |= {one.table: _silent(package, one, end) for one in silent}
        made = _written(build, package, tables, days, found, end)
        name = made["vintage"]
        states = tuple(_statuses(made, feeds))
        refused = tuple(one for table in tables for one in table.open)
        if store.identity(made) == store.identity(package):
            last = str(market.last.date())
            return Refreshed(previous, previous, last, {}, (), refused, states, tuple(notes))
        added = {table.name: table.added for table in tables if table.added}
        taken = tuple(one for table in tables for one in table.taken)
        store.write_provenance(build, previous, end, added, taken)
        if previous != vintages.FROZEN:
            atomic.share(build, vintages.path(previous))
        store.discard_damaged(name)
        store.publish(build, name)
    _log.info("vintage %s after %s", name, previous)
    last = made["complete"]
    return Refreshed(name, previous, last, added, taken, refused, states, tuple(notes))


def last_closed(now: pd.Timestamp) -> pd.Timestamp:
    """Return the last New York session whose closes may be taken at a point in time."""
    closing = data.calendar(now.year - 1, now.year).closes
    return closing.index[closing + CLOSED <= now][-1].as_unit("us")


# What is asked for ------------------------------------------------------------------------------


def _chosen(feeds: Sequence[Source], only: Collection[str], options: Options) -> list[Source]:
    known = [one.name for one in feeds]
    for name in [*only, *options.off, *options.tolerance]:
        if name not in known:
            raise RefreshError(f"source {name!r}: expected one of {listing(known)}")
    return [one for one in feeds if (not only or one.name in only) and one.name not in options.off]


def _date(what: str, text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d").as_unit("us")
    except (ValueError, TypeError):
        raise RefreshError(f"{what} {text!r}: expected an ISO date like '2026-10-29'") from None


def _told(options: Options) -> Days:
    """Return the days that a user names, checked."""
    for text in [*options.closures, *options.moves]:
        _date("accepted day", text)
    for text in options.closures:
        if not len(data.sessions(text, text)):
            raise RefreshError(f"--accept-closure {text}: expected a New York session")
    return Days(closures={*options.closures}, moves={*options.moves})


def _days(package: Mapping[str, Any]) -> Days:
    """Return what a vintage says of its sessions."""
    closures, missing, provisional, moves = (
        {*package.get(name, [])} for name in ("closures", "missing", "provisional", "moves")
    )
    return Days(closures, missing, provisional, moves)


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


# Fetching ---------------------------------------------------------------------------------------


def _opened(
    package: dict[str, Any], source: Source, accepted: Sequence[Accepted], options: Options
) -> Table:
    """Read a table of the previous vintage, as text and typed."""
    file = f"{source.table}.csv"
    typed = data.table(package, source.table)
    with (package["folder"] / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    resource = _resource(data.descriptor(), source.table)
    own = options.tolerance.get(source.name)
    tolerance = {
        column: usual if own is None else own
        for column, usual in resource["refresh"]["tolerance"].items()
    }
    before = _resource(package, source.table)
    return Table(source, resource, before, typed, rows, accepted, tolerance)


def _resource(package: Mapping[str, Any], table: str) -> dict[str, Any]:
    return next(one for one in package["resources"] if one["path"] == f"{table}.csv")


def _fetched(
    tables: Sequence[Table], end: pd.Timestamp, options: Options
) -> list[tuple[Table, SourceError | None]]:
    """Ask all sources at once; give each table with what is wrong with its source."""
    refused: dict[str, SourceError] = {}
    unforeseen: list[Exception] = []

    def ask(table: Table) -> None:
        try:
            table.fetched = _fetch(table, end, options)
        except SourceError as error:
            refused[table.name] = error
        except Exception as error:  # it must reach the one who waits
            unforeseen.append(error)

    # Threads of a run that is stopped must not keep the process.
    threads = [threading.Thread(target=ask, args=(one,), daemon=True) for one in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in unforeseen:
        raise error
    return [(table, refused.get(table.name)) for table in tables]


def _fetch(table: Table, end: pd.Timestamp, options: Options) -> pd.DataFrame:
    """Fetch what overlaps the previous vintage and what follows it."""
    days = merge.days(table.typed[table.key[0]])
    back = table.rules.get("overlap_days")
    since = days.min() if back is None else max(days.min(), days.max() - pd.Timedelta(days=back))
    # Dates that may be off are cut to the overlap only after they were matched.
    slack = pd.Timedelta(days=2 * table.rules.get("key_days", 0))
    until = max(end, merge.last(table.typed[table.key[0]].max()))
    try:
        fetched = table.source.fetch(since - slack, until)
    except SourceError as error:
        other = options.ask_second(since, until) if table.source.kind == SESSIONS else None
        if other is None:
            raise
        table.notes.append(f"{table.name}: all from the second source: {error}")
        fetched = other
    if slack:
        fetched = _snapped(table, fetched)
    fresh = fetched[merge.days(fetched[table.key[0]]) >= since].reset_index(drop=True)
    fresh.attrs = fetched.attrs | {"since": since}
    return fresh


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


# Putting together -------------------------------------------------------------------------------


def _merged(
    table: Table,
    error: SourceError | None,
    end: pd.Timestamp,
    days: tuple[Days, Days],
    options: Options,
) -> Status:
    """Bring one table up to date, in place, or leave it as it was; return its status.

    ``days`` are those of the previous vintage, brought up to date too, and those a user names.
    """
    through, at = merge.complete_before(table.before), str(end.date())
    if error is not None:
        return status.of(table.name, status.CARRIED, through, str(error), at, table.before)
    rows, (kept, told) = [[*row] for row in table.rows], days
    new = Days(kept.closures | told.closures, {*kept.missing}, {*kept.provisional})
    new.moves = kept.moves | told.moves
    try:
        if table.source.kind == SESSIONS:
            sessions(table, end, new, options.ask_second)
            kept.become(new)
        elif table.source.kind == EDITIONS:
            merge.editions(table, end)
        else:
            merge.cells(table, end)
    except SourceError as refused:
        table.rows, table.added, table.taken = rows, 0, []
        return status.of(table.name, status.REFUSED, through, str(refused), at, table.before)
    _log.info("%s: %d rows added", table.name, table.added)
    return _judged(table, end, kept, options)


def _judged(table: Table, end: pd.Timestamp, days: Days, options: Options) -> Status:
    """Return the status of a table whose source answered."""
    state, reason = status.FRESH, "; ".join(filter(None, (table.refusal(), days.held)))
    if table.source.kind != SESSIONS:
        reason = table.refusal()
    if reason:
        state = status.REFUSED
    elif table.source.kind == SESSIONS:
        lag = behind(table.through, end, days.closures)
        if lag > options.late_after:
            state, reason = status.LATE, f"no closes for {lag} sessions, to {end:%Y-%m-%d}"
    elif table.source.late and (end - pd.Timestamp(table.through)).days > table.source.late:
        state, reason = status.LATE, f"nothing new for {table.source.late} days"
    return status.of(table.name, state, table.through, reason, str(end.date()), table.before)


def _silent(package: Mapping[str, Any], source: Source, end: pd.Timestamp) -> Status:
    """Return the status of a table whose source is switched off."""
    before = _resource(package, source.table)
    through = merge.complete_before(before)
    told = "the settings leave its source out"
    return status.of(source.table, status.OFF, through, told, str(end.date()), before)


def _written(
    build: Path,
    package: Mapping[str, Any],
    tables: Sequence[Table],
    days: Days,
    found: dict[str, Status],
    end: pd.Timestamp,
) -> dict[str, Any]:
    """Write a vintage and load it; a table that does not load is left as it was."""
    left = list(tables)
    while True:
        made = store.write(build, package, left, days, found)
        try:
            made["complete"] = str(data.load(build).last.date())
            return made
        except DataError as error:
            bad = next((one for one in left if str(error).startswith(f"{one.name}.csv")), None)
            if bad is None:
                raise
            left.remove(bad)
            bad.added, bad.taken, bad.open = 0, [], []
            if bad.source.kind == SESSIONS:
                days.become(_days(package))
            through = merge.complete_before(bad.before)
            found[bad.name] = status.of(
                bad.name, status.REFUSED, through, str(error), str(end.date()), bad.before
            )


def _statuses(package: Mapping[str, Any], feeds: Sequence[Source]) -> list[Status]:
    """Return the status of each table that has a source, as a vintage says it."""
    return [
        Status(
            one.table,
            told.get("state", status.FRESH),
            merge.complete_before(resource),
            told.get("since", ""),
            told.get("reason", ""),
        )
        for one in feeds
        for resource in [_resource(package, one.table)]
        for told in [resource.get("status", {})]
    ]
