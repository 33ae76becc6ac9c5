"""Load the tables of a data package into one ``Market``, checked before anything uses them.

What a table must look like stands in ``datapackage.json``; only what that file cannot say is
code here: closes fall on New York sessions without a gap, one-day moves stay within 25%, and
monthly and yearly tables miss no month or June.

A user's own licensed tables are described in ``own_tables.json`` beside it and checked the same
way; they stand in ``Market.own``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import exchange_calendars
import numpy as np
import pandas as pd

from helpers import vintages
from helpers.errors import DataError, excerpt, listing
from helpers.vintages import frozen as folder

LARGEST_DAILY_MOVE = 0.25
CALENDAR = "XNYS"

# There was no year 0, though pandas has one.
_PATTERNS = {
    "date": re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "yearmonth": re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}"),
    "number": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
}

# What a market is made of; datapackage.json must list each with its sha256.
_TABLES = (
    "index_closes",
    "size_portfolios_monthly",
    "size_value_portfolios_monthly",
    "size_price_to_book",
    "valuation_readings",
    "valuation_averages",
    "macro_readings",
    "policy_facts",
    "fed_target_changes",
    "discount_rate_first_cuts",
    "recessions",
)

# Describes a user's own tables; names the provider of those that do not name it themselves.
OWN_DESCRIPTOR, SOURCE_FILE = "own_tables.json", "source.txt"
PROVIDER = "provider_basis"

# The calendar of sessions cannot be computed much beyond these.
_EARLIEST, _LATEST = pd.Timestamp("1800-01-01"), pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Market:
    """All tables of one vintage, checked and typed.

    Returns of portfolios are simple total returns as fractions (0.01 is one percent); rates and
    readings keep the unit their column name or schema gives. Missing figures are NaN.

    Attributes
    ----------
    closes : DataFrame, index ``date`` (sessions), columns ``russell_2000``, ``sp_500``
        Closing levels of price indexes, index points.
    portfolios : DataFrame, index ``month`` (periods), columns ``small``, ``large``
        Monthly total returns of the smallest and largest 30% of US stocks.
    value_portfolios : DataFrame, index ``month``, columns ``small_hibm``, ``me2_bm5``
        Monthly total returns of two small-value portfolios.
    price_to_book : DataFrame, index ``june`` (periods), columns ``quintile_1`` to ``quintile_5``
    readings, averages, macro, policy : DataFrame
        Published figures, one row each, columns as in ``datapackage.json``.
    target : DataFrame, index ``announced``
        ``lower_percent``, ``upper_percent`` of the federal funds target and ``change_bp``.
    discount_cuts : DataFrame, index ``announced``, ``from_percent``, ``to_percent``, ``note``
    recessions : DataFrame, columns ``peak``, ``trough`` (monthly periods)
    vintage : str
        Name of the vintage.
    hashes : dict
        sha256 of each table by its name.
    target_checked : Timestamp
        Last day through which the table of target changes was checked.
    own : dict of DataFrame
        The user's own tables by name, columns as in ``own_tables.json`` and ``provider_basis``;
        empty unless a run was given some.
    closures : DatetimeIndex
        Sessions of the calendar on which the exchange was closed; none in the frozen vintage.
    """

    closes: pd.DataFrame
    portfolios: pd.DataFrame
    value_portfolios: pd.DataFrame
    price_to_book: pd.DataFrame
    readings: pd.DataFrame
    averages: pd.DataFrame
    macro: pd.DataFrame
    policy: pd.DataFrame
    target: pd.DataFrame
    discount_cuts: pd.DataFrame
    recessions: pd.DataFrame
    vintage: str
    hashes: dict[str, str]
    target_checked: pd.Timestamp
    own: dict[str, pd.DataFrame] = field(default_factory=dict)
    closures: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))

    @property
    def first(self) -> pd.Timestamp:
        """First session with a close."""
        return self.closes.index[0]

    @property
    def last(self) -> pd.Timestamp:
        """Last session with a close."""
        return self.closes.index[-1]

    def until(self, date: str | pd.Timestamp) -> Market:
        """Return the market with nothing in it that is dated after ``date``.

        Monthly figures count as dated at their month's end, recessions at their trough's.
        Revisions and publication lags are not undone: the tables hold one vintage.
        """
        day = pd.Timestamp(date)

        def ended(periods: pd.PeriodIndex | pd.Series) -> np.ndarray:
            return np.asarray(pd.PeriodIndex(periods).end_time.normalize() <= day)

        return replace(
            self,
            closes=self.closes.loc[:day],
            portfolios=self.portfolios[ended(self.portfolios.index)],
            value_portfolios=self.value_portfolios[ended(self.value_portfolios.index)],
            price_to_book=self.price_to_book[ended(self.price_to_book.index)],
            readings=self.readings[self.readings["as_of"] <= day],
            averages=self.averages[self.averages["stated"] <= day],
            macro=self.macro[self.macro["as_of"] <= day],
            policy=self.policy[self.policy["enacted"] <= day],
            target=self.target.loc[:day],
            discount_cuts=self.discount_cuts.loc[:day],
            recessions=self.recessions[ended(self.recessions["trough"])],
            target_checked=min(self.target_checked, day),
            own={name: frame[frame["date"] <= day] for name, frame in self.own.items()},
        )


def load(
    path: str | Path | None = None, tables: str | Path = "", vintage: str = vintages.FROZEN
) -> Market:
    """Load and check every table of a data package, and the user's own ones.

    Parameters
    ----------
    path : str or Path, optional
        Folder with ``datapackage.json`` and its tables; by default that of the vintage.
    tables : str or Path, optional
        Folder with the user's own tables, as for :func:`load_own`; none if empty.
    vintage : str
        ``frozen``, ``latest`` or the name of a refreshed vintage.

    Returns
    -------
    Market

    Raises
    ------
    DataError
        Naming table, row and rule, if a file is missing, cannot be read, breaks the schema or
        the calendar, or differs from the recorded sha256. Nothing is returned in part.
    VintageError
        If there is no such vintage.
    """
    if path is None and (name := vintages.resolve(vintage)) != vintages.FROZEN:
        try:
            return _named(name, load(vintages.path(name), tables))
        except DataError as error:
            raise DataError(f"vintage {name}: {error}") from None
    package = descriptor(path)
    closed = closures(package)
    frames = {
        resource["path"].removesuffix(".csv"): table(package, resource)
        for resource in package["resources"]
        if "hash" in resource
    }
    lacking = [name for name in _TABLES if name not in frames]
    if lacking:
        raise DataError(f"datapackage.json: expected {listing(lacking)} listed with a hash")
    closes = frames["index_closes"].set_index("date")
    _check_sessions(closes, closed=closed)
    for name, key in (
        ("size_portfolios_monthly", "month"),
        ("size_value_portfolios_monthly", "month"),
        ("size_price_to_book", "june"),
    ):
        _check_no_gap(name, frames[name][key], 12 if key == "june" else 1)
    for name in ("fed_target_changes", "discount_rate_first_cuts", "recessions"):
        _check_increasing(f"{name}.csv", frames[name].iloc[:, 0])
    resources = {r["path"].removesuffix(".csv"): r for r in package["resources"]}
    if "checked_through" not in resources["fed_target_changes"]:
        raise DataError("datapackage.json: fed_target_changes.csv: expected checked_through")
    own, own_hashes = load_own(tables, closed) if str(tables) else ({}, {})
    return Market(
        closes=closes,
        portfolios=_fractions(frames["size_portfolios_monthly"]),
        value_portfolios=_fractions(frames["size_value_portfolios_monthly"]),
        price_to_book=frames["size_price_to_book"].set_index("june"),
        readings=frames["valuation_readings"],
        averages=frames["valuation_averages"],
        macro=frames["macro_readings"],
        policy=frames["policy_facts"],
        target=frames["fed_target_changes"].set_index("announced"),
        discount_cuts=frames["discount_rate_first_cuts"].set_index("announced"),
        recessions=frames["recessions"],
        vintage=package["vintage"],
        hashes={
            name: r["hash"].removeprefix("sha256:") for name, r in resources.items() if "hash" in r
        }
        | own_hashes,
        target_checked=pd.Timestamp(resources["fed_target_changes"]["checked_through"]),
        own=own,
        closures=closed,
    )


def _named(name: str, market: Market) -> Market:
    if market.vintage != name:
        raise DataError(f"datapackage.json: vintage {market.vintage!r}: expected {name!r}")
    return market


def load_own(
    tables: str | Path, closed: pd.DatetimeIndex | None = None
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Load and check a user's own tables.

    Parameters
    ----------
    tables : str or Path
        Folder with one or more of the tables of ``own_tables.json``; ``source.txt`` names in one
        line the provider of those without a column ``provider_basis``.
    closed : DatetimeIndex, optional
        Sessions of the calendar on which the exchange was closed, as of :func:`closures`.

    Returns
    -------
    Tables by name, each with a column ``provider_basis``, and the sha256 of each file by
    ``own/`` and its name.

    Raises
    ------
    DataError
        Naming file, row and rule, if the folder is missing or empty, holds an unknown file, or a
        table breaks its schema or the calendar.
    """
    home = Path(tables).expanduser()
    package = own_descriptor() | {"folder": home}
    resources = {resource["path"]: resource for resource in package["resources"]}
    known = [*resources, SOURCE_FILE]
    if not home.is_dir():
        raise DataError(f"tables = {str(tables)!r}: no such folder; expected one with your tables")
    found = sorted(file.name for file in home.iterdir() if not file.name.startswith("."))
    for name in found:
        if name not in known:
            raise DataError(f"{name}: no table of your own by that name; known: {listing(known)}")
    names = [name for name in resources if name in found]
    if not names:
        raise DataError(f"{home}: no tables there; expected one or more of {listing(resources)}")
    frames = {name.removesuffix(".csv"): table(package, resources[name]) for name in names}
    for name, frame in frames.items():
        _OWN_RULES[name](f"{name}.csv", frame, closed)
    unnamed = [name for name, frame in frames.items() if PROVIDER not in frame]
    if unnamed:
        provider = _provider(home, unnamed)
        frames |= {name: frames[name].assign(**{PROVIDER: provider}) for name in unnamed}
    return frames, {f"own/{Path(name).stem}": sha256(_content(home / name, name)) for name in found}


