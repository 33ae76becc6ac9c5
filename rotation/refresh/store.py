"""Writing vintages: built aside, put in place by one rename, and never changed afterwards."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import data
from helpers.errors import InputError
from helpers.vintages import DESCRIPTOR, LATEST, folder
from rotation import atomic
from rotation.refresh import sources
from rotation.refresh.merge import Revision, Table, last_day

PROVENANCE = "provenance.json"
_BUILDING = ".building-"

log = logging.getLogger(__name__)


def name_of(last_close: str, hashes: Mapping[str, str], closures: Sequence[str] = ()) -> str:
    """Return the name of the vintage with these tables.

    Parameters
    ----------
    last_close : str
        ISO date.
    hashes : dict
        sha256 of each table by its name.
    closures : sequence of str
        Days on which the exchange was closed though its calendar has a session.
    """
    content = json.dumps([sorted(hashes.items()), sorted(closures)])
    return f"{last_close}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


@contextmanager
def building() -> Iterator[Path]:
    """Yield a hidden folder beside the vintages to build one in; nothing of it stays behind.

    One process at a time may build. What a killed one left is swept first.

    Raises
    ------
    LockedError
        If another process is building.
    UnwritableError
        If nothing can be written there.
    """
    with atomic.locked(folder() / ".lock", "refresh"):
        _sweep()
        try:
            with atomic.building(folder(), _BUILDING) as build:
                yield build
        except OSError as error:
            where = error.filename or folder()
            raise atomic.UnwritableError(
                f"{where}: cannot write there ({error.strerror})"
            ) from None


def publish(build: Path, name: str) -> Path:
    """Put a built vintage in its place and make it the latest, so that a crash leaves old or new.

    A vintage of that name that is already there has the same tables and stays.

    Parameters
    ----------
    build : Path
        Complete folder, as :func:`building` gave it.
    name : str
    """
    to = folder() / name
    build.chmod(0o755)
    if not to.exists():
        atomic.publish(build, to)
    atomic.switch(folder() / LATEST, to)
    return to


def discard(name: str) -> None:
    """Take a damaged vintage out of the list, so that a sound one can take its name."""
    (folder() / name).rename(tempfile.mkdtemp(prefix=_BUILDING, dir=folder()))


def _sweep() -> None:
    for left in [*folder().glob(f"{_BUILDING}*"), atomic.hidden(folder() / LATEST)]:
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def write(
    build: Path,
    previous: Mapping[str, Any],
    tables: Sequence[Table],
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
    package["vintage"] = name_of(day, hashes(package), closures)
    atomic.write_json(build / DESCRIPTOR, package)
    return package


def _told(table: Table, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the descriptor says of a table beyond its content, after its source was asked."""
    extra = _kept(before)
    told = table.fetched[table.key[0]]
    ends = table.fetched.attrs.get("complete_through", last_day(told.max()) if len(told) else None)
    extra["complete_through"] = max(str(ends)[:10] if ends else "", before["complete_through"])
    title = {"title": table.fetched.attrs["title"]}
    if table.added or table.revisions:
        # A table that its source revises is that source's newest edition as a whole.
        earlier = [] if table.resource["revised"] else extra["sources"]
        extra["sources"] = [*earlier, *([title] if title not in earlier else [])]
    return extra


def _kept(before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: before[name] for name in ("complete_through", "sources") if name in before}


def hashes(package: Mapping[str, Any]) -> dict[str, str]:
    """Return the sha256 of each table of a vintage by its name."""
    return {
        r["path"].removesuffix(".csv"): r["hash"].removeprefix("sha256:")
        for r in package["resources"]
        if "hash" in r
    }


def write_provenance(
    build: Path,
    previous: str,
    end: pd.Timestamp,
    added: Mapping[str, int],
    taken: Sequence[Revision],
) -> None:
    """Write how a vintage came about: the one file of it that tells the time."""
    content = {
        "previous": previous,
        "made": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "until": str(end.date()),
        "added": dict(added),
        "revisions": [vars(one) for one in taken],
    }
    atomic.write_json(build / PROVENANCE, content)


def discard_damaged(name: str) -> None:
    """Make room if a vintage of the same content is there but no longer whole."""
    if (folder() / name).exists():
        try:
            data.load(vintage=name)
        except InputError as error:
            log.warning("%s; it is made anew", error)
            discard(name)
