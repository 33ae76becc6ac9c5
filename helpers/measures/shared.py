"""Pieces that several topics share."""

from __future__ import annotations

import pandas as pd

from helpers import events, returns
from helpers.market import Market
from helpers.measures.arguments import NAMES


def as_percent(fraction: float) -> float:
    """Return a fraction in percent."""
    return float(100 * fraction)


def iso(date: pd.Timestamp | None) -> str:
    """Return a day in ISO form, ``never`` if there is none."""
    return "never" if date is None or pd.isna(date) else str(date)[:10]


def both(row: pd.Series) -> str:
    """Return the returns of both indexes as text."""
    return ", ".join(f"{label} {as_percent(row[name]):+.2f}" for name, label in NAMES.items())


def daily(market: Market) -> pd.Series:
    """Return the lead of each session, a fraction."""
    return returns.lead(returns.simple_returns(market.closes))


def change_of_target(market: Market, start: str | pd.Timestamp, end: str | pd.Timestamp) -> float:
    """Return the change of the upper bound of the target between two days, basis points."""
    return float(100 * (target_upper(market, end) - target_upper(market, start)))


def target_upper(market: Market, date: str | pd.Timestamp) -> float:
    """Return the upper bound of the target in force on a day, percent."""
    return float(events.target_on(market.target, date)["upper_percent"])
