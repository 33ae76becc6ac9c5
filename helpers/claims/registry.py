"""The registry: rows of ``claims.csv`` and ``articles.csv`` into claims."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from helpers import data, measures
from helpers.claims import grading
from helpers.errors import InputError, excerpt, listing

# What the registry takes for a number; Python itself also reads 1_000, nan and other digits.
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")
TESTS = tuple(rule for rule in grading.RULES if rule != "none")


class ClaimError(InputError):
    """A claim that is not in the registry, or a row of it that cannot be used."""


@dataclass(frozen=True)
class Claim:
    """One row of ``claims.csv``; the meaning of each field stands in ``datapackage.json``."""

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
        terms = {name: term for name, term in (self.own or {}).items() if name != "table"}
        return replace(self, others={}, own=None, **terms)


@dataclass(frozen=True)
class Catalogue:
    """The claims and their articles as the files give them; nothing is measured here.

    Attributes
    ----------
    claims : dict
        Claim by its id, in the order of the files.
    articles : DataFrame indexed by article
    revised : frozenset of str
        Tables whose history the provider revises.
    """

    claims: dict[str, Claim]
    articles: pd.DataFrame
    revised: frozenset[str] = frozenset()

    def get(self, claim_id: str) -> Claim:
        """Return one claim.

        Raises
        ------
        ClaimError
            If there is no such id; the message names near ones.
        """
        if claim_id not in self.claims:
            same = [known for known in self.claims if known[:2] == str(claim_id)[:2].upper()]
            known = (
                f"{same[0]} to {same[-1]}"
                if same
                else listing(sorted({known[:2] + "-…" for known in self.claims}))
            )
            raise ClaimError(f"claim {claim_id!r} is not in claims.csv; expected one of {known}")
        return self.claims[claim_id]

    def family(self, name: str) -> list[Claim]:
        """Return the claims of a family, in the order of the table.

        Raises
        ------
        ClaimError
            If there are none.
        """
        found = [claim for claim in self.claims.values() if claim.family == name]
        if not found:
            families = listing(sorted({claim.family for claim in self.claims.values()}))
            raise ClaimError(f"family {name!r}: expected one of {families}")
        return found


def read(path: str | None = None) -> Catalogue:
    """Read ``claims.csv`` and ``articles.csv`` and check them like any other table.

    Parameters
    ----------
    path : str, optional
        Folder of the data package; by default that of :func:`helpers.data.folder`.

    Raises
    ------
    DataError
        If a table breaks its schema.
    ClaimError
        If a row names an article that is not listed, or a call or bound that is not JSON or
        does not fit.
    """
    package = data.descriptor(path)
    articles = data.table(package, "articles").set_index("article")
    rows = data.table(package, "claims")
    return Catalogue(
        claims={row["claim_id"]: _claim(row, articles) for row in rows.to_dict("records")},
        articles=articles,
        revised=frozenset(
            r["path"].removesuffix(".csv") for r in package["resources"] if r.get("revised")
        ),
    )


def _claim(row: dict[str, Any], articles: pd.DataFrame) -> Claim:
    """Turn one row of the table into a claim; what its schema cannot say is checked here."""
    name = row["claim_id"]
    if row["article"] not in articles.index:
        raise ClaimError(
            f"claims.csv: {name}: article {excerpt(row['article'])}: expected one of "
            f"{listing(articles.index)[:300]}"
        )
    call = _json(name, "call", row["call"]) if row["call"] else None
    bound = _json(name, "bound", row["bound"])
    if call is not None and (
        not isinstance(call, dict) or call.get("measure") not in measures.MEASURES
    ):
        raise ClaimError(
            f"claims.csv: {name}: call {excerpt(row['call'])}: expected a known measure"
        )
    if row["rule"] == "none" and bound not in grading.REASONS:
        raise ClaimError(
            f"claims.csv: {name}: bound {excerpt(bound)}: expected a reason of claims.grading"
        )
    _check_terms(name, row["rule"], bound, call)
    others = _json(name, "others", row["others"]) if row["others"] else {}
    if not isinstance(others, dict) or not all(isinstance(one, dict) for one in others.values()):
        found = excerpt(row["others"])
        raise ClaimError(f"claims.csv: {name}: others {found}: expected label → arguments")
    for changes in others.values():
        _check_terms(name, row["rule"], bound, changed(call, changes))
    own = _json(name, "own", row["own"]) if row["own"] else None
    if own is not None:
        _check_own(name, row["rule"], own)
    return Claim(**(row | {"call": call, "bound": bound, "others": others, "own": own}))


def changed(call: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call with some arguments replaced; None takes one away, ``as_of`` is none."""
    merged = {**(call or {}), **changes}
    return {k: v for k, v in merged.items() if v is not None and k != "as_of"}


def _check_terms(name: str, rule: str, bound: Any, call: Mapping[str, Any] | None) -> None:
    """Refuse a bound that does not fit its rule, or arguments that do not fit their measure."""
    try:
        grading.require_bound(rule, bound)
        if call is not None:
            measures.require(call)
    except (grading.GradingError, InputError) as error:
        raise ClaimError(f"claims.csv: {name}: {str(error)[:300]}") from None


def _check_own(name: str, rule: str, own: Any) -> None:
    """Refuse what does not say how a user's own table decides a claim."""
    terms = ("table", "call", "measure", "tolerance", "rule", "bound")

    def refuse(what: str) -> None:
        raise ClaimError(f"claims.csv: {name}: own: expected {what}")

    if not isinstance(own, dict) or set(own) - set(terms):
        refuse(f"an object of {listing(terms)}")
    if own.get("table") not in data.OWN_TABLES:
        refuse(f"table as one of {listing(data.OWN_TABLES)}")
    call = own.get("call")
    if not isinstance(call, dict) or call.get("measure") not in measures.MEASURES:
        refuse("call with a known measure")
    if ("rule" in own) != ("bound" in own) or own.get("rule", rule) not in TESTS:
        refuse(f"rule and bound, the rule one of {listing(TESTS)}")


def _json(claim_id: str, column: str, text: str) -> Any:
    """Read JSON that has one meaning: no name twice in an object, no number without an end."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError
        return dict(pairs)

    def finite(number: str) -> float:
        if not math.isfinite(float(number)):
            raise ValueError
        return float(number)

    try:
        return json.loads(text, object_pairs_hook=once, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError):
        raise ClaimError(
            f"claims.csv: {claim_id}: {column} {excerpt(text)}: expected JSON"
        ) from None


def _number_or_text(text: str) -> Any:
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        return text
    return int(number) if number.is_integer() else number
