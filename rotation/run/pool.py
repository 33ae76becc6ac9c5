"""Execute notebooks in worker processes, and let none of them outlive the run."""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path

import psutil

from helpers.executed import RESULTS, SCORECARD
from rotation.run import TIME_LIMIT, kept, planning, reads, server, worker
from rotation.run.planning import Notebook

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How the run of one notebook ended; ``message`` is the one line of a failure.

    ``died`` tells that its process or kernel died, which says nothing about the notebook;
    ``kept`` that it was taken from an earlier run.
    """

    name: str
    message: str
    seconds: float
    peak_memory_mb: float | None = None
    died: bool = False
    kept: bool = False

    @property
    def failed(self) -> bool:
        """Whether it did not run to its end."""
        return bool(self.message)


@dataclass
class _Running:
    notebook: Notebook
    process: multiprocessing.process.BaseProcess
    started: float


def execute(
    notebooks: Sequence[Notebook],
    build: Path,
    jobs: int | None = None,
    timeout: float = TIME_LIMIT,
    done: Callable[[Outcome], None] | None = None,
    retries: int = 0,
    store: kept.Store | None = None,
) -> list[Outcome]:
    """Execute notebooks in worker processes, at most ``jobs`` at a time, in a folder.

    The scorecard waits for the others. A notebook that raised an error or took too long has
    failed; one whose process or kernel died is tried again, ``retries`` times at most.
    ``build`` receives each executed notebook, its HTML body and its log; what a failed one got
    done goes to ``build/failed``. No worker or kernel outlives this call. With a store, what was
    kept there is taken from it, and what ran to its end is kept.

    Returns
    -------
    list of Outcome
        In the order of the notebooks.
    """
    for name in ("failed", "logs", ".work"):
        (build / name).mkdir(exist_ok=True)
    waiting = [one for one in notebooks if one.name != SCORECARD]
    last = [one for one in notebooks if one.name == SCORECARD]
    lives = dict.fromkeys((one.name for one in notebooks), retries)
    running: list[_Running] = []
    outcomes: dict[str, Outcome] = {}
    try:
        while waiting or running or last:
            if not waiting and not running:
                waiting, last = last, []
            while waiting and len(running) < (jobs or os.cpu_count() or 1):
                one = waiting.pop(0)
                if store is None or not store.take(one, build, results_read(one, build)):
                    running.append(_start(one, build))
                    continue
                outcomes[one.name] = Outcome(one.name, "", 0.0, kept=True)
                if done is not None:
                    done(outcomes[one.name])
            for ended in _finished(running, timeout):
                outcome = _outcome(ended, build, timeout)
                running.remove(ended)
                if outcome.died and lives[outcome.name]:
                    log.warning("%s: %s; trying it again", outcome.name, outcome.message)
                    lives[outcome.name] -= 1
                    _forget(outcome.name, build)
                    waiting.append(ended.notebook)
                    continue
                outcomes[outcome.name] = outcome
                if store is not None and not outcome.failed:
                    store.keep(ended.notebook, build, results_read(ended.notebook, build))
                if done is not None:
                    done(outcome)
    finally:
        for left in running:
            _kill(left.process)
    return [outcomes[one.name] for one in notebooks]


def _forget(name: str, build: Path) -> None:
    """Remove what a notebook that is tried again left."""
    for left in ("failed/{}.ipynb", "failed/{}.log", ".work/{}.json", ".work/{}.reads"):
        (build / left.format(name)).unlink(missing_ok=True)


def _start(one: Notebook, build: Path) -> _Running:
    # A fork server imports the slow packages once, and forks from a process without threads.
    server.start()
    environment = {
        k: v for k, v in os.environ.items() if k != "MPLBACKEND"
    } | server.KERNEL_ENVIRONMENT
    environment["IPYTHONDIR"] = str(build / ".work" / "ipython")
    environment[reads.FILE] = str(build / ".work" / f"{one.name}.reads")
    if one.name == SCORECARD:
        environment[RESULTS] = str(_read_from(build))
    arguments = (one, build, environment)
    process = server.context().Process(target=worker.work, args=arguments, daemon=True)
    process.start()
    return _Running(one, process, time.monotonic())


def results_read(one: Notebook, build: Path) -> dict[str, str]:
    """Return the hash of the executed notebooks that the scorecard reads; others read none."""
    if one.name != SCORECARD:
        return {}
    source = _read_from(build)
    contents = [[path.name, path.read_text("utf-8")] for path in sorted(source.glob("*.ipynb"))]
    others = [content for content in contents if content[0] != one.path.name]
    return {"the results it shows": kept.digest(source == build, others)}


def _finished(running: Sequence[_Running], timeout: float) -> list[_Running]:
    """Wait until a worker ends or exceeds its time, and return those that did."""
    if not running:
        return []
    left = min(one.started + timeout for one in running) - time.monotonic()
    ended = connection.wait([one.process.sentinel for one in running], max(0.0, left))
    late = time.monotonic() - timeout
    return [one for one in running if one.process.sentinel in ended or one.started <= late]


def _outcome(one: _Running, build: Path, timeout: float) -> Outcome:
    """Read what a worker that ended left, or stop one that is late."""
    name, message = one.notebook.name, ""
    if not connection.wait([one.process.sentinel], 0):
        message = f"took longer than {timeout:g} s and was stopped"
        _kill_children(one.process)
    one.process.join(worker.GRACE)  # an end is told before there is an exit code
    _kill(one.process)
    seconds = round(time.monotonic() - one.started, 2)
    try:
        left = json.loads((build / ".work" / f"{name}.json").read_text())
    except FileNotFoundError:
        left = {"message": f"its process died (exit code {one.process.exitcode})", "died": True}
    died = left.get("died", False) and not message
    outcome = Outcome(name, message or left["message"], seconds, left.get("peak_memory_mb"), died)
    if outcome.failed:
        with contextlib.suppress(FileNotFoundError):  # it died before it could write one
            (build / "logs" / f"{name}.log").replace(build / "failed" / f"{name}.log")
    return outcome


def _kill_children(process: multiprocessing.process.BaseProcess) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def _kill(process: multiprocessing.process.BaseProcess) -> None:
    """End a worker and its kernel, whatever they are doing."""
    if process.is_alive():
        # A stopped worker starts no further kernel while its children are looked up.
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).suspend()
        _kill_children(process)
        process.kill()
    process.join()


def _read_from(build: Path) -> Path:
    """Return the folder of results for a run's scorecard: its own only if it holds them all."""
    others = [path.name for path in planning.find() if path.stem != SCORECARD]
    return build if all((build / name).is_file() for name in others) else planning.folder()
