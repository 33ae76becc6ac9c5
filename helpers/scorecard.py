"""What the checks of executed notebooks add up to; nothing is measured or judged here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers import words
from helpers.claims import grading

# The article of the rows that compare articles; it made no statement of its own.
BETWEEN = "all"
# Outcomes of claims that could not be tested, or not yet.
OPEN = (grading.NOT_TESTABLE, grading.PENDING)
_NOTHING = {
    "no definition": "no data as it stands: a definition of what is meant",
    "unfalsifiable": "no data: every outcome would confirm it",
}


def frame(checks: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return checks as a table indexed by claim, one column a field of the check."""
    columns = ["article", "family", "notebook", "statement", "kind", "stated", "measured", "unit"]
    columns += ["as_of", "rule", "bound", "n", "fidelity", "outcome", "reason", "measure", "needs"]
    columns += ["reading", "robustness", "specifications", "p", "beside", "others", "note"]
    columns += ["chance", "forecast", "rests_on", "changes"]
    rows = [[check["claim_id"], *(check.get(name) for name in columns)] for check in checks]
    table = pd.DataFrame(rows, columns=["claim", *columns], dtype=object)
    return table.set_index("claim")


def count(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how many claims had each outcome, by a field.

    Returns
    -------
    DataFrame of int indexed by the values of ``by`` in order of appearance, a column for each
    outcome in the order of ``grading.OUTCOMES``, and ``all``.
    """
    counts = pd.crosstab(table[by], table["outcome"])
    counts = counts.reindex(index=table[by].unique(), columns=list(grading.OUTCOMES), fill_value=0)
    counts.index.name, counts.columns.name = by, None
    return counts.assign(all=counts.sum(axis=1))


def counts(checks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many checks had each outcome, in the order of ``grading.OUTCOMES``."""
    found = Counter(check["outcome"] for check in checks)
    return {outcome: found[outcome] for outcome in grading.OUTCOMES if found[outcome]}


def count_line(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return ``82 claims: 40 supported, 20 contradicted`` and so on."""
    parts = (f"{number} {outcome}" for outcome, number in counts(checks).items())
    return f"{len(checks)} claims: {', '.join(parts)}" if checks else "no claims"


def within(numbers: pd.DataFrame) -> str:
    """Return in words how many of a table of :func:`distances` lie within their tolerance."""
    if numbers.empty:
        return "No stated number can be compared with a measured one yet"
    hits = int(numbers["outcome"].eq(grading.SUPPORTED).sum())
    return f"{hits} of {len(numbers)} stated numbers lie within their tolerance"


def families(checks: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return checks by family, families in the order of their notebooks."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for check in sorted(checks, key=lambda check: check["notebook"]):
        grouped.setdefault(check["family"], []).append(check)
    return grouped


def tests(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims were judged, by what they say and how that is read.

    Returns
    -------
    DataFrame of int indexed by kind, columns ``fact``, ``tendency`` and ``all``; claims that are
    not testable or not due are left out.
    """
    judged = table[~table["outcome"].isin(OPEN)]
    counts = pd.crosstab(judged["kind"], judged["reading"])
    counts = counts.reindex(columns=["fact", "tendency"], fill_value=0)
    counts.columns.name = None
    return counts.assign(all=counts.sum(axis=1)).sort_values("all", ascending=False)


def tendencies(table: pd.DataFrame) -> pd.DataFrame:
    """Return the tendencies' p-values, raw and corrected for how many there are.

    Returns
    -------
    DataFrame indexed by claim: ``statement``, ``outcome``, ``n``, ``p``, ``Holm``,
    ``Benjamini-Hochberg`` and ``agree``, percent of the specifications; those without a p-value
    are left out.
    """
    from helpers.inference import benjamini_hochberg, holm

    own = table[(table["reading"] == "tendency") & table["p"].notna()]
    p = own["p"].astype(float)
    shown = own[["statement", "outcome", "n"]].assign(p=p)
    shown["Holm"], shown["Benjamini-Hochberg"] = holm(p), benjamini_hochberg(p)
    return shown.assign(agree=100 * own["robustness"].astype(float))


def contested(table: pd.DataFrame) -> pd.DataFrame:
    """Return the claims with declared specifications, the least robust first.

    Returns
    -------
    DataFrame indexed by claim: ``statement``, ``outcome``, ``specifications`` and ``agree``,
    percent of them.
    """
    own = table[table["robustness"].notna()]
    shown = own[["statement", "outcome", "specifications"]]
    return shown.assign(agree=100 * own["robustness"].astype(float)).sort_values("agree")


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """Return how far measured lies from stated, in units of each claim's own tolerance.

    Only claims judged by ``within`` on one measured number.

    Returns
    -------
    DataFrame indexed by claim, ``article``, ``stated``, ``measured``, ``unit``, ``tolerance``,
    ``distance`` (positive: more than stated; infinite where equality is asked for and fails) and
    ``outcome``.
    """
    own = table[table["rule"] == "within"]
    own = own[own["measured"].map(words.is_number) & own["bound"].map(words.is_number)]
    stated, measured, tolerance = (
        own[name].astype(float) for name in ("stated", "measured", "bound")
    )
    gap = measured - stated
    distance = (gap / tolerance).where(tolerance > 0, np.sign(gap) * np.inf).where(gap != 0, 0.0)
    columns = {"stated": stated, "measured": measured, "unit": own["unit"]}
    columns |= {"tolerance": tolerance, "distance": distance, "outcome": own["outcome"]}
    return own[["article"]].assign(**columns)


def decided(table: pd.DataFrame) -> pd.DataFrame:
    """Return the claims about the world that could be tested and were due.

    Left out are sums with an article's own figures and comparisons of articles, which say whether
    figures fit together, not whether they are true.
    """
    own = (table["article"] != BETWEEN) & (table["kind"] != "arithmetic")
    return table[~table["outcome"].isin(OPEN) & own]


def contradictions(table: pd.DataFrame, between: bool) -> pd.DataFrame:
    """Return the claims about articles' own figures that do not hold.

    Parameters
    ----------
    table : DataFrame
    between : bool
        Those that compare articles, else those inside one article.

    Returns
    -------
    DataFrame indexed by claim, ``article``, ``what was said``, ``stated``, ``found``, ``beside``.
    """
    broken = (table["kind"] == "arithmetic") & (table["outcome"] == grading.CONTRADICTED)
    own = table[broken & ((table["article"] == BETWEEN) == between)]
    return pd.DataFrame(
        {
            "article": own["article"],
            "what was said": own["statement"],
            "stated": own["stated"].map(words.value),
            "found": [words.measured(row) for _, row in own.iterrows()],
            "beside": own["beside"],
        }
    )


def turns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the other readings of claims that would change their outcome.

    A reading that is pending decides nothing and is left out.

    Returns
    -------
    DataFrame indexed by claim, ``article``, ``statement``, ``outcome``, ``other reading``,
    ``measured then`` and ``outcome then``; a claim once for each such reading.
    """
    rows = [
        {
            "claim": claim,
            "article": row["article"],
            "statement": row["statement"],
            "outcome": row["outcome"],
            "other reading": other["reading"],
            "measured then": words.quantity(other["measured"], row["unit"]),
            "outcome then": other["outcome"],
        }
        for claim, row in table.iterrows()
        for other in row["others"] or ()
        if other["outcome"] not in (row["outcome"], grading.PENDING)
    ]
    columns = ["claim", "article", "statement", "outcome", "other reading"]
    columns += ["measured then", "outcome then"]
    return pd.DataFrame(rows, columns=columns).set_index("claim")


def untested(table: pd.DataFrame) -> pd.DataFrame:
    """Return the claims that could not be tested, those that wait for the same data together.

    Returns
    -------
    DataFrame indexed by claim, ``article``, ``statement``, ``reason``, ``what would decide it``.
    """
    own = table[table["outcome"] == grading.NOT_TESTABLE]
    wanted = own["needs"].where(own["needs"].astype(bool), own["reason"].map(_NOTHING))
    found = own[["article", "statement", "reason"]].assign(**{"what would decide it": wanted})
    order = found.sort_values("what would decide it", kind="stable")
    return order.sort_values("reason", kind="stable")


def pending(table: pd.DataFrame) -> pd.DataFrame:
    """Return the claims that are not due, the next first.

    Returns
    -------
    DataFrame indexed by claim, ``due``, ``article``, ``statement``, ``stated``, ``so far``.
    """
    own = table[table["outcome"] == grading.PENDING]
    found = pd.DataFrame(
        {
            "due": own["as_of"],
            "article": own["article"],
            "statement": own["statement"],
            "stated": own["stated"].map(words.value),
            "so far": [words.measured(row) for _, row in own.iterrows()],
        }
    )
    return found.sort_values("due", kind="stable")


def robustness(table: pd.DataFrame) -> pd.DataFrame:
    """Return the share supported of each article when claims are counted in other ways.

    Returns
    -------
    DataFrame indexed by article, in percent: ``as shown``, ``partly counts``, ``without
    inconclusive``, ``same data only`` and ``best reading`` (any of the row's readings supported);
    NaN where nothing is left.
    """
    own = decided(table)
    right = own["outcome"] == grading.SUPPORTED
    partly = own["outcome"] == grading.PARTLY
    best = [
        any(other["outcome"] == grading.SUPPORTED for other in others or ())
        for others in own["others"]
    ]
    every = pd.Series(True, index=own.index)
    ways = {
        "as shown": (right, every),
        "partly counts": (right | partly, every),
        "without inconclusive": (right, own["outcome"] != grading.INCONCLUSIVE),
        "same data only": (right, own["fidelity"] == "same data"),
        "best reading": (right | np.array(best, bool), every),
    }
    shares = {
        name: 100 * hit[kept].astype(float).groupby(own["article"][kept]).mean()
        for name, (hit, kept) in ways.items()
    }
    return pd.DataFrame(shares).sort_values("as shown", ascending=False, kind="stable")


def robustness_words(ways: pd.DataFrame, table: pd.DataFrame) -> str:
    """Return in words whether first and last place hold however claims are counted."""
    if ways.empty:
        return "No claim of an article could be tested and was due."
    ways = ways.dropna(axis=1, how="all")
    lines, total = [], len(ways.columns)
    for word, places in (("Most", ways.idxmax()), ("Least", ways.idxmin())):
        own = places["as shown"]
        other = {way: name for way, name in places.items() if name != own}
        said = "; ".join(f"{way}: {name}" for way, name in other.items())
        held = f"in {total - len(other)} of {total} ways of counting"
        lines.append(f"- {word} often right is {own} {held}{f' ({said})' if said else ''}.")
    own = decided(table)
    numbers = own[own["rule"] == "within"]
    lines.append(
        f"- Of {len(own)} tested claims of articles {len(numbers)} are judged by a tolerance, "
        f"which is written down with it."
    )
    return "\n".join(lines)
