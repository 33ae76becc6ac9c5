"""Calendar years and months: starts, ranks, who led, when last."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import events, returns, valuation
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.arguments import DIGITS, GIVEN, PERIODS
from helpers.measures.registry import Measured, register
from helpers.measures.shared import (
    SIZES,
    as_percent,
    changes,
    column,
    iso,
    rank,
    reaching,
    summary,
    unit_of,
)


@register("index_closes", moves="in steps", window=1 / 12)
def periods_ahead(
    market: Market,
    period: arg.Calendar,
    first: arg.Dated,
    last: arg.Dated,
    of: arg.MonthlyOf = "lead",
) -> Measured:
    """Number of months, quarters or years in which small caps led, or an index gained."""
    each = changes(market, of, period).loc[first:last]
    won = [str(one) for one in each.index[each > 0]]
    verb = "led in" if of == "lead" else "gained in"
    return Measured(len(won), n=len(each), beside=f"{verb} {listing(won) or 'none'}")


@register("index_closes", moves="in steps", window=1 / 12)
def calendar_months(
    market: Market,
    month: arg.MonthNumber,
    of: arg.MonthlyOf = "lead",
    statistic: arg.Statistic = "mean",
    first_year: arg.Year | None = None,
    last_year: arg.Year | None = None,
    ranked: arg.Flag = False,
) -> Measured:
    """Returns or leads of one month of the year; ``ranked`` its mean's rank among the twelve."""
    if not ranked:
        return summary(100 * _months(market, of, month, first_year, last_year), 0, statistic)
    if statistic != "mean":
        raise InputError(f"statistic {statistic!r}: expected the mean, which is ranked")
    means = pd.Series(
        {one: _months(market, of, one, first_year, last_year).mean() for one in range(1, 13)}
    )
    each = ", ".join(f"{one} {as_percent(x):+.2f}" for one, x in means.items())
    return Measured(rank(means, means[month]), n=12, beside=f"mean by month: {each}")


@register("index_closes", unit="rank", moves="in steps")
def latest_rank(
    market: Market,
    period: arg.Compared,
    of: arg.MonthlyOf = "lead",
    over: arg.Sessions | None = None,
    month: arg.MonthNumber | None = None,
    since: arg.Since | None = None,
    side: arg.Side = "highest",
    so_far: arg.Flag = False,
) -> Measured:
    """Rank of the latest return or lead among all; with ``month`` among those months alone.

    With ``so_far`` a month, quarter or year that still runs is the latest.
    """
    each = _compared(market, of, period, over, month).loc[since:]
    if so_far:
        spans = market.closes.index.to_period(PERIODS[period])
        last = market.closes.groupby(spans).last().iloc[-2:]
        running = column(last.pct_change(fill_method=None), of).iloc[-1:]
        if month in (None, running.index.month[0]):
            each = pd.concat([each.drop(running.index, errors="ignore"), running])
    end = _extreme(each, side)
    word = "best" if side == "highest" else "worst"
    return Measured(
        rank(each, each.iloc[-1], side),
        n=len(each),
        beside=f"{as_percent(each.iloc[-1]):.2f} {unit_of(of)}; {word} {iso(end)} "
        f"{as_percent(each.loc[end]):.2f}",
    )


@register("index_closes", moves="in steps")
def last_as_large(
    market: Market,
    period: arg.Compared = "sessions",
    of: arg.MonthlyOf = "lead",
    over: arg.Sessions | None = None,
    month: arg.MonthNumber | None = None,
    unit: arg.Unit = "year",
    side: arg.Side = "highest",
) -> Measured:
    """When a return or lead was last as large as the latest one: a year, month or quarter.

    Windows of sessions count from the year or month before on.
    """
    each = _compared(market, of, period, over, month)
    earlier = each.iloc[:-1]
    if period == "sessions":
        spans = each.index.to_period({"year": "Y", "month": "M"}[unit])
        earlier = each[spans < spans[-1]]
    found = reaching(earlier, each.iloc[-1], side)
    when = iso(found.index[-1]) if len(found) else "none"
    beside = f"{as_percent(each.iloc[-1]):.2f} {unit_of(of)} now"
    beside += f"; {when}: {as_percent(found.iloc[-1]):.2f}" if len(found) else ""
    return Measured(
        when[: DIGITS[unit]] if period == "sessions" else when,
        n=len(earlier) if period == "starts of years" else None,
        beside=beside,
    )


@register("index_closes", moves="in steps")
def extreme_change(
    market: Market,
    period: arg.Compared,
    of: arg.MonthlyOf = "lead",
    over: arg.Sessions | None = None,
    side: arg.Side = "highest",
    start: arg.Since | None = None,
    end: arg.End | None = None,
    give: arg.Given = "level",
) -> Measured:
    """Highest or lowest return or lead, or when its period or window ended."""
    each = _compared(market, of, period, over).loc[start:end]
    day = _extreme(each, side)
    value = as_percent(each.loc[day])
    return Measured(
        value if give == "level" else iso(day)[: GIVEN[give]],
        n=len(each),
        beside=f"{value:.2f} {unit_of(of)}, {iso(day)}",
    )


