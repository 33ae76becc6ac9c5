"""What ``results.json`` and ``manifest.json`` hold, gathered from executed notebooks."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from helpers import claims, data, executed, vintages
from helpers.errors import listing
from rotation.run import SCHEMA, planning
from rotation.run.planning import HOME, Notebook, RunError
from rotation.run.pool import Outcome

DISTRIBUTION = "rotation-claims"
# What the commands that list and explain claims read of each check.
_READ = (
    *("claim_id", "statement", "family", "article", "stated", "measured", "unit", "as_of"),
    *("rule", "bound", "reading", "tolerance", "measure", "fidelity", "beside", "note"),
    *("reason", "notebook", "interval", "n"),
)


def checks(
    notebooks: Mapping[str, Mapping[str, Any]], registry: claims.Catalogue
) -> list[dict[str, Any]]:
    """Return the checks that executed notebooks carry, in the order of the registry.

    Parameters
    ----------
    notebooks : dict
        Executed notebook by its name.
    registry : Registry

    Raises
    ------
    ExecutedError, ClaimError
        If a claim is checked twice or is not in the registry.
    RunError
        If a claim of a notebook's family is not checked. A notebook run on another pair of price
        series checks none.
    """
    found = executed.checks(notebooks, registry)
    answered = {check["claim_id"] for check in found}
    for name, nb in notebooks.items():
        for claim_id in _expected(name, nb, registry):
            if claim_id not in answered:
                raise RunError(f"claim {claim_id}: not checked in {name}; expected once")
    return found


def _expected(name: str, nb: Mapping[str, Any], registry: claims.Catalogue) -> list[str]:
    """Return the claims that a notebook answers for: its family's, of its story."""
    if _parameters(nb).get(planning.PAIR):
        return []
    if name[3:].startswith(executed.ANY):
        article = _parameters(nb).get("article", executed.EXAMPLE)
        return executed.homeless(registry).get(article, [])
    story, known = executed.story_of(nb), registry.claims.values()
    return [c.claim_id for c in known if c.family == name[3:] and story in ("", c.story)]


