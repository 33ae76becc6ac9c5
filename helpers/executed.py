"""Executed notebooks: which ones the scorecard reads, and the checks that they carry."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import claims
from helpers.errors import InputError
from helpers.vintages import notebooks as folder

SCORECARD = "00_scorecard"
# The neutral notebook, and the worked example of the guide that its committed copy shows.
ANY, EXAMPLE = "any_article", "example-article"
# Tells the scorecard's kernel in a run which folder of executed notebooks to read.
RESULTS = "ROTATION_RESULTS"


class ExecutedError(InputError):
    """Notebooks that are not there, cannot be read or do not answer for their claims."""


@dataclass(frozen=True)
class Source:
    """Executed notebooks, and in words where they come from if that is not as usual."""

    paths: list[Path]
    told: str = ""


@dataclass(frozen=True)
class Card:
    """The checks of several executed notebooks.

    Attributes
    ----------
    checks : list of dict
        As in ``results.json``, each with the name of its ``notebook``, in the order of the
        registry.
    notebooks : DataFrame indexed by notebook
        ``claims`` (number of checks), ``as of`` (day of its parameter) and
        ``changed parameters``.
    missing : list of str
        Claims of the registry that none of the notebooks checked.
    """

    checks: list[dict[str, Any]]
    notebooks: pd.DataFrame
    missing: list[str]


def story_of(nb: Mapping[str, Any]) -> str:
    """Return the story that a notebook's setup names; a notebook of none answers for every one."""
    sources = ("".join(c["source"]) for c in nb["cells"] if c["cell_type"] == "code")
    named = (re.search(r'\bstory="([^"]+)"', source) for source in sources)
    return next((one[1] for one in named if one), "")


def homes() -> dict[str, str]:
    """Return each family that has a notebook of its own, with the story it answers for."""
    paths = sorted(folder().glob("[0-9][0-9]_*.ipynb"))
    read = {path.stem[3:]: _notebook(path) for path in paths if not is_copy(path.stem)}
    return {family: story_of(nb) for family, nb in read.items() if family != ANY}


def is_copy(name: str) -> bool:
    """Tell whether a notebook is the neutral one, executed for an article: ``10_any_article-x``."""
    return name[3:].startswith(f"{ANY}-")


def homeless(catalogue: claims.Catalogue) -> dict[str, list[str]]:
    """Return, by article, the claims that no notebook of their family and story answers."""
    known = homes()
    found: dict[str, list[str]] = {}
    for claim in catalogue.claims.values():
        if known.get(claim.family, claim) not in ("", claim.story):
            found.setdefault(claim.article, []).append(claim.claim_id)
    return found


def find(results: str = "") -> Source:
    """Return the executed notebooks that the scorecard reads.

    Parameters
    ----------
    results : str
        Folder of executed notebooks; a relative one is taken from the folder of the notebooks.
        If empty: those of the run that the scorecard is part of; opened on its own, those beside
        it.

    Raises
    ------
    ExecutedError
        If the folder holds none of the notebooks.
    """
    source, told = folder() / (results or os.environ.get(RESULTS, "")), ""
    if results:
        told = f"As told, the results are those in the folder `{source.name}`."
    elif RESULTS in os.environ and source == folder():
        told = (
            "This run does not hold the results of every notebook: "
            "the verdicts are those of the notebooks as they were last written."
        )
    known = {path.stem for path in folder().glob("[0-9][0-9]_*.ipynb")} - {SCORECARD}
    there = sorted(source.glob("[0-9][0-9]_*.ipynb"))
    paths = [path for path in there if path.stem in known or is_copy(path.stem)]
    if not paths:
        raise ExecutedError(
            f"results = {results!r}: expected a folder that holds executed notebooks"
        )
    return Source(paths, told)


def payloads(nb: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the checks that an executed notebook carries, in the order of its cells."""
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(claims.MIMETYPE, [])
            yield from (check for check in found if check["article"] != EXAMPLE)


def read(paths: Iterable[Path], registry: claims.Registry) -> Card:
    """Read the checks of executed notebooks.

    Parameters
    ----------
    paths : iterable of Path
    registry : Registry
        Gives the order, what is missing and the last close; not cut.

    Raises
    ------
    ExecutedError
        If a file is no notebook, a claim is checked twice or nothing is checked at all.
    ClaimError
        If a claim is not in the registry.
    """
    notebooks = {path.stem: _notebook(path) for path in paths}
    found = checks(notebooks, registry)
    if not found:
        raise ExecutedError("no notebook holds results: expected executed ones; make notebooks")
    rows = {
        name: {
            "claims": sum(check["notebook"] == name for check in found),
            **_provenance(nb, registry),
        }
        for name, nb in notebooks.items()
    }
    answered = {check["claim_id"] for check in found}
    return Card(
        checks=found,
        notebooks=pd.DataFrame.from_dict(rows, orient="index").rename_axis("notebook"),
        missing=[claim_id for claim_id in registry.claims if claim_id not in answered],
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
    ExecutedError
        If a claim is checked twice.
    ClaimError
        If a claim is not in the registry.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, nb in notebooks.items():
        for check in payloads(nb):
            claim_id = registry.get(check["claim_id"]).claim_id
            if claim_id in found:
                both = f"{found[claim_id]['notebook']} and {name}"
                raise ExecutedError(f"claim {claim_id}: checked twice, in {both}; expected once")
            found[claim_id] = check | {"notebook": name}
    return [found[claim_id] for claim_id in registry.claims if claim_id in found]


def _notebook(path: Path) -> dict[str, Any]:
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        return {"metadata": nb["metadata"], "cells": list(nb["cells"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise ExecutedError(f"{path.name}: not a notebook; expected an executed one") from None


def _provenance(nb: Mapping[str, Any], registry: claims.Registry) -> dict[str, str]:
    """Return the as-of date of an executed notebook and the parameters it was given."""
    parameters = nb["metadata"].get("rotation", {}).get("parameters", {})
    injected = [c for c in nb["cells"] if c.get("id") == "injected-parameters"]
    lines = "".join(injected[0]["source"]).splitlines() if injected else []
    changed = [line for line in lines if line and not line.startswith("#")]
    as_of = str(parameters.get("as_of", "not recorded"))
    return {
        "as of": str(registry.market.last.date()) if as_of == "last" else as_of,
        "changed parameters": "; ".join(changed) or "none",
    }
