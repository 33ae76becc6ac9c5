"""One unattended run: refresh the data, run the notebooks, compare, publish.

All of it lies in the user's folder (``vintages.home()``): published reports in ``runs/``, the
link ``current`` to the last one, ``history.jsonl``, ``lock``, ``logs/``, and in ``failed/`` what
failed in the last run. A report is built in a hidden folder of ``runs/``, renamed when it is
whole and on the disk, and shown by switching ``current``: that switch is the moment of
publishing, and whatever stops a run before it leaves the last good report where it was. The next
start sweeps what was left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from helpers import data, vintages
from helpers.errors import Exit, InputError, listing
from rotation.refresh import refresh
from rotation.report import pages
from rotation.run import planning, pool, runner, worker
from rotation.unattended import config, drift, history
from rotation.unattended.config import Config

CURRENT = "current"
SUMMARY = "summary.json"
_FOLDER = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
_HIDDEN = ".scheduled-"

log = logging.getLogger(__name__)


class ScheduleError(InputError):
    """A place where no scheduled run can work."""


class LockedError(InputError):
    """Another scheduled run is going on."""

    code = Exit.LOCKED


class OutOfTimeError(BaseException):
    """The time of the whole run is up; no handler of errors may take it for one."""


@dataclass
class Summary:
    """What came of a scheduled run.

    Attributes
    ----------
    exit : Exit
    message : str
        One line.
    run, vintage, last_close : str or None
        Of the run that was wanted; None if it did not come to that.
    stale : list of str
        Why older data than hoped for were used, a line each.
    failures : dict
        The line of failure by notebook.
    changes : dict or None
        As :func:`drift.compare` gives it; None if nothing was compared.
    folder : Path or None
        Where the report was published; None if none was.
    """

    exit: Exit = Exit.DONE
    message: str = ""
    run: str | None = None
    vintage: str | None = None
    last_close: str | None = None
    stale: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Any] | None = None
    folder: Path | None = None

    def plain(self) -> dict[str, Any]:
        """Return the summary as plain JSON types, without the places of this machine."""
        changes = self.changes or {}
        listed = ("flipped", "due", "moved", "added", "removed")
        ids = {n: list(dict.fromkeys(c["claim_id"] for c in changes.get(n, ()))) for n in listed}
        return {
            "exit": int(self.exit),
            "message": self.message,
            "run": self.run,
            "vintage": self.vintage,
            "last_close": self.last_close,
            "stale": self.stale,
            "failures": self.failures,
            "changes": ids if self.changes is not None else None,
        }


# A run ------------------------------------------------------------------------------------------


def run(settings: Config) -> Summary:
    """Refresh, run, compare and publish; whatever happens is in the summary and in the log.

    Parameters
    ----------
    settings : Config

    Raises
    ------
    LockedError
        If another scheduled run is going on.
    ScheduleError
        If nothing can be written in the user's folder.
    """
    started = datetime.now(UTC)
    summary = Summary()
    with _lock(started), _logged(settings.log, started):
        try:
            _work(settings, started, summary)
        except OutOfTimeError:
            limit = f"{settings.schedule.max_time:g} s"
            _fail(summary, Exit.OUT_OF_TIME, f"took longer than {limit} and was stopped")
        except InputError as error:
            _fail(summary, error.code, str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _fail(summary, Exit.FAILED, f"{where}{error.strerror or error}")
        except Exception as error:  # whatever it was, it must be told; the log has it all
            _fail(summary, Exit.FAILED, worker.failure_line(error), trace=True)
        except BaseException:
            log.error("stopped from outside; the last good report stays")
            raise
        log.info("exit %d: %s", summary.exit, summary.message)
    return summary


def _work(settings: Config, started: datetime, summary: Summary) -> None:
    """Do the steps of a run, noting in the summary what came of each."""
    _sweep()
    with _time_limit(settings.schedule.max_time):
        if settings.refresh.enabled:
            summary.stale += _refresh(settings)
        market = _soundest(summary)
        summary.vintage, summary.last_close = market.vintage, str(market.last.date())
        wanted = _parameters(settings, market.vintage)
        summary.run = planning.run_id(planning.plan((), wanted))
        before = _results(current())
        if before is not None and before["run"]["id"] == summary.run:
            summary.message = f"run {summary.run}: nothing changed since it was published"
            summary.exit = Exit.SOURCE_FAILED if summary.stale else Exit.DONE
            return
        staging = _runs() / f"{_HIDDEN}{_name(started, summary.run)}"
        try:
            if _execute(settings, wanted, staging, summary):
                _compare(before, staging, summary)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    if staging.exists():
        try:
            summary.folder = _publish(staging, str(market.last.date()))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        _prune(settings.schedule.keep_runs)


def _fail(summary: Summary, code: Exit, message: str, trace: bool = False) -> None:
    summary.exit, summary.message = code, config.redacted(" ".join(message.split()))
    log.error("%s; the last good report stays", summary.message, exc_info=trace)


def _parameters(settings: Config, vintage: str) -> list[str]:
    own = [f"{planning.TABLES}={settings.run.tables}"] if settings.run.tables else []
    return [f"vintage={vintage}", *own]


def _refresh(settings: Config) -> list[str]:
    """Bring the data up to date; return why not, a line each, if an older vintage must do.

    Raises
    ------
    RefreshError
        If the settings ask for what cannot be.
    """
    try:
        made = refresh.refresh(
            accept_revisions=settings.refresh.accept_revisions,
            closures=settings.refresh.accept_closures,
            moves=settings.refresh.accept_moves,
        )
    except refresh.RefreshError:
        raise
    except InputError as error:
        lines = [str(error), *map(str, getattr(error, "revisions", ()))]
        for line in lines:
            log.warning("%s", line)
        return [config.redacted(line) for line in lines]
    log.info("vintage %s, closes to %s", made.vintage, made.last)
    return []


def _soundest(summary: Summary) -> data.Market:
    """Load the latest vintage that is not damaged, noting those that are.

    Raises
    ------
    DataError
        If not even the frozen one can be loaded.
    """
    latest = vintages.resolve(vintages.LATEST)
    others = [name for name in reversed(vintages.names()) if name != latest]
    for name in dict.fromkeys([latest, *others]):
        if name == vintages.FROZEN:
            break
        try:
            return data.load(vintage=name)
        except InputError as error:
            log.warning("%s; an older vintage is used", error)
            summary.stale.append(str(error))
    return data.load()


def _execute(settings: Config, wanted: Sequence[str], to: Path, summary: Summary) -> bool:
    """Run all notebooks; keep what failed apart, and tell whether nothing did."""
    planning.require_notebooks()
    log.info("run %s on vintage %s", summary.run, summary.vintage)
    with config.hidden_secrets():
        report = runner.run(
            settings=wanted,
            out=to,
            jobs=settings.run.jobs or None,
            timeout=settings.run.notebook_time_limit,
            done=_tell,
            retries=settings.run.retries,
        )
    kept = vintages.home() / "failed"
    shutil.rmtree(kept, ignore_errors=True)
    if not report.failures:
        return True
    summary.failures = {one.name: config.redacted(one.message) for one in report.failures}
    report.failed_folder.replace(kept)
    shutil.rmtree(to)
    names = listing(summary.failures)
    _fail(summary, Exit.FAILED, f"run {summary.run}: failed: {names} (see {kept})")
    return False


def _tell(outcome: pool.Outcome) -> None:
    if outcome.failed:
        log.error("%s failed: %s", outcome.name, outcome.message)
    else:
        log.info("%s done in %.1f s", outcome.name, outcome.seconds)


def _compare(before: Mapping[str, Any] | None, staging: Path, summary: Summary) -> None:
    """Write beside a report what changed since the one before, and sum the run up."""
    found = drift.read(staging)
    summary.run = found["run"]["id"]
    summary.message = f"run {summary.run} published: {pages.count_line(found['checks'])}"
    summary.exit = Exit.SOURCE_FAILED if summary.stale else Exit.DONE
    if before is not None:
        summary.changes = drift.compare(before, found)
        summary.message = f"published: {drift.headline(summary.changes)}"
        if drift.changed_verdicts(summary.changes):
            summary.exit = Exit.VERDICTS_CHANGED
        _write(staging / drift.PAGE, drift.page(summary.changes, found))
        _write(staging / "drift.json", _json(summary.changes))
        index = staging / "index.html"
        _write(index, drift.linked(index.read_text(encoding="utf-8")))
    _write(staging / SUMMARY, _json(summary.plain()))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


# What a run would do ----------------------------------------------------------------------------


def preview(settings: Config) -> list[str]:
    """Return what :func:`run` would do now, a line each; nothing is written or asked for.

    Raises
    ------
    InputError
        For what would stop the run at once: bad settings, notebooks or data.
    """
    planning.require_notebooks()
    summary = Summary()
    market = _soundest(summary)
    identity = planning.run_id(planning.plan((), _parameters(settings, market.vintage)))
    before = _results(current())
    lines = [f"set aside: {line}" for line in summary.stale]
    if holder := _holder():
        return [f"leave at once: {holder} is running"]
    if settings.refresh.enabled:
        lines.append(f"refresh the data, which end with the close of {market.last.date()}")
    if before is not None and before["run"]["id"] == identity:
        news = ", unless the refresh brings new data" if settings.refresh.enabled else ""
        return [*lines, f"run nothing: run {identity} is published already{news}"]
    names = listing(path.stem for path in planning.find())
    lines.append(f"run {names} on vintage {market.vintage} (run {identity} without new data)")
    since = f"run {before['run']['id']}" if before is not None else "nothing: no report is there"
    lines += [f"compare with {since}", f"publish in {_runs()} and switch {_link()}"]
    old = _superfluous(settings.schedule.keep_runs - 1)
    return lines + ([f"remove {listing(path.name for path in old)}"] if old else [])


# Places -----------------------------------------------------------------------------------------


def _runs() -> Path:
    return vintages.home() / "runs"


def _link() -> Path:
    return vintages.home() / CURRENT


def _name(started: datetime, identity: str) -> str:
    return f"{started:%Y%m%dT%H%M%SZ}-{identity}"


def current() -> Path | None:
    """Return the folder of the report published last, or None if there is none."""
    folder = _link().resolve()
    return folder if folder.is_dir() else None


def _results(folder: Path | None) -> dict[str, Any] | None:
    """Return the results of a published report, or None if it is damaged or there is none."""
    if folder is None:
        return None
    try:
        return drift.read(folder)
    except InputError as error:
        log.warning("%s; the report is made anew", error)
        return None


def published(name: str) -> Path:
    """Return the folder of a run by its path, its name below ``runs/``, or ``current``."""
    path = Path(name).expanduser()
    if path.exists() or os.sep in name:
        return path
    below = _link() if name == CURRENT else _runs() / name
    return below if below.exists() else path


# Publishing -------------------------------------------------------------------------------------


def _publish(staging: Path, last_close: str) -> Path:
    """Give a whole report its name, make it the current one, and note it in the history."""
    to = staging.with_name(staging.name.removeprefix(_HIDDEN))
    for file in [*staging.rglob("*"), staging]:
        vintages.sync(file)
    staging.rename(to)
    vintages.sync(to.parent)
    link = vintages.home() / f".{CURRENT}"
    link.unlink(missing_ok=True)
    link.symlink_to(to.relative_to(vintages.home()))
    link.replace(_link())
    vintages.sync(vintages.home())
    _remember(to, last_close)
    return to


def _remember(folder: Path, last_close: str) -> None:
    history.append(history.entry(folder.name, last_close, drift.read(folder)))
    vintages.sync(vintages.home())


def _sweep() -> None:
    """Remove what a killed run left, and note the current report if it was not noted."""
    _runs().mkdir(parents=True, exist_ok=True)
    (vintages.home() / f".{CURRENT}").unlink(missing_ok=True)
    for left in _runs().glob(f"{_HIDDEN}*"):
        log.warning("removing %s, left by a run that was stopped", left.name)
        shutil.rmtree(left, ignore_errors=True)
    folder = current()
    try:
        if folder and all(line["folder"] != folder.name for line in history.read()):
            found = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
            _remember(folder, found["last_close"])
    except (InputError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the report published last is not in the history: %s", error)


def _superfluous(keep: int) -> list[Path]:
    """Return the published reports beyond the newest ones, never the current one."""
    there = sorted(path for path in _runs().glob("*") if _FOLDER.fullmatch(path.name))
    return [path for path in there[: max(0, len(there) - keep)] if path != current()]


def _prune(keep: int) -> None:
    for path in _superfluous(keep):
        hidden = path.with_name(f"{_HIDDEN}{path.name}")
        path.rename(hidden)  # nobody finds it half removed
        shutil.rmtree(hidden, ignore_errors=True)


# Lock, time and log -----------------------------------------------------------------------------


@contextlib.contextmanager
def _lock(started: datetime) -> Iterator[None]:
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


def _holder() -> str:
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
def _time_limit(seconds: float) -> Iterator[None]:
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
def _logged(settings: config.Log, started: datetime) -> Iterator[None]:
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
