"""Around an unattended run: its lock, its time limit and its log."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType

from helpers import vintages
from helpers.errors import Exit, InputError
from rotation.unattended import config


class ScheduleError(InputError):
    """A place where no scheduled run can work."""


class LockedError(InputError):
    """Another scheduled run is going on."""

    code = Exit.LOCKED


class OutOfTimeError(BaseException):
    """The time of the whole run is up; no handler of errors may take it for one."""


@contextlib.contextmanager
def locked(started: datetime) -> Iterator[None]:
    """Hold the lock of the user's folder; the system frees it however its holder ends.

    Raises
    ------
    LockedError
        Saying who holds it.
    ScheduleError
        If the folder cannot be written.
    """
    home = vintages.home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ScheduleError(f"{home}: cannot write there ({error.strerror})") from None
    with os.fdopen(handle, "r+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{home}: {_named(lock.read())} is running; expected one run at a time"
            ) from None
        except OSError as error:
            raise ScheduleError(f"{home}: cannot be locked ({error.strerror})") from None
        holder = {"pid": os.getpid(), "host": socket.gethostname()}
        holder["started"] = started.isoformat(timespec="seconds")
        with contextlib.suppress(OSError):  # on a full disk the lock holds without a name
            os.truncate(handle, 0)
            os.write(handle, json.dumps(holder).encode())
        yield


def holder() -> str:
    """Return who holds the lock, or ``""``."""
    try:
        with (vintages.home() / "lock").open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named((vintages.home() / "lock").read_text(encoding="utf-8"))
    except OSError:
        return ""
    return ""


def _named(content: str) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['started']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTimeError` in what is done meanwhile once the time is up."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _File(logging.FileHandler):
    """A log that a full disk ends, but not the run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _Discreet(logging.Formatter):
    """Lines without secrets, times in UTC."""

    converter = staticmethod(lambda seconds: datetime.fromtimestamp(seconds, UTC).timetuple())

    def format(self, record: logging.LogRecord) -> str:
        return config.redacted(super().format(record))


class _Line(logging.Formatter):
    """The message alone, as the command says everything."""

    def format(self, record: logging.LogRecord) -> str:
        return config.redacted(f"rotation: {record.getMessage()}")


@contextlib.contextmanager
def logged(settings: config.Log, started: datetime) -> Iterator[None]:
    """Write what the package logs to a file of this run, and warnings to stderr too.

    Raises
    ------
    ScheduleError
        If the file cannot be made.
    """
    folder = vintages.home() / "logs"
    package = logging.getLogger("rotation")
    try:
        folder.mkdir(exist_ok=True)
        file = _File(folder / f"{started:%Y%m%dT%H%M%SZ}.log", encoding="utf-8")
        for old in sorted(folder.glob("*.log"))[: -settings.keep]:
            old.unlink()
    except OSError as error:
        raise ScheduleError(f"{folder}: cannot write there ({error.strerror})") from None
    file.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(_Line())
    told.setLevel(logging.WARNING)
    level, passed = package.level, package.propagate
    package.setLevel(settings.level.upper())
    package.propagate = False
    for handler in (file, told):
        package.addHandler(handler)
    try:
        yield
    finally:
        for handler in (file, told):
            package.removeHandler(handler)
            handler.close()
        package.setLevel(level)
        package.propagate = passed
