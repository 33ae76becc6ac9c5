"""Published figures of the economy, recessions and laws."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from helpers import events
from helpers.errors import InputError, listing
from helpers.inference import exact_interval, t_interval
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.registry import Measured, register
from helpers.measures.shared import iso

# Recessions differ in length, so the interval covers less than it should: docs/coverage.csv.
RECESSIONS_METHOD = "t, found to cover 92%"


@register("size_portfolios_monthly", "recessions", unit="percentage points")
def lead_in_recessions(market: Market) -> Measured:
    """Mean small minus large total return from peak to trough, and the share below zero."""
    leads = 100 * events.recession_leads(market.portfolios, market.recessions)["lead"]
    below = int((leads < 0).sum())
    mean = t_interval(leads)
    return Measured(
        {"mean": float(leads.mean()), "share below zero": below / len(leads)},
        interval={
            "mean": mean and replace(mean, method=RECESSIONS_METHOD),
            "share below zero": exact_interval(below, len(leads)),
        },
        n=len(leads),
        beside=f"{below} of {len(leads)} below zero",
    )


@register("macro_readings", unit="percent")
def macro_reading(
    market: Market, series: arg.Name, date: arg.Day, latest: arg.Flag = False
) -> Measured:
    """A macro figure as first released, or as it stands now; the other one beside it."""
    row = _macro(market, series, date)
    beside = f"first {row['first_release']:g}, now {row['latest']:g}"
    return Measured(float(row["latest" if latest else "first_release"]), beside=beside)


@register("macro_readings", unit="bp")
def curve_change(market: Market, start: arg.Start, end: arg.End) -> Measured:
    """Change of the ten-year less two-year Treasury yield, basis points."""

    def slope(date: str) -> float:
        ten = _macro(market, "treasury_10_year_yield", date)["latest"]
        return float(ten - _macro(market, "treasury_2_year_yield", date)["latest"])

    before, after = slope(start), slope(end)
    return Measured(
        100 * (after - before), beside=f"{100 * before:.0f} on {start}, {100 * after:.0f} on {end}"
    )


@register("policy_facts", basis="readings")
def policy_fact(market: Market, fact: arg.Name, dated: arg.Flag = False) -> Measured:
    """Size of a provision of law, or with ``dated`` that and the day it was enacted."""
    row = _policy(market, fact)
    size, enacted = float(row["value"]), iso(row["enacted"])
    if dated:
        return Measured({"size": size, "enacted": enacted})
    return Measured(size, beside=f"enacted {enacted}; {row['note']}")


def _macro(market: Market, series: str, date: str) -> pd.Series:
    rows = market.macro[
        (market.macro["series"] == series) & (market.macro["as_of"] == pd.Timestamp(date))
    ]
    if rows.empty:
        raise InputError(f"{series} of {date}: expected a row in macro_readings")
    return rows.iloc[0]


def _policy(market: Market, fact: str) -> pd.Series:
    rows = market.policy[market.policy["fact"] == fact]
    if rows.empty:
        known = listing(market.policy["fact"])
        raise InputError(f"policy fact {fact!r}: expected one of {known}")
    return rows.iloc[0]
