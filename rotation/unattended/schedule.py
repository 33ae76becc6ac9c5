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
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers import data, scorecard, vintages
from helpers.errors import Exit, InputError, listing
from rotation import atomic
from rotation.refresh import accept, refresh
from rotation.run import planning, pool, runner, worker
from rotation.unattended import (
    attempts,
    config,
    drift,
    history,
    home,
    notices,
    session,
    status,
    today,
)
from rotation.unattended.config import Config

log = logging.getLogger(__name__)


# Kinds of changes of claims.
_CHANGES = ("flipped", "due", "moved", "added", "removed")


class ScheduleError(InputError):
    """A scheduled run that was asked for in a way that cannot be."""


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
    status : list of dict
        How current each table is, as :class:`rotation.refresh.status.Status` has it; empty if the
        sources were not asked.
    notes : list of str
        What the refresh did that nobody need act on.
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
    status: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Any] | None = None
    folder: Path | None = None

    @property
    def news(self) -> bool:
        """Whether anything is to be told even to those who want to hear of news alone."""
        moved = any((self.changes or {}).get(name) for name in _CHANGES)
        return bool(self.exit or moved or (self.folder and self.changes is None))

    def plain(self) -> dict[str, Any]:
        """Return the summary as plain JSON types, without the places of this machine."""
        changes = self.changes or {}
        ids = {n: list(dict.fromkeys(c["claim_id"] for c in changes.get(n, ()))) for n in _CHANGES}
        return {
            "exit": int(self.exit),
            "message": self.message,
            "run": self.run,
            "vintage": self.vintage,
            "last_close": self.last_close,
            "stale": self.stale,
            "status": self.status,
            "notes": self.notes,
            "failures": self.failures,
            "changes": ids if self.changes is not None else None,
        }


# A run ------------------------------------------------------------------------------------------


def run(settings: Config, as_of: str = "") -> Summary:
    """Refresh, run, compare and publish; whatever happens is in the summary and in the log.

    Parameters
    ----------
    settings : Config
    as_of : str
        ISO date: measure as of that day on the data at hand, without a refresh and without notices.

    Raises
    ------
    InputError
        On a system that lacks what it needs.
    LockedError
        If another scheduled run is going on.
    UnwritableError
        If nothing can be written in the user's folder, or its disk is nearly full.
    """
    session.require_system()
    started = datetime.now(UTC)
    summary = Summary()
    with atomic.locked(session.lock(), "run"), session.logged(settings.log, started):
        try:
            session.require_space()
            _work(settings, started, summary, as_of)
        except session.OutOfTimeError:
            limit = f"{settings.schedule.max_time:g} s"
            _fail(summary, Exit.OUT_OF_TIME, f"took longer than {limit} and was stopped")
        except InputError as error:
            _fail(summary, error.code, str(error))
        except OSError as error:
            where = error.filename or vintages.home()
            _fail(summary, Exit.FAILED, f"{where}: {error.strerror or error}")
        except Exception as error:  # whatever it was, it must be told; the log has it all
            _fail(summary, Exit.FAILED, worker.failure_line(error), trace=True)
        except BaseException:
            log.error("stopped from outside; the last good report stays")
            raise
        log.info("exit %d: %s", summary.exit, summary.message)
        attempts.note(started, summary.plain(), summary.folder)
        if summary.folder:
            with contextlib.suppress(InputError):
                today.gather(started.date())  # so that it is at hand
        if not as_of:
            _notify(settings, summary)
    return summary


def backfill(settings: Config, until: str, done: Callable[[str, Summary], None]) -> None:
    """Make up for missed evenings, one by one, from the data at hand.

    Every session after the last close that the history has, to a day, is run as of its close.

    Parameters
    ----------
    settings : Config
    until : str
        ISO date.
    done : callable
        Called with each session and what came of it.

    Raises
    ------
    ScheduleError
        If there is nothing to make up for, or the data do not reach that far.
    """
    market = data.load(vintage=vintages.LATEST)
    closes = [str(day.date()) for day in market.closes.index]
    if not closes[0] <= until <= closes[-1]:
        told = f"expected a date from {closes[0]} to {closes[-1]}, where the data end"
        raise ScheduleError(f"--until {until}: {told}; rotation refresh asks for more")
    past = [line["last_close"] for line in history.read()]
    missed = [day for day in closes if max(past, default="") < day <= until]
    if not past:
        missed = missed[-1:]
    if not missed:
        raise ScheduleError(f"--until {until}: the reports reach {max(past)} already")
    for day in missed:
        done(day, run(settings, as_of=day))


