"""Run the notebooks in parallel, each in its own process, and gather what they found.

What a run leaves behind:

- all notebooks with their default parameters: the full report, in ``reports/``;
- anything else: ``reports/<run id>/``, which never replaces the full report;
- a folder named by the user takes the place of ``reports/``, and any complete run goes there.

The scorecard checks no claim: it starts when the others have ended, and reads what they found.

Everything is built in a hidden folder and moved in place at the end. If a notebook fails, its
output and log go to ``failed/``, the notebooks that did finish go to ``<run id>/`` unless that
folder is already there, and the full report stays as it was.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import logging
import math
import multiprocessing
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from multiprocessing import connection
from pathlib import Path
from typing import Any

import psutil

from helpers import claims, data, scorecard, vintages
from helpers.errors import InputError, listing
from rotation.report import cells, pages

TIME_LIMIT = 300.0
PRELOAD = ["papermill", "nbconvert.exporters.html", "rotation.run.runner"]
DISTRIBUTION = "rotation-claims"
TABLES = "tables"
# Parameters that name a folder: kernels need the whole path, records only its name.
FOLDERS = (TABLES, "results")
SCORECARD = "00_scorecard"
# Tells the scorecard's kernel which folder of executed notebooks to read.
RESULTS = "ROTATION_RESULTS"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What a kernel needs to give the same bytes every time, whatever the caller's environment.
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

log = logging.getLogger(__name__)

_NAME = re.compile(r"\d\d_\w+")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_HOME = Path(__file__).resolve().parents[2]
# A path of a socket holds some hundred characters; with a longer one kernels fall back to ports.
_LONGEST_SOCKET = 90
# How a failure's line begins if the kernel ended or never answered, whatever the notebook says.
_DEATHS = ("DeadKernelError: ", "RuntimeError: Kernel died", "RuntimeError: Kernel didn't respond")
# Seconds that a worker has, once its kernel is killed, to write down what was executed.
_GRACE = 10.0


class RunError(InputError):
    """A run that cannot start, or whose notebooks do not answer for their claims."""


@dataclass(frozen=True)
class Notebook:
    """A notebook to run.

    Attributes
    ----------
    path : Path
    content : dict
        The file as JSON.
    defaults : dict
        What its cell tagged ``parameters`` assigns.
    overrides : dict
        Parameters that differ from the defaults.
    """

    path: Path
    content: Mapping[str, Any]
    defaults: Mapping[str, Any]
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """File name without suffix, ``04_post_streak_outcomes``."""
        return self.path.stem

    @property
    def family(self) -> str:
        """Family of claims it answers for, as its name says."""
        return self.name[3:]

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter with the value it runs with."""
        return {**self.defaults, **self.overrides}

    @property
    def recorded(self) -> dict[str, Any]:
        """The parameters as results and pages state them: a folder by its name alone."""
        named = {n: Path(path).name for n in FOLDERS if (path := self.parameters.get(n))}
        return self.parameters | named


@dataclass(frozen=True)
class Outcome:
    """How the run of one notebook ended; ``message`` is the one line of a failure.

    ``died`` tells that its process or kernel died, which says nothing about the notebook.
    """

    name: str
    message: str
    seconds: float
    peak_memory_mb: float | None = None
    died: bool = False

    @property
    def failed(self) -> bool:
        """Whether it did not run to its end."""
        return bool(self.message)


@dataclass(frozen=True)
class Report:
    """What a run left: its folder (None if nothing was published), results and outcomes."""

    folder: Path | None
    failed_folder: Path
    results: dict[str, Any]
    outcomes: list[Outcome]

    @property
    def failures(self) -> list[Outcome]:
        """Outcomes of the notebooks that failed."""
        return [outcome for outcome in self.outcomes if outcome.failed]


# Which notebooks, with which parameters ---------------------------------------------------------


