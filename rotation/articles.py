"""Articles' files for their authors: a new one, what can be measured, and a check at once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import claims, data, measures
from helpers.claims import registry, terms
from helpers.errors import InputError
from helpers.measures.arguments import nearest

SCHEMA = "article.schema.json"
_NEW = """#:schema ../{schema}
# One file an article; its name is the article's short name. Days are bare: 2026-02-02.
# rotation measures lists what can be measured; rotation check --article {name} checks this file.
title = "{name}"
# publisher = "A bank"                      # leave out what is not known
published = {today}
# address = "https://example.org/article"
# story = "winter-2026"                     # notebooks select by it

# ---- one block a claim; write all of them before measuring any --------------------------------
[claim.{prefix}-01]                               # two capitals, a number; never changed later
# family = "index_levels"                   # the notebook that answers; left out: any_article
says = "The S&P 500 rose 28.9% in 2019"     # your own words, never a copied sentence
kind = "value"                              # {kinds}
stated = 28.9                               # as printed
unit = "percent"
as_of = 2019-12-31                          # last day whose data may be used; a forecast's due day
measure.price_return = {{ index = "sp_500", start = 2018-12-31 }} # start: close before it
rule.within = 0.15                          # {rules}
# reading = "tendency"                      # what usually happens; left out: a fact
# note = "how an unclear word was read"
# others."from its first close" = {{ start = 2019-01-02 }}             # shown, never judged by
# untested = "no measure yet"               # in place of measure and rule: {untested}
"""


def create(name: str) -> Path:
    """Write a commented file for a new article and return where it is.

    Raises
    ------
    InputError
        If the name is no short name or there is such an article.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise InputError(f"article {name!r}: expected a name of a-z, 0-9 and hyphens")
    file = data.folder() / registry.FOLDER / f"{name}.toml"
    if file.exists():
        raise InputError(f"{file}: there is such an article")
    used = {claim_id[:2] for claim_id in registry.read().claims}
    wanted = [name[:2].upper(), *(f"{a}{b}" for a in "ZYXWVU" for b in "ABCDEFGHIJ")]
    prefix = next(one for one in wanted if re.fullmatch("[A-Z]{2}", one) and one not in used)
    file.write_text(
        _NEW.format(
            schema=SCHEMA,
            name=name,
            today=pd.Timestamp.now().date(),
            prefix=prefix,
            kinds=", ".join(terms.KINDS),
            rules=", ".join(rule.replace(" ", "_") for rule in terms.TESTS),
            untested=", ".join(claims.grading.UNTESTED),
        ),
        encoding="utf-8",
    )
    return file


def listed() -> list[str]:
    """Return one line a measure, by topic: its name and what it gives."""
    lines = []
    for topic in measures.TOPICS:
        own = [one for one in measures.MEASURES.values() if one.topic is topic]
        about = (inspect.getdoc(topic) or "").partition("\n")[0]
        lines += ["", about, *(f"  {one.name:<32} {_plain(one.about)}" for one in own)]
    return lines[1:]


def _plain(text: str) -> str:
    return text.replace("``", "")


def described(name: str) -> list[str]:
    """Return what a measure gives, its arguments and an example that can be pasted.

    Raises
    ------
    InputError
        If there is no such measure.
    """
    if name not in measures.MEASURES:
        raise InputError(f"measure {name!r} is not known{nearest(name, measures.MEASURES)}")
    one = measures.MEASURES[name]
    facts = {"unit": one.unit, "tables": ", ".join(one.needs), "basis": one.basis}
    lines = [f"{name}: {_plain(one.about)}"]
    lines += [f"  {key:<16} {text}" for key, text in facts.items() if text]
    for key, argument in one.arguments.items():
        rest = "" if argument.required else f" (left out: {argument.default})"
        lines.append(f"  {key:<16} {argument.kind.means}{rest}")
    return [*lines, "", one.example()]


def checked(
    ids: Sequence[str] = (), article: str | None = None, file: Path | None = None
) -> tuple[claims.Registry, Iterator[dict[str, Any] | claims.ClaimError]]:
    """Read the articles and measure some of their claims, without a notebook.

    Parameters
    ----------
    ids : sequence of str
        Claims; none for all of the article, or of all articles.
    article : str, optional
        Its short name.
    file : Path, optional
        An article's file anywhere.

    Returns
    -------
    The registry, and for each claim its payload or why there is none, one at a time.

    Raises
    ------
    InputError
        If there is no such claim or article.
    """
    known = claims.load(data.load(), file=file)
    name = file.stem if file else article
    if ids:
        wanted = [known.get(claim_id.upper()) for claim_id in ids]
        refused: list[claims.ClaimError] = []
    elif name:
        wanted = known.of_article(name)
        place = f"{file}:" if file else f"{registry.FOLDER}/{name}.toml:"
        refused = [error for error in known.refused.values() if str(error).startswith(place)]
    else:
        wanted, refused = [*known.claims.values()], [*known.refused.values()]

    def each() -> Iterator[dict[str, Any] | claims.ClaimError]:
        yield from refused
        for claim in wanted:
            try:
                check = known.check(claim.claim_id)
            except claims.ClaimError as error:
                yield error
            else:
                yield check.payload() | {"notebook": "", "move": " to ".join(check.move or ())}

    return known, each()


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an article's file."""
    rules: dict[str, Any] = {name.replace(" ", "_"): {} for name in terms.TESTS}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An article and its claims",
        **_object(terms.ARTICLE, claim={"$ref": "#/$defs/claims"}),
        "$defs": {
            "claims": {
                "type": "object",
                "patternProperties": {f"^{terms.ID.pattern}$": {"$ref": "#/$defs/claim"}},
                "additionalProperties": False,
            },
            "claim": _object(terms.CLAIM),
            "own": _object(terms.OWN),
            "rule": _one("what judges it", rules),
            "measure": _one(
                "what is measured",
                {name: one.schema() for name, one in measures.MEASURES.items()},
            ),
        },
    }


def _object(terms: Mapping[str, terms.Term], **replaced: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {"description": term.means, **replaced.get(name, term.schema)}
            for name, term in terms.items()
        },
        "required": [name for name, term in terms.items() if term.required],
        "additionalProperties": False,
    }


def _one(means: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": means,
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
