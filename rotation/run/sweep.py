"""Run a notebook over a grid of parameters, here or on a cluster, and put its numbers together.

Each run of the grid is kept as it ends, so that a sweep that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.errors import InputError, listing
from rotation import atomic
from rotation.run import TIME_LIMIT, planning, pool, values
from rotation.run.planning import Notebook
from rotation.run.pool import Outcome

TABLE, ASKED = "sweep.parquet", "sweep.json"
# Runs that a grid may have before --sample is asked for.
MOST = 100_000
# Seconds to wait for the scheduler of a cluster.
REACHED = 20
_SPAN = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*(?:\.\.\s*(\d+)\s*)?")


class SweepError(InputError):
    """A grid that cannot be run, or a cluster that does not answer."""


@dataclass(frozen=True)
class Point:
    """One run of a grid: its key, its parameters, and the notebook that takes them."""

    key: str
    parameters: dict[str, Any]
    notebook: Notebook


@dataclass(frozen=True)
class Swept:
    """What a sweep left: its folder, the table of answers, and what failed, by key."""

    folder: Path
    answers: pd.DataFrame
    failures: dict[str, str]


def spread(over: Iterable[str], defaults: Mapping[str, Any]) -> dict[str, list[str]]:
    """Read ``name=value,value``, ``name=1..9`` and ``name=1..9..2``; texts with commas take ``|``.

    Raises
    ------
    SweepError
        For what is no list, an empty one, or a name given twice.
    """
    found: dict[str, list[str]] = {}
    for one in over:
        name, equals, text = one.partition("=")
        name = name.strip()
        if not equals or not name or not text.strip():
            raise SweepError(f"--over {one!r}: expected name=value,value or name=1..9")
        if name in found:
            raise SweepError(f"--over {one!r}: {name} is given twice")
        if span := _SPAN.fullmatch(text):
            first, last, step = int(span[1]), int(span[2]), int(span[3] or 1)
            options = [str(number) for number in range(first, last + 1, max(step, 1))]
        else:
            mark = "|" if "|" in text or "," in str(defaults.get(name, "")) else ","
            options = [part.strip() for part in text.split(mark)]
        if not options or len(set(options)) < len(options):
            raise SweepError(f"--over {one!r}: expected different values, at least one")
        found[name] = options
    return found


def grid(
    name: str, over: Iterable[str], settings: Iterable[str] = (), sample: int = 0, seed: int = 0
) -> list[Point]:
    """Return the runs of a grid, each with its parameters validated.

    Parameters
    ----------
    name : str
        A notebook, as for :func:`rotation.run.planning.find`.
    over : iterable of str
        As for :func:`spread`.
    settings : iterable of str
        ``name=value`` for all runs.
    sample, seed : int
        If ``sample`` is not 0: draw so many of a larger grid, always the same for one seed.

    Raises
    ------
    SweepError, RunError, ParameterError
        Before anything runs.
    """
    (path, *others) = planning.find([name])
    if others:
        raise SweepError(f"{name}: expected one notebook")
    options = spread(over, planning.read(path).defaults)
    if not options:
        raise SweepError("expected --over name=value,value, at least once")
    size = 1
    for one in options.values():
        size *= len(one)
    if size > MOST and not sample:
        raise SweepError(f"{size:,} runs: expected at most {MOST:,}, or --sample N")
    chosen = _sampled(size, sample, seed)
    return [_point(path.stem, _values(options, place), settings) for place in chosen]


def _sampled(size: int, sample: int, seed: int) -> Iterable[int]:
    if not sample or sample >= size:
        return range(size)
    return sorted(random.Random(seed).sample(range(size), sample))


def _values(options: Mapping[str, Sequence[str]], place: int) -> dict[str, str]:
    """Return the values at a place of the grid, the last parameter changing fastest."""
    found = {}
    for name, own in reversed(list(options.items())):
        place, at = divmod(place, len(own))
        found[name] = own[at]
    return {name: found[name] for name in options}


def _point(name: str, own: Mapping[str, str], settings: Iterable[str]) -> Point:
    given = [*settings, *(f"{key}={value}" for key, value in own.items())]
    (one,) = planning.plan([name], given)
    shown = {key: one.parameters[key] for key in own}
    key = hashlib.sha256(json.dumps(one.parameters, sort_keys=True).encode()).hexdigest()[:16]
    return Point(key, shown, replace(one, path=one.path.with_stem(f"{one.name}-{key}")))


def own_folder(out: str) -> Path:
    """Return a folder that a sweep may fill: new, empty, or that of an earlier sweep.

    Raises
    ------
    SweepError
        Naming what else is there.
    """
    if not out.strip():
        raise SweepError("--out: the name is empty; expected a folder's name")
    to = Path(out).absolute()
    here = sorted(path.name for path in to.iterdir()) if to.is_dir() else []
    if here and "points" not in here:
        raise SweepError(
            f"--out {out}: {listing(here[:3])} there is not a sweep's; expected a new or empty "
            "folder, or that of an earlier sweep"
        )
    return to


def run(
    points: Sequence[Point],
    folder: Path | None = None,
    jobs: int | None = None,
    scheduler: str = "",
    retries: int = 2,
    timeout: float = TIME_LIMIT,
    done: Callable[[Outcome], None] | None = None,
    cell: str = "",
) -> Swept:
    """Run what of a grid has not run yet, and write its table and its page.

    Parameters
    ----------
    points : list of Point
    folder : Path, optional
        By default one below ``reports/`` that is named by all that the numbers depend on.
    jobs : int, optional
        Runs at a time on this machine.
    scheduler : str
        Address of a Dask scheduler whose workers run the grid instead.
    retries : int
        Times that a run whose process died is tried again.
    timeout : float
        Seconds that one run may take.
    done : callable, optional
        Called with each outcome as it comes.
    cell : str
        Cell whose table answers; by default the first with a mean and an interval.

    Raises
    ------
    SweepError
        If the cluster does not answer, or pyarrow is not installed.
    """
    _parquet()
    identity = planning.run_id([planning.read(planning.find([_stem(points[0])])[0])])
    keys = "".join(sorted(point.key for point in points)) + identity
    name = f"sweep-{hashlib.sha256(keys.encode()).hexdigest()[:12]}"
    to = Path(folder) if folder else planning.reports() / name
    (to / "points").mkdir(parents=True, exist_ok=True)
    left = [point for point in points if not _held(to, point, identity)]
    if scheduler:
        for point, outcome, told in _cluster(left, scheduler, retries, timeout, identity):
            _keep(to, point, outcome, told, identity)
            if done is not None:
                done(outcome)
    else:
        _here(left, to, jobs, retries, timeout, done, identity)
    return _gather(points, to, cell, identity)


def _stem(point: Point) -> str:
    return point.notebook.name.removesuffix(f"-{point.key}")


def _file(folder: Path, point: Point) -> Path:
    return folder / "points" / f"{point.key}.json"


def _held(folder: Path, point: Point, identity: str) -> dict[str, Any] | None:
    """Return what a run of the same code, data and packages left, if it came to its end."""
    try:
        held = json.loads(_file(folder, point).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(held, dict) and held.get("run") == identity
    return held if same and not held["message"] else None


def _keep(
    folder: Path, point: Point, outcome: Outcome, told: Mapping[str, Any], identity: str
) -> None:
    held = {"run": identity, "message": outcome.message, "seconds": outcome.seconds, **told}
    file = _file(folder, point)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(held), encoding="utf-8")
    beside.replace(file)


def _here(
    points: Sequence[Point],
    to: Path,
    jobs: int | None,
    retries: int,
    timeout: float,
    done: Callable[[Outcome], None] | None,
    identity: str,
) -> None:
    by_name = {point.notebook.name: point for point in points}
    with atomic.building(to) as build:

        def ended(outcome: Outcome) -> None:
            point, told = by_name[outcome.name], {}
            if not outcome.failed:
                file = build / f"{outcome.name}.ipynb"
                told = values.told(json.loads(file.read_text("utf-8")), point.notebook.parameters)
                file.unlink()
            _keep(to, point, outcome, told, identity)
            if done is not None:
                done(outcome)

        pool.execute([point.notebook for point in points], build, jobs, timeout, ended, retries)


# On a cluster -----------------------------------------------------------------------------------


def _cluster(
    points: Sequence[Point], address: str, retries: int, timeout: float, identity: str
) -> Iterator[tuple[Point, Outcome, dict[str, Any]]]:
    """Yield each point with its outcome and numbers as the workers of a Dask cluster end them."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SweepError(
            "--scheduler: Dask is not installed; expected pip install 'rotation-claims[sweep]'"
        ) from None
    try:
        client = Client(address, timeout=REACHED, set_as_default=False)
        client.wait_for_workers(1, timeout=REACHED)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise SweepError(f"--scheduler {address}: no scheduler answers ({why})") from None
    with client:
        futures = {
            client.submit(
                remote, _sent(point, identity), timeout, retries=retries, pure=False
            ): point
            for point in points
        }
        for future in as_completed(futures, loop=client.loop):
            point = futures[future]
            name = point.notebook.name
            if future.status == "finished":
                ended = future.result()
                outcome = Outcome(name, ended.pop("message"), ended.pop("seconds"))
                yield point, outcome, ended
            else:
                said = str(future.exception()).splitlines() or [future.status]
                yield point, Outcome(name, f"its worker died ({said[0]})", 0.0, died=True), {}