def folder() -> Path:
    """Return the folder of the notebooks: ``ROTATION_NOTEBOOKS`` or ``notebooks/`` of the clone.

    Raises
    ------
    RunError
        If there is no such folder.
    """
    path = Path(os.environ.get("ROTATION_NOTEBOOKS") or _HOME / "notebooks").absolute()
    if not path.is_dir():
        raise RunError(f"{path}: no such folder; expected the notebooks there")
    return path


def reports() -> Path:
    """Return the folder of the full report, ``reports/`` beside the notebooks."""
    return folder().parent / "reports"


def find(names: Iterable[str] = ()) -> list[Path]:
    """Return notebooks by number, name or family; all of them, in order, if none is named.

    Raises
    ------
    RunError
        Naming the stranger and the notebooks there are.
    """
    paths = sorted(p for p in folder().glob("*.ipynb") if _NAME.fullmatch(p.stem))
    known = {key: p for p in paths for key in (p.stem[3:], p.stem[:2], p.stem)}
    if not paths:
        raise RunError(f"{folder()}: no notebooks there; expected files like 04_family.ipynb")
    wanted = [name.removesuffix(".ipynb") for name in names]
    for name in wanted:
        if name not in known:
            raise RunError(f"notebook {name!r}: expected one of {listing(p.stem for p in paths)}")
    return sorted({known[name] for name in wanted}) or paths


