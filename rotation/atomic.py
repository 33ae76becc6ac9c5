"""Locks, and files and folders that appear whole or not at all, for every part of the machine."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock
import psutil

from helpers.errors import Exit, InputError

DAY = 24 * 3600


class LockedError(InputError):
    """Another process holds the lock."""

    code = Exit.LOCKED


class UnwritableError(InputError):
    """A folder in which nothing can be written."""


# JSON -------------------------------------------------------------------------------------------


def json_text(content: object) -> str:
    """Return plain JSON types as every file of the machine holds them.

    Raises
    ------
    ValueError
        For a number that JSON does not have, NaN or infinite.
    """
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content: object) -> None:
    """Write plain JSON types to a file of a folder that is not yet published."""
    path.write_text(json_text(content), encoding="utf-8")


# Building and publishing ------------------------------------------------------------------------


@contextlib.contextmanager
def building(root: Path, prefix: str = ".building-") -> Iterator[Path]:
    """Yield a fresh hidden folder inside ``root``, and leave nothing of it behind.

    A folder ``root`` that was made for this and is still empty goes too.

    Raises
    ------
    UnwritableError
        If nothing can be written there.
    """
    there = root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        build = scratch(root, prefix)
    except OSError as error:
        raise UnwritableError(f"{root}: cannot write there ({error.strerror})") from None
    try:
        yield build
    finally:
        shutil.rmtree(build, ignore_errors=True)
        if not there:
            with contextlib.suppress(OSError):
                root.rmdir()


def scratch(root: Path, prefix: str) -> Path:
    """Make a folder named after this process, and remove what killed ones left a day ago.

    A day, since a process of another machine that shares the folder may have written there.
    """
    for left in root.glob(f"{prefix}*-*"):
        pid = left.name.removeprefix(prefix).partition("-")[0]
        with contextlib.suppress(OSError):
            old = time.time() - left.stat().st_mtime > DAY
            if pid.isdigit() and old and not psutil.pid_exists(int(pid)):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=root))


def publish(build: Path, to: Path) -> None:
    """Rename a whole folder to its place once all of it is on the disk; nothing may be there yet.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is in its place.
    """
    for file in [*build.rglob("*"), build]:
        sync(file)
    build.rename(to)
    sync(to.parent)


def share(build: Path, before: Path) -> None:
    """Keep files that are those of an earlier folder once on the disk, where that can be done.

    Neither folder's files may be written again.
    """
    for file in build.rglob("*"):
        other = before / file.relative_to(build)
        if file.is_file() and other.is_file() and filecmp.cmp(file, other, shallow=False):
            with contextlib.suppress(OSError):
                os.link(other, hidden(file))
                hidden(file).replace(file)


def switch(link: Path, to: Path) -> None:
    """Point a symbolic link to a place in or below its own folder, at no moment to nothing.

    ``hidden(link)`` is what a process that was killed may leave.

    Raises
    ------
    OSError
        If it cannot be written; then the link stays as it was.
    """
    fresh = hidden(link)
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(to.relative_to(link.parent))
    fresh.replace(link)
    sync(link.parent)


def hidden(path: Path) -> Path:
    """Return the name under which a file or link is made before it takes its place."""
    return path.with_name(f".{path.name}")


def replace(path: Path, source: Path) -> None:
    """Put a copy of a file in the place of another in one step."""
    shutil.copyfile(source, hidden(path))
    hidden(path).replace(path)


def sync(file: Path) -> None:
    """Have the system write a file or folder to disk before going on, where it opens folders."""
    if os.name != "posix":
        return
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Locks ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(file: Path, what: str) -> Iterator[None]:
    """Hold a lock on a file, made with its folder; the system frees it however its holder ends.

    Parameters
    ----------
    file : Path
        Beside it, a file names the holder: process, host, and the time since when.
    what : str
        What is going on meanwhile, such as ``run``, for the message to who comes second.

    Raises
    ------
    LockedError
        Saying who holds it.
    UnwritableError
        If the folder cannot be written or has no locks.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(f"{file.parent}: cannot write there ({error.strerror})") from None
    lock = filelock.FileLock(file, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise LockedError(
            f"{file.parent}: {_named(file)} is running; expected one {what} at a time"
        ) from None
    except OSError as error:
        raise UnwritableError(f"{file.parent}: cannot be locked ({error.strerror})") from None
    try:
        with contextlib.suppress(OSError):  # on a full disk the lock holds without a name
            _holder(file).write_text(json.dumps(_myself()), "utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            _holder(file).unlink()
        lock.release()


def holder(file: Path) -> str:
    """Return who holds a lock, in words, or ``""`` if nobody does."""
    if not file.exists():
        return ""
    try:
        with filelock.FileLock(file, timeout=0):
            return ""
    except filelock.Timeout:
        return _named(file)
    except OSError:
        return ""


def _holder(file: Path) -> Path:
    """Return the file that names a lock's holder: on Windows, a locked file cannot be read."""
    return file.with_name(f"{file.name}.holder")


def _myself() -> dict[str, object]:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": started}


def _named(file: Path) -> str:
    try:
        who = json.loads(_holder(file).read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
