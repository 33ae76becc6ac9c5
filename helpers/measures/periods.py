"""Returns of an index, and leads of small over large caps, over stated periods."""

from __future__ import annotations

import pandas as pd

from helpers import events, returns
from helpers.errors import InputError
from helpers.market import Market
from helpers.measures.arguments import (
    Day,
    Days,
    Index,
    Month,
    MonthCount,
    MonthCounts,
    Periods,
    Portfolio,
    Sessions,
)
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, both, iso


@register("index_closes", unit="percent", moves="smoothly")
def price_return(market: Market, index: Index, start: Day, end: Day | None = None) -> Measured:
    """Price return from the last close by ``start`` to the last by ``end``, percent."""
    closes = market.closes[[index]]
    first = returns.resolve(closes, start)
    last = returns.resolve(closes, end) if end else market.last
    value = returns.period_return(closes, start, end)[index]
    return Measured(as_percent(value), beside=f"{iso(first)} to {iso(last)}")


@register("index_closes", unit="percent", moves="smoothly")
def trailing_price_return(market: Market, index: Index, months: MonthCount) -> Measured:
    """Price return from the same day ``months`` earlier to the last close, percent."""

    def one(last: pd.Timestamp) -> float:
        start = last - pd.DateOffset(months=months)
        return as_percent(returns.period_return(market.closes[[index]], start, last)[index])

    before = market.closes.index[-2]
    return Measured(one(market.last), beside=f"to {iso(before)}: {one(before):+.2f}")


@register("index_closes", unit="percent", moves="smoothly")
def forward_price_return(market: Market, index: Index, date: Day, sessions: Sessions) -> Measured:
    """Price return over the sessions after the close of a day, percent."""
    table = _full_windows(market, [date], sessions)
    return Measured(as_percent(table[index].iloc[0]), beside=f"{sessions} sessions from {date}")


@register("index_closes", unit="percentage points", moves="smoothly")
def lead(market: Market, start: Day, end: Day | None = None) -> Measured:
    """Russell 2000 minus S&P 500 price return over a period, percentage points."""
    pair = returns.period_return(market.closes, start, end)
    first = returns.resolve(market.closes, start)
    last = returns.resolve(market.closes, end) if end else market.last
    return Measured(
        as_percent(returns.lead(pair)), beside=f"{iso(first)} to {iso(last)}: {both(pair)}"
    )


@register("index_closes", unit="percentage points", moves="smoothly")
def forward_lead(market: Market, date: Day, sessions: Sessions) -> Measured:
    """Lead over the sessions after the close of a day, percentage points."""
    table = _full_windows(market, [date], sessions).iloc[0]
    return Measured(as_percent(table["lead"]), beside=f"{sessions} sessions: {both(table)}")


@register("index_closes", unit="percentage points", moves="smoothly")
def return_to_date_change(
    market: Market, index: Index, start: Day, first: Day, second: Day
) -> Measured:
    """Return since ``start`` by ``second`` less that by ``first``, percentage points."""
    closes = market.closes[[index]]
    early = returns.period_return(closes, start, first)[index]
    late = returns.period_return(closes, start, second)[index]
    return Measured(
        as_percent(late - early),
        beside=f"{as_percent(early):.2f} by {first}, {as_percent(late):.2f} by {second}",
    )


@register("index_closes", unit="windows", moves="in steps")
def leads_after(market: Market, dates: Days, sessions: Sessions) -> Measured:
    """Number of days after which the Russell 2000 led over the window."""
    table = _full_windows(market, dates, sessions)
    each = "; ".join(f"{iso(day)[:7]} {as_percent(x):+.1f}" for day, x in table["lead"].items())
    return Measured(int((table["lead"] > 0).sum()), n=len(table), beside=f"points: {each}")


@register("index_closes", unit="percentage points", moves="in steps")
def leads_by_period(market: Market, periods: Periods) -> Measured:
    """Lead over each named period, percentage points."""
    value = {
        name: as_percent(returns.lead(returns.period_return(market.closes, *ends)))
        for name, ends in periods.items()
    }
    return Measured(value)


@register("index_closes", unit="percent", moves="in steps")
def daily_volatility(market: Market, index: Index, start: Day) -> Measured:
    """Sample standard deviation of daily returns since ``start``, percent."""
    since = returns.resolve(market.closes, start)
    daily = returns.simple_returns(market.closes.loc[since:])[index]
    return Measured(as_percent(daily.std(ddof=1)), n=len(daily), beside=f"{len(daily)} returns")


@register("index_closes", unit="percent")
def largest_rise(market: Market, index: Index, start: Day, end: Day) -> Measured:
    """Largest price return from a close to a later one within a period, percent."""
    closes = market.closes[index].loc[start:end]
    return Measured(as_percent((closes / closes.cummin() - 1).max()))


@register(
    "size_value_portfolios_monthly",
    "size_portfolios_monthly",
    unit="percentage points",
    basis="proxy",
)
def portfolio_lead(market: Market, long: Portfolio, short: Portfolio, month: Month) -> Measured:
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


@register(
    "size_value_portfolios_monthly", "size_portfolios_monthly", unit="percentage points per year"
)
def annualised_lead(
    market: Market, long: Portfolio, short: Portfolio, start: Month, months: MonthCounts
) -> Measured:
    """Annualised total return of one portfolio less another's from the end of ``start``."""
    value, micro = {}, {}
    for horizon in months:
        yearly = returns.annualised(_portfolios(market), start, horizon)
        value[f"{horizon} months"] = as_percent(yearly[long] - yearly[short])
        micro[horizon] = as_percent(yearly["small_hibm"] - yearly[short])
    beside = "; ".join(f"{horizon} months {x:+.1f}" for horizon, x in micro.items())
    return Measured(value, beside=f"small_hibm minus {short}: {beside}")


def _full_windows(market: Market, dates: list[str], sessions: int) -> pd.DataFrame:
    table = events.forward_leads(market.closes, pd.DatetimeIndex(dates), sessions)
    short = table.index[table["lead"].isna()]
    if len(short):
        raise InputError(
            f"{sessions} sessions after {iso(short[0])}: expected a window that ends by "
            f"{iso(market.last)}"
        )
    return table


def _portfolios(market: Market) -> pd.DataFrame:
    return market.portfolios.join(market.value_portfolios, how="left")