def read(path: Path) -> Notebook:
    """Read a notebook and the defaults of its parameters.

    Raises
    ------
    RunError
        If it is no notebook, or has no cell tagged ``parameters`` with plain assignments.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [c for c in content["cells"] if c["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path.name}: not a notebook ({type(error).__name__}: {error})") from None
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if not tagged:
        raise RunError(f"{path.name}: no cell tagged 'parameters'; expected one")
    return Notebook(path, content, _assignments(path.name, "".join(tagged[0]["source"])))


def plan(names: Iterable[str] = (), settings: Iterable[str] = ()) -> list[Notebook]:
    """Return the notebooks to run, each with the parameters given for it, all validated.

    Parameters
    ----------
    names : iterable of str
        As for :func:`find`.
    settings : iterable of str
        ``name=value``. The value is read by the type of the default; a name must belong to at
        least one of the notebooks and applies to those that have it. The vintage ``latest``
        becomes the name of the one that is the latest now.

    Raises
    ------
    RunError, ParameterError, VintageError
        For an unknown notebook, parameter or vintage or an impossible value.
    """
    from helpers import notebook  # slow, and of no use to a worker

    found = [read(path) for path in find(names)]
    given = dict(_split(setting) for setting in settings)
    notebook.unknown(list(given), {name: None for one in found for name in one.defaults})
    if "vintage" in given and vintages.is_name(given["vintage"]):
        # Once for the whole run: a refresh may end while it goes on.
        given["vintage"] = vintages.resolve(given["vintage"])
    for name in FOLDERS:  # a kernel's working directory is another one
        if given.get(name):
            given[name] = str(Path(given[name]).expanduser().absolute())
    planned = [replace(one, overrides=_overrides(one.defaults, given)) for one in found]
    for one in planned:
        described = {k: v for k, v in one.parameters.items() if k in notebook.PARAMETERS}
        notebook.validated(described)
    return planned


def require_notebooks() -> None:
    """Refuse a registry with a claim of a family that no notebook answers for.

    A run of all notebooks would leave such a claim out of its results.

    Raises
    ------
    InputError
        Naming the claim and its family, or if the registry cannot be read.
    """
    families = {path.stem[3:] for path in find()}
    rows = data.table(data.descriptor(), "claims")
    strangers = rows[~rows["family"].isin(families)]
    if not strangers.empty:
        claim, family = strangers.iloc[0][["claim_id", "family"]]
        raise RunError(
            f"claim {claim}: no notebook answers for family {family!r}; expected one of "
            f"{listing(sorted(families & {*rows['family']}))}, or a notebook 10_{family}.ipynb"
        )


def _assignments(file: str, source: str) -> dict[str, Any]:
    try:
        return {
            target.id: ast.literal_eval(statement.value)
            for statement in ast.parse(source).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError):
        raise RunError(
            f"{file}: cell tagged 'parameters': expected plain assignments of values"
        ) from None


def _split(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise RunError(f"parameter {setting!r}: expected name=value")
    return name.strip(), value


def _overrides(defaults: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    values = {n: typed(n, text, defaults[n]) for n, text in given.items() if n in defaults}
    return {n: v for n, v in values.items() if (type(v), v) != (type(defaults[n]), defaults[n])}


def typed(name: str, text: str, default: Any) -> Any:
    """Read a value given as text by the type of the parameter's default.

    A number that is no whole one is kept as it is for a whole default: whether it may stand is
    for the parameter's own rule to say.

    Raises
    ------
    RunError
        If the text cannot be of that type.
    """
    kind, word = type(default), text.strip()
    if kind is bool and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if kind is int and re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    with contextlib.suppress(ValueError):
        if kind in (int, float) and math.isfinite(float(word)):
            return float(word)
    if kind in (bool, int, float):
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise RunError(f"{name} = {text!r}: expected {expected}")
    return text


# What the scorecard reads -----------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """Executed notebooks, and in words where they come from if that is not as usual."""

    paths: list[Path]
    told: str = ""


def executed(results: str = "") -> Source:
    """Return the executed notebooks that the scorecard reads.

    Parameters
    ----------
    results : str
        Folder of executed notebooks; a relative one is taken from the folder of the notebooks.
        If empty: those of the run that the scorecard is part of; opened on its own, those of the
        last full run if notebooks, tables and code are still what it was made from, else those
        beside the scorecard.

    Raises
    ------
    RunError
        If the folder holds none of the notebooks.
    """
    names = [path.name for path in find() if path.stem != SCORECARD]
    told = ""
    if results:
        source = folder() / results
        told = f"As told, the results are those in the folder `{source.name}`."
    elif os.environ.get(RESULTS):
        source = folder() / os.environ[RESULTS]
        if source == folder():
            told = (
                "This run does not hold the results of every notebook: "
                "the verdicts are those of the notebooks as they were last written."
            )
    else:
        source = reports() if _stands(reports(), names) else folder()
    paths = [source / name for name in names if (source / name).is_file()]
    if not paths:
        raise RunError(f"results = {results!r}: expected a folder that holds executed notebooks")
    return Source(paths, told)


def _stands(report: Path, names: Iterable[str]) -> bool:
    """Tell whether a full report is what the notebooks, tables and code here would give."""
    try:
        made = json.loads((report / "results.json").read_text("utf-8"))["run"]["id"]
        return made == run_id(plan()) and all((report / name).is_file() for name in names)
    except (OSError, ValueError, KeyError, TypeError):  # an InputError is a ValueError
        return False


def _read_from(build: Path) -> Path:
    """Return the folder of results for a run's scorecard: its own only if it holds them all."""
    others = [path.name for path in find() if path.stem != SCORECARD]
    return build if all((build / name).is_file() for name in others) else folder()


def with_scorecard(names: Iterable[str] = ()) -> list[str]:
    """Return names of notebooks to rewrite, the scorecard among them: it shows their results."""
    there = SCORECARD in (path.stem for path in find())
    return [*names, SCORECARD] if (names := list(names)) and there else names


# A run ------------------------------------------------------------------------------------------


