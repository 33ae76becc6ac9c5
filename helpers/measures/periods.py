"""Returns of an index, and leads of small over large caps, over stated periods."""

from __future__ import annotations

import pandas as pd

from helpers import returns
from helpers.errors import InputError
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, both, iso


@register("index_closes", unit="percent", moves="smoothly")
def price_return(
    market: Market,
    index: arg.Index,
    start: arg.Start,
    end: arg.End | None = None,
    against: arg.Index | None = None,
) -> Measured:
    """Price return from the last close by ``start`` to the last by ``end``, percent.

    With ``against`` that of the index divided by another: by how much it rose with respect to it.
    """
    first, last = _ends(market, start, end)
    line = (
        market.closes[index] if against is None else market.closes[index] / market.closes[against]
    )
    value = line.loc[last] / line.loc[first] - 1
    return Measured(
        as_percent(value), beside=f"{iso(first)} to {iso(last)}", move=_move(market, first, last)
    )


@register("index_closes", unit="percent", moves="smoothly")
def trailing_price_return(market: Market, index: arg.Index, months: arg.MonthCount) -> Measured:
    """Price return from the same day ``months`` earlier to the last close, percent."""

    def one(last: pd.Timestamp) -> float:
        start = last - pd.DateOffset(months=months)
        return as_percent(returns.period_return(market.closes[[index]], start, last)[index])

    before = market.closes.index[-2]
    return Measured(one(market.last), beside=f"to {iso(before)}: {one(before):+.2f}")


@register("index_closes", unit="percentage points", moves="smoothly")
def lead(market: Market, start: arg.Start, end: arg.End | None = None) -> Measured:
    """Russell 2000 minus S&P 500 price return over a period, percentage points."""
    first, last = _ends(market, start, end)
    pair = returns.period_return(market.closes, first, last)
    return Measured(
        as_percent(returns.lead(pair)),
        beside=f"{iso(first)} to {iso(last)}: {both(pair)}",
        move=_move(market, first, last),
    )


@register("index_closes", unit="percent per year", moves="smoothly")
def annualised_return(
    market: Market, of: arg.Of, start: arg.Start, end: arg.End | None = None
) -> Measured:
    """Compound annual price return of an index, or lead of one over the other, over a span."""
    first, last = _ends(market, start, end)
    years = (last - first).days / 365.25
    growth = (1 + returns.period_return(market.closes, first, last)) ** (1 / years) - 1
    return Measured(
        as_percent(returns.lead(growth) if of == "lead" else growth[of]),
        beside=f"{years:.1f} years to {iso(last)}: {both(growth)}",
        move=_move(market, first, last),
    )


@register("index_closes", unit="percentage points", moves="smoothly")
def return_to_date_change(
    market: Market, index: arg.Index, start: arg.Start, first: arg.Day, second: arg.Day
) -> Measured:
    """Return since ``start`` by ``second`` less that by ``first``, percentage points."""
    closes = market.closes[[index]]
    early = returns.period_return(closes, start, first)[index]
    late = returns.period_return(closes, start, second)[index]
    return Measured(
        as_percent(late - early),
        beside=f"{as_percent(early):.2f} by {first}, {as_percent(late):.2f} by {second}",
    )


@register("index_closes", unit="percentage points", moves="in steps")
def leads_by_period(market: Market, periods: arg.Periods) -> Measured:
    """Lead over each named period, percentage points."""
    value = {
        name: as_percent(returns.lead(returns.period_return(market.closes, *ends)))
        for name, ends in periods.items()
    }
    return Measured(value)


@register("index_closes", unit="percent", moves="in steps")
def daily_volatility(market: Market, index: arg.Index, start: arg.Start) -> Measured:
    """Sample standard deviation of daily returns since ``start``, percent."""
    since = returns.resolve(market.closes, start)
    daily = returns.simple_returns(market.closes.loc[since:])[index]
    return Measured(as_percent(daily.std(ddof=1)), n=len(daily), beside=f"{len(daily)} returns")


