"""An article's own figures, set against each other."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from helpers import valuation
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.arguments import one_of
from helpers.measures.registry import Measured, register

How = Annotated[str, one_of("how they are put together", "sum", "mean", "spread")]
Compared = Annotated[
    str, one_of("how the second compares with the first", "difference", "gain", "discount")
]


@register()
def compared(
    market: Market, first: arg.Number, second: arg.Number, how: Compared = "difference"
) -> Measured:
    """Stated number less another, percent gained from it to another, or lying below another."""
    if how == "difference":
        return Measured(first - second)
    base = first if how == "gain" else second
    if not base:
        raise InputError(f"{how}: expected another number than 0 to compare with")
    change = 100 * (second / first - 1) if how == "gain" else valuation.discount(first, second)
    return Measured(change)


@register()
def combined(
    market: Market, values: arg.Numbers, how: How = "sum", decimals: arg.Decimals | None = None
) -> Measured:
    """Sum, mean or spread (highest less lowest) of stated numbers, rounded if asked."""
    known = {"sum": sum(values), "mean": np.mean(values), "spread": max(values) - min(values)}
    value = float(known[how])
    return Measured(value if decimals is None else round(value, decimals), n=len(values))


@register(unit="listed")
def listed_after(market: Market, months: arg.Months, after: arg.Month) -> Measured:
    """Number of listed months later than a month."""
    later = [month for month in months if month > after]
    return Measured(len(later), n=len(months), beside=f"listed after {after}: {listing(later)}")


@register()
def agreement(market: Market, statements: arg.Statements) -> Measured:
    """``consistent`` if the statements, each reduced to what it implies, imply the same."""
    same = len(set(statements.values())) == 1
    implied = "; ".join(f"{said}: {implies}" for said, implies in statements.items())
    return Measured("consistent" if same else "inconsistent", beside=implied)
