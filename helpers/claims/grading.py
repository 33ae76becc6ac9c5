"""Judge a measured value: rule, bound and measured value in, outcome and reason out.

Pure: no data, no dates of today, no tables. What a rule asks of one measured number:

=============  =======================  ====================================================
rule           bound                    passes when the measured value …
=============  =======================  ====================================================
``within``     tolerance                lies at most the tolerance from the stated number
``at least``   number                   is the bound or more
``at most``    number                   is the bound or less
``above``      number                   is more than the bound
``below``      number                   is less than the bound
``in range``   [low, high]              lies between the two, ends included (numbers or ISO
                                        dates)
``equal``      value                    is the bound: number, text, date or list
``same set``   list of members          has the same members, in any order
``rank``       number                   is a rank no worse than the bound
``all of``     name → {rule: bound}     passes each named rule; ``{"each": {rule: bound}}``
                                        asks the same of every measured number
``none``       reason                   the claim is not tested, for that reason
=============  =======================  ====================================================

What that makes of the claim:

==========  =====================================  ===========================================
reading     case                                   outcome
==========  =====================================  ===========================================
fact        passes / fails                         supported / contradicted
fact        ``same set``: not the same, but at     partly supported (fewer: contradicted)
            least half of the stated members
            are found
fact        a plain rule whose bound is keyed by   all pass: supported; some: partly
            name: the literal readings of one      supported; none: contradicted
            claim
fact        ``all of``                             all pass: supported; else contradicted
tendency    the interval lies wholly on the        supported / contradicted
            claimed side of the bound / wholly
            on the other
tendency    the interval holds the bound, or       inconclusive
            there is none
tendency    ``all of``                             all supported: supported; one contradicted:
                                                   contradicted; else inconclusive
estimates   the rule is asked of each provider's   all pass: supported; none: contradicted;
            estimate, beyond its error             else inconclusive
estimates   ``all of``: so for each name           all supported: supported; one contradicted:
                                                   contradicted; else inconclusive
any         rule ``none``                          not testable
any         not due (see ``claims``)               pending
fact        another verdict lies within the error  inconclusive: too close to tell
            of the comparison (see ``margins``)
forecast    due, but stated as a chance            inconclusive: only a chance was stated
tendency    inconclusive, and neither verdict had  inconclusive: too few events to decide
            a chance of one half
any         passes, but so few specifications do   inconclusive
            as would be improbable if the claim
            were true (see ``robustness``)
==========  =====================================  ===========================================

Numbers are compared with a slack of 1e-9, so that a tolerance includes its edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.interval import Interval

SUPPORTED, PARTLY, CONTRADICTED = "supported", "partly supported", "contradicted"
INCONCLUSIVE, NOT_TESTABLE, PENDING = "inconclusive", "not testable", "pending"
OUTCOMES = (SUPPORTED, PARTLY, CONTRADICTED, INCONCLUSIVE, NOT_TESTABLE, PENDING)

REASONS = (
    "within tolerance",
    "outside tolerance",
    "right sign",
    "wrong sign",
    "bound reached",
    "bound missed",
    "same value",
    "another value",
    "right date",
    "wrong date",
    "not a trading day",
    "same set",
    "only part of the set",
    "more than the set",
    "another set",
    "rank reached",
    "rank missed",
    "all conditions hold",
    "a condition fails",
    "both readings agree",
    "the readings part",
    "no reading agrees",
    "adds up",
    "contradicts itself",
    "articles disagree",
    "interval clears the bound",
    "interval spans the bound",
    "interval beyond the bound",
    "too few events",
    "too few events to decide",
    "most specifications disagree",
    "all estimates agree",
    "no estimate agrees",
    "the estimates disagree",
    "too close to tell",
    "only a chance was stated",
    "not measured",
    "licensed data",
    "no definition",
    "unfalsifiable",
    "no measure yet",
    "not due",
)
# Why a claim may not be tested at all.
UNTESTED = ("licensed data", "no definition", "unfalsifiable", "no measure yet")

SIDES = ("at least", "at most", "above", "below")
RULES = ("within", *SIDES, "in range", "equal", "same set", "rank", "all of", "none")
FIDELITIES = (
    "same data",
    "revised data",
    "proxy",
    "dated readings",
    "arithmetic",
    "none",
)

_SLACK = 1e-9


class GradingError(ValueError):
    """A rule, bound or measured value that do not fit together."""


@dataclass(frozen=True)
class Grade:
    """An outcome and the reason for it, each from its closed list."""

    outcome: str
    reason: str

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES or self.reason not in REASONS:
            raise GradingError(f"unknown outcome or reason: {self.outcome!r}, {self.reason!r}")


def grade(
    rule: str,
    bound: Any,
    measured: Any,
    *,
    stated: float | None = None,
    reading: str = "fact",
    interval: Interval | Mapping[str, Interval | None] | None = None,
    conflict: str = "",
    error: Mapping[str, Any] | None = None,
) -> Grade:
    """Judge one claim.

    Parameters
    ----------
    rule : str
        One of ``RULES``.
    bound : number, str, list or dict
        As the table above says.
    measured : number, str, list or dict
        What was found; a dict where several numbers count. NaN and None are not measured.
    stated : float, optional
        The number the claim states; ``within`` needs it.
    reading : {"fact", "tendency", "estimates"}
    interval : Interval or dict of them, optional
        Decides a tendency; keyed like ``measured`` where several numbers count.
    error : dict, optional
        Between what each estimate may lie, [low, high] by the names of ``measured``.
    conflict : {"", "contradicts itself", "articles disagree"}
        For a claim about the articles' own figures: what its failure shows.

    Returns
    -------
    Grade

    Raises
    ------
    GradingError
        If rule, bound and measured value do not fit together.
    """
    if rule not in RULES:
        raise GradingError(f"rule {rule!r}: expected one of {', '.join(RULES)}")
    if rule == "none":
        return Grade(NOT_TESTABLE, bound)
    if _absent(measured):
        return Grade(INCONCLUSIVE, "not measured")
    if reading == "tendency":
        return _tendency(rule, bound, measured, interval)
    if reading == "estimates":
        return _estimates(rule, bound, measured, stated, error or {})
    verdict = _fact(rule, bound, measured, stated)
    if conflict and verdict.outcome in (SUPPORTED, CONTRADICTED):
        passed = verdict.outcome == SUPPORTED
        return Grade(verdict.outcome, "adds up" if passed else conflict)
    return verdict


def tempered(
    verdict: Grade,
    *,
    open_ended: bool = False,
    asserted: bool = True,
    decidable: bool = True,
    reversed_: bool = False,
) -> Grade:
    """Return a verdict by rule and bound as what surrounds it leaves it: inconclusive, or as it is.

    Parameters
    ----------
    verdict : Grade
    open_ended : bool
        Whether another verdict lies within the error of the comparison.
    asserted : bool
        Whether a forecast was plainly asserted; one outcome cannot refute a chance.
    decidable : bool
        Whether its rule could have reached a verdict with so few events.
    reversed_ : bool
        Whether so few specifications agree as would be improbable if the claim were true.
    """
    held = verdict.outcome in (SUPPORTED, PARTLY)
    if not asserted and (held or verdict.outcome == CONTRADICTED):
        return Grade(INCONCLUSIVE, "only a chance was stated")
    if open_ended and (held or verdict.outcome == CONTRADICTED):
        return Grade(INCONCLUSIVE, "too close to tell")
    if held and reversed_:
        return Grade(INCONCLUSIVE, "most specifications disagree")
    if verdict.reason in ("interval spans the bound", "too few events") and not decidable:
        return Grade(INCONCLUSIVE, "too few events to decide")
    return verdict


def require_bound(rule: str, bound: Any) -> None:
    """Refuse a bound that does not fit its rule, before anything is measured.

    Raises
    ------
    GradingError
        Naming the rule, the bound and what was expected.
    """
    expected = {
        "in range": "[low, high], two numbers or two days in order",
        "within": "a number, 0 or more",
        "same set": "a list",
        "all of": "name → rule → bound",
    }
    keyed = isinstance(bound, Mapping) and rule not in ("all of", "none")
    for one in bound.values() if keyed else [bound]:
        if not _fits(rule, one):
            wanted = expected.get(rule, "a number")
            raise GradingError(f"rule {rule!r}: bound {one!r}: expected {wanted}")


def _fits(rule: str, bound: Any) -> bool:
    number = _is_number(bound)
    match rule:
        case "equal":
            return True
        case "none":
            return bound in UNTESTED
        case "same set":
            return isinstance(bound, list)
        case "in range":
            return _is_range(bound)
        case "within":
            return number and bound >= 0
        case "all of":
            return isinstance(bound, Mapping) and all(
                isinstance(one, Mapping) and len(one) == 1 and _fits(*next(iter(one.items())))
                for one in (bound.values())
            )
    return rule in RULES and number


def _is_range(bound: Any) -> bool:
    """Tell whether a bound is two numbers, or two texts such as ISO dates, in order."""
    if not isinstance(bound, list) or len(bound) != 2:
        return False
    low, high = bound
    alike = isinstance(low, str) and isinstance(high, str)
    return (alike or (_is_number(low) and _is_number(high))) and low <= high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def passes(rule: str, bound: Any, measured: Any, stated: float | None = None) -> bool:
    """Tell whether one measured value passes one rule; see the module's table."""
    match rule:
        case "within":
            if stated is None:
                raise GradingError("rule 'within': expected a stated number")
            return abs(_number(measured) - stated) <= bound + _SLACK
        case "at least":
            return _number(measured) >= bound - _SLACK
        case "at most" | "rank":
            return _number(measured) <= bound + _SLACK
        case "above":
            return _number(measured) > bound + _SLACK
        case "below":
            return _number(measured) < bound - _SLACK
        case "in range":
            return _between(bound, measured)
        case "equal":
            return _same(bound, measured)
        case "same set":
            found, stated_too = _matched(bound, measured), _matched(measured, bound)
            return found == len(bound) == len(measured) == stated_too
    raise GradingError(f"rule {rule!r}: expected a rule for one value")


