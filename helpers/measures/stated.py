"""An article's own figures, set against each other."""

from __future__ import annotations

import numpy as np

from helpers import valuation
from helpers.errors import listing
from helpers.market import Market
from helpers.measures.arguments import Decimals, Month, Months, Number, Numbers, Statements
from helpers.measures.registry import Measured, register


@register(unit="percent")
def discount(market: Market, small: Number, large: Number) -> Measured:
    """Percent by which one stated multiple lies below another."""
    return Measured(valuation.discount(small, large))


@register(unit="percent")
def gain(market: Market, start: Number, end: Number) -> Measured:
    """Percent from one stated level to another."""
    return Measured(100 * (end / start - 1))


@register()
def difference(market: Market, first: Number, second: Number) -> Measured:
    """Stated number less another."""
    return Measured(first - second)


@register()
def total(market: Market, terms: Numbers, decimals: Decimals | None = None) -> Measured:
    """Sum of stated numbers, rounded to so many ``decimals`` if given."""
    value = float(sum(terms))
    return Measured(value if decimals is None else round(value, decimals), n=len(terms))


@register()
def mean(market: Market, values: Numbers) -> Measured:
    """Mean of stated numbers."""
    return Measured(float(np.mean(values)), n=len(values))


@register()
def spread(market: Market, values: Numbers) -> Measured:
    """Highest less lowest of stated numbers."""
    return Measured(max(values) - min(values), n=len(values))


@register(unit="listed")
def listed_after(market: Market, months: Months, after: Month) -> Measured:
    """Number of listed months later than a month."""
    later = [month for month in months if month > after]
    return Measured(len(later), n=len(months), beside=f"listed after {after}: {listing(later)}")


@register()
def agreement(market: Market, statements: Statements) -> Measured:
    """``consistent`` if the statements, each reduced to what it implies, imply the same."""
    same = len(set(statements.values())) == 1
    implied = "; ".join(f"{said}: {implies}" for said, implies in statements.items())
    return Measured("consistent" if same else "inconsistent", beside=implied)
