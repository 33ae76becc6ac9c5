"""Around an unattended run: its lock, its time limit and its log."""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from helpers import vintages
from helpers.errors import InputError
from rotation.atomic import UnwritableError
from rotation.unattended import config

# Bytes that a run may need: a vintage, a report, and what is built beside them.
NEEDED = 20_000_000


class OutOfTimeError(BaseException):
    """The time of the whole run is up; no handler of errors may take it for one."""


def lock() -> Path:
    """Return the file that a scheduled run locks."""
    return vintages.home() / "lock"


def require_system() -> None:
    """Refuse a system on which nothing can stop a run whose time is up.

    Raises
    ------
    InputError
        Naming the system.
    """
    if not hasattr(signal, "SIGALRM"):
        raise InputError(
            f"scheduled runs need alarms and symbolic links, which {sys.platform} lacks: "
            "expected Linux or macOS"
        )


def require_space() -> None:
    """Refuse to begin where the disk would be full before the end.

    Raises
    ------
    UnwritableError
        Naming the folder and what is free.
    """
    free = shutil.disk_usage(vintages.home()).free
    if free < NEEDED:
        raise UnwritableError(
            f"{vintages.home()}: {free / 1e6:.1f} MB are free; expected at least {NEEDED / 1e6:g}"
        )


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
    UnwritableError
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
        raise UnwritableError(f"{folder}: cannot write there ({error.strerror})") from None
    file.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(_Line())
    told.setLevel(logging.WARNING)
    # What other packages warn of is for the log, and not for who asked for quiet.
    others = logging.getLogger()
    others.addHandler(file)
    level, passed = package.level, package.propagate
    package.setLevel(settings.level.upper())
    package.propagate = False
    for handler in (file, told):
        package.addHandler(handler)
    try:
        yield
    finally:
        others.removeHandler(file)
        for handler in (file, told):
            package.removeHandler(handler)
            handler.close()
        package.setLevel(level)
        package.propagate = passed