def _fact(rule: str, bound: Any, measured: Any, stated: float | None) -> Grade:
    if rule == "all of":
        rules = _rules_by_name(bound, measured)
        held = [passes(*one, measured[name]) for name, one in rules.items()]
        return _either(all(held), "all conditions hold", "a condition fails")
    if isinstance(bound, Mapping):
        return _readings(rule, bound, measured, stated)
    passed = passes(rule, bound, measured, stated)
    if rule == "same set":
        return _set(bound, measured, passed)
    return _either(passed, *_words(rule, bound, measured))


def _readings(rule: str, bound: Mapping, measured: Any, stated: float | None) -> Grade:
    """Judge a claim by each of its literal readings."""
    _require_names(bound, measured)
    held = [passes(rule, bound[name], measured[name], stated) for name in bound]
    if all(held):
        return Grade(SUPPORTED, "both readings agree")
    if any(held):
        return Grade(PARTLY, "the readings part")
    return Grade(CONTRADICTED, "no reading agrees")


def _set(bound: list, measured: list, passed: bool) -> Grade:
    if passed:
        return Grade(SUPPORTED, "same set")
    found = _matched(bound, measured)
    if 2 * found >= len(bound):
        return Grade(PARTLY, "more than the set" if found == len(bound) else "only part of the set")
    return Grade(CONTRADICTED, "another set")


