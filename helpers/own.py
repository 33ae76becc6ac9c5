"""A user's own licensed tables, described in ``own_tables.json`` and checked like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.datapackage import content_of, descriptor, sha256, table
from helpers.errors import DataError, excerpt, listing
from helpers.sessions import check_sessions, iso

# Describes the tables; names the provider of those that do not name it themselves.
OWN_DESCRIPTOR, SOURCE_FILE = "own_tables.json", "source.txt"
PROVIDER = "provider_basis"


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
    resources = [resource["path"] for resource in package["resources"]]
    known = [*resources, SOURCE_FILE]
    if not home.is_dir():
        raise DataError(f"tables = {str(tables)!r}: no such folder; expected one with your tables")
    found = sorted(file.name for file in home.iterdir() if not file.name.startswith("."))
    for name in found:
        if name not in known:
            raise DataError(f"{name}: no table of your own by that name; known: {listing(known)}")
    names = [name.removesuffix(".csv") for name in resources if name in found]
    if not names:
        raise DataError(f"{home}: no tables there; expected one or more of {listing(resources)}")
    frames = {name: table(package, name) for name in names}
    for name, frame in frames.items():
        _OWN_RULES[name](f"{name}.csv", frame, closed)
    unnamed = [name for name, frame in frames.items() if PROVIDER not in frame]
    if unnamed:
        provider = _provider(home, unnamed)
        frames |= {name: frames[name].assign(**{PROVIDER: provider}) for name in unnamed}
    return frames, {f"own/{Path(name).stem}": sha256(content_of(home / name)) for name in found}


def _provider(home: Path, unnamed: list[str]) -> str:
    """Read the one line that says whose data the tables are."""
    asked = f"expected one line that names the provider of {listing(f'{n}.csv' for n in unnamed)}"
    try:
        lines = content_of(home / SOURCE_FILE).decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{SOURCE_FILE}: not UTF-8 text at byte {error.start}") from None
    except DataError as error:
        raise DataError(f"{error}; {asked}") from None
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != 1:
        raise DataError(f"{SOURCE_FILE}: {len(lines)} lines; {asked}")
    if not lines[0].isprintable():
        raise DataError(f"{SOURCE_FILE}: {excerpt(lines[0])}: a sign that does not print; {asked}")
    return lines[0]


def own_descriptor() -> dict[str, Any]:
    """Read ``own_tables.json`` of the frozen package, which describes what a user may bring.

    Raises
    ------
    DataError
        As for :func:`descriptor`.
    """
    return descriptor(name=OWN_DESCRIPTOR)


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
    check_sessions(frame.set_index("date"), name, closed=closed)


def _check_group_closes(name: str, frame: pd.DataFrame, closed: pd.DatetimeIndex | None) -> None:
    for group, part in frame.groupby("group", sort=False):
        closes = part.set_index("date")[["close"]].rename(columns={"close": str(group)})
        check_sessions(closes, name, part.index.to_numpy(), closed)


def _check_fund_flows(name: str, frame: pd.DataFrame, _closed: pd.DatetimeIndex | None) -> None:
    _check_increasing_by(name, frame, "fund")


def _check_increasing_by(name: str, frame: pd.DataFrame, column: str) -> None:
    earlier = frame.groupby(column, sort=False)["date"].shift()
    falls = np.flatnonzero(frame["date"] <= earlier)
    if falls.size:
        row = int(falls[0])
        raise DataError(
            f"{name} row {row + 1}: {iso(frame['date'].iloc[row])}: dates of "
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
