"""Load the tables of a data package into one ``Market``, checked before anything uses them.

What a table must look like is written in ``datapackage.json``; only what that file cannot say is
code: closes fall on New York sessions without a gap, one-day moves stay within 25%, and monthly
and yearly tables miss no month or June. A user's own tables are in ``Market.own``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import vintages
from helpers.datapackage import closures, descriptor, folder, sha256, table
from helpers.errors import DataError, listing
from helpers.own import OWN_TABLES, PROVIDER, load_own, own_descriptor
from helpers.sessions import (
    calendar,
    check_increasing,
    check_no_gap,
    check_sessions,
    ends_month,
    sessions,
)

__all__ = [
    "OWN_TABLES",
    "PROVIDER",
    "Market",
    "calendar",
    "closures",
    "descriptor",
    "ends_month",
    "folder",
    "load",
    "load_own",
    "own_descriptor",
    "sessions",
    "sha256",
    "table",
]

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
        The user's own tables by name, as of :func:`helpers.own.load_own`; empty without any.
    closures : DatetimeIndex
        Sessions of the calendar on which the exchange was closed; none in the frozen vintage.
    missing : DatetimeIndex
        Sessions before the last one whose closes the source lacked, so that what is measured over
        them counts a session too few; none in the frozen vintage.
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
    missing: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))

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
    closed, missing = closures(package), closures(package, "missing")
    sealed = {r["path"].removesuffix(".csv"): r for r in package["resources"] if "hash" in r}
    lacking = [name for name in _TABLES if name not in sealed]
    if lacking:
        raise DataError(f"datapackage.json: expected {listing(lacking)} listed with a hash")
    frames = {name: table(package, name) for name in sealed}
    closes = frames["index_closes"].set_index("date")
    check_sessions(closes, closed=closed.union(missing))
    for name in ("size_portfolios_monthly", "size_value_portfolios_monthly", "size_price_to_book"):
        check_no_gap(f"{name}.csv", frames[name].iloc[:, 0])
    for name in ("fed_target_changes", "discount_rate_first_cuts", "recessions"):
        check_increasing(f"{name}.csv", frames[name].iloc[:, 0])
    if "checked_through" not in sealed["fed_target_changes"]:
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
        hashes={name: r["hash"].removeprefix("sha256:") for name, r in sealed.items()} | own_hashes,
        target_checked=pd.Timestamp(sealed["fed_target_changes"]["checked_through"]),
        own=own,
        closures=closed,
        missing=missing,
    )


def _named(name: str, market: Market) -> Market:
    if market.vintage != name:
        raise DataError(f"datapackage.json: vintage {market.vintage!r}: expected {name!r}")
    return market


def _fractions(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn percent columns into fractions, dropping the unit from their names."""
    percent = frame.set_index("month")
    return (percent / 100).rename(columns=lambda column: column.removesuffix("_percent"))
