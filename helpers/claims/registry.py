"""The registry: articles' files into claims, each refused by meaning at the door."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import datapackage, measures
from helpers.claims import grading, terms
from helpers.claims.files import Block, ClaimError, blocks
from helpers.errors import InputError, excerpt, listing
from helpers.measures.arguments import nearest
from helpers.own import own_descriptor

FOLDER = "articles"
# The family of claims that no notebook of their own answers.
ANY = "any_article"
# What the registry takes for a number; Python itself also reads 1_000, nan and other digits.
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")
_SLUG = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Claim:
    """One claim of an article; ``terms.CLAIM`` says what its file may hold."""

    claim_id: str
    article: str
    family: str
    statement: str
    kind: str
    stated: str
    unit: str
    as_of: pd.Timestamp
    measure: str
    tolerance: str
    basis: str
    needs: str
    note: str
    call: Mapping[str, Any] | None
    rule: str
    bound: Any
    reading: str
    others: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, Any] | None = None
    rests_on: tuple[str, ...] = ()
    free: Mapping[str, Any] | None = None
    chance: Any = 1
    changes: tuple[str, ...] = ()
    story: str = ""
    across: bool = False

    @property
    def stated_value(self) -> Any:
        """What is stated: a number, a list where ``;`` separates members, else the text."""
        if ";" in self.stated:
            return [_number_or_text(part) for part in self.stated.split(";")]
        return _number_or_text(self.stated)

    @property
    def stated_number(self) -> float | None:
        """The one number stated, or None."""
        value = self.stated_value
        return float(value) if isinstance(value, int | float) else None

    def on_own_table(self) -> Claim:
        """Return the claim as the user's own table decides it: call, rule, bound and wording."""
        own = {name: term for name, term in (self.own or {}).items() if name != "table"}
        return replace(self, others={}, own=None, **own)


@dataclass(frozen=True)
class Catalogue:
    """The claims and their articles as the files give them; nothing is measured here.

    Attributes
    ----------
    claims : dict
        Claim by its id, in the order of the articles.
    articles : DataFrame indexed by article
        ``title``, ``publisher``, ``published``, ``address``, ``story``, ``across``, ``note``, in
        order of publication, those across articles last.
    revised : frozenset of str
        Tables whose history the provider revises.
    refused : dict
        What is wrong with the claims, and articles, that could not be read.
    """

    claims: dict[str, Claim]
    articles: pd.DataFrame
    revised: frozenset[str] = frozenset()
    refused: Mapping[str, ClaimError] = field(default_factory=dict)

    def __getattribute__(self, name: str) -> Any:
        # Whoever listens learns which claims are read; nobody does outside a run.
        if name in ("claims", "articles"):
            sys.audit("helpers.read", name, "all")
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        articles = int((~self.articles["across"]).sum())
        return f"{len(self.claims)} claims of {articles} articles; to_frame() lists them"

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())

    def to_frame(self) -> pd.DataFrame:
        """Return the claims as a table to search.

        Returns
        -------
        DataFrame of shape (n_claims, 7) indexed by ``claim``
            ``article``, ``family``, ``statement``, ``kind``, ``stated``, ``unit`` (str) and
            ``as_of`` (day), as the articles' files give them; no verdicts.
        """
        columns = ["article", "family", "statement", "kind", "stated", "unit", "as_of"]
        claims = self.claims
        rows = [[getattr(one, name) for name in columns] for one in claims.values()]
        return pd.DataFrame(rows, pd.Index(claims, name="claim"), columns)

    def get(self, claim_id: str) -> Claim:
        """Return one claim.

        Raises
        ------
        ClaimError
            If there is no such id, or its claim could not be read.
        """
        if claim_id in self.refused:
            raise self.refused[claim_id]
        claims = vars(self)["claims"]
        if claim_id not in claims:
            same = [known for known in claims if known[:2] == str(claim_id)[:2].upper()]
            known = (
                f"{same[0]} to {same[-1]}"
                if same
                else listing(sorted({known[:2] + "-…" for known in claims}))
            )
            raise ClaimError(f"claim {claim_id!r} is in no article; expected one of {known}")
        sys.audit("helpers.read", "claim", claim_id)
        return claims[claim_id]

    def family(self, name: str | None) -> list[Claim]:
        """Return the claims of a family, or all if none is named, in the order of the articles.

        Raises
        ------
        ClaimError
            If there are none.
        """
        sys.audit("helpers.read", *(("claims", "all") if name is None else ("family", name)))
        claims = vars(self)["claims"].values()
        found = [claim for claim in claims if name in (None, claim.family)]
        if not found and name is not None:
            families = sorted({claim.family for claim in claims})
            raise ClaimError(f"family {name!r} is not known{nearest(name, families)}")
        return found

    def of_article(self, name: str) -> list[Claim]:
        """Return the claims of an article.

        Raises
        ------
        ClaimError
            If there is no such article, or its file could not be read.
        """
        if name in self.refused:
            raise self.refused[name]
        if name not in self.articles.index:
            raise ClaimError(f"article {name!r} is not known{nearest(name, self.articles.index)}")
        return [claim for claim in self.claims.values() if claim.article == name]

    def of_story(self, name: str) -> Any:
        """Return the same with the claims and articles of one story alone.

        Raises
        ------
        ClaimError
            If no article belongs to it.
        """
        articles, claims = (vars(self)[held] for held in ("articles", "claims"))
        if name not in set(articles["story"]):
            stories = sorted(set(articles["story"]) - {""})
            raise ClaimError(f"story {name!r} is not known{nearest(name, stories)}")
        claims = {key: one for key, one in claims.items() if one.story == name}
        return replace(self, claims=claims, articles=articles[articles["story"] == name])

    def table(self) -> pd.DataFrame:
        """Return the claims as one flat table of text, calls and bounds as JSON."""
        return pd.DataFrame([_flat(claim) for claim in self.claims.values()], dtype="str")