def _provider(home: Path, unnamed: list[str]) -> str:
    """Read the one line that says whose data the tables are."""
    asked = f"expected one line that names the provider of {listing(f'{n}.csv' for n in unnamed)}"
    try:
        lines = _content(home / SOURCE_FILE, SOURCE_FILE).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{SOURCE_FILE}: not UTF-8 text at byte {error.start}") from None
    except DataError as error:
        raise DataError(f"{error}; {asked}") from None
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != 1:
        raise DataError(f"{SOURCE_FILE}: {len(lines)} lines; {asked}")
    return lines[0]


def closures(package: dict[str, Any]) -> pd.DatetimeIndex:
    """Return the days on which a vintage knows the exchange closed though its calendar does not.

    Raises
    ------
    DataError
        If ``closures`` in ``datapackage.json`` is no list of ISO dates.
    """
    listed = package.get("closures", [])
    try:
        if not isinstance(listed, list) or not all(isinstance(day, str) for day in listed):
            raise TypeError
        return pd.DatetimeIndex(pd.to_datetime(listed, format="%Y-%m-%d")).as_unit("us")
    except (ValueError, TypeError):
        raise DataError(
            f"datapackage.json: closures {listed!r}: expected a list of ISO dates"
        ) from None


def own_descriptor() -> dict[str, Any]:
    """Read ``own_tables.json`` of the frozen package, which describes what a user may bring.

    Raises
    ------
    DataError
        As for :func:`descriptor`.
    """
    return _descriptor(None, OWN_DESCRIPTOR)


