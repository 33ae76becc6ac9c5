"""Rules for the text that sources answer with: read strictly, refused by name."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pandas as pd

from helpers.errors import listing
from rotation.refresh.web import SourceError

# A daily series that ends so many days before it should is not whole; a monthly one is released
# with a lag, and was once held up for weeks.
STALE_DAYS, STALE_MONTHLY = 10, 120

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def text(what: str, content: bytes) -> str:
    """Return an answer as text; a web page in its place is refused."""
    if content.lstrip()[:1] == b"<":
        raise SourceError(f"{what}: a web page came; expected CSV")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{what}: not UTF-8 text at byte {error.start}") from None


def dated_columns(what: str, text: str, dates: tuple[str, ...], name: str) -> pd.Series:
    """Read CSV of two columns, a day and a number, strictly."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or len(rows[0]) != 2 or rows[0][0] not in dates or rows[0][1] != name:
        found = listing(map(repr, rows[0])) if rows else "nothing"
        raise SourceError(f"{what}: columns {found[:100]}: expected {dates[0]!r}, {name!r}")
    if len(rows) == 1:
        raise SourceError(f"{what}: no rows; expected some")
    if not text.endswith("\n"):
        raise SourceError(f"{what}: the answer broke off in row {len(rows) - 1}")
    for number, row in enumerate(rows[1:], start=1):
        good = len(row) == 2 and _DATE.fullmatch(row[0])
        if not good or not (row[1] in ("", ".") or NUMBER.fullmatch(row[1])):
            raise SourceError(f"{what} row {number}: {row!r}: expected a day and a number")
    try:
        days = pd.DatetimeIndex(pd.to_datetime([row[0] for row in rows[1:]], format="%Y-%m-%d"))
    except ValueError:
        raise SourceError(f"{what}: a day that is none; expected dates like 2026-01-22") from None
    require_increasing(what, days)
    values = [float(row[1]) if row[1] not in ("", ".") else np.nan for row in rows[1:]]
    return pd.Series(values, index=days.as_unit("us"), name=name)


def require_increasing(what: str, days: pd.DatetimeIndex | pd.PeriodIndex) -> None:
    """Refuse days that come twice or out of order."""
    falls = np.flatnonzero(days[1:] <= days[:-1])
    if falls.size:
        first = days[int(falls[0]) + 1]
        raise SourceError(f"{what}: {day(first)} comes twice or out of order; expected each once")


def require_recent(what: str, days: pd.DatetimeIndex, until: pd.Timestamp, lag: int) -> None:
    """Refuse data that end more than ``lag`` days before the last day wanted."""
    if days.empty or (until - days[-1]).days > lag:
        last = f"end on {day(days[-1])}" if len(days) else "are empty"
        raise SourceError(f"{what}: the data {last}: expected them to {day(until)}")


def day(one: pd.Timestamp | pd.Period) -> str:
    """Return a day or month as ISO text."""
    return str(one)[:10]
