"""Where the vintages of the data lie: the frozen one in the clone, refreshed ones with the user.

A vintage is a whole data package: ``datapackage.json`` and its tables, without the registry. Its
name is the day of its last close and eight digits that stand for its content, so the same data
have the same name. A vintage appears whole, by one rename, and is never changed afterwards; the
link ``latest`` beside the vintages says which of them was made last.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from helpers.errors import DataError, Exit, InputError, listing

FROZEN, LATEST = "frozen", "latest"
APPLICATION = "rotation-claims"
DESCRIPTOR = "datapackage.json"

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}")
_BUILDING = ".building-"


class VintageError(InputError):
    """A vintage that does not exist, or a place that cannot hold one."""


class BusyError(InputError):
    """Another process is writing vintages."""

    code = Exit.LOCKED


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


# Writing ----------------------------------------------------------------------------------------


@contextmanager
def building() -> Iterator[Path]:
    """Yield a hidden folder beside the vintages to build one in; nothing of it stays behind.

    One process at a time may build. What a killed one left is swept first.

    Raises
    ------
    BusyError
        If another process is building.
    VintageError
        If nothing can be written there.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        lock = os.open(folder() / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise VintageError(f"{folder()}: cannot write there ({error.strerror})") from None
    try:
        # The system drops the lock when its holder dies, however that happens.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sweep()
        build = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder()))
        try:
            yield build
        finally:
            shutil.rmtree(build, ignore_errors=True)
    except BlockingIOError:
        raise BusyError(f"{folder()}: another refresh is running; expected one at a time") from None
    except OSError as error:
        raise VintageError(f"{folder()}: cannot write there ({error.strerror})") from None
    finally:
        os.close(lock)


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
    for file in [*build.iterdir(), build]:
        sync(file)
    if not to.exists():
        build.rename(to)
        sync(folder())
    link = folder() / f".{LATEST}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(folder() / LATEST)
    sync(folder())
    return to


def discard(name: str) -> None:
    """Take a damaged vintage out of the list, so that a sound one can take its name."""
    (folder() / name).rename(tempfile.mkdtemp(prefix=_BUILDING, dir=folder()))


def _sweep() -> None:
    for left in [*folder().glob(f"{_BUILDING}*"), folder() / f".{LATEST}"]:
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def sync(file: Path) -> None:
    """Have the system write a file or folder to disk before going on."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