def descriptor(path: str | Path | None = None) -> dict[str, Any]:
    """Read ``datapackage.json`` and note the folder it came from under ``folder``.

    Raises
    ------
    DataError
        If the file is missing or is not JSON with a list of resources.
    """
    return _descriptor(path, "datapackage.json", "vintage")


def _descriptor(path: str | Path | None, name: str, *required: str) -> dict[str, Any]:
    home = Path(path) if path is not None else folder()
    file = home / name
    try:
        package = json.loads(file.read_text(encoding="utf-8"))
        package["resources"] = list(package["resources"])
        for resource in package["resources"]:
            resource["path"], resource["schema"]["fields"]
        for key in required:
            package[key]
    except FileNotFoundError:
        raise DataError(f"{file}: missing") from None
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not a data package ({type(error).__name__}: {error})") from None
    return package | {"folder": home}


def table(package: dict[str, Any], resource: dict[str, Any] | str) -> pd.DataFrame:
    """Read one table of a package and check it against its schema, row count and sha256.

    Dates become Timestamps, ``yearmonth`` becomes monthly periods, numbers floats with NaN where
    a value is missing, strings stay strings with ``""`` where missing.

    Raises
    ------
    DataError
        Naming the file, the row (1 is the first below the header) and the rule.
    """
    if isinstance(resource, str):
        file = f"{resource}.csv"
        resource = next((r for r in package["resources"] if r["path"] == file), None)
        if resource is None:
            raise DataError(f"datapackage.json: expected {file} listed")
    name, schema = resource["path"], resource["schema"]
    content = _content(package["folder"] / name, name)
    columns = _columns(content, name, [field["name"] for field in schema["fields"]])
    missing = schema.get("missingValues", [""])
    frame = pd.DataFrame(
        {f["name"]: _typed(name, f, columns[f["name"]], missing) for f in schema["fields"]}
    )
    _check_key(name, frame, schema.get("primaryKey", []))
    _check_fingerprint(name, resource, content, len(frame))
    return frame


