"""The federal funds target, and what followed its cuts."""

from __future__ import annotations

import pandas as pd

from helpers import economy
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.registry import Measured, register
from helpers.measures.shared import TARGET, change_of_target, iso, rate_moves, target_upper


@register(TARGET, unit="bp")
def target_change(market: Market, start: arg.Start, end: arg.End | None = None) -> Measured:
    """Change of the target's upper bound between two days, basis points."""
    end = end or iso(market.last)
    market.require(TARGET, end)
    value = change_of_target(market, start, end)
    return Measured(value, beside=f"checked through {iso(market.target_checked)}")


@register(TARGET, unit="percent")
def target_range(market: Market) -> Measured:
    """Target range in force on as_of, percent."""
    market.require(TARGET, market.last)
    now = market.target.iloc[-1]
    return Measured(
        [float(now["lower_percent"]), float(now["upper_percent"])],
        beside=f"since {iso(market.target.index[-1])}",
    )


@register(TARGET)
def moves_announced(
    market: Market,
    which: arg.RateMoves = "cuts",
    start: arg.Start | None = None,
    end: arg.End | None = None,
    size: arg.BasisPoints | None = None,
    give: arg.NumberOrMonths = "number",
) -> Measured:
    """Moves of the target after ``start`` and by ``end``, of one size: number or months."""
    market.require(TARGET, end or market.last)
    days = rate_moves(market, which)
    days = days[days > pd.Timestamp(start)] if start else days
    days = days[days <= pd.Timestamp(end)] if end else days
    moves = market.target.loc[days, "change_bp"].abs()
    found = (moves[moves == size] if size else moves).index
    return Measured(
        len(found) if give == "number" else [iso(day)[:7] for day in found],
        beside=f"checked through {iso(market.target_checked)}",
    )


@register(TARGET, unit="months")
def months_at_or_below_target(
    market: Market, months: arg.Months, upper_percent: arg.Percent
) -> Measured:
    """The listed months at whose last close the target's upper bound was at most a rate."""
    market.require(TARGET, min(market.last, pd.Period(max(months), "M").end_time.normalize()))
    upper = {m: target_upper(market, pd.Period(m, "M").end_time) for m in months}
    return Measured(
        [month for month, rate in upper.items() if rate <= upper_percent],
        beside="; ".join(f"{month} {rate:g}" for month, rate in upper.items()),
    )


@register(TARGET)
def easing_so_far(market: Market, periods: arg.Periods) -> Measured:
    """Cuts announced since the last rise, and the change of the target over named periods."""
    market.require(TARGET, market.last)
    moves = market.target["change_bp"]
    last_rise = moves.index[moves > 0][-1]
    cuts = moves.index[(moves < 0) & (moves.index > last_rise)]
    changes = {name: change_of_target(market, *ends) for name, ends in periods.items()}
    return Measured(
        {"cuts since the last rise": len(cuts), **changes},
        beside=f"last rise {iso(last_rise)}; first cut {iso(cuts[0] if len(cuts) else None)}",
    )


@register(TARGET, unit="rank")
def tightening_rank(market: Market, months: arg.MonthCount, since: arg.Since) -> Measured:
    """Rank of the last tightening by the largest rise of the target within ``months``.

    A tightening is the span from one first cut to the next; see :func:`economy.tightenings`.
    """
    market.require(TARGET, market.last)
    table = economy.tightenings(market.target, market.target_checked, months, since)
    rises = table["rise_bp"]
    each = "; ".join(f"to {end.year} {rise:.0f}" for end, rise in rises.items())
    rank = 1 + int((rises > rises.iloc[-1]).sum())
    return Measured(rank, n=len(rises), beside=f"bp: {each}")
