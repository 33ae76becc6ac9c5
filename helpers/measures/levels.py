"""Closing levels of an index: highs, lows, records, breakouts."""

from __future__ import annotations

import pandas as pd

from helpers import events, returns
from helpers.errors import InputError
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.arguments import DIGITS, GIVEN
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, changes, first_of, iso, line, reaching


@register("index_closes", unit="index level")
def index_level(market: Market, index: arg.Index) -> Measured:
    """Last close on or before as_of, index points."""
    return Measured(float(market.closes[index].iloc[-1]), beside=f"close of {iso(market.last)}")


@register("index_closes", unit="index level")
def extreme_close(
    market: Market,
    index: arg.Line,
    side: arg.Side,
    start: arg.Start | None = None,
    end: arg.End | None = None,
    level: arg.Level | None = None,
    give: arg.Given = "level",
) -> Measured:
    """Highest or lowest close of a period, or its date; beside it the first beyond ``level``."""
    closes = line(market, index).loc[start:end]
    day = closes.idxmax() if side == "highest" else closes.idxmin()
    beside = f"on {iso(day)}" if give == "level" else f"{closes.loc[day]:.2f} on {iso(day)}"
    if level is not None and side == "highest":
        beside += f"; first at {level:g} or above: {first_of(closes[closes >= level])}"
    elif level is not None:
        beside += f"; first below {level:g}: {first_of(closes[closes < level])}"
    return Measured(
        float(closes.loc[day]) if give == "level" else iso(day)[: GIVEN[give]], beside=beside
    )


@register("index_closes", unit="date")
def first_close(
    market: Market,
    index: arg.Index,
    above: arg.Level | None = None,
    below: arg.Level | None = None,
    start: arg.Start | None = None,
    stated: arg.Day | None = None,
) -> Measured:
    """Date of the first close above, or below, a level; whether the stated day was a session."""
    if (above is None) == (below is None):
        raise InputError("first_close: expected a level either above or below")
    closes = market.closes[index].loc[start:]
    found = first_of(closes[closes > above] if below is None else closes[closes < below])
    if stated is None:
        return Measured(found)
    session = pd.Timestamp(stated) in market.closes.index
    return Measured(
        found,
        beside=f"{stated} was {'a session' if session else 'no session'}",
        objection="" if session else "not a trading day",
    )


@register("index_closes", unit="year", moves="")
def last_level(
    market: Market, index: arg.Line, side: arg.Side = "highest", unit: arg.Unit = "year"
) -> Measured:
    """Most recent earlier year or month with a close as high, or as low, as the last one."""
    closes = line(market, index)
    spans = closes.index.to_period({"year": "Y", "month": "M"}[unit])
    found = reaching(closes[spans < spans[-1]], closes.iloc[-1], side)
    day = iso(found.index[-1]) if len(found) else "never"
    value = "none" if found.empty else day[: DIGITS[unit]]
    return Measured(value, beside=f"{closes.iloc[-1]:.4g} on {iso(market.last)}; last on {day}")


@register("index_closes", unit="percent")
def from_record(market: Market, index: arg.Line, sessions: arg.Sessions | None = None) -> Measured:
    """Last close against the highest so far, or of the last ``sessions``, percent."""
    closes = line(market, index).iloc[-(sessions or 0) :]
    return Measured(
        as_percent(events.drawdown(closes).iloc[-1]),
        beside=f"{closes.iloc[-1]:.2f}; highest {closes.max():.2f} on {iso(closes.idxmax())}",
    )


@register("index_closes", unit="records")
def record_count(
    market: Market, index: arg.Index, start: arg.Start, end: arg.End | None = None
) -> Measured:
    """Number of record closes after ``start`` and by ``end``; the first and last beside it."""
    days = events.records(market.closes[index]).index
    days = days[days > pd.Timestamp(start)]
    days = days[days <= pd.Timestamp(end)] if end else days
    ends = f"{iso(days[0])} to {iso(days[-1])}" if len(days) else "none"
    return Measured(len(days), beside=ends)


@register("index_closes", unit="sessions", moves="in steps")
def move_count(
    market: Market,
    of: arg.Of,
    percent: arg.Signed,
    start: arg.Start,
    end: arg.End | None = None,
    over: arg.Sessions = 1,
) -> Measured:
    """Sessions after ``start`` with a move of at least ``percent`` (below zero: falls)."""
    each = 100 * changes(market, of, over=over).loc[start:end]
    each = each[each.index > pd.Timestamp(start)]
    days = reaching(each, percent, "highest" if percent > 0 else "lowest")
    last = f"last {iso(days.index[-1])}: {days.iloc[-1]:.2f}" if len(days) else "none"
    return Measured(len(days), n=len(each), beside=last)


@register("index_closes", unit="index level")
def level_gaps(
    market: Market, index: arg.Index, stated: arg.Number, described: arg.Described
) -> Measured:
    """Stated level less the level that each described move gives, index points."""
    value = {}
    for name, (date, percent) in described.items():
        close = market.closes[index].loc[returns.resolve(market.closes, date)]
        value[name] = float(stated - close * (1 + percent / 100))
    return Measured(value)


@register("index_closes", unit="index points")
def lead_over_record(market: Market, index: arg.Index, start: arg.Start, end: arg.End) -> Measured:
    """Highest close of a period less the highest close before it, index points."""
    closes = market.closes[index]
    high = closes.loc[start:end]
    before = closes.loc[: pd.Timestamp(start) - pd.Timedelta(days=1)]
    return Measured(
        float(high.max() - before.max()),
        beside=f"{high.max():.2f} on {iso(high.idxmax())}; before: {before.max():.2f} on "
        f"{iso(before.idxmax())}",
    )


@register("index_closes", unit="sessions")
def closes_above(
    market: Market,
    index: arg.Index,
    level: arg.Level | None = None,
    year: arg.Year | None = None,
    percent: arg.Percent = 0,
    end: arg.End | None = None,
    through: arg.NamedDays | None = None,
) -> Measured:
    """Closes by ``end`` at a level, above it or at most ``percent`` below it.

    With ``year`` in place of a level: closes above that year's highest, from the next year on.
    With ``through`` those by each named day.
    """
    if (level is None) == (year is None):
        raise InputError("closes_above: expected either a level or a year")
    if percent and level is None:
        raise InputError("closes_above: expected percent with a level, not with a year")
    closes = market.closes[index]
    if level is not None:
        lowest = level * (1 - percent / 100)
        above, told = closes[closes >= lowest], f"at {lowest:.1f} or up"
    elif year in closes.index.year:
        high = closes[closes.index.year == year].max()
        above = closes[(closes.index.year > year) & (closes > high)]
        told = f"highest close of {year}: {high:.2f}"
    else:
        raise InputError(f"year {year}: expected a year with closes")
    above = above.loc[:end]
    beside = f"{told}; first: {iso(above.index[0] if len(above) else None)}"
    if through is None:
        return Measured(len(above), beside=beside)
    return Measured({name: len(above.loc[:day]) for name, day in through.items()}, beside=beside)