def run(
    names: Iterable[str] = (),
    settings: Iterable[str] = (),
    out: str | Path | None = None,
    jobs: int | None = None,
    timeout: float = TIME_LIMIT,
    done: Callable[[Outcome], None] | None = None,
    retries: int = 0,
) -> Report:
    """Execute notebooks and publish their report; see the module for what goes where.

    Parameters
    ----------
    names, settings : iterable of str
        As for :func:`plan`.
    out : str or Path, optional
        Folder to take the place of ``reports/``.
    jobs : int, optional
        Notebooks at a time; by default the number of processors.
    timeout : float
        Seconds of wall-clock time that one notebook may take.
    done : callable, optional
        Called with each :class:`Outcome` as it comes.
    retries : int
        Times that a notebook whose process or kernel died is tried again.

    Raises
    ------
    InputError
        Before anything runs, for bad names, parameters, data or an unwritable folder; after,
        if the notebooks do not answer for each claim of their families exactly once.
    """
    started = datetime.now(UTC)
    planned = plan(names, settings)
    registry = _registry(planned)
    identity = run_id(planned)
    root = Path(out).absolute() if out is not None else reports()
    full = len(planned) == len(find()) and not any(one.overrides for one in planned)
    with _workspace(root) as build:
        outcomes = execute(planned, build, jobs, timeout, done, retries)
        _publish_failed(outcomes, build, root / "failed")
        finished = [n for n, o in zip(planned, outcomes, strict=True) if not o.failed]
        found = _gather(finished, build, registry, identity)
        to = root if len(finished) == len(planned) and (full or out) else root / identity
        manifest = _manifest(identity, started, outcomes)
        if not finished or (len(finished) < len(planned) and to.exists()):
            return Report(None, root / "failed", found, outcomes)
        _write_pages(planned, outcomes, build, found, registry)
        _write_json(build / "results.json", found)
        _write_json(build / "manifest.json", manifest)
        _publish(build, to)
    return Report(to, root / "failed", found, outcomes)


def rewrite(
    names: Iterable[str] = (),
    jobs: int | None = None,
    timeout: float = TIME_LIMIT,
    done: Callable[[Outcome], None] | None = None,
) -> Report:
    """Execute notebooks with their defaults and put the results in the place of their files.

    The scorecard is rewritten with whatever notebook is. All of them are replaced, or none if
    one fails or does not answer for its claims.

    Raises
    ------
    InputError
        As for :func:`run`.
    """
    planned = plan(with_scorecard(names))
    registry = _registry(planned)
    with _workspace(reports()) as build:
        for path in set(find()) - {one.path for one in planned}:
            shutil.copyfile(path, build / path.name)  # for the scorecard
        outcomes = execute(planned, build, jobs, timeout, done)
        _publish_failed(outcomes, build, reports() / "failed")
        if any(outcome.failed for outcome in outcomes):
            return Report(None, reports() / "failed", {}, outcomes)
        found = _gather(planned, build, registry, run_id(planned))
        for one in planned:
            beside = one.path.with_name(f".{one.path.name}")
            shutil.copyfile(build / one.path.name, beside)
            beside.replace(one.path)
    return Report(folder(), reports() / "failed", found, outcomes)


def _registry(planned: Sequence[Notebook]) -> claims.Registry:
    """Load data and claims, and refuse an as-of date that the data do not cover."""
    from helpers import notebook

    market = data.load(tables=_own_folder(planned), vintage=_vintage(planned))
    for one in planned:
        if isinstance(as_of := one.parameters.get("as_of"), str):
            notebook.resolve_as_of(as_of, market)
    return claims.load(market)


def _own_folder(planned: Sequence[Notebook]) -> str:
    """Return the folder of the user's own tables, empty if there is none."""
    return next((folder for one in planned if (folder := one.parameters.get(TABLES))), "")


def _vintage(planned: Sequence[Notebook]) -> str:
    """Return the vintage that the notebooks of a run measure on."""
    named = (one.parameters.get("vintage") for one in planned)
    return next(filter(None, named), vintages.FROZEN)


