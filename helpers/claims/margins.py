"""How sure a verdict can be: the error of its comparison, and what so few events could decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers import measures
from helpers.claims import grading
from helpers.claims.grading import Grade
from helpers.claims.registry import Claim
from helpers.errors import InputError
from helpers.market import Market
from helpers.measures import Measured

if TYPE_CHECKING:
    from helpers.decidability import Decidability, Evidence

# A day left free counts if another verdict holds on at least this share of the choices.
FREE_SHARE = 0.05
# Choices of several free days at once are drawn; a range is tried in so many steps.
DRAWS, SEED, STEPS = 200, 20260112, 41
_MEANS = {"t": "mean", "t, found to cover 92%": "mean", "sign test": "median"}

Judge = Callable[[Claim, Measured], Grade]


@dataclass(frozen=True)
class Margin:
    """One source of error in a comparison.

    Attributes
    ----------
    source : str
    low, high : float or None
        Between what the measured value lies for it; None where it is no number.
    other : float
        Share of its choices on which the outcome is another one.
    decides : bool
        Whether that leaves the verdict open.
    """

    source: str
    low: float | None
    high: float | None
    other: float
    decides: bool


def margins(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> tuple[Margin, ...]:
    """Return what the comparison behind a fact's verdict may be wrong by.

    Parameters
    ----------
    claim : Claim
    found : Measured
    verdict : Grade
        Without any error.
    market : Market
    judge : callable
        Judges a value measured for the claim.

    Notes
    -----
    What the tolerance holds counts once: the rounding of the stated figure only where the
    tolerance is smaller. Figures that an article sets against each other fit if they do within
    their rounding, so rounding never undoes that they add up as printed.
    """
    if claim.reading != "fact" or verdict.outcome not in (grading.SUPPORTED, grading.CONTRADICTED):
        return ()
    ways = (_of_reading, _of_stated, _of_printed, _of_free_day)
    return tuple(one for way in ways for one in way(claim, found, verdict, market, judge))


def _of_reading(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> Iterator[Margin]:
    """Rounding and age of one dated reading."""
    if "" in found.error:
        low, high = found.error[""]
        yield _range("rounding and age of the reading", low, high, claim, verdict, judge)


def _of_stated(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> Iterator[Margin]:
    """Rounding of the stated figure, where the tolerance is smaller."""
    if claim.rule != "within" or claim.basis == "arithmetic" or not _is_number(found.value):
        return
    half, stated = _half(claim.stated), claim.stated_number
    if stated is None or claim.bound >= half or claim.unit in EXACT:
        return
    near = abs(found.value - stated) <= half
    opened = near and verdict.outcome == grading.CONTRADICTED
    yield Margin(
        "rounding of the stated figure", stated - half, stated + half, float(opened), opened
    )


def _of_printed(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> Iterator[Margin]:
    """Rounding of the figures that an article sets against each other."""
    if claim.kind != "arithmetic" or claim.call is None or not _is_number(found.value):
        return
    low = high = float(found.value)
    for path, figure in _figures(claim.call):
        half = _half(str(figure))
        moved = [
            _measured(market, claim, _put(claim.call, path, figure + step)) - found.value
            for step in (-half, half)
        ]
        low, high = low + min(*moved, 0), high + max(*moved, 0)
    if high > low:
        one = _range("rounding of the printed figures", low, high, claim, verdict, judge)
        held = verdict.outcome == grading.SUPPORTED
        yield Margin(one.source, low, high, 0.0, False) if held else one


def _of_free_day(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> Iterator[Margin]:
    """The day within a month that a claim leaves free."""
    if not claim.free or claim.call is None:
        return
    known = market.until(min(claim.as_of, market.last)).closes.index
    by_month = {str(month): list(days) for month, days in known.groupby(known.to_period("M")).items()}
    values, outcomes = [], []
    for choice in _choices(claim.free, by_month):
        one = measures.measure(market, min(claim.as_of, market.last), {**claim.call, **choice})
        values.append(one.value)
        outcomes.append(judge(claim, one).outcome)
    other = float(np.mean([one != verdict.outcome for one in outcomes]))
    ends = (min(values), max(values)) if all(map(_is_number, values)) else (None, None)
    months = [month for one in claim.free.values() for month in ([one] if isinstance(one, str) else one)]
    source = f"day left free in {', '.join(months)}: another verdict on {other:.0%} of {len(values)}"
    yield Margin(source, *ends, other, other >= FREE_SHARE)


def _choices(free: Mapping[str, Any], days: Mapping[str, list]) -> Iterator[dict[str, Any]]:
    """Yield every choice of one free day, or some of several."""
    ((argument, months),) = free.items()
    if isinstance(months, str):
        yield from ({argument: str(day.date())} for day in days[months])
        return
    rng = np.random.default_rng(SEED)
    for _ in range(DRAWS):
        picked = [days[month][rng.integers(len(days[month]))] for month in months]
        yield {argument: [str(day.date()) for day in picked]}


def _range(
    source: str, low: float, high: float, claim: Claim, verdict: Grade, judge: Judge
) -> Margin:
    outcomes = [judge(claim, Measured(float(v))).outcome for v in np.linspace(low, high, STEPS)]
    other = float(np.mean([one != verdict.outcome for one in outcomes]))
    return Margin(source, low, high, other, other > 0)


def decided(claim: Claim, found: Measured, market: Market) -> tuple[Decidability | None, Evidence | None]:
    """Return what a claim's rule could decide with its events, and what they leave open.

    Parameters
    ----------
    claim : Claim
    found : Measured
    market : Market
        Cut at the claim's as-of day.

    Returns
    -------
    None for a claim that is not about what follows events, or has fewer than two of them.
    """
    from helpers import decidability, multiverse, specifications

    parts = _parts(claim, found)
    if not parts:
        return None, None
    effect = _effect(claim, parts, decidability.MEANINGFUL, decidability.MEANINGFUL_SHARE)
    family = specifications.BY_CLAIM.get(claim.claim_id)
    try:
        if family is not None:
            sample = multiverse.own_sample(family, market)
            if sample is not None:
                return decidability.of_sample(sample, parts, effect, base=family.placebo)
        if "share" in parts and found.n:
            return decidability.decidability(parts, found.n, effect), None
        interval = found.interval["mean"] if isinstance(found.interval, Mapping) else found.interval
        if interval is not None and found.n and found.n > 1 and "mean" in parts:
            spread = decidability.spread_of(interval, found.n)
            return decidability.decidability(parts, found.n, effect, spread), None
    except (InputError, KeyError):
        pass
    return None, None


def _parts(claim: Claim, found: Measured) -> dict[str, dict[str, Any]]:
    """Return the claim's rule by the number it is asked of, as ``decidability`` takes it."""
    if claim.reading == "tendency" and claim.rule == "all of":
        return {name: dict(one) for name, one in claim.bound.items()}
    method = getattr(found.interval, "method", "")
    if claim.reading == "tendency" and method:
        return {_MEANS.get(method, "share"): {claim.rule: claim.bound}}
    if claim.rule == "within" and method in _MEANS and claim.stated_number is not None:
        return {_MEANS[method]: {"within": (claim.stated_number, claim.bound)}}
    return {}


