"""Where the vintages of the data lie: the frozen one in the clone, refreshed ones with the user.

A vintage is a whole data package: ``datapackage.json`` and its tables, without the registry. Its
name is the day of its last close and eight digits that stand for its content, so the same data
have the same name. A vintage appears whole, by one rename, and is never changed afterwards; the
link ``latest`` beside the vintages says which of them was made last.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import platformdirs

from helpers.errors import DataError, InputError, listing

FROZEN, LATEST = "frozen", "latest"
APPLICATION = "rotation-claims"
DESCRIPTOR = "datapackage.json"

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}")


class VintageError(InputError):
    """A vintage that does not exist, or a place that cannot hold one."""


def frozen() -> Path:
    """Return the folder of the frozen data package.

    ``ROTATION_DATA`` overrides it; otherwise it is ``data/`` of the clone this package was
    installed from.

    Raises
    ------
    DataError
        If there is no data package there.
    """
    path = Path(os.environ.get("ROTATION_DATA") or Path(__file__).resolve().parent.parent / "data")
    if not (path / DESCRIPTOR).is_file():
        raise DataError(
            f"{path}: no datapackage.json there; install the package editable from a clone "
            "(pip install -e .) or set ROTATION_DATA to the folder of the data package"
        )
    return path


def notebooks() -> Path:
    """Return the folder of the notebooks: ``ROTATION_NOTEBOOKS`` or ``notebooks/`` of the clone.

    Raises
    ------
    VintageError
        If there is no such folder.
    """
    clone = Path(__file__).resolve().parents[1]
    path = Path(os.environ.get("ROTATION_NOTEBOOKS") or clone / "notebooks").absolute()
    if not path.is_dir():
        raise VintageError(f"{path}: no such folder; expected the notebooks there")
    return path


def home() -> Path:
    """Return the user's folder for vintages and runs: ``ROTATION_HOME``, else the system's usual.

    Nothing is created by asking.
    """
    given = os.environ.get("ROTATION_HOME")
    return (
        Path(given).absolute()
        if given
        else Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))
    )


def folder() -> Path:
    """Return the folder that holds the refreshed vintages."""
    return home() / "vintages"


def names() -> list[str]:
    """Return the refreshed vintages, by the day of their last close."""
    return sorted(
        entry.name
        for entry in (folder().iterdir() if folder().is_dir() else ())
        if _NAME.fullmatch(entry.name) and (entry / DESCRIPTOR).is_file()
    )


def is_name(text: str) -> bool:
    """Tell whether a text has the form of a vintage's name, be there one or not."""
    return text in (FROZEN, LATEST) or _NAME.fullmatch(text) is not None


def resolve(name: str) -> str:
    """Return the name of a vintage that is there; ``latest`` becomes the one made last.

    Without any refreshed vintage ``latest`` is the frozen one.

    Raises
    ------
    VintageError
        Naming the stranger and the vintages there are.
    """
    known = names()
    if name == LATEST:
        # A link that a user removed or that points nowhere leaves the order of the names.
        link = folder() / LATEST
        last = str(link.readlink()) if link.is_symlink() else ""
        return last if last in known else (known or [FROZEN])[-1]
    if name != FROZEN and name not in known:
        there = listing([FROZEN, LATEST, *known])
        raise VintageError(f"vintage = {name!r}: expected one of {there} (in {folder()})")
    return name


def path(name: str) -> Path:
    """Return the folder of a vintage.

    Raises
    ------
    VintageError
        As for :func:`resolve`.
    """
    resolved = resolve(name)
    return frozen() if resolved == FROZEN else folder() / resolved


def status(name: str) -> list[dict[str, str]]:
    """Return how current each table of a vintage is, as its ``datapackage.json`` says.

    Returns
    -------
    list of dict with ``table``; ``state``: ``fresh``, ``late``, ``carried over``, ``refused``,
    ``off``, or ``shipped`` for what no refresh touched; ``through``, the ISO date to which it is
    complete, empty where nothing says so; ``since``, the day from which its state holds, and
    ``reason``, both empty if it is fresh.
    """
    return [
        {
            "table": resource["path"].removesuffix(".csv"),
            "state": "shipped",
            "through": resource.get("complete_through", ""),
            "since": "",
            "reason": "",
        }
        | resource.get("status", {})
        for resource in _package(name)["resources"]
        if "hash" in resource
    ]


def missing(name: str) -> list[str]:
    """Return the sessions of a vintage, ISO dates, whose closes its source lacked."""
    return list(_package(name).get("missing", []))


def _package(name: str) -> dict[str, Any]:
    file = path(name) / DESCRIPTOR
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({error})") from None