def _tendency(rule: str, bound: Any, measured: Any, interval: Any) -> Grade:
    if rule != "all of":
        return _side(rule, bound, interval, measured)
    intervals = interval or {}
    rules = _rules_by_name(bound, measured)
    return _worst([_side(*one, intervals.get(name), measured[name]) for name, one in rules.items()])


def _estimates(
    rule: str, bound: Any, measured: Any, stated: float | None, error: Mapping[str, Any]
) -> Grade:
    """Judge by every provider's estimate: they must all lie on one side, beyond their errors."""
    if rule == "all of":
        parts = [
            _estimates(*one, measured[name], stated, error.get(name, {}))
            for name, one in _rules_by_name(bound, measured).items()
        ]
        worst = _worst(parts)
        mixed = worst.outcome == CONTRADICTED and len({part.outcome for part in parts}) > 1
        return Grade(CONTRADICTED, "a condition fails") if mixed else worst
    if not isinstance(measured, Mapping):  # of a user's own table: one figure
        return _fact(rule, bound, measured, stated)
    sides = [
        {passes(rule, bound, one, stated) for one in _across(*error.get(name, (value, value)))}
        for name, value in measured.items()
    ]
    if sides and all(side == {True} for side in sides):
        return Grade(SUPPORTED, "all estimates agree")
    if all(side == {False} for side in sides):
        return Grade(CONTRADICTED, "no estimate agrees")
    parted = {True} in sides and {False} in sides
    return Grade(INCONCLUSIVE, "the estimates disagree" if parted else "too close to tell")


