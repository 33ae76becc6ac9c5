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

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers import claims, data
from helpers.executed import SCORECARD
from rotation import atomic
from rotation.run import TIME_LIMIT, kept, planning, pool, publishing, results
from rotation.run.planning import Notebook
from rotation.run.pool import Outcome


@dataclass(frozen=True)
class Report:
    """What a run left: its folder (None if nothing was published), results and outcomes."""

    folder: Path | None
    failed_folder: Path
    results: dict[str, Any]
    outcomes: list[Outcome]
    # Files that its notebooks opened themselves; None if that is not known of all of them.
    files: list[str] | None = None

    @property
    def failures(self) -> list[Outcome]:
        """Outcomes of the notebooks that failed."""
        return [outcome for outcome in self.outcomes if outcome.failed]


def run(
    names: Iterable[str] = (),
    settings: Iterable[str] = (),
    out: str | Path | None = None,
    jobs: int | None = None,
    timeout: float = TIME_LIMIT,
    done: Callable[[Outcome], None] | None = None,
    retries: int = 0,
    fresh: bool = False,
    kept_in: str | Path | None = None,
) -> Report:
    """Execute notebooks and publish their report; see the module for what goes where.

    Parameters
    ----------
    names, settings : iterable of str
        As for :func:`plan`.
    out : str or Path, optional
        Folder to take the place of ``reports/``: new, empty, or that of an earlier report.
    jobs : int, optional
        Notebooks at a time; by default the number of processors.
    timeout : float
        Seconds of wall-clock time that one notebook may take.
    done : callable, optional
        Called with each :class:`Outcome` as it comes.
    retries : int
        Times that a notebook whose process or kernel died is tried again.
    fresh : bool
        Execute every notebook, whatever was kept.
    kept_in : str or Path, optional
        Folder of the executed notebooks that are kept; by default ``.kept/`` beside the notebooks.

    Raises
    ------
    InputError
        Before anything runs, for bad names, parameters, data or an unwritable folder; after,
        if the notebooks do not answer for each claim of their families exactly once.
    """
    started = datetime.now(UTC)
    planned = planning.plan(names, settings)
    registry = _registry(planned)
    identity = planning.run_id(planned)
    root = publishing.require_own(out) if out is not None else planning.reports()
    own = [one for one in planned if not one.copied]
    full = len(own) == len(planning.find()) and not any(one.overrides for one in own)
    with atomic.building(root) as build:
        store = _store(planned, registry, kept_in, fresh)
        outcomes = pool.execute(planned, build, jobs, timeout, done, retries, store)
        publishing.publish_failed(outcomes, build, root / "failed")
        finished = [n for n, o in zip(planned, outcomes, strict=True) if not o.failed]
        found = results.gather(finished, build, registry, identity)
        to = root if len(finished) == len(planned) and (full or out) else root / identity
        manifest = results.manifest(identity, started, outcomes)
        if not finished or (len(finished) < len(planned) and to.exists()):
            return Report(None, root / "failed", found, outcomes)
        publishing.write_pages(planned, outcomes, build, found, registry)
        atomic.write_json(build / "results.json", found)
        atomic.write_json(build / "manifest.json", manifest)
        publishing.publish(build, to)
    return Report(to, root / "failed", found, outcomes, store.files(planned))


def preview(
    names: Iterable[str] = (),
    settings: Iterable[str] = (),
    kept_in: str | Path | None = None,
) -> dict[str, str]:
    """Return why each notebook would run, by its name; empty for one that would not.

    Parameters
    ----------
    names, settings, kept_in
        As for :func:`run`.

    Raises
    ------
    InputError
        As :func:`run` does before anything runs.
    """
    planned = planning.plan(names, settings)
    store = _store(planned, _registry(planned), kept_in)
    told: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        for name in ("logs", ".work"):
            (build / name).mkdir()
        # The scorecard is the last to run, and reads what the others give.
        for one in sorted(planned, key=lambda one: one.name == SCORECARD):
            others = any(told.values()) and one.name == SCORECARD
            extra = pool.results_read(one, build)
            told[one.name] = "notebooks that it shows run" if others else store.why(one, extra)
            store.take(one, build, extra)
    return {one.name: told[one.name] for one in planned}


def _store(
    planned: Sequence[Notebook],
    registry: claims.Registry,
    folder: str | Path | None,
    fresh: bool = False,
) -> kept.Store:
    inputs = kept.Inputs(planned, registry, results.versions())
    return kept.Store(Path(folder or kept.folder()), inputs, fresh)


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
    names = list(names)
    planned = planning.plan(planning.with_scorecard(names))
    registry = _registry(planned)
    with atomic.building(planning.reports()) as build:
        for path in set(planning.find()) - {one.path for one in planned}:
            shutil.copyfile(path, build / path.name)  # for the scorecard
        outcomes = pool.execute(planned, build, jobs, timeout, done)
        publishing.publish_failed(outcomes, build, planning.reports() / "failed")
        if any(outcome.failed for outcome in outcomes):
            return Report(None, planning.reports() / "failed", {}, outcomes)
        found = results.gather(planned, build, registry, planning.run_id(planned))
        for one in planned:
            atomic.replace(one.path, build / one.path.name)
        if not names:
            planning.sweep_copies(planned)
    return Report(planning.folder(), planning.reports() / "failed", found, outcomes)


def _registry(planned: Sequence[Notebook]) -> claims.Registry:
    """Load data and claims, and refuse an as-of date that the data do not cover."""
    from helpers import parameters

    market = data.load(tables=planning.own_folder(planned), vintage=planning.vintage(planned))
    own = planning.pair_hashes(planned)
    for one in planned:
        if isinstance(as_of := one.parameters.get("as_of"), str) and not own:
            parameters.resolve_as_of(as_of, market)
    return claims.load(replace(market, hashes={**market.hashes, **own}))
