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
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures import Measured

if TYPE_CHECKING:
    from helpers.decidability import Decidability, Evidence

# A day left free counts if another verdict holds on at least this share of the choices.
FREE_SHARE = 0.05
# Choices of several free days at once are drawn; a range is tried in so many steps.
DRAWS, SEED, STEPS = 200, 20260112, 41
# Units of figures that are exact as stated: a change of -75 bp has no rounding.
EXACT = frozenset(
    ["bp", "sessions", "months", "years", "year", "rank", "cases", "cuts", "streaks", "episodes"]
)
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
    """Yield the rounding and age of one dated reading."""
    if "" in found.error:
        low, high = found.error[""]
        yield _range("rounding and age of the reading", low, high, claim, verdict, judge)


def _of_stated(
    claim: Claim, found: Measured, verdict: Grade, market: Market, judge: Judge
) -> Iterator[Margin]:
    """Yield the rounding of the stated figure, where the tolerance is smaller."""
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
    """Yield the rounding of the figures that an article sets against each other."""
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
    """Yield what the day within a month, left free by the claim, changes."""
    if not claim.free or claim.call is None:
        return
    day = min(claim.as_of, market.day)
    known = market.until(day).closes.index
    days = {str(month): list(one) for month, one in known.groupby(known.to_period("M")).items()}
    ((argument, months),) = claim.free.items()
    tried = [
        measures.measure(market, day, {**claim.call, argument: choice})
        for choice in _choices(months, days)
    ]
    other = float(np.mean([judge(claim, one).outcome != verdict.outcome for one in tried]))
    values = [one.value for one in tried if _is_number(one.value)]
    low, high = (min(values), max(values)) if values else (None, None)
    if isinstance(months, Mapping):
        source = f"{argument} left free: {listing(months['any'])}"
    else:
        source = f"day left free in {months if isinstance(months, str) else listing(months)}"
    yield Margin(f"{source}, {len(tried)} choices", low, high, other, other >= FREE_SHARE)


def _choices(months: Any, days: Mapping[str, list]) -> Iterator[Any]:
    """Yield every choice of one free day, or value, or some choices of several days."""
    if isinstance(months, Mapping):
        yield from months["any"]
        return
    if isinstance(months, str):
        yield from (str(day.date()) for day in days[months])
        return
    rng = np.random.default_rng(SEED)
    for _ in range(DRAWS):
        picked = [days[month][rng.integers(len(days[month]))] for month in months]
        yield [str(day.date()) for day in picked]


def _range(
    source: str, low: float, high: float, claim: Claim, verdict: Grade, judge: Judge
) -> Margin:
    outcomes = [judge(claim, Measured(float(v))).outcome for v in np.linspace(low, high, STEPS)]
    other = float(np.mean([one != verdict.outcome for one in outcomes]))
    return Margin(source, low, high, other, other > 0)


def decided(
    claim: Claim, found: Measured, market: Market
) -> tuple[Decidability | None, Evidence | None]:
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
    assumed = effect(claim, parts)
    family = specifications.BY_CLAIM.get(claim.claim_id)
    try:
        if family is not None:
            sample = multiverse.own_sample(family, market)
            if sample is not None:
                return decidability.of_sample(sample, parts, assumed, base=family.placebo)
        if "share" in parts and found.n:
            return decidability.decidability(parts, found.n, assumed), None
        interval = found.interval["mean"] if isinstance(found.interval, Mapping) else found.interval
        if interval is not None and found.n and found.n > 1 and "mean" in parts:
            spread = decidability.spread_of(interval, found.n)
            return decidability.decidability(parts, found.n, assumed, spread), None
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


def effect(claim: Claim, parts: Mapping[str, Any] | None = None) -> float:
    """Return the effect assumed: the stated one, else one worth finding, on the claimed side."""
    from helpers.decidability import MEANINGFUL, MEANINGFUL_SHARE

    if claim.rule == "within" and claim.stated_number is not None:
        return claim.stated_number
    bounds = claim.bound.values() if claim.rule == "all of" else [{claim.rule: claim.bound}]
    down = next(iter(next(iter(bounds)))) in ("below", "at most")
    if parts and "share" in parts:
        return 1 - MEANINGFUL_SHARE if down else MEANINGFUL_SHARE
    return -MEANINGFUL if down else MEANINGFUL


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
    return float(measures.measure(market, min(claim.as_of, market.day), call).value)
