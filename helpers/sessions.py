"""New York sessions, and the rules for dates that a table's schema cannot say."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.errors import DataError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

LARGEST_DAILY_MOVE = 0.25
CALENDAR = "XNYS"

# pandas' holidays begin with 1970; earlier years (Saturdays too) need the whole calendar.
_HOLIDAYS_FROM = 1970

# The calendar of sessions cannot be computed much beyond these.
_EARLIEST, _LATEST = pd.Timestamp("1800-01-01"), pd.Timestamp("2200-01-01")


@lru_cache(maxsize=8)
def calendar(first: int, last: int) -> ExchangeCalendar:
    """Return the calendar of the New York exchange for whole years, inclusive.

    Source: exchange_calendars, calendar XNYS.
    """
    from exchange_calendars import get_calendar

    return get_calendar(CALENDAR, start=f"{first}-01-01", end=f"{last}-12-31")


@lru_cache(maxsize=8)
def _weekdays(first: int, last: int) -> pd.DatetimeIndex:
    """Return weekdays less the exchange's holidays, without the hours that a calendar computes."""
    from exchange_calendars.exchange_calendar_xnys import XNYSExchangeCalendar

    # Both are rules of the class: an instance would compute every opening and closing time.
    rules = object.__new__(XNYSExchangeCalendar)
    start, end = pd.Timestamp(first, 1, 1), pd.Timestamp(last, 12, 31)
    closed = rules.regular_holidays.holidays(start, end)
    days = pd.bdate_range(start, end).difference(closed).difference(rules.adhoc_holidays)
    return pd.DatetimeIndex(days, freq=None).as_unit("us")


def sessions(first: str, last: str) -> pd.DatetimeIndex:
    """Return the New York sessions from ``first`` to ``last``, both ISO dates, inclusive."""
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    if start.year < _HOLIDAYS_FROM:
        days = pd.DatetimeIndex(calendar(start.year, end.year).sessions, freq=None).as_unit("us")
    else:
        days = _weekdays(start.year, end.year)
    return days[(days >= start) & (days <= end)]


def ends_month(day: pd.Timestamp) -> bool:
    """Tell whether a session is the last one of its calendar month."""
    month_end = day + pd.offsets.MonthEnd(0)
    first = day.replace(day=1)
    return sessions(str(first.date()), str(month_end.date()))[-1] == day


def check_increasing(name: str, dates: pd.Series) -> None:
    """Refuse dates that do not increase from row to row."""
    falls = dates.iloc[1:].reset_index(drop=True) <= dates.iloc[:-1].reset_index(drop=True)
    if falls.any():
        row = int(falls.idxmax()) + 1
        raise DataError(f"{name} row {row + 1}: {iso(dates.iloc[row])}: dates must increase")


def check_no_gap(name: str, months: pd.Series) -> None:
    """Refuse a missing month, or a missing June in a column named ``june``."""
    check_increasing(name, months)
    yearly = months.name == "june"
    if yearly and (months.dt.month != 6).any():
        row = int((months.dt.month != 6).idxmax())
        raise DataError(f"{name} row {row + 1}: {months.iloc[row]}: expected a June")
    step = 12 if yearly else 1
    gaps = np.flatnonzero(np.diff(months.array.asi8) != step)
    if gaps.size:
        row = int(gaps[0]) + 1
        expected = months.iloc[row - 1] + step
        raise DataError(f"{name} row {row + 1}: {months.iloc[row]}: expected {expected} (no gap)")


def check_sessions(
    closes: pd.DataFrame,
    name: str = "index_closes.csv",
    rows: np.ndarray | None = None,
    closed: pd.DatetimeIndex | None = None,
) -> None:
    """Refuse closes off the New York calendar, gaps, wrong order and moves beyond the limit.

    Parameters
    ----------
    closes : DataFrame, index of days
        A column an index, levels.
    name : str
        File the closes are from, for the message.
    rows : ndarray, optional
        Their rows in that file, from 0, where they are not all of it.
    closed : DatetimeIndex, optional
        Sessions of the calendar on which the exchange was closed.

    Raises
    ------
    DataError
    """
    dates = closes.index
    number = np.arange(len(dates)) if rows is None else rows

    def refuse(row: int, what: str) -> None:
        raise DataError(f"{name} row {number[row] + 1}: {what}")

    falls = np.flatnonzero(dates[1:] <= dates[:-1])
    if falls.size:
        row = int(falls[0]) + 1
        refuse(row, f"{iso(dates[row])}: dates must increase")
    beyond = np.flatnonzero((dates < _EARLIEST) | (dates >= _LATEST))
    if beyond.size:
        row = int(beyond[0])
        years = f"expected a year from {_EARLIEST.year} to {_LATEST.year - 1}"
        refuse(row, f"{iso(dates[row])}: {years}")
    expected = sessions(str(dates[0].date()), str(dates[-1].date()))
    expected = expected if closed is None else expected.difference(closed)
    strangers = np.flatnonzero(~dates.isin(expected))
    if strangers.size:
        row = int(strangers[0])
        refuse(row, f"{iso(dates[row])} is no New York session")
    absent = expected.difference(dates)
    if len(absent):
        row = int(dates.searchsorted(absent[0]))
        refuse(row, f"the session {iso(absent[0])} before it is missing")
    moves = closes.pct_change().abs()
    for column in closes.columns:
        wild = np.flatnonzero(moves[column].to_numpy() > LARGEST_DAILY_MOVE)
        if wild.size:
            row = int(wild[0])
            refuse(
                row,
                f"{column} moved by {moves[column].iloc[row]:.1%} on "
                f"{iso(dates[row])}: expected at most {LARGEST_DAILY_MOVE:.0%} in a day",
            )


def iso(value: pd.Timestamp | pd.Period) -> str:
    """Return the ISO date of a day, or year and month of a period."""
    return str(value)[:10]