@datapackage.loading()
def read(path: str | Path | None = None, file: str | Path | None = None) -> Catalogue:
    """Read the articles' files of a data package.

    Parameters
    ----------
    path : str or Path, optional
        Folder of the data package; by default that of :func:`helpers.data.folder`.
    file : str or Path, optional
        Another article's file to read along, in place of the one of its name.

    Returns
    -------
    Catalogue
        Claims that could not be read are in ``refused``; the others are not touched by them.

    Raises
    ------
    DataError
        If the package has no readable descriptor.
    ClaimError
        If it has no articles, or the other file cannot be read.
    """
    package = datapackage.descriptor(path)
    home = package["folder"] / FOLDER
    files = {one.stem: (one, f"{FOLDER}/{one.name}") for one in sorted(home.glob("*.toml"))}
    if file is not None:
        sys.audit("helpers.read", "file", str(Path(file).absolute()))
        files[Path(file).stem] = (Path(file), str(file))
    if not files:
        raise ClaimError(f"{home}: no articles there; expected files such as mybank.toml")
    tables = frozenset(r["path"].removesuffix(".csv") for r in package["resources"])
    rows: dict[str, dict[str, Any]] = {}
    claims: dict[str, Claim] = {}
    refused: dict[str, ClaimError] = {}
    for name, (place, shown) in files.items():
        try:
            top, *rest = blocks(place, shown)
            rows[name] = _article(name, top)
        except ClaimError as error:
            refused[name] = error
            continue
        for block in rest:
            try:
                if block.name in claims:
                    other = claims[block.name].article
                    refused[f"{block.name} of {name}"] = block.error(f"id used before, in {other}")
                else:
                    claims[block.name] = _claim(block, name, rows[name], tables)
            except ClaimError as error:
                refused[block.name] = error
    articles = pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS)
    articles = articles.rename_axis("article").sort_values(["across", "published"], kind="stable")
    revised = frozenset(
        r["path"].removesuffix(".csv") for r in package["resources"] if r.get("revised")
    )
    ordered = {
        key: one for name in articles.index for key, one in claims.items() if one.article == name
    }
    return _joined(Catalogue(ordered, articles, revised, refused))


_NESTED = ("call", "bound", "others", "own", "free", "chance")
_COLUMNS = ("title", "publisher", "published", "address", "story", "across", "note")


