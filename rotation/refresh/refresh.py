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
import io
import json
import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import data, vintages
from helpers.errors import DataError, InputError, listing
from rotation.refresh import sources
from rotation.refresh.sources import Source, SourceError

# After so long the closes of a session are taken as final.
SETTLED = pd.Timedelta(hours=2)
PROVENANCE = "provenance.json"

# Bad prints. Indexes do not split; the two have not moved so far apart in a day since 1987; and of
# jumps by so much more than the other index, which was calm, none was taken back the next day.
_SPLITS = (2, 3, 4, 5, 10, 20, 50, 100, 1000)
_SPLIT_ERROR = 0.02
_APART = 0.07
_SPIKE, _CALM, _TAKEN_BACK = 0.03, 0.02, 0.25

# Two figures so near are one: what is left of binary fractions.
_ROUNDING = 1e-9

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


@dataclass
class _Table:
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
        return self.source.table

    @property
    def rules(self) -> Mapping[str, Any]:
        return self.resource["refresh"]

    @property
    def key(self) -> list[str]:
        key = self.resource["schema"]["primaryKey"]
        return [key] if isinstance(key, str) else list(key)

    @property
    def columns(self) -> list[str]:
        return [one["name"] for one in self.resource["schema"]["fields"]]

    def content(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue().encode()


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
    with vintages.building() as build:
        previous, market = _sound(base)
        package = data.descriptor(vintages.path(previous))
        tables = [_fetched(_opened(package, one), end) for one in feeds]
        for table in tables:
            _merge(table, end)
            _log.info("%s: %d rows added", table.name, table.added)
        revisions = [one for table in tables for one in table.revisions]
        if revisions and not accept_revisions:
            raise RevisionError(revisions)
        closed_days = {*_iso(market.closures)} | _unscheduled(tables, market, days[0], end)
        excused = {*package.get("moves", [])} | days[1]
        for table in tables:
            if table.name == "index_closes":
                _check_closes(table, market.last, closed_days, excused)
        made = _write(build, package, tables, sorted(closed_days), sorted(excused))
        name = made["vintage"]
        added = {table.name: table.added for table in tables if table.added}
        if _content(made) == _content(package) and closed_days == {*_iso(market.closures)}:
            return Refreshed(previous, previous, str(market.last.date()), {}, ())
        taken = (*revisions, *(one for table in tables for one in table.followed))
        _write_json(build / PROVENANCE, _provenance(previous, end, added, taken))
        last = data.load(build).last
        _discard_damaged(name)
        vintages.publish(build, name)
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


def _opened(package: Mapping[str, Any], source: Source) -> _Table:
    """Read a table of the previous vintage, as text and typed."""
    file = f"{source.table}.csv"
    typed = data.table(package, source.table)
    with (package["folder"] / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    resource = next(r for r in data.descriptor()["resources"] if r["path"] == file)
    return _Table(source, resource, typed, rows)


def _fetched(table: _Table, end: pd.Timestamp) -> _Table:
    """Fetch what overlaps the previous vintage and what follows it."""
    days = _days(table.typed[table.key[0]])
    back = table.rules.get("overlap_days")
    since = days.min() if back is None else max(days.min(), days.max() - pd.Timedelta(days=back))
    # Dates that may be off are cut to the overlap only after they were matched.
    slack = pd.Timedelta(days=2 * table.rules.get("key_days", 0))
    fetched = table.source.fetch(since - slack, max(end, since))
    if slack:
        fetched = _snapped(table, fetched)
    fresh = fetched[_days(fetched[table.key[0]]) >= since].reset_index(drop=True)
    fresh.attrs = fetched.attrs | {"since": since}
    return replace(table, fetched=fresh)


def _snapped(table: _Table, fetched: pd.DataFrame) -> pd.DataFrame:
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


# Putting old and new together -------------------------------------------------------------------


def _merge(table: _Table, end: pd.Timestamp) -> None:
    """Compare the overlap, note revisions, and extend the rows of a table, in place.

    Revisions are carried out too: whether they may be is for the caller to say.
    """
    since = table.fetched.attrs["since"]
    known, told = _by_key(table.typed, table.key), _by_key(table.fetched, table.key)
    overlap = [key for key in known if since <= _first(key[0]) and _last(key[0]) <= end]
    gone = [key for key in overlap if key not in told and _says_something(table, known[key])]
    for key in gone:
        _note(table, table.revisions, key, "", "a row", "")
    _compare(table, [(key, known[key], told[key]) for key in overlap if key in told])
    # A table may hold several series, each with its own last day.
    lasts = {key[1:]: _first(key[0]) for key in sorted(known, key=lambda key: _first(key[0]))}
    new = sorted(
        (key for key in told if key not in known and _last(key[0]) <= end),
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


def _compare(table: _Table, pairs: Iterable[tuple[tuple[Any, ...], int, int]]) -> None:
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
            _note(table, notes, key, column, _shown(before[old]), _shown(now[new]))
            table.rows[old][table.columns.index(column)] = _shown(now[new])


def _gap(before: Any, now: Any) -> float:
    """Return how far two figures are apart; months count as one each."""
    if isinstance(before, pd.Period):
        return abs(before.ordinal - now.ordinal)
    if math.isnan(before) or math.isnan(now):
        return 0.0 if math.isnan(before) and math.isnan(now) else math.inf
    return abs(before - now)


def _says_something(table: _Table, row: int) -> bool:
    return not table.typed[list(table.rules["tolerance"])].iloc[row].isna().all()


def _month_ends(keys: Iterable[tuple[Any, ...]], end: pd.Timestamp) -> list[tuple[Any, ...]]:
    """Return the last key of each month that is over, for each series; keys are in order."""
    last = {(key[0].to_period("M"), key[1:]): key for key in keys}
    return [key for (month, _), key in last.items() if month.end_time.normalize() <= end]


def _note(
    table: _Table, notes: list[Revision], key: tuple[Any, ...], column: str, before: str, now: str
) -> None:
    notes.append(Revision(table.name, " ".join(map(_shown, key)), column, before, now))


def _by_key(frame: pd.DataFrame, key: list[str]) -> dict[tuple[Any, ...], int]:
    columns = [frame[name] for name in key]
    return {values: number for number, values in enumerate(zip(*columns, strict=True))}


def _row(table: _Table, number: int) -> list[str]:
    """Return a new row; a column that the source does not give, such as a release day, is empty."""
    row = table.fetched.iloc[number]
    return [_shown(row.get(column, "")) for column in table.columns]


def _shown(value: Any) -> str:
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


def _last(value: pd.Timestamp | pd.Period) -> pd.Timestamp:
    return value.end_time.normalize() if isinstance(value, pd.Period) else value


def _days(column: pd.Series) -> pd.Series:
    return column.dt.to_timestamp() if isinstance(column.dtype, pd.PeriodDtype) else column


# Closes -----------------------------------------------------------------------------------------


def _unscheduled(
    tables: Sequence[_Table], market: data.Market, days: Collection[str], end: pd.Timestamp
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
    table: _Table, last: pd.Timestamp, closed: Collection[str], excused: Collection[str]
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
    for when, what in bad_prints(closes):
        if str(when.date()) not in excused:
            raise SourceError(
                f"closes: {when:%Y-%m-%d}: {what}; if it was so, accept it with "
                f"--accept-move {when:%Y-%m-%d}"
            )


def bad_prints(closes: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """Return days whose closes look wrong, and why.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2), index points
        Both indexes on consecutive sessions, nothing missing.

    Returns
    -------
    list of (Timestamp, str), in order of time: a jump by the factor of a split; the indexes more
    than 7% apart in a day; a jump of one that the other does not share and the next day takes
    back; both closes repeated.
    """
    moves = closes.pct_change()
    found = []
    for name, other in zip(closes, reversed(list(closes)), strict=True):
        ratio, move = closes[name] / closes[name].shift(), moves[name]
        for times in _SPLITS:
            for factor in (times, 1 / times):
                split = (ratio / factor - 1).abs() < _SPLIT_ERROR
                found += [(d, f"{name} jumped to {factor:g} times") for d in closes.index[split]]
        alone = move - moves[other]
        calm = (moves[other].abs() < _CALM) & (moves[other].shift(-1).abs() < _CALM)
        taken_back = (alone + alone.shift(-1)).abs() < _TAKEN_BACK * alone.abs()
        spikes = closes.index[(alone.abs() > _SPIKE) & calm & taken_back]
        found += [(d, f"{name} moved by {move[d]:.1%} and back the next day") for d in spikes]
    apart = (moves.iloc[:, 0] - moves.iloc[:, 1]).abs()
    found += [(d, f"the indexes moved {apart[d]:.1%} apart") for d in closes.index[apart > _APART]]
    same = closes.index[(closes.diff() == 0).all(axis=1)]
    found += [(d, "both closes are those of the day before") for d in same]
    return sorted(found, key=lambda one: one[0])


# Writing ----------------------------------------------------------------------------------------


def _write(
    build: Path,
    previous: Mapping[str, Any],
    tables: Sequence[_Table],
    closures: Sequence[str],
    moves: Sequence[str],
) -> dict[str, Any]:
    """Write the tables and the descriptor of a vintage and return the descriptor."""
    frozen = data.descriptor()
    fed = {table.name: table for table in tables}
    before = {r["path"]: r for r in previous["resources"]}
    sourced = {one.table for one in sources.SOURCES}
    resources = []
    for resource in frozen["resources"]:
        if "hash" not in resource:  # the registry is no part of a vintage
            continue
        name = resource["path"].removesuffix(".csv")
        if name in fed:
            content = fed[name].content()
            extra = _told(fed[name], before[resource["path"]])
        else:
            carried = previous["folder"] if name in sourced else frozen["folder"]
            content = (carried / resource["path"]).read_bytes()
            extra = _kept(before[resource["path"]]) if name in sourced else {}
        (build / resource["path"]).write_bytes(content)
        seal = {
            "bytes": len(content),
            "hash": f"sha256:{data.sha256(content)}",
            "rows": len(list(csv.reader(io.StringIO(content.decode(), newline="")))) - 1,
        }
        resources.append({**resource, **seal, **extra})
    last = next(r for r in resources if r["path"] == "index_closes.csv")
    package = {
        **{k: v for k, v in frozen.items() if k not in ("folder", "created", "description")},
        "vintage": "",
        "description": "A vintage made by rotation refresh; the registry stands in the clone.",
        "closures": list(closures),
        "moves": list(moves),
        "resources": resources,
    }
    with (build / last["path"]).open(encoding="utf-8", newline="") as lines:
        day = list(csv.reader(lines))[-1][0]
    package["vintage"] = vintages.name_of(day, _content(package), closures)
    _write_json(build / vintages.DESCRIPTOR, package)
    return package


def _told(table: _Table, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the descriptor says of a table beyond its content, after its source was asked."""
    extra = _kept(before)
    told = table.fetched[table.key[0]]
    ends = table.fetched.attrs.get("complete_through", _last(told.max()) if len(told) else None)
    extra["complete_through"] = max(str(ends)[:10] if ends else "", before["complete_through"])
    title = {"title": table.fetched.attrs["title"]}
    if table.added or table.revisions:
        # A table that its source revises is that source's newest edition as a whole.
        earlier = [] if table.resource["revised"] else extra["sources"]
        extra["sources"] = [*earlier, *([title] if title not in earlier else [])]
    return extra


def _kept(before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: before[name] for name in ("complete_through", "sources") if name in before}


def _content(package: Mapping[str, Any]) -> dict[str, str]:
    """Return the sha256 of each table of a vintage by its name."""
    return {
        r["path"].removesuffix(".csv"): r["hash"].removeprefix("sha256:")
        for r in package["resources"]
        if "hash" in r
    }


def _provenance(
    previous: str, end: pd.Timestamp, added: Mapping[str, int], taken: Sequence[Revision]
) -> dict[str, Any]:
    """Return how a vintage came about: the one thing of it that tells the time."""
    return {
        "previous": previous,
        "made": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "until": str(end.date()),
        "added": dict(added),
        "revisions": [vars(one) for one in taken],
    }


def _discard_damaged(name: str) -> None:
    """Make room if a vintage of the same content is there but no longer whole."""
    if (vintages.folder() / name).exists():
        try:
            data.load(vintage=name)
        except InputError as error:
            _log.warning("%s; it is made anew", error)
            vintages.discard(name)


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8")
