"""A notebook's answer in three lines: what was claimed, what was found, what would change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from IPython.display import Markdown

from helpers import claims, multiverse, pairs, specifications, words
from helpers.claims import grading
from helpers.interval import Interval

if TYPE_CHECKING:
    from helpers.notebook import Run


def box(claimed: str, found: str, change: str) -> Markdown:
    """Return three lines as the box that begins a notebook and its page."""
    lines = {"Claimed": claimed, "Found": found, "What would change it": change}
    whole = "\n>\n".join(f"> **{name}:** {text}" for name, text in lines.items())
    return Markdown(words.prose(pairs.named(whole)))


def answer(run: Run, *claim_ids: str, found: str, change: str = "") -> Markdown:
    """Return a notebook's answer, made of its main claims and what its study found.

    Parameters
    ----------
    run : Run
        Its claims are judged here too, but not counted as checked; on a pair of the user's own
        none is.
    *claim_ids : str
        The claims that the notebook is mainly about.
    found : str
        What the study found, in a sentence or two.
    change : str
        What would change it beyond the readings and choices that the claims declare.
    """
    if run.pair is not None:
        return box("No claim is judged on this pair.", found, change or "Other parameters.")
    registry, apart = run.claims, run.claims.on(run.market)
    checks = [apart.check(claim_id) for claim_id in claim_ids]
    said = "; ".join(f"{c.claim.statement} ({c.claim.article}, {c.claim.claim_id})" for c in checks)
    sure = [text for check in checks for text in _how_sure(check)]
    curves = [pair for check in checks if (pair := _readings(registry, check))]
    parts = [found, *map(_verdict, checks), *sure, *(ran for ran, _ in curves[:1])]
    turned = [text for check in checks for text in _turned(check)]
    others = "; ".join(turned) or "No other reading that these claims name gives another verdict"
    ends = [change, f"{others}.", *(moved for _, moved in curves)]
    return box(f"{said}.", _joined(parts), _joined(ends))


def _verdict(check: claims.Check) -> str:
    mark = claims.MARKS[check.grade.outcome]
    return f"{check.claim.claim_id}: {mark} **{check.grade.outcome}**, {check.grade.reason}."


def _how_sure(check: claims.Check) -> Iterable[str]:
    """Say that an interval holds what is stated, where it does: few cases cannot tell."""
    stated, interval = check.claim.stated_number, check.interval
    if not isinstance(interval, Interval) or stated is None:
        return
    low, high = interval.low, interval.high
    if check.grade.outcome == grading.CONTRADICTED and low <= stated <= high:
        yield (
            f"The {interval.level:.0%} interval, {words.fixed(low, 0)} to "
            f"{words.fixed(high, 0)}, holds the stated {words.number(stated)}: the figure is "
            f"not what these data give, but {check.n} cases are too few to rule it out."
        )


def _readings(registry: claims.Registry, check: claims.Check) -> tuple[str, str] | None:
    """Say where a claim's declared specifications lie, and which choice moves them most."""
    name = check.claim.claim_id
    family = specifications.BY_CLAIM.get(name)
    if family is None or check.robustness is None:
        return None
    curve = multiverse.curve(family, registry.market.until(check.claim.as_of))
    found, moved = curve.summary(), multiverse.influence(curve).iloc[0]
    low, middle, high = (words.fixed(found[end]) for end in ("lowest", "median", "highest"))
    return (
        f"Over {len(curve.table)} reasonable readings the estimate runs from {low} to {high}, half "
        f"of them above {middle} ({family.unit}); {check.robustness:.0%} agree with {name}.",
        f"The choice that moves {name} most: {moved.name}.",
    )


def _turned(check: claims.Check) -> Iterable[str]:
    for other in check.others:
        if other["outcome"] not in (check.grade.outcome, grading.PENDING):
            yield f"{check.claim.claim_id} is {other['outcome']} by “{other['reading']}”"


def _joined(parts: Iterable[str]) -> str:
    return " ".join(filter(None, parts))