@register("index_closes", unit="correlation")
def correlation(
    market: Market,
    sessions: arg.Sessions,
    statistic: arg.Spread = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Correlation of the indexes' daily returns over windows of so many sessions.

    Their mean, lowest or highest, or that of the latest window.
    """
    daily = returns.simple_returns(market.closes).loc[since:]
    rolled = daily["russell_2000"].rolling(sessions).corr(daily["sp_500"]).dropna()
    if rolled.empty:
        raise InputError(f"{sessions} sessions: expected a window in the data")
    found = {
        "mean": rolled.mean(),
        "lowest": rolled.min(),
        "highest": rolled.max(),
        "latest": rolled.iloc[-1],
    }
    return Measured(
        float(found[statistic]),
        beside=f"{len(rolled)} windows to {iso(rolled.index[-1])}: "
        f"{found['lowest']:.2f} to {found['highest']:.2f}",
    )


@register("index_closes", unit="percent")
def largest_rise(market: Market, index: arg.Index, start: arg.Start, end: arg.End) -> Measured:
    """Largest price return from a close to a later one within a period, percent."""
    closes = market.closes[index].loc[start:end]
    return Measured(as_percent((closes / closes.cummin() - 1).max()))


@register(
    "size_value_portfolios_monthly",
    "size_portfolios_monthly",
    unit="percentage points",
    basis="proxy",
)
def portfolio_lead(
    market: Market, long: arg.Portfolio, short: arg.Portfolio, month: arg.Month
) -> Measured:
    """Total return of one portfolio less another's in a month, percentage points."""
    table = _portfolios(market)
    period = pd.Period(month, "M")
    if period not in table.index:
        raise InputError(f"{month}: expected a month in the portfolio tables")
    row = table.loc[period]
    return Measured(
        as_percent(row[long] - row[short]),
        beside=f"small_hibm minus {short}: {as_percent(row['small_hibm'] - row[short]):+.2f}",
    )


@register("size_value_portfolios_monthly", "size_portfolios_monthly")
def portfolio_return(
    market: Market,
    portfolio: arg.Portfolio,
    start: arg.Month,
    end: arg.Month | None = None,
    less: arg.Portfolio | None = None,
    months: arg.MonthCounts | None = None,
) -> Measured:
    """Annualised total return of a portfolio, or less another's, after the month ``start``.

    To ``end``, by default the last month known; with ``months`` over each number of them.
    """
    if months and end:
        raise InputError("portfolio_return: expected either an end or months")
    table = _portfolios(market).loc[:end]
    asked = [portfolio, less] if less else [portfolio]
    if months:
        yearly = {n: _yearly(table, start, n, portfolio, less) for n in months}
        micro = {n: _yearly(table, start, n, "small_hibm", less) for n in months}
        beside = "; ".join(f"{n} months {x:+.1f}" for n, x in micro.items())
        told = "small_hibm" + (f" minus {less}" if less else "")
        return Measured({f"{n} months": x for n, x in yearly.items()}, beside=f"{told}: {beside}")
    span = max((table.index[-1] - pd.Period(start, "M")).n, 1)
    each = ", ".join(f"{name} {_yearly(table, start, span, name):+.2f}" for name in asked)
    return Measured(
        _yearly(table, start, span, portfolio, less),
        beside=f"{span} months to {table.index[-1]}: {each}",
    )


def _yearly(
    table: pd.DataFrame, start: str, months: int, portfolio: str, less: str | None = None
) -> float:
    """Return the annualised return of a portfolio, less another's where one is named, percent."""
    yearly = returns.annualised(table, start, months)
    return as_percent(yearly[portfolio] - (yearly[less] if less else 0))


def _ends(market: Market, start: str, end: str | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the close before a move and its last close."""
    first = returns.resolve(market.closes, start)
    last = returns.resolve(market.closes, end) if end else market.last
    if first >= last:
        raise InputError(
            f"start {start}: expected a close before the last of the move, {iso(last)}"
        )
    return first, last


def _move(market: Market, first: pd.Timestamp, last: pd.Timestamp) -> tuple[str, str]:
    """Return the first and last session of a move from one close to another."""
    sessions = market.closes.index
    return iso(sessions[sessions.get_loc(first) + 1]), iso(last)


def _portfolios(market: Market) -> pd.DataFrame:
    return market.portfolios.join(market.value_portfolios, how="left")