def _parameters(nb: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters that an executed notebook records, none if it is not of a run."""
    return nb["metadata"].get("rotation", {}).get("parameters", {})


def committed_results(names: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the checks of the notebooks as they are committed, outputs and all.

    Raises
    ------
    InputError
        As for :func:`checks`.
    """
    paths = planning.find(names)
    copies = [path for path in planning.folder().glob("*.ipynb") if executed.is_copy(path.stem)]
    paths += [] if names else sorted(copies)
    read = {path.stem: planning.read(path).content for path in paths}
    return checks(read, claims.registry.read())


def last() -> tuple[str, list[dict[str, Any]]]:
    """Return the checks of the last full run, else of the committed notebooks, and which it is.

    Raises
    ------
    RunError
        If the file is not what a run wrote.
    InputError
        As for :func:`checks`.
    """
    path = planning.reports() / "results.json"
    if not path.exists():
        return f"the notebooks in {planning.folder()}", committed_results()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        dict(found["run"].get("hashes", {}))
        for check in found["checks"]:
            claims.MARKS[check["outcome"]], [check[name] for name in _READ]
        return f"run {found['run']['id']} in {path}", found["checks"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RunError(
            f"{path}: not the results of a run; expected those of rotation run"
        ) from None


def news(checks: Iterable[Mapping[str, Any]]) -> str:
    """Return what changed since the checks of :func:`last`: files and claims; or nothing."""
    found = {check["claim_id"]: check for check in checks}
    known = claims.registry.read().claims
    families = {check["family"] for check in found.values()}
    ids = [one for one in found if one not in known]
    for claim in known.values():
        new = claim.family in families and claim.claim_id not in found
        if new or (claim.claim_id in found and _differs(claim, found[claim.claim_id])):
            ids.append(claim.claim_id)
    changed = [*_changed_files(), *ids]
    more = f" and {len(changed) - 10} more" if len(changed) > 10 else ""
    return f"; changed since then: {listing(changed[:10])}{more}" if changed else ""


def _differs(claim: claims.Claim, check: Mapping[str, Any]) -> bool:
    """Tell whether a claim's file says something else than its check was made of."""
    now = claims.plain({**vars(claim), "stated": claim.stated_value})
    names = ("statement", "kind", "stated", "unit", "as_of", "rule", "bound", "reading", "measure")
    own = claim.own is not None and check["fidelity"] == "same data"  # judged by a user's table
    return not own and any(check.get(name) != now[name] for name in names)


def _changed_files() -> list[str]:
    """Return the tables and articles that the last full run recorded with another sha256."""
    path = planning.reports() / "results.json"
    if not path.exists():
        return []
    run = json.loads(path.read_text(encoding="utf-8"))["run"]
    listed = data.descriptor(vintages.path(run.get("vintage", vintages.FROZEN)))["resources"]
    now = {r["path"].removesuffix(".csv"): r.get("hash", "")[len("sha256:") :] for r in listed}
    now |= _registry_hashes()
    return [name for name, sha in run.get("hashes", {}).items() if now.get(name, sha) != sha]


def chosen(checks: list[dict[str, Any]], **wanted: str | None) -> list[dict[str, Any]]:
    """Return the checks whose fields have the wanted values; None asks for nothing.

    Raises
    ------
    RunError
        For a value that no check has, with those there are.
    """
    for name, value in wanted.items():
        known = sorted({check[name] for check in checks})
        if value is not None and value not in known:
            raise RunError(f"{name} {value!r}: expected one of {listing(known)}")
        checks = [check for check in checks if value in (None, check[name])]
    return checks


def contents(
    notebooks: Mapping[str, Mapping[str, Any]], registry: claims.Registry, identity: str
) -> dict[str, Any]:
    """Return what ``results.json`` holds: the run and its checks, nothing that tells the time."""
    return {
        "schema": SCHEMA,
        "run": {
            "id": identity,
            "vintage": registry.market.vintage,
            "status": vintages.status(registry.market.vintage),
            "missing": vintages.missing(registry.market.vintage),
            "hashes": _hashes(registry),
            "versions": versions(),
            "parameters": {
                name: dict(nb["metadata"]["rotation"]["parameters"])
                for name, nb in notebooks.items()
            },
        },
        "checks": checks(notebooks, registry),
    }


def _hashes(registry: claims.Registry) -> dict[str, str]:
    """Return the sha256 of each table that a run used, the registry's own among them."""
    return dict(sorted({**_registry_hashes(), **registry.market.hashes}.items()))


def _registry_hashes() -> dict[str, str]:
    return {
        f"{file.parent.name}/{file.stem}": data.sha256(file.read_bytes())
        for file in planning.registry_files()
    }


def versions() -> dict[str, str]:
    """Return the Python minor version and those of the packages this one asks for."""
    wanted = [r for r in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in r]
    names = sorted(name for r in wanted for name in re.findall(r"^[\w.-]+", r))
    python = "{}.{}".format(*sys.version_info)
    return {"python": python} | {name: metadata.version(name) for name in names}


def gather(
    finished: Sequence[Notebook], build: Path, registry: claims.Registry, identity: str
) -> dict[str, Any]:
    """Return what ``results.json`` holds, of the notebooks executed in a folder."""
    read = {n.name: json.loads((build / n.path.name).read_text("utf-8")) for n in finished}
    return contents(read, registry, identity)


def manifest(identity: str, started: datetime, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what differs from run to run: times, memory, machine, commit."""
    finished = datetime.now(UTC)
    commit, dirty = _commit()
    return {
        "schema": SCHEMA,
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
                "kept": o.kept,
                "message": o.message,
            }
            for o in outcomes
        },
    }


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the clone this package stands in and whether files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(HOME), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != HOME:
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return None, None