def run_id(planned: Sequence[Notebook]) -> str:
    """Return 12 hexadecimal digits that stand for everything a run's results depend on.

    Notebooks (their sources, not their outputs), effective parameters, this package, the data,
    the user's own tables wherever they lie, and the pinned environment.
    """
    digest = hashlib.sha256()
    tables = vintages.path(_vintage(planned))
    own = _own_folder(planned)
    if own:
        closed = data.closures(data.descriptor(tables))
        digest.update(json.dumps(data.load_own(own, closed)[1]).encode())
    for one in planned:
        cells = [[c.get("id"), "".join(c["source"])] for c in one.content["cells"]]
        parameters = {k: v for k, v in one.parameters.items() if k != TABLES or not v}
        digest.update(json.dumps([one.name, cells, parameters]).encode())
    rooms = (_HOME / "helpers", _HOME / "rotation")
    code = (path for room in rooms for path in room.rglob("*") if path.is_file())
    files = [path for path in code if "__pycache__" not in path.parts]
    files += [*data.folder().glob("*.json"), *_registry_files(), *tables.glob("*.csv")]
    files += [lock] if (lock := _HOME / "requirements.lock").is_file() else []
    # By name: where a vintage lies is no matter.
    contents = sorted({f"{file.name} {data.sha256(file.read_bytes())}" for file in files})
    digest.update(json.dumps(contents).encode())
    return digest.hexdigest()[:12]


# Executing --------------------------------------------------------------------------------------


@dataclass
class _Worker:
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
) -> list[Outcome]:
    """Execute notebooks in worker processes, at most ``jobs`` at a time, in a folder.

    The scorecard waits for the others. A notebook that raised an error or took too long has
    failed; one whose process or kernel died is tried again, ``retries`` times at most.
    ``build`` receives each executed notebook, its HTML body and its log; what a failed one got
    done goes to ``build/failed``. No worker or kernel outlives this call.

    Returns
    -------
    list of Outcome
        In the order of the notebooks.
    """
    for name in ("failed", "logs", ".work"):
        (build / name).mkdir(exist_ok=True)
    waiting = [one for one in notebooks if one.name != SCORECARD]
    last = [one for one in notebooks if one.name == SCORECARD]
    running, outcomes, lives = [], {}, dict.fromkeys((one.name for one in notebooks), retries)
    try:
        while waiting or running or last:
            if not waiting and not running:
                waiting, last = last, []
            while waiting and len(running) < (jobs or os.cpu_count() or 1):
                running.append(_start(waiting.pop(0), build))
            for worker in _finished(running, timeout):
                outcome = _outcome(worker, build, timeout)
                running.remove(worker)
                if outcome.died and lives[outcome.name]:
                    log.warning("%s: %s; trying it again", outcome.name, outcome.message)
                    lives[outcome.name] -= 1
                    _forget(outcome.name, build)
                    waiting.append(worker.notebook)
                    continue
                outcomes[outcome.name] = outcome
                if done is not None:
                    done(outcome)
    finally:
        for worker in running:
            _kill(worker.process)
    return [outcomes[one.name] for one in notebooks]


def _forget(name: str, build: Path) -> None:
    """Remove what a notebook that is tried again left."""
    for left in (f"failed/{name}.ipynb", f"failed/{name}.log", f".work/{name}.json"):
        (build / left).unlink(missing_ok=True)


def _start(one: Notebook, build: Path) -> _Worker:
    # A fork server imports the slow packages once, and forks from a process without threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | KERNEL_ENVIRONMENT
    environment["IPYTHONDIR"] = str(build / ".work" / "ipython")
    if one.name == SCORECARD:
        environment[RESULTS] = str(_read_from(build))
    process = context.Process(target=_work, args=(one, build, environment), daemon=True)
    process.start()
    return _Worker(one, process, time.monotonic())


def _finished(running: Sequence[_Worker], timeout: float) -> list[_Worker]:
    """Wait until a worker ends or exceeds its time, and return those that did."""
    left = min(worker.started + timeout for worker in running) - time.monotonic()
    ended = connection.wait([w.process.sentinel for w in running], max(0.0, left))
    late = time.monotonic() - timeout
    return [w for w in running if w.process.sentinel in ended or w.started <= late]


def _outcome(worker: _Worker, build: Path, timeout: float) -> Outcome:
    """Read what a worker that ended left, or stop one that is late."""
    name, message = worker.notebook.name, ""
    if worker.process.is_alive():
        message = f"took longer than {timeout:g} s and was stopped"
        _kill_children(worker.process)
        worker.process.join(_GRACE)
    _kill(worker.process)
    seconds = round(time.monotonic() - worker.started, 2)
    try:
        left = json.loads((build / ".work" / f"{name}.json").read_text())
    except FileNotFoundError:
        left = {"message": f"its process died (exit code {worker.process.exitcode})", "died": True}
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