def _article(name: str, block: Block) -> dict[str, Any]:
    """Read the top of an article's file."""
    if not _SLUG.fullmatch(name):
        raise ClaimError(f"{block.file}: expected a name of a-z, 0-9 and hyphens")
    given = _given(block, terms.ARTICLE)
    row = dict.fromkeys(_COLUMNS, "") | {"across": False} | given
    return row | {"published": pd.Timestamp(row["published"])}


def _claim(block: Block, article: str, row: Mapping[str, Any], tables: frozenset[str]) -> Claim:
    """Read one claim; what its keys must be to each other is checked here."""
    if not terms.ID.fullmatch(block.name):
        raise ClaimError(f"{block.place()}: expected an id such as MB-01: two capitals, a number")
    given = _given(block, terms.CLAIM)
    as_of, unit = pd.Timestamp(given["as_of"]), given.get("unit", "")
    stated, call = given.get("stated", ""), given.get("measure")
    rule, bound = _rule(block, given, stated, unit)
    if call is not None:
        with block.at("measure", call["measure"]):
            measures.require(call, as_of)
    known = measures.MEASURES[call["measure"]] if call else None
    return Claim(
        claim_id=block.name,
        article=article,
        family=given.get("family", ANY),
        statement=given["says"],
        kind=given["kind"],
        stated=stated,
        unit=unit,
        as_of=as_of,
        measure=given.get("how", ""),
        tolerance=given.get("tolerance", _said(block, rule)),
        basis=given.get("basis", known.basis if known else _UNTESTED_BASIS[bound]),
        needs=_needs(block, given, known, tables),
        note=given.get("note", ""),
        call=call,
        rule=rule,
        bound=bound,
        reading=given.get("reading", "fact"),
        others=_others(block, given.get("others", {}), call, as_of, unit),
        own=_own(block, given.get("own"), unit, rule),
        rests_on=given.get("rests_on", ()),
        free=_free(block, given.get("free"), call),
        chance=given.get("chance", 1),
        changes=given.get("changes", ()),
        story=row["story"],
        across=row["across"],
    )


_UNTESTED_BASIS = dict.fromkeys(grading.UNTESTED, "untestable") | {"licensed data": "private"}


def _given(block: Block, known: Mapping[str, terms.Term], *within: str) -> dict[str, Any]:
    """Read the keys of a block, or of a table in it, by their terms."""
    held = block.held
    for key in within:
        held = held[key]
    for key in held:
        if key not in known:
            raise block.error(f"unknown key{nearest(key, known)}", *within, key)
    for key, term in known.items():
        if term.required and key not in held:
            raise block.error(f"missing; expected {term.means}", *within, key)
    read = {}
    for key, value in held.items():
        with block.at(*within, key):
            read[key] = known[key].read(value)
    return read


def _rule(block: Block, given: Mapping[str, Any], stated: str, unit: str) -> tuple[str, Any]:
    """Read rule and bound, or the reason why there are none."""
    if "untested" in given:
        for key in ("measure", "rule"):
            if key in given:
                raise block.error("expected none beside untested", key)
        return "none", given["untested"]
    for key in ("measure", "rule"):
        if key not in given:
            raise block.error("missing; expected measure and rule, or untested", key)
    with block.at("rule"):
        rule, bound = terms.one_rule(given["rule"], unit)
    asked = [name for one in bound.values() for name in one] if rule == "all of" else [rule]
    if "within" in asked and not _NUMBER.fullmatch(stated):
        raise block.error(f"{excerpt(stated)}: expected one number, since rule is within", "stated")
    return rule, bound


def tolerance(rule: str, asked: Any) -> str:
    """Return in words the tolerance that a rule says itself, its bound as printed."""
    if rule == "same set":
        return "exact"
    if isinstance(asked, Mapping):
        return ""
    number = isinstance(asked, int | Decimal)
    if rule in ("above", "below") and number and asked == 0:
        return "sign"
    words = {"within": "{}", "rank": "rank {}", "at least": "at least {}", "at most": "at most {}",
             "above": "above {}", "below": "below {}"}  # fmt: skip
    return words.get(rule, "exact" if rule == "equal" else "").format(asked)


def _said(block: Block, rule: str) -> str:
    asked = block.held.get("rule", {})
    return tolerance(rule, next(iter(asked.values()), None))


