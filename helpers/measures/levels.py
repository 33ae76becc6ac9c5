"""Closing levels of an index: highs, lows, records, breakouts."""

from __future__ import annotations

import pandas as pd

from helpers import events, returns
from helpers.errors import listing
from helpers.inference import t_interval
from helpers.market import Market
from helpers.measures.arguments import (
    Day,
    Described,
    Index,
    Level,
    NamedDays,
    Number,
    Percent,
    Sessions,
    Year,
)
from helpers.measures.registry import Measured, register
from helpers.measures.shared import iso


@register("index_closes", unit="index level")
def index_level(market: Market, index: Index) -> Measured:
    """Last close on or before as_of, index points."""
    return Measured(float(market.closes[index].iloc[-1]), beside=f"close of {iso(market.last)}")


@register("index_closes", unit="index level")
def highest_close(
    market: Market, index: Index, start: Day, end: Day | None = None, level: Level | None = None
) -> Measured:
    """Highest close from ``start`` to ``end``; beside it the first at or above ``level``."""
    closes = market.closes[index].loc[start:end]
    beside = f"on {iso(closes.idxmax())}"
    if level is not None:
        reached = closes[closes >= level]
        beside += (
            f"; first at {level:g} or above: {iso(reached.index[0] if len(reached) else None)}"
        )
    return Measured(float(closes.max()), beside=beside)


@register("index_closes", unit="index level")
def lowest_close(market: Market, index: Index, start: Day, level: Level | None = None) -> Measured:
    """Lowest close since ``start``; beside it the first below ``level``."""
    closes = market.closes[index].loc[start:]
    beside = f"on {iso(closes.idxmin())}"
    if level is not None:
        below = closes[closes < level]
        beside += f"; first below {level:g}: {iso(below.index[0] if len(below) else None)}"
    return Measured(float(closes.min()), beside=beside)


@register("index_closes", unit="index level")
def level_gaps(market: Market, index: Index, stated: Number, described: Described) -> Measured:
    """Stated level less the level that each described move gives, index points."""
    value = {}
    for name, (date, percent) in described.items():
        close = market.closes[index].loc[returns.resolve(market.closes, date)]
        value[name] = float(stated - close * (1 + percent / 100))
    return Measured(value)


@register("index_closes", unit="index points")
def lead_over_record(market: Market, index: Index, start: Day, end: Day) -> Measured:
    """Highest close of a period less the highest close before it, index points."""
    closes = market.closes[index]
    high = closes.loc[start:end]
    before = closes.loc[: pd.Timestamp(start) - pd.Timedelta(days=1)]
    return Measured(
        float(high.max() - before.max()),
        beside=f"{high.max():.2f} on {iso(high.idxmax())}; before: {before.max():.2f} on "
        f"{iso(before.idxmax())}",
    )


@register("index_closes", unit="date")
def first_close_above(market: Market, index: Index, level: Level, stated: Day) -> Measured:
    """Date of the first close above a level."""
    above = market.closes[index][market.closes[index] > level]
    session = pd.Timestamp(stated) in market.closes.index
    return Measured(
        iso(above.index[0] if len(above) else None),
        beside=f"{stated} was {'a session' if session else 'no session'}",
        objection="" if session else "not a trading day",
    )


@register("index_closes", unit="sessions")
def closes_above_high(market: Market, index: Index, year: Year, through: NamedDays) -> Measured:
    """Closes above the highest close of a year, counted from the next year on."""
    closes = market.closes[index]
    high = closes[closes.index.year == year].max()
    after = closes[closes.index.year > year]
    above = after[after > high]
    first = iso(above.index[0] if len(above) else None)
    return Measured(
        {name: len(above.loc[:end]) for name, end in through.items()},
        beside=f"highest close of {year}: {high:.2f}; first above it: {first}",
    )


@register("index_closes", unit="sessions")
def closes_near_or_above(
    market: Market, index: Index, level: Level, percent: Percent, end: Day
) -> Measured:
    """Sessions by ``end`` that closed within ``percent`` of a level or above it."""
    closes = market.closes[index].loc[:end]
    near = closes[closes >= level * (1 - percent / 100)]
    first = iso(near.index[0] if len(near) else None)
    return Measured(len(near), beside=f"first: {first}; at {level * (1 - percent / 100):.1f} or up")


@register("index_closes", unit="percent", moves="in steps")
def return_after_breakouts(
    market: Market, index: Index, quiet: Sessions, sessions: Sessions
) -> Measured:
    """Mean return after records that follow ``quiet`` sessions without one, less all days'."""
    table = events.records(market.closes[index])
    dates = table.index[table["quiet"] >= quiet]
    after, dropped = events.complete(
        returns.forward_returns(market.closes[[index]], dates, sessions),
        f"records after {quiet} sessions without one",
    )
    everything = returns.all_forward_returns(market.closes[[index]], sessions)[index].mean()
    excess = 100 * (after[index] - everything)
    return Measured(
        float(excess.mean()),
        interval=t_interval(excess),
        n=len(excess),
        beside=f"after breakouts {100 * after[index].mean():.2f}, all days "
        f"{100 * everything:.2f} percent; {listing(iso(d) for d in after.index)}; "
        f"{dropped} without a full window",
    )