# In the worker process --------------------------------------------------------------------------


def _work(one: Notebook, build: Path, environment: Mapping[str, str]) -> None:
    """Execute one notebook and write what came of it; the body of a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    log = os.open(build / "logs" / f"{one.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    # As JupyterLab and nbval do.
    os.chdir(one.path.parent)
    nb, message, died = _papermill(one)
    if nb is not None:
        normalise(nb, one.recorded, one.parameters)
        _write_notebook(nb, (build / "failed" if message else build) / one.path.name)
    if not message:
        body = cells.body(nb, one.name)
        (build / ".work" / f"{one.name}.html").write_text(body, encoding="utf-8")
    scale = 1024**2 if sys.platform == "darwin" else 1024
    peak = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / scale, 1)
    left = {"message": message, "died": died, "peak_memory_mb": peak}
    _write_json(build / ".work" / f"{one.name}.json", left)


def _end_with_parent() -> None:
    """End this worker and its kernel once the run that started it is gone, even by SIGKILL.

    Without a kernel the worker ends by itself, and takes its sockets along; if not, it is ended.
    """
    multiprocessing.parent_process().join()
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process().children(recursive=True):
            child.kill()
    time.sleep(_GRACE)
    os._exit(1)


def _papermill(one: Notebook) -> tuple[Any, str, bool]:
    """Execute a notebook.

    Returns
    -------
    The executed notebook, in part if it failed; the one line of its failure; whether its kernel
    died or never answered.
    """
    import nbformat
    import papermill

    content = json.loads(json.dumps(one.content)) | {"nbformat_minor": 5}
    for number, cell in enumerate(content["cells"]):
        cell.setdefault("id", f"cell-{number}")
    held: list[Any] = []
    sockets = tempfile.mkdtemp(prefix="rotation-")
    try:
        nb = papermill.execute_notebook(
            nbformat.from_dict(content),
            None,
            parameters=dict(one.overrides),
            kernel_name="python3",
            language="python",
            kernel_manager_class=_kernel_manager(sockets),
            shutdown_kernel="immediate",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            start_timeout=120,
            on_notebook_start=lambda notebook: held.append(notebook),
        )
    except Exception as error:  # whatever it was, the others must go on
        line = failure_line(error)
        return (held[0] if held else None), line, line.startswith(_DEATHS)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    return nb, "", False


def _kernel_manager(sockets: str) -> type:
    """Return a manager whose ``python3`` is this interpreter, whatever kernels a user installed.

    Its kernels talk through files in a folder of their own: two that start at the same time can
    pick the same free port, and then one of them dies.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    class OwnInterpreter(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            own = {"kernel_spec_manager": KernelSpecManager(kernel_dirs=[])}
            if len(sockets) < _LONGEST_SOCKET:
                own |= {"transport": "ipc", "ip": f"{sockets}/k"}
            super().__init__(**own, **options)

    return OwnInterpreter


def failure_line(error: Exception) -> str:
    """Return what went wrong as one line: an input error's own, else its name and first line."""
    shown = getattr(error, "traceback", [])
    if len(shown) == 1:
        return " ".join(_ANSI.sub("", shown[0]).split())
    name = getattr(error, "ename", type(error).__name__)
    lines = str(getattr(error, "evalue", error)).strip().splitlines()
    return f"{name}: {lines[0]}" if lines else name


def normalise(
    nb: Any,
    parameters: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
) -> None:
    """Strip from an executed notebook, in place, what differs from run to run.

    Timings, papermill's notes and the random id of the injected cell go; execution counts run
    from 1; the kernel is named without its version; ``parameters`` are recorded. A folder among
    the parameters as they were ``given`` stands in the injected cell as it is recorded.
    """
    folders = [(given[name], parameters[name]) for name in FOLDERS if (given or {}).get(name)]
    quoted = [[json.dumps(text, ensure_ascii=False) for text in pair] for pair in folders]
    nb.metadata.pop("papermill", None)
    nb.metadata.update(
        kernelspec=dict(KERNELSPEC),
        language_info={"name": "python"},
        rotation={"parameters": dict(parameters)},
    )
    count = 0
    for cell in nb.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
            for path, name in quoted:
                cell.source = cell.source.replace(path, name)
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


# Results ----------------------------------------------------------------------------------------


def checks(
    notebooks: Mapping[str, Mapping[str, Any]], registry: claims.Registry
) -> list[dict[str, Any]]:
    """Return the checks that executed notebooks carry, in the order of the registry.

    Parameters
    ----------
    notebooks : dict
        Executed notebook by its name.
    registry : Registry

    Raises
    ------
    RunError
        If a claim is checked twice, is not in the registry, or a claim of a notebook's family
        is not checked.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, nb in notebooks.items():
        for payload in scorecard.payloads(nb):
            claim = registry.get(payload["claim_id"]).claim_id
            if claim in found:
                both = f"{found[claim]['notebook']} and {name}"
                raise RunError(f"claim {claim}: checked twice, in {both}; expected once")
            found[claim] = payload | {"notebook": name}
    families = {name[3:]: name for name in notebooks}
    for claim in registry.claims.values():
        if claim.family in families and claim.claim_id not in found:
            where = families[claim.family]
            raise RunError(f"claim {claim.claim_id}: not checked in {where}; expected once")
    return [found[claim_id] for claim_id in registry.claims if claim_id in found]


def committed_results(names: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the checks of the notebooks as they are committed, outputs and all.

    Raises
    ------
    InputError
        As for :func:`checks`.
    """
    contents = {path.stem: read(path).content for path in find(names)}
    return checks(contents, claims.load(data.load()))


def results(
    notebooks: Mapping[str, Mapping[str, Any]], registry: claims.Registry, identity: str
) -> dict[str, Any]:
    """Return what ``results.json`` holds: the run and its checks, nothing that tells the time."""
    return {
        "run": {
            "id": identity,
            "vintage": registry.market.vintage,
            "hashes": _hashes(registry),
            "versions": _versions(),
            "parameters": {
                name: dict(nb["metadata"]["rotation"]["parameters"])
                for name, nb in notebooks.items()
            },
        },
        "checks": checks(notebooks, registry),
    }


def _hashes(registry: claims.Registry) -> dict[str, str]:
    """Return the sha256 of each table that a run used, the registry's own among them."""
    files = {file.stem: data.sha256(file.read_bytes()) for file in _registry_files()}
    return dict(sorted((files | registry.market.hashes).items()))


def _registry_files() -> list[Path]:
    """Return the files of the registry: they are no part of a vintage."""
    listed = data.descriptor()["resources"]
    return sorted(data.folder() / r["path"] for r in listed if "hash" not in r)


def _versions() -> dict[str, str]:
    """Return the Python minor version and those of the packages this one asks for."""
    wanted = [r for r in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in r]
    names = sorted(re.match(r"[\w.-]+", requirement)[0] for requirement in wanted)
    python = "{}.{}".format(*sys.version_info)
    return {"python": python} | {name: metadata.version(name) for name in names}


def _gather(
    finished: Sequence[Notebook], build: Path, registry: claims.Registry, identity: str
) -> dict[str, Any]:
    executed = {n.name: json.loads((build / n.path.name).read_text("utf-8")) for n in finished}
    return results(executed, registry, identity)


def _manifest(identity: str, started: datetime, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what differs from run to run: times, memory, machine, commit."""
    finished = datetime.now(UTC)
    commit, dirty = _commit()
    return {
        "run": identity,
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 2),
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "notebooks": {
            o.name: {
                "status": "failed" if o.failed else "ok",
                "seconds": o.seconds,
                "peak_memory_mb": o.peak_memory_mb,
                "message": o.message,
            }
            for o in outcomes
        },
    }


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the clone this package stands in and whether files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(_HOME), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != _HOME:
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return None, None


# Writing ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _workspace(root: Path) -> Iterator[Path]:
    """Yield a fresh hidden folder inside ``root``, and leave nothing of it behind.

    Raises
    ------
    RunError
        If nothing can be written there.
    """
    there = root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        build = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
    except OSError as error:
        raise RunError(f"{root}: cannot write there ({error.strerror})") from None
    try:
        yield build
    finally:
        shutil.rmtree(build, ignore_errors=True)
        if not there:
            with contextlib.suppress(OSError):
                root.rmdir()


def _write_pages(
    planned: Sequence[Notebook],
    outcomes: Sequence[Outcome],
    build: Path,
    found: Mapping[str, Any],
    registry: claims.Registry,
) -> None:
    """Write the index, a page for each notebook, and the tables as CSV files.

    A notebook that failed has its page too: it says why, and which claims have no result.
    """
    from helpers import notebook

    (build / cells.CSV).mkdir()
    reports = []
    for one, outcome in zip(planned, outcomes, strict=True):
        as_of = one.parameters.get("as_of")
        report = pages.Report(
            name=one.name,
            title=cells.title(one.content) or one.name,
            body="",
            parameters=one.recorded,
            changed=frozenset(one.overrides),
            as_of=str(notebook.resolve_as_of(as_of, registry.market).date()) if as_of else "",
        )
        if outcome.failed:
            lost = tuple(c.claim_id for c in registry.claims.values() if c.family == one.family)
            reports.append(replace(report, failure=outcome.message, lost=lost))
            continue
        body = (build / ".work" / f"{one.name}.html").read_text("utf-8")
        reports.append(replace(report, body=body))
        executed = json.loads((build / one.path.name).read_text("utf-8"))
        for name, text in cells.tables(executed, one.name).items():
            (build / cells.CSV / name).write_text(text, encoding="utf-8")
    for name, text in pages.site(found, reports, registry.articles).items():
        (build / name).write_text(text, encoding="utf-8")


def _publish_failed(outcomes: Sequence[Outcome], build: Path, to: Path) -> None:
    """Move what failed to its folder, and drop earlier failures of what now succeeded."""
    for outcome in outcomes:
        for file in (f"{outcome.name}.ipynb", f"{outcome.name}.log"):
            (to / file).unlink(missing_ok=True)
            if (build / "failed" / file).exists():
                to.mkdir(exist_ok=True)
                (build / "failed" / file).replace(to / file)
    with contextlib.suppress(OSError):
        to.rmdir()


def _publish(build: Path, to: Path) -> None:
    """Replace the generated files of a report's folder by new ones; what else is there stays.

    A PDF shows an earlier run, so it goes.
    """
    new = {p.relative_to(build) for p in (*build.glob("*.*"), *build.glob(f"{cells.CSV}/*.csv"))}
    new = {path for path in new if (build / path).is_file()}
    (to / cells.CSV).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        earlier = json.loads((to / "manifest.json").read_text("utf-8"))["notebooks"]
        files = [f"{name}.{suffix}" for name in earlier for suffix in ("ipynb", "html", "pdf")]
        patterns = ["index.pdf", *files, *(f"{cells.CSV}/{name}-*.csv" for name in earlier)]
        for old in (path for pattern in patterns for path in to.glob(pattern)):
            if old.relative_to(to) not in new:
                old.unlink(missing_ok=True)
    shutil.rmtree(to / "logs", ignore_errors=True)
    (build / "logs").replace(to / "logs")
    for path in sorted(new):
        (build / path).replace(to / path)
    with contextlib.suppress(OSError):
        (to / cells.CSV).rmdir()


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_notebook(nb: Any, path: Path) -> None:
    import nbformat

    with path.open("w", encoding="utf-8", newline="\n") as file:
        nbformat.write(nb, file)
