"""The tables of one vintage as one value, and what of them was known by a day."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers.errors import InputError

# The table of each attribute.
TABLES = {
    "closes": "index_closes",
    "portfolios": "size_portfolios_monthly",
    "value_portfolios": "size_value_portfolios_monthly",
    "price_to_book": "size_price_to_book",
    "readings": "valuation_readings",
    "averages": "valuation_averages",
    "macro": "macro_readings",
    "policy": "policy_facts",
    "target": "fed_target_changes",
    "discount_cuts": "discount_rate_first_cuts",
    "recessions": "recessions",
}


@dataclass(frozen=True)
class Coverage:
    """What a table covers, and when its rows were known.

    Attributes
    ----------
    complete_through : Timestamp
        Last day of which the table holds all that belongs in it.
    dated_by : str
        The column that dates a row. A month is dated at its end.
    known_after_days : int
        Days after its date from which a row was known, where its ``known_from`` is empty or the
        table has no such column.
    """

    complete_through: pd.Timestamp
    dated_by: str
    known_after_days: int


@dataclass(frozen=True, repr=False, eq=False)
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
    recessions : DataFrame, columns ``peak``, ``trough`` (monthly periods), ``known_from``
    vintage : str
        Name of the vintage.
    hashes : dict
        sha256 of each table by its name.
    coverage : dict of Coverage
        By the table's name.
    more : dict of DataFrame
        The package's other tables by name, columns as in ``datapackage.json``.
    own : dict of DataFrame
        The user's own tables by name, as of :func:`helpers.own.load_own`; empty without any.
    closures : DatetimeIndex
        Sessions of the calendar on which the exchange was closed; none in the frozen vintage.
    missing : DatetimeIndex
        Sessions before the last one whose closes the source lacked, so that what is measured over
        them counts a session too few; none in the frozen vintage.
    as_of : Timestamp or None
        The day after which nothing is in it; None for a whole vintage.
    hidden : bool
        Whether rows dated before the last day are left out because they were published later.
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
    hashes: Mapping[str, str]
    coverage: Mapping[str, Coverage]
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    own: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    closures: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))
    missing: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))
    as_of: pd.Timestamp | None = None
    hidden: bool = False

    def __getattribute__(self, name: str) -> Any:
        # Whoever listens learns which tables are read; nobody does outside a run.
        if name in TABLES:
            sys.audit("helpers.read", "table", TABLES[name])
        elif name in ("more", "coverage", "hashes"):
            sys.audit("helpers.read", "tables", "all")
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        span = f"closes {self.first.date()} to {self.last.date()}, {len(self.sessions):,} sessions"
        tables = ", ".join([*TABLES, *(f"more[{name!r}]" for name in vars(self)["more"])])
        own = f"; your own: {', '.join(self.own)}" if self.own else ""
        return f"vintage {self.vintage}; {span}; tables: {tables}{own}"

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Sessions with a close; whoever asks for them alone has not read the closes."""
        sys.audit("helpers.read", "sessions", "all")
        return vars(self)["closes"].index

    @property
    def first(self) -> pd.Timestamp:
        """First session with a close."""
        return self.sessions[0]

    @property
    def last(self) -> pd.Timestamp:
        """Last session with a close."""
        return self.sessions[-1]

    @property
    def day(self) -> pd.Timestamp:
        """The day of which it knows: its as-of day, with a session or not, or the last close."""
        last = self.last  # read in either case: a cut beyond it is as of that day
        return last if self.as_of is None else self.as_of

    @property
    def target_checked(self) -> pd.Timestamp:
        """Last day through which every change of the federal funds target is known."""
        return self._covered("fed_target_changes").complete_through

    def require(self, table: str, day: str | pd.Timestamp) -> None:
        """Refuse a question about a day that a table does not cover.

        Parameters
        ----------
        table : str
            Name as in ``datapackage.json``, such as ``fed_target_changes``.
        day : str or Timestamp

        Raises
        ------
        InputError
            Naming the table, the last day it covers and the day asked for.
        """
        through = self._covered(table).complete_through
        if pd.Timestamp(day) > through:
            raise InputError(
                f"{table}.csv is complete through {through.date()}; "
                f"expected a day by then, not {pd.Timestamp(day).date()}"
            )

    def but(self, **tables: Any) -> Market:
        """Return the same with other attributes in the place of those named; nothing is read."""
        return Market(**{**vars(self), **tables})

    def _covered(self, table: str) -> Coverage:
        sys.audit("helpers.read", "table", table)
        return vars(self)["coverage"][table]

    def until(self, date: str | pd.Timestamp, *, known: bool = False) -> Market:
        """Return the market with nothing in it that is dated after a day.

        Parameters
        ----------
        date : str or Timestamp
        known : bool
            Leave out, too, what was not yet published on that day, and show figures that were
            revised later as first released. History that was revised without a new release,
            such as French's, is that of this vintage either way. A user's own tables are cut by
            their date alone.

        Notes
        -----
        Monthly figures count as dated at their month's end, recessions at their trough's.
        """
        return _until(self, pd.Timestamp(date), known)


@lru_cache(maxsize=16)  # a notebook's claims ask for a few days, each many times
def _until(market: Market, day: pd.Timestamp, known: bool) -> Market:
    own, hidden = vars(market), [market.hidden]

    def cut(frame: pd.DataFrame, table: str) -> pd.DataFrame:
        coverage = own["coverage"][table]
        kept = _days(frame, coverage.dated_by) <= day
        if known:
            then = known_days(frame, coverage) <= day
            hidden.append(bool((kept & ~then).any()))
            kept = then
        return frame[kept]

    kept = {name: cut(own[name], table) for name, table in TABLES.items()}
    if known:
        kept["macro"] = _unrevised(kept["macro"], day)
    return market.but(
        **kept,
        coverage={
            name: replace(one, complete_through=min(one.complete_through, day))
            for name, one in own["coverage"].items()
        },
        more={name: cut(frame, name) for name, frame in own["more"].items()},
        own={name: frame[frame["date"] <= day] for name, frame in market.own.items()},
        as_of=min(day, own["as_of"] or own["closes"].index[-1]),
        hidden=any(hidden),
    )


def known_days(frame: pd.DataFrame, coverage: Coverage) -> np.ndarray:
    """Return the day from which each row of a table was known.

    Parameters
    ----------
    frame : DataFrame
        With the column that dates its rows, or with the dates as its index; ``known_from``
        (days, NaT where not recorded) counts before the table's lag.
    coverage : Coverage

    Returns
    -------
    ndarray of datetime64, in the order of the rows
    """
    days = _days(frame, coverage.dated_by)
    days = days + np.timedelta64(coverage.known_after_days, "D")
    if "known_from" in frame:
        recorded = frame["known_from"].to_numpy()
        days = np.where(np.isnat(recorded), days, recorded)
    return days


def _days(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return the day that dates each row; a month is dated at its end."""
    dates = pd.Index(frame[column]) if column in frame else frame.index
    if isinstance(dates, pd.PeriodIndex):
        dates = dates.end_time.normalize()
    return dates.to_numpy()


def _unrevised(macro: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Return macro readings as they stood on a day: as first released until they were revised."""
    revised = macro["revised_from"] <= day
    return macro.assign(
        latest=macro["latest"].where(
            revised | macro["first_release"].isna(), macro["first_release"]
        )
    )