def _sent(point: Point, identity: str) -> str:
    one = point.notebook
    cells = [
        {**cell, "outputs": []} if "outputs" in cell else cell for cell in one.content["cells"]
    ]
    told = {
        "name": _stem(point),
        "content": {**one.content, "cells": cells},
        "defaults": one.defaults,
        "overrides": one.overrides,
    }
    return json.dumps(told | {"identity": identity})


def remote(sent: str, timeout: float) -> dict[str, Any]:
    """Run one point in a process of its own; what a worker of a cluster does."""
    command = [sys.executable, "-m", "rotation.run.point"]
    try:
        ended = subprocess.run(
            command, input=sent, capture_output=True, text=True, timeout=timeout, check=True
        )
    except subprocess.TimeoutExpired:
        return {"message": f"took longer than {timeout:g} s", "seconds": timeout}
    return dict(json.loads(ended.stdout))


# What came of it --------------------------------------------------------------------------------


def _parquet() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise SweepError(
            "a sweep writes Parquet: expected pip install 'rotation-claims[sweep]'"
        ) from None


def _gather(points: Sequence[Point], to: Path, cell: str, identity: str) -> Swept:
    held = {p.key: one for p in points if (one := _held(to, p, identity))}
    failures = {p.key: _message(to, p) for p in points if p.key not in held}
    done = [(point, held[point.key]) for point in points if point.key in held]
    whole = pd.DataFrame([p.notebook.recorded | row for p, one in done for row in one["rows"]])
    if whole.empty:
        whole = pd.DataFrame(columns=[*points[0].notebook.recorded, *values.COLUMNS])
    whole.to_parquet(to / TABLE, index=False)
    answers = pd.DataFrame(
        [point.parameters | _answer(one["answers"], cell) for point, one in done],
        columns=[*points[0].parameters, "estimate", "low", "high", "n", "answers"],
    )
    if cell and "answers" in answers and answers["answers"].isna().all() and len(answers):
        cells = sorted({row["cell"] for one in held.values() for row in one["rows"]})
        raise SweepError(
            f"--answer {cell!r}: expected a cell whose table has a mean with its interval; tables "
            f"are put out by {listing(cells)}"
        )
    parts = {name: {str(p.parameters[name]) for p in points} for name in points[0].parameters}
    asked = {
        "notebook": _stem(points[0]),
        "run": identity,
        "fixed": {k: v for k, v in points[0].notebook.recorded.items() if k not in parts},
        "over": {name: sorted(own) for name, own in parts.items()},
        "runs": len(points),
        "failed": failures,
    }
    atomic.write_json(to / ASKED, asked)
    from rotation.report import sweeps

    (to / "index.html").write_text(sweeps.page(asked, answers), encoding="utf-8")
    return Swept(to, answers, failures)


def _message(folder: Path, point: Point) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(_file(folder, point).read_text("utf-8"))["message"])
    return "its process died"


def _answer(answers: Sequence[dict[str, Any]], cell: str) -> dict[str, Any]:
    if not cell:
        return answers[0]
    return next((one for one in answers[1:] if one["answers"] == cell), dict.fromkeys(answers[0]))
