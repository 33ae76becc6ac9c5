"""Write the pages of a run, and move what it made to where readers look."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers import claims, scorecard, scores
from helpers.errors import listing
from helpers.executed import SCORECARD
from rotation import atomic
from rotation.report import cells, markdown, pages
from rotation.run import planning, results
from rotation.run.planning import Notebook
from rotation.run.pool import Outcome


def require_own(out: str | Path) -> Path:
    """Return a folder that a report may fill: new, empty, or that of an earlier report.

    Raises
    ------
    UnwritableError
        Naming what else is there, which a report could overwrite.
    """
    if not str(out).strip():
        raise atomic.UnwritableError("--out: the name is empty; expected a folder's name")
    to = Path(out).absolute()
    here = {path.name for path in to.iterdir()} if to.is_dir() else set()
    others = {name for name in here if not name.startswith(".building-")} - {"failed"}
    if _manifest(to) or all(_manifest(to / name) for name in others):
        return to
    told = listing(sorted(others)[:3])
    raise atomic.UnwritableError(
        f"--out {out}: {told} there is not a report's; expected a new or empty folder, or one "
        "that holds an earlier report"
    )


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a report, empty if there is none in the folder."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((folder / "manifest.json").read_text("utf-8"))
        if isinstance(found, dict) and isinstance(found.get("notebooks"), dict | list):
            return found
    return {}


def write_pages(
    planned: Sequence[Notebook],
    outcomes: Sequence[Outcome],
    build: Path,
    found: Mapping[str, Any],
    registry: claims.Registry,
) -> None:
    """Write the index, a page for each notebook, and tables and scored forecasts as CSV files.

    A notebook that failed has its page too: it says why, and which claims have no result.
    """
    from helpers import parameters

    (build / cells.CSV).mkdir()
    reports = []
    for one, outcome in zip(planned, outcomes, strict=True):
        # A pair of the user's own has a last close of its own, which its figures name.
        as_of = None if one.parameters.get(planning.PAIR) else one.parameters.get("as_of")
        report = pages.Report(
            name=one.name,
            title=cells.title(one.content) or one.name,
            body="",
            parameters=one.recorded,
            changed=frozenset(one.overrides) - {"vintage"},  # every page names it
            edited={} if one.copied else one.edited,
            as_of=str(parameters.resolve_as_of(as_of, registry.market).date()) if as_of else "",
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
    scored = scores.forecasts(scorecard.frame(found["checks"]))
    scored.to_csv(build / "forecasts.csv", float_format="%.10g")


def publish_failed(outcomes: Sequence[Outcome], build: Path, to: Path) -> None:
    """Move what failed to its folder, and drop earlier failures of what now succeeded."""
    for outcome in outcomes:
        for file in (f"{outcome.name}.ipynb", f"{outcome.name}.log"):
            (to / file).unlink(missing_ok=True)
            if (build / "failed" / file).exists():
                to.mkdir(exist_ok=True)
                (build / "failed" / file).replace(to / file)
    with contextlib.suppress(OSError):
        to.rmdir()


def publish(build: Path, to: Path) -> None:
    """Replace the generated files of a report's folder by new ones; what else is there stays.

    A PDF shows an earlier run, so it goes.
    """
    new = {p.relative_to(build) for p in (*build.glob("*.*"), *build.glob(f"{cells.CSV}/*.csv"))}
    new = {path for path in new if (build / path).is_file()}
    (to / cells.CSV).mkdir(parents=True, exist_ok=True)
    earlier = _manifest(to).get("notebooks", ())
    files = [f"{name}.{suffix}" for name in earlier for suffix in ("ipynb", "html", "pdf")]
    patterns = [
        "report.pdf",
        "brief.pdf",
        *files,
        *(f"{cells.CSV}/{name}-*.csv" for name in earlier),
    ]
    for old in (path for pattern in patterns for path in to.glob(pattern)):
        if old.relative_to(to) not in new:
            old.unlink(missing_ok=True)
    shutil.rmtree(to / "logs", ignore_errors=True)
    (build / "logs").replace(to / "logs")
    for path in sorted(new):
        (build / path).replace(to / path)
    with contextlib.suppress(OSError):
        (to / cells.CSV).rmdir()


def renew_front(folder: Path) -> None:
    """Bring what shows the results of the committed notebooks up to date: README and picture."""
    home = folder.parent
    if not (home / "README.md").exists():
        return
    markdown.update(home, results.committed_results())
    card = folder / f"{SCORECARD}.ipynb"
    if card.exists():
        markdown.update_overview(home / "docs" / "overview.png", planning.read(card).content)
