"""Families thinned out, and a market with a planted effect."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers import returns
from helpers.multiverse import Family
from support.data import FIRST_CUTS


def thinned(family: Family, **kept: int) -> Family:
    """A family with the first option of each choice, or as many as asked."""
    choices = tuple(
        replace(choice, options=choice.options[: kept.get(choice.name, 1)])
        for choice in family.choices
    )
    return replace(family, choices=choices)


def planted(market, points: float):
    """A market in which small caps lead by so much more over the year after each first cut."""
    closes, sized = market.closes.copy(), market.portfolios.copy()
    extra = pd.Series(0.0, closes.index)
    for day in pd.to_datetime(FIRST_CUTS):
        row = closes.index.searchsorted(day, side="right")
        extra.iloc[row : row + 252] += np.log1p(points / 100) / 252
        months = pd.period_range(day, periods=13, freq="M")[1:].intersection(sized.index)
        sized.loc[months, "small"] += points / 1200
    closes[returns.SMALL] *= np.exp(extra.cumsum())
    return replace(market, closes=closes, portfolios=sized)