def _effect(claim: Claim, parts: Mapping[str, Any], size: float, share: float) -> float:
    """Return the effect assumed: the stated one, else one worth finding, on the claimed side."""
    ((rule, bound),) = next(iter(parts.values())).items()
    if rule == "within":
        return float(bound[0])
    down = rule in ("below", "at most")
    if "share" in parts:
        return 1 - share if down else share
    return -size if down else size


# Units of figures that are exact as stated: a change of -75 bp has no rounding.
EXACT = ("bp", "sessions", "months", "years", "year", "rank", "cases", "cuts", "streaks", "episodes")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _half(printed: str) -> float:
    """Return half a unit of the last digit of a printed number."""
    exponent = Decimal(printed).as_tuple().exponent
    return float(Decimal(1).scaleb(int(exponent)) / 2)


def _figures(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Yield the numbers of a call and where they stand in it."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, part in pairs:
        if isinstance(part, Mapping | list):
            yield from _figures(part, (*path, key))
        elif _is_number(part) and key != "decimals":
            yield (*path, key), part


def _put(value: Any, path: tuple, figure: float) -> Any:
    """Return a call with one number replaced."""
    if not path:
        return figure
    copy = dict(value) if isinstance(value, Mapping) else list(value)
    copy[path[0]] = _put(copy[path[0]], path[1:], figure)
    return copy


def _measured(market: Market, claim: Claim, call: Mapping[str, Any]) -> float:
    return float(measures.measure(market, min(claim.as_of, market.last), call).value)
