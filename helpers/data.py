"""Load the tables of a data package into one ``Market``, checked before anything uses them.

What a table must look like is written in ``datapackage.json``; only what that file cannot say is
code: closes fall on New York sessions without a gap, one-day moves stay within 25%, and monthly
and yearly tables miss no month or June. A user's own tables are in ``Market.own``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from helpers import vintages
from helpers.datapackage import closures, descriptor, folder, loading, sha256, table
from helpers.errors import DataError, listing
from helpers.market import TABLES, Coverage, Market
from helpers.own import OWN_TABLES, PROVIDER, load_own, own_descriptor
from helpers.sessions import (
    calendar,
    check_increasing,
    check_no_gap,
    check_sessions,
    sessions,
)

__all__ = [
    "OWN_TABLES",
    "PROVIDER",
    "Market",
    "calendar",
    "closures",
    "descriptor",
    "folder",
    "load",
    "load_own",
    "own_descriptor",
    "sessions",
    "sha256",
    "table",
]


@loading()
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
    lacking = [name for name in TABLES.values() if name not in sealed]
    if lacking:
        raise DataError(f"datapackage.json: expected {listing(lacking)} listed with a hash")
    frames = {name: table(package, name) for name in sealed}
    closes = frames["index_closes"].set_index("date")
    check_sessions(closes, closed=closed.union(missing))
    for name in ("size_portfolios_monthly", "size_value_portfolios_monthly", "size_price_to_book"):
        check_no_gap(f"{name}.csv", frames[name].iloc[:, 0])
    for name in ("fed_target_changes", "discount_rate_first_cuts", "recessions"):
        check_increasing(f"{name}.csv", frames[name].iloc[:, 0])
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
        coverage={name: _coverage(resource) for name, resource in sealed.items()},
        more={name: frames[name] for name in sealed if name not in TABLES.values()},
        own=own,
        closures=closed,
        missing=missing,
    )


def _coverage(resource: dict[str, Any]) -> Coverage:
    """Read through which day a table is complete and how long after its date a row is known."""
    names = {field["name"] for field in resource["schema"]["fields"]}
    through, column, lag = (
        resource.get(key) for key in ("complete_through", "dated_by", "known_after_days")
    )
    try:
        if column not in names or not isinstance(lag, int) or lag < 0 or not through:
            raise TypeError
        day = pd.to_datetime(through, format="%Y-%m-%d").as_unit("us")
        return Coverage(day, str(column), lag)
    except (AttributeError, ValueError, TypeError):
        raise DataError(
            f"datapackage.json: {resource['path']}: complete_through {through!r}, dated_by "
            f"{column!r}, known_after_days {lag!r}: expected an ISO date, a column and a number "
            "of days (a vintage of an earlier version is made anew by rotation refresh)"
        ) from None


def _named(name: str, market: Market) -> Market:
    if market.vintage != name:
        raise DataError(f"datapackage.json: vintage {market.vintage!r}: expected {name!r}")
    return market


def _fractions(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn percent columns into fractions, dropping the unit from their names."""
    percent = frame.set_index("month")
    return (percent / 100).rename(columns=lambda column: column.removesuffix("_percent"))