def sha256(content: bytes) -> str:
    """Return the sha256 of bytes as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=8)
def calendar(first: int, last: int) -> exchange_calendars.ExchangeCalendar:
    """Return the calendar of the New York exchange for whole years, inclusive.

    Source: exchange_calendars, calendar XNYS.
    """
    return exchange_calendars.get_calendar(CALENDAR, start=f"{first}-01-01", end=f"{last}-12-31")


def sessions(first: str, last: str) -> pd.DatetimeIndex:
    """Return the New York sessions from ``first`` to ``last``, both ISO dates, inclusive."""
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    days = pd.DatetimeIndex(calendar(start.year, end.year).sessions, freq=None).as_unit("us")
    return days[(days >= start) & (days <= end)]


def ends_month(day: pd.Timestamp) -> bool:
    """Tell whether a session is the last one of its calendar month."""
    month_end = day + pd.offsets.MonthEnd(0)
    first = day.replace(day=1)
    return sessions(str(first.date()), str(month_end.date()))[-1] == day


def _content(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}: {file})") from None


def _columns(content: bytes, name: str, expected: list[str]) -> dict[str, np.ndarray]:
    """Split CSV bytes into columns of text; every row must have every field."""
    try:
        rows = list(csv.reader(content.decode("utf-8").splitlines(keepends=True), strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 text at byte {error.start}") from None
    except csv.Error as error:
        raise DataError(f"{name}: not CSV ({error})") from None
    if not rows or rows[0] != expected:
        found = listing(excerpt(name, 40) for name in rows[0][:30]) if rows else "nothing"
        raise DataError(f"{name}: header: expected {listing(expected)}; found {found}")
    if len(rows) == 1:
        raise DataError(f"{name}: no rows below the header")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(expected):
            raise DataError(f"{name} row {number}: expected {len(expected)} fields; got {len(row)}")
    return dict(zip(expected, np.array(rows[1:], dtype=object).T, strict=True))


def _typed(name: str, field: dict[str, Any], text: np.ndarray, missing: list[str]) -> pd.Series:
    """Convert one column as its schema says and enforce its constraints."""
    values = pd.Series(text, dtype="str")
    gone = values.isin(missing)
    rules = field.get("constraints", {})

    def refuse(bad: pd.Series, rule: str) -> None:
        if bad.any():
            row = int(bad.idxmax())
            raise DataError(
                f"{name} row {row + 1}: {field['name']} {excerpt(values.iloc[row])}: "
                f"expected {rule}"
            )

    if rules.get("required"):
        refuse(gone, "a value")
    kind = field["type"]
    if kind != "string" and kind not in _PATTERNS:
        raise DataError(
            f"{name}: {field['name']}: type {kind!r}: expected string, {listing(_PATTERNS)}"
        )
    if kind == "string":
        typed = values.where(~gone, "")
    else:
        refuse(~gone & ~values.str.fullmatch(_PATTERNS[kind]), f"a {kind}")
        typed = _parsed(kind, values.where(~gone))
        refuse(~gone & typed.isna(), f"a {kind}")
    if "pattern" in rules:
        refuse(~gone & ~values.str.fullmatch(rules["pattern"]), f"the form {rules['pattern']}")
    if "enum" in rules:
        refuse(~gone & ~values.isin(rules["enum"]), f"one of {listing(rules['enum'])}")
    if "minimum" in rules:
        refuse(typed < rules["minimum"], f"at least {rules['minimum']}")
    if "maximum" in rules:
        refuse(typed > rules["maximum"], f"at most {rules['maximum']}")
    if rules.get("unique"):
        refuse(~gone & values.duplicated(), "each value once")
    return typed


def _parsed(kind: str, values: pd.Series) -> pd.Series:
    """Turn text of the right form into its type; what is no such thing becomes missing."""
    if kind == "number":
        return pd.to_numeric(values).astype(float)
    form = "%Y-%m-%d" if kind == "date" else "%Y-%m"
    dates = pd.to_datetime(values, format=form, errors="coerce").astype("datetime64[us]")
    return dates if kind == "date" else dates.dt.to_period("M")


def _check_key(name: str, frame: pd.DataFrame, key: str | list[str]) -> None:
    fields = [key] if isinstance(key, str) else key
    repeated = frame.duplicated(fields) if fields else pd.Series(False, index=frame.index)
    if repeated.any():
        row = int(repeated.idxmax())
        raise DataError(f"{name} row {row + 1}: expected one row for each {listing(fields)}")


def _check_fingerprint(name: str, resource: dict[str, Any], content: bytes, rows: int) -> None:
    if "rows" in resource and rows != resource["rows"]:
        raise DataError(f"{name}: expected {resource['rows']} rows; found {rows}")
    if "hash" in resource and f"sha256:{sha256(content)}" != resource["hash"]:
        raise DataError(
            f"{name}: sha256 {sha256(content)[:12]}… differs from datapackage.json: "
            "the file was edited; restore it, or record the new sha256 if the edit is meant"
        )


def _check_increasing(name: str, dates: pd.Series) -> None:
    falls = dates.iloc[1:].reset_index(drop=True) <= dates.iloc[:-1].reset_index(drop=True)
    if falls.any():
        row = int(falls.idxmax()) + 1
        raise DataError(f"{name} row {row + 1}: {_day(dates.iloc[row])}: dates must increase")


def _check_no_gap(table_name: str, months: pd.Series, step: int) -> None:
    _check_increasing(f"{table_name}.csv", months)
    numbers = months.array.asi8
    if table_name == "size_price_to_book" and (months.dt.month != 6).any():
        row = int((months.dt.month != 6).idxmax())
        raise DataError(f"{table_name}.csv row {row + 1}: {months.iloc[row]}: expected a June")
    gaps = np.flatnonzero(np.diff(numbers) != step)
    if gaps.size:
        row = int(gaps[0]) + 1
        raise DataError(
            f"{table_name}.csv row {row + 1}: {months.iloc[row]}: "
            f"expected {months.iloc[row - 1] + step} (no gap)"
        )


def _check_sessions(
    closes: pd.DataFrame,
    name: str = "index_closes.csv",
    rows: np.ndarray | None = None,
    closed: pd.DatetimeIndex | None = None,
) -> None:
    """Refuse closes off the New York calendar, gaps, wrong order and impossible moves.

    ``rows`` are the rows of the file that the closes stand in, where they are not all of it;
    ``closed`` are sessions of the calendar on which the exchange was closed.
    """
    dates = closes.index
    number = np.arange(len(dates)) if rows is None else rows

    def refuse(row: int, what: str) -> None:
        raise DataError(f"{name} row {number[row] + 1}: {what}")

    falls = np.flatnonzero(dates[1:] <= dates[:-1])
    if falls.size:
        row = int(falls[0]) + 1
        refuse(row, f"{_day(dates[row])}: dates must increase")
    beyond = np.flatnonzero((dates < _EARLIEST) | (dates >= _LATEST))
    if beyond.size:
        row = int(beyond[0])
        years = f"expected a year from {_EARLIEST.year} to {_LATEST.year - 1}"
        refuse(row, f"{_day(dates[row])}: {years}")
    expected = sessions(str(dates[0].date()), str(dates[-1].date()))
    expected = expected if closed is None else expected.difference(closed)
    strangers = np.flatnonzero(~dates.isin(expected))
    if strangers.size:
        row = int(strangers[0])
        refuse(row, f"{_day(dates[row])} is no New York session")
    absent = expected.difference(dates)
    if len(absent):
        row = int(dates.searchsorted(absent[0]))
        refuse(row, f"the session {_day(absent[0])} before it is missing")
    moves = closes.pct_change().abs()
    for column in closes.columns:
        wild = np.flatnonzero(moves[column].to_numpy() > LARGEST_DAILY_MOVE)
        if wild.size:
            row = int(wild[0])
            refuse(
                row,
                f"{column} moved by {moves[column].iloc[row]:.1%} on "
                f"{_day(dates[row])}: expected at most {LARGEST_DAILY_MOVE:.0%} in a day",
            )


def _check_forward_pe(name: str, frame: pd.DataFrame, _closed: pd.DatetimeIndex | None) -> None:
    """Refuse readings of an index out of order or of more than one basis."""
    _check_increasing_by(name, frame, "index")
    first = frame.groupby("index", sort=False)[PROVIDER].transform("first")
    mixed = np.flatnonzero(frame[PROVIDER] != first)
    if mixed.size:
        row = int(mixed[0])
        raise DataError(
            f"{name} row {row + 1}: {PROVIDER} {frame[PROVIDER].iloc[row]!r}: expected "
            f"{first.iloc[row]!r}, one basis for all readings of the {frame['index'].iloc[row]}"
        )


def _check_levels(name: str, frame: pd.DataFrame, closed: pd.DatetimeIndex | None) -> None:
    _check_sessions(frame.set_index("date"), name, closed=closed)


def _check_group_closes(name: str, frame: pd.DataFrame, closed: pd.DatetimeIndex | None) -> None:
    for group, part in frame.groupby("group", sort=False):
        closes = part.set_index("date")[["close"]].rename(columns={"close": str(group)})
        _check_sessions(closes, name, part.index.to_numpy(), closed)


def _check_fund_flows(name: str, frame: pd.DataFrame, _closed: pd.DatetimeIndex | None) -> None:
    _check_increasing_by(name, frame, "fund")


def _check_increasing_by(name: str, frame: pd.DataFrame, column: str) -> None:
    earlier = frame.groupby(column, sort=False)["date"].shift()
    falls = np.flatnonzero(frame["date"] <= earlier)
    if falls.size:
        row = int(falls[0])
        raise DataError(
            f"{name} row {row + 1}: {_day(frame['date'].iloc[row])}: dates of "
            f"{frame[column].iloc[row]!r} must increase"
        )


# What the descriptor of a user's own tables cannot say.
_OWN_RULES = {
    "forward_pe": _check_forward_pe,
    "total_return_levels": _check_levels,
    "group_closes": _check_group_closes,
    "fund_flows": _check_fund_flows,
}
OWN_TABLES = tuple(_OWN_RULES)


def _fractions(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn percent columns into fractions, dropping the unit from their names."""
    percent = frame.set_index("month")
    return (percent / 100).rename(columns=lambda column: column.removesuffix("_percent"))


def _day(value: pd.Timestamp | pd.Period) -> str:
    return str(value)[:10]