@register("index_closes", unit="years", moves="in steps", window=1.0)
def years_led_by(market: Market, index: arg.Index, years: arg.YearList) -> Measured:
    """Number of the given calendar years in which one index was ahead of the other."""
    leads = returns.lead(returns.calendar_returns(market.closes, "Y"))
    leads = leads.loc[[pd.Period(str(year), "Y") for year in years]]
    won = leads > 0 if index == returns.SMALL else leads < 0
    each = "; ".join(f"{year} {as_percent(x):+.1f}" for year, x in leads.items())
    return Measured(int(won.sum()), n=len(years), beside=f"small minus large: {each}")


@register("index_closes", moves="in steps")
def leading_months_and_year(market: Market, first: arg.Month, last: arg.Month) -> Measured:
    """Months led and the lead over the whole calendar year of ``last``."""
    year = pd.Period(last[:4], "Y")
    whole = returns.lead(returns.calendar_returns(market.closes, "Y")).loc[year]
    months = periods_ahead(market, "months", first, last)
    before = returns.lead(returns.calendar_returns(market.closes, "M")).loc[last[:4] : first]
    lead_before = "; ".join(f"{m}: {as_percent(x):+.2f}" for m, x in before.iloc[:-1].items())
    return Measured(
        {"months led": months.value, "lead over the year": as_percent(whole)},
        beside=f"{months.beside}; lead before, {lead_before}",
    )


@register("index_closes", unit="percentile", moves="in steps")
def start_percentile(
    market: Market, index: arg.Index, first_year: arg.Year, last_year: arg.Year
) -> Measured:
    """Percent of years whose return by the same session was lower."""
    starts = _starts(market, index)
    past = starts.loc[first_year:last_year]
    return Measured(valuation.percentile(past, starts.iloc[-1]), n=len(past))


@register("index_closes", unit="percent", moves="in steps")
def year_to_date_and_peak(market: Market, index: arg.Index) -> Measured:
    """Return since the last close of the year before, and its highest value before as_of."""
    path = returns.year_to_date(market.closes[index], market.last.year)
    return Measured(
        {
            "year to date": as_percent(path.iloc[-1]),
            "highest earlier": as_percent(path.iloc[:-1].max()),
        }
    )


@register("index_closes", unit="episodes", moves="in steps")
def lead_episodes(
    market: Market, points: arg.Points, sessions: arg.Sessions, gap: arg.Sessions, end: arg.End
) -> Measured:
    """Episodes, ended by ``end``, in which the lead over a window reached ``points``."""
    trailing = returns.lead(market.closes.pct_change(sessions)).loc[:end]
    reached = trailing >= points / 100
    days = np.flatnonzero(reached.to_numpy())
    now = returns.lead(market.closes.pct_change(sessions)).iloc[-1]
    same = events.merged_episodes(np.flatnonzero((trailing >= now).to_numpy()), gap)
    return Measured(
        events.merged_episodes(days, gap),
        n=len(days),
        beside=f"{len(days)} end days; {same} episodes at the measured lead of "
        f"{as_percent(now):.2f} points",
    )


def _compared(
    market: Market, of: str, period: str, over: int | None, month: int | None = None
) -> pd.Series:
    """Return what is ranked: changes by period, by rolling sessions, or of starts of years.

    Rolling windows are by default as long as the last year so far.
    """
    if period == "starts of years" and of not in SIZES:
        starts = _starts(market, of)
        return starts.set_axis(pd.PeriodIndex(starts.index.astype(str), freq="Y"))
    period = "sessions" if period == "starts of years" else period
    year_so_far = int((market.closes.index.year == market.last.year).sum())
    each = changes(market, of, period, over or year_so_far)
    return each[each.index.month == month] if month else each


def _extreme(values: pd.Series, side: str) -> pd.Timestamp:
    return values.idxmax() if side == "highest" else values.idxmin()


def _months(
    market: Market, of: str, month: int, first_year: int | None, last_year: int | None
) -> pd.Series:
    """Return the returns or leads of one month of the year, fractions."""
    each = changes(market, of, "months")
    year = each.index.year
    wanted = (each.index.month == month) & (year >= (first_year or 0))
    return each[wanted & (year <= (last_year or 9999))]


def _starts(market: Market, of: str) -> pd.Series:
    """Return each year's return or lead over as many sessions as the last one has, by year."""
    sessions = int((market.closes.index.year == market.last.year).sum())
    table = returns.starts_of_years(market.closes, sessions)
    return returns.lead(table) if of == "lead" else table[of]