def _across(low: float, high: float) -> list[float]:
    """Return values in steps from low to high: a bound may lie anywhere between."""
    return [low + (high - low) * step / 40 for step in range(41)]


def _worst(grades: list[Grade]) -> Grade:
    for outcome in (CONTRADICTED, INCONCLUSIVE):
        for verdict in grades:
            if verdict.outcome == outcome:
                return verdict
    return grades[0]


def _side(rule: str, bound: float, interval: Interval | None, measured: Any) -> Grade:
    """Judge one tendency: its interval must lie wholly on one side of the bound."""
    if rule not in SIDES:
        raise GradingError(f"rule {rule!r}: a tendency expects one of {', '.join(SIDES)}")
    _number(measured)
    if interval is None:
        return Grade(INCONCLUSIVE, "too few events")
    up = rule in ("at least", "above")
    claimed_end, other_end = (interval.low, interval.high) if up else (interval.high, interval.low)
    if passes(rule, bound, claimed_end):
        return Grade(SUPPORTED, "interval clears the bound")
    if not passes(rule, bound, other_end):
        return Grade(CONTRADICTED, "interval beyond the bound")
    return Grade(INCONCLUSIVE, "interval spans the bound")


def _rules_by_name(bound: Any, measured: Any) -> dict[str, tuple[str, Any]]:
    """Return name → (rule, bound) for ``all of``."""
    if not isinstance(bound, Mapping) or not isinstance(measured, Mapping):
        raise GradingError("rule 'all of': expected bound and measured value keyed by name")
    if set(bound) == {"each"}:
        bound = dict.fromkeys(measured, bound["each"])
    _require_names(bound, measured)
    pairs = {}
    for name, one in bound.items():
        if not isinstance(one, Mapping) or len(one) != 1:
            raise GradingError(f"rule 'all of': {name!r}: expected {{rule: bound}}, got {one!r}")
        pairs[name] = next(iter(one.items()))
    return pairs


def _require_names(bound: Mapping, measured: Any) -> None:
    if not isinstance(measured, Mapping) or set(bound) - set(measured):
        raise GradingError(f"expected measured values named {', '.join(map(str, bound))}")


def _either(passed: bool, good: str, bad: str) -> Grade:
    return Grade(SUPPORTED, good) if passed else Grade(CONTRADICTED, bad)


def _words(rule: str, bound: Any, measured: Any) -> tuple[str, str]:
    """Return the reasons of a pass and of a failure."""
    if rule in ("within", "in range"):
        return "within tolerance", "outside tolerance"
    if rule == "rank":
        return "rank reached", "rank missed"
    if rule == "equal":
        dated = isinstance(bound, str) and bound[:4].isdigit()
        return ("right date", "wrong date") if dated else ("same value", "another value")
    if bound == 0 and rule in ("above", "below"):
        return "right sign", "wrong sign"
    return "bound reached", "bound missed"


def _between(bound: list, measured: Any) -> bool:
    low, high = bound
    if isinstance(low, str):
        return isinstance(measured, str) and low <= measured <= high
    return low - _SLACK <= _number(measured) <= high + _SLACK


def _same(bound: Any, measured: Any) -> bool:
    if isinstance(bound, list):
        return (
            isinstance(measured, list)
            and len(bound) == len(measured)
            and all(map(_same, bound, measured))
        )
    if _is_number(bound):
        return abs(_number(measured) - bound) <= _SLACK
    if isinstance(bound, str) and _is_number(measured):
        raise GradingError(f"rule 'equal': bound {bound!r} is text, measured {measured!r} a number")
    return bound == measured


def _matched(bound: list, measured: Any) -> int:
    """Count the stated members that were found."""
    if not isinstance(measured, list):
        raise GradingError(f"expected a list of members, got {measured!r}")
    return sum(any(_alike(member, found) for found in measured) for member in bound)


def _alike(member: Any, found: Any) -> bool:
    numbers = isinstance(member, int | float) and isinstance(found, int | float)
    return abs(member - found) <= _SLACK if numbers else member == found


def _number(value: Any) -> float:
    if not _is_number(value):
        raise GradingError(f"expected a number, got {value!r}")
    return float(value)


def _absent(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not value or any(_absent(part) for part in value.values())
    return value is None or (isinstance(value, float) and math.isnan(value))
