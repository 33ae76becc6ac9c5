"""What the checks of a run say about a story, as data/stories asks it; no claim is named here."""

from __future__ import annotations

import contextlib
import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers import data, scorecard, scores, words


@dataclass(frozen=True)
class Finding:
    """One answer of a story.

    Attributes
    ----------
    title, asks, text : str
        A word or two, the question, and the answer with its numbers; plain text with ``**``.
    verdicts : dict
        Claim → outcome of those that the answer rests on.
    """

    title: str
    asks: str
    text: str
    verdicts: dict[str, str]


def stories() -> list[dict[str, Any]]:
    """Return the files of ``data/stories``, in the order of their names."""
    return [
        tomllib.loads(path.read_text("utf-8"))
        for path in sorted((data.folder() / "stories").glob("*.toml"))
    ]


def found(checks: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return the answers of the stories whose claims are among the checks and were measured.

    An answer that names a number which a check does not have is left out.
    """
    known = {one["claim_id"]: _told(one) for one in checks if one["measured"] is not None}
    table = scorecard.frame(checks)
    whole = {
        "ranking": scores.ranking_words(scores.by_article(table), scores.pairs(table)),
        "due": _due(table),
    }
    answers = []
    for one in (one for story in stories() for one in story.get("finding", ())):
        if not all(claim in known for claim in one["needs"]):
            continue
        with contextlib.suppress(LookupError, TypeError):
            text = _Filled().format(one["says"].strip(), **known, **whole)
            verdicts = {claim: known[claim]["outcome"] for claim in one["needs"]}
            answers.append(Finding(one["title"], one["asks"], text, verdicts))
    return answers


def precedents(checks: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the mean leads that the articles' precedents rest on.

    Returns
    -------
    DataFrame indexed by words for each, ``measured``, ``low``, ``high`` (95%) and ``stated``,
    percentage points; what was not measured or has no interval is left out, an unstated number is
    NaN.
    """
    known, rows = {check["claim_id"]: check for check in checks}, {}
    for one in (one for story in stories() for one in story.get("precedent", ())):
        check, name = known.get(one["claim"], {}), one.get("number")
        measured, interval = check.get("measured"), check.get("interval")
        if name and measured is not None:
            measured, interval = measured[name], check["intervals"][name]
        if measured is not None and interval:
            stated = check["stated"] if words.is_number(check["stated"]) else np.nan
            ends = {end: interval[end] for end in ("low", "high")}
            rows[one["label"]] = {"measured": measured, **ends, "stated": stated}
    columns = ["measured", "low", "high", "stated"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(float)


def _told(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check's fields, its other readings by name, and what two lists have in common."""
    both = [check["stated"], check["measured"]]
    common = len(set(both[0]) & set(both[1])) if all(isinstance(b, list) for b in both) else None
    by = {one["reading"]: one["measured"] for one in check.get("others") or ()}
    return {**check, "common": common, "by": by}


def _due(table: pd.DataFrame) -> str:
    waiting = scorecard.pending(table)
    if waiting.empty:
        return "No forecast is still to come due."
    day = waiting["due"].iloc[0]
    first = ", ".join(waiting.index[waiting["due"] == day])
    number = words.count(len(waiting), "forecast")
    verb = "is" if len(waiting) == 1 else "are"
    return f"{number} {verb} not due yet, the next on {words.day(day)} ({first})."


class _Filled(string.Formatter):
    """Fills ``{CLAIM.field.name:form}`` from checks, numbers in readers' form."""

    def get_field(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        claim, *path = name.split(".")
        value = kwargs[claim]
        for part in path:
            value = value[part]
        return value, claim

    def format_field(self, value: Any, form: str) -> str:
        if form == "%":
            return f"{100 * value:.0f}%"
        if form.startswith("+"):
            return words.signed(value, int(form[1:]))
        return words.fixed(value, int(form)) if form else words.value(value)