def _work(settings: Config, started: datetime, summary: Summary, as_of: str) -> None:
    """Do the steps of a run, noting in the summary what came of each."""
    home.sweep()
    with session.time_limit(settings.schedule.max_time):
        if settings.refresh.enabled and not as_of:
            _refresh(settings, summary)
        market = _soundest(summary)
        market = market.until(as_of) if as_of else market
        summary.vintage, summary.last_close = market.vintage, str(market.last.date())
        wanted = _parameters(settings, market.vintage, as_of)
        summary.run = planning.run_id(planning.plan((), wanted))
        before = home.results(home.current())
        if before is not None and before["run"]["id"] == summary.run:
            summary.message = f"run {summary.run}: nothing changed since it was published"
            if summary.stale:
                summary.message = f"run {summary.run}: nothing new, and not all data are current"
            summary.exit = Exit.SOURCE_FAILED if summary.stale else Exit.DONE
            return
        staging = home.staging(started, summary.run)
        try:
            if _execute(settings, wanted, staging, summary):
                _compare(before, staging, summary)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    if staging.exists():
        try:
            summary.folder = home.publish(staging, str(market.last.date()))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        home.prune(settings.schedule.keep_runs)
        home.prune_vintages(settings.schedule.keep_vintages)


def _notify(settings: Config, summary: Summary) -> None:
    """Tell somebody what is new; that it could not be told stops nothing."""
    told = summary.plain()
    overdue = [one for one in status.due(datetime.now(UTC).date()) if one["overdue"]]
    found = notices.gather(told, summary.changes, overdue)
    news = [one for one in found if one.kind in settings.notices.on]
    if news:
        for problem in notices.send(*notices.digest(news, told), settings.notices):
            log.warning("%s", problem)
    notices.remember(told, overdue)


def _fail(summary: Summary, code: Exit, message: str, trace: bool = False) -> None:
    summary.exit, summary.message = code, config.redacted(" ".join(message.split()))
    log.error("%s; the last good report stays", summary.message, exc_info=trace)


def _parameters(settings: Config, vintage: str, as_of: str = "") -> list[str]:
    given = {"vintage": vintage, "as_of": as_of, planning.TABLES: settings.run.tables}
    return [f"{name}={value}" for name, value in given.items() if value]


def _refresh(settings: Config, summary: Summary) -> None:
    """Bring the data up to date; note how current each table is, and why not more so.

    Raises
    ------
    RefreshError, AcceptError, ConfigError
        If the settings ask for what cannot be.
    """
    try:
        made = refresh.refresh(options=settings.refresh.options())
    except (refresh.RefreshError, accept.AcceptError):
        raise
    except InputError as error:
        log.warning("%s", error)
        summary.stale.append(config.redacted(str(error)))
        return
    log.info("vintage %s, closes to %s", made.vintage, made.last)
    for note in made.notes:
        log.info("%s", note)
    for revision in made.refused:
        log.info("differs at its source: %s", revision)
    summary.notes = [config.redacted(note) for note in made.notes]
    summary.status = [one.plain() | {"reason": config.redacted(one.reason)} for one in made.status]
    for one in made.wrong:
        log.warning("%s", one)
        summary.stale.append(config.redacted(str(one)))


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
    summary.message = f"run {summary.run} published: {scorecard.count_line(found['checks'])}"
    summary.exit = Exit.SOURCE_FAILED if summary.stale else Exit.DONE
    if before is not None:
        summary.changes = drift.compare(before, found)
        summary.message = f"published: {drift.headline(summary.changes)}"
        if drift.changed_verdicts(summary.changes):
            summary.exit = Exit.VERDICTS_CHANGED
        _write(staging / drift.PAGE, drift.page(summary.changes, found))
        atomic.write_json(staging / "drift.json", summary.changes)
        index = staging / "index.html"
        _write(index, drift.linked(index.read_text(encoding="utf-8")))
    atomic.write_json(staging / home.SUMMARY, summary.plain())


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


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
    before = home.results(home.current())
    lines = [f"set aside: {line}" for line in summary.stale]
    if holder := atomic.holder(session.lock()):
        return [f"leave at once: {holder} is running"]
    if settings.refresh.enabled:
        lines.append(f"refresh the data, which end with the close of {market.last.date()}")
    if before is not None and before["run"]["id"] == identity:
        news = ", unless the refresh brings new data" if settings.refresh.enabled else ""
        return [*lines, f"run nothing: run {identity} is published already{news}"]
    names = listing(path.stem for path in planning.find())
    lines.append(f"run {names} on vintage {market.vintage} (run {identity} without new data)")
    since = f"run {before['run']['id']}" if before is not None else "nothing: no report is there"
    lines += [f"compare with {since}", f"publish in {home.runs()} and switch {home.link()}"]
    old = home.superfluous(settings.schedule.keep_runs - 1)
    return lines + ([f"remove {listing(path.name for path in old)}"] if old else [])
