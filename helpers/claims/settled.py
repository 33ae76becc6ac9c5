"""Forecasts that are settled before they fall due, since no later day can undo it."""

from __future__ import annotations

from numbers import Real

from helpers.claims.registry import Claim
from helpers.measures import Measured


def lasts(claim: Claim, found: Measured) -> bool:
    """Tell whether what a forecast measures by now settles it for good.

    The highest close since a day only rises, the lowest only falls, and moves that were announced
    only become more: what such a measure has passed stays passed.

    Parameters
    ----------
    claim : Claim
    found : Measured
        By the last day at hand.
    """
    call, bound, value = claim.call or {}, claim.bound, found.value
    numbers = all(isinstance(one, Real) and not isinstance(one, bool) for one in (bound, value))
    if claim.kind != "forecast" or not numbers:
        return False
    close = call.get("measure") == "extreme_close" and call.get("give", "level") == "level"
    rises = call.get("measure") == "moves_announced" or (close and call["side"] == "highest")
    falls = close and call["side"] == "lowest"
    settled = {
        "at least": value >= bound if rises else value < bound,
        "above": value > bound if rises else value <= bound,
        "at most": value > bound if rises else value <= bound,
        "below": value >= bound if rises else value < bound,
        "equal": value > bound if rises else value < bound,
    }
    return (rises or falls) and bool(settled.get(claim.rule, False))