def _needs(
    block: Block,
    given: Mapping[str, Any],
    known: measures.Measure | None,
    tables: frozenset[str],
) -> str:
    """Return the tables a claim rests on, or what would decide it."""
    if known is None:
        return given.get("needs", "")
    needs = given["needs"].split(";") if "needs" in given else known.needs
    for name in needs:
        if name not in tables:
            raise block.error(f"{name!r} is not known{nearest(name, tables)}", "needs")
    return ";".join(needs)


def _others(
    block: Block,
    given: Mapping[str, Any],
    call: Mapping[str, Any] | None,
    as_of: pd.Timestamp,
    unit: str,
) -> dict[str, dict[str, Any]]:
    """Read other readings: the arguments that differ, or a measure whole; how they are judged."""
    found = {}
    for label, value in given.items():
        with block.at("others", label):
            if call is None or not isinstance(value, Mapping):
                shown = excerpt(terms.plain(value))
                raise InputError(f"{shown}: expected {{ arguments }} of the claim's measure")
            one = dict(value)
            whole = terms.call(one.pop("measure")) if "measure" in one else {}
            day = {"as_of": terms.day(one.pop("as_of"))} if "as_of" in one else {}
            judged = {"reading": terms.reading(one.pop("reading"))} if "reading" in one else {}
            if "rule" in one:
                judged["rule"], judged["bound"] = terms.one_rule(one.pop("rule"), unit)
            found[label] = {**whole, **terms.plain(one), **day, **judged}
            measures.require(changed(call, found[label]), pd.Timestamp(day.get("as_of", as_of)))
    return found


def _free(
    block: Block, free: Mapping[str, Any] | None, call: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    for argument in free or ():
        known = measures.MEASURES[call["measure"]].arguments if call else {}
        if argument not in known:
            raise block.error(f"no argument{nearest(argument, known)}", "free", argument)
    return free


def _own(block: Block, given: Any, unit: str, rule: str) -> dict[str, Any] | None:
    """Read how a user's own table decides a claim."""
    if given is None:
        return None
    read = _given(block, terms.OWN, "own")
    known = [r["path"].removesuffix(".csv") for r in own_descriptor()["resources"]]
    with block.at("own", "table"):
        if read["table"] not in known:
            raise InputError(f"{read['table']!r} is not known{nearest(read['table'], known)}")
    with block.at("own", "measure"):
        measures.require(read["measure"])
    own = {"table": read["table"], "call": read["measure"]}
    own |= {"measure": read["how"]} if "how" in read else {}
    own |= {"tolerance": read["tolerance"]} if "tolerance" in read else {}
    if "rule" in read:
        with block.at("own", "rule"):
            own["rule"], own["bound"] = terms.one_rule(read["rule"], unit)
    elif rule == "none":
        raise block.error("missing; the claim itself has no rule", "own", "rule")
    return own


def _joined(found: Catalogue) -> Catalogue:
    """Refuse claims that rest on a claim that is not there."""
    refused = dict(found.refused)
    for claim in found.claims.values():
        for other in claim.rests_on:
            if other not in found.claims and other not in refused:
                refused[claim.claim_id] = ClaimError(
                    f"{FOLDER}/{claim.article}.toml: {claim.claim_id}: rests_on: {other!r} is no "
                    f"claim{nearest(other, found.claims)}"
                )
    kept = {key: one for key, one in found.claims.items() if key not in refused}
    return replace(found, claims=kept, refused=refused)


def changed(call: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call with some arguments replaced, or whole where the changes name a measure.

    None takes an argument away; a day and how it is judged are none.
    """
    merged = dict(changes) if "measure" in changes else {**(call or {}), **changes}
    apart = ("as_of", "reading", "rule", "bound")
    return {name: one for name, one in merged.items() if one is not None and name not in apart}


def _flat(claim: Claim) -> dict[str, str]:
    """Return a claim as one row of text."""

    def as_json(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False) if value not in (None, {}) else ""

    return vars(claim) | {
        "as_of": str(claim.as_of.date()),
        "rests_on": ";".join(claim.rests_on),
        "changes": ";".join(claim.changes),
        "across": str(claim.across).lower(),
        **{name: as_json(getattr(claim, name)) for name in _NESTED},
    }


def _number_or_text(text: str) -> Any:
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        return text
    return int(number) if number.is_integer() else number
