"""What followed events: streaks, rate moves, records, large moves, listed days, or any day.

Each study takes the close at which the event is known, measures an index or the lead over a
window from there, and gives the statistics asked for, with intervals where one is honest. Events
without a full window are dropped and counted. ``since`` keeps the events from a day on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers import events, returns
from helpers.errors import InputError
from helpers.inference import t_interval, wilson_interval
from helpers.interval import LEVEL, Interval
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.registry import Measured, register
from helpers.measures.shared import (
    as_percent,
    both,
    changes,
    column,
    iso,
    monthly,
    rate_moves,
    summary,
    windows,
)


@register("index_closes", unit="percent", moves="smoothly")
def after_date(
    market: Market, date: arg.Day, sessions: arg.Sessions, of: arg.Of = "lead"
) -> Measured:
    """Return or lead over the sessions after the close of one day."""
    table = _full_windows(market, [date], sessions).iloc[0]
    beside = f"{sessions} sessions: {both(table)}"
    if of != "lead":
        beside = f"{sessions} sessions from {date}"
    return Measured(as_percent(table[of]), beside=beside)


@register("index_closes", moves="smoothly")
def after_dates(
    market: Market,
    dates: arg.Days,
    sessions: arg.Sessions,
    of: arg.Of = "lead",
    statistic: arg.Statistic = "mean",
) -> Measured:
    """Returns or leads over the sessions after listed days."""
    table = _full_windows(market, dates, sessions)
    return _study(market, pd.DatetimeIndex(table.index), "the listed days", of, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_streaks(
    market: Market,
    min_length: arg.Length,
    sessions: arg.Sessions,
    of: arg.Of = "lead",
    statistic: arg.Statistic = "mean",
    streak_of: arg.Of = "lead",
    since: arg.Since | None = None,
    window_from: arg.WindowFrom = "last win",
) -> Measured:
    """Returns or leads after earlier runs of sessions in which small caps led or an index rose."""
    runs = events.earlier_streaks(changes(market, streak_of), min_length)
    starts = events.window_starts(runs, market.closes.index, window_from)
    what = f"streaks of {min_length} or more"
    return _study(market, _since(starts, since), what, of, sessions, statistic)


@register("index_closes", "fed_target_changes", moves="smoothly")
def after_rate_moves(
    market: Market,
    sessions: arg.Sessions,
    which: arg.RateMoves = "first cuts",
    of: arg.Of = "lead",
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Returns or leads after moves of the federal funds target."""
    return _study(market, _since(rate_moves(market, which), since), which, of, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_records(
    market: Market,
    index: arg.Index,
    sessions: arg.Sessions,
    quiet: arg.Gap = 0,
    of: arg.Of | None = None,
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Returns or leads after record closes that follow ``quiet`` sessions without one."""
    dates = events.breakouts(market.closes[index], quiet)
    what = "breakouts" if quiet else "records"
    return _study(market, _since(dates, since), what, of or index, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_moves(
    market: Market,
    move_of: arg.Of,
    percent: arg.Signed,
    sessions: arg.Sessions,
    over: arg.Sessions = 1,
    gap: arg.Gap = 0,
    of: arg.Of | None = None,
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Returns or leads after moves of at least ``percent`` (below zero: falls) over sessions.

    Of days that reach it at most ``gap`` sessions apart only the first counts.
    """
    days = _moves(market, move_of, percent, over, gap)
    what = f"moves of {percent:g} or more"
    return _study(market, _since(days, since), what, of or move_of, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_declines(
    market: Market,
    index: arg.Index,
    percent: arg.Percent,
    sessions: arg.Sessions,
    of: arg.Of | None = None,
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Returns or leads after first closes ``percent`` below the record, once for each record."""
    below = events.drawdown(market.closes[index]) <= -percent / 100
    record = market.closes[index].cummax()
    first = below & (below.groupby(record).cumsum() == 1)
    dates = pd.DatetimeIndex(first.index[first])
    what = f"declines of {percent:g} percent"
    return _study(market, _since(dates, since), what, of or index, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_months(
    market: Market,
    month: arg.MonthNumber,
    months: arg.MonthCount,
    month_of: arg.MonthlyOf,
    sign: arg.Sign = "up",
    of: arg.MonthlyOf | None = None,
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
    whole: arg.Flag = False,
) -> Measured:
    """Returns or leads over the months after one month of each year, if that was up or down.

    With ``whole`` the window holds that month, too.
    """
    own = _months(changes(market, month_of, "months"), month, since)
    chosen = own[{"up": own > 0, "down": own < 0, "any": own == own}[sign]].index
    table = monthly(market, of or month_of)
    later = returns.compounded(table, chosen - int(whole), months + int(whole))
    values = column(later, of or month_of).dropna()
    return summary(100 * values, len(chosen) - len(values), statistic)


@register("index_closes", moves="in steps", window=1.0)
def after_starts(
    market: Market,
    sessions: arg.Sessions,
    of: arg.Of = "lead",
    sign: arg.Sign = "up",
    statistic: arg.Statistic = "mean",
    first_year: arg.Year | None = None,
) -> Measured:
    """Returns or leads of whole years whose first sessions were up or down."""
    starts = column(returns.starts_of_years(market.closes, sessions), of).loc[first_year:]
    chosen = starts[{"up": starts > 0, "down": starts < 0, "any": starts == starts}[sign]]
    years = changes(market, of, "years")
    years = years[years.index.year.isin(chosen.index)]
    return summary(100 * years, len(chosen) - len(years), statistic)


@register("size_portfolios_monthly", "recessions", unit="percentage points")
def after_recessions(
    market: Market,
    months: arg.MonthCount,
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Small minus large total return over the months after the trough of each recession."""
    troughs = pd.PeriodIndex(market.recessions["trough"], freq="M")
    troughs = troughs[troughs >= pd.Period(since, "M")] if since else troughs
    leads = returns.lead(returns.compounded(market.portfolios, troughs, months)).dropna()
    return summary(100 * leads, len(troughs) - len(leads), statistic)


@register("index_closes", moves="smoothly")
def at_any_time(
    market: Market,
    sessions: arg.Sessions,
    of: arg.Of = "lead",
    statistic: arg.Statistic = "mean",
    since: arg.Since | None = None,
) -> Measured:
    """Returns or leads over all windows of so many sessions, whatever came before them.

    Neighbouring windows overlap, so intervals count only as many as fit one after another.
    """
    every = 100 * windows(market, sessions)[of].loc[since:]
    found = summary(every, 0, statistic)
    apart = max(1, len(every) // sessions)
    names = found.value if isinstance(found.value, dict) else {statistic: found.value}
    intervals = {name: _apart(every, name, apart) for name in names}
    return replace(
        found,
        interval=intervals if isinstance(found.value, dict) else intervals[statistic],
        beside=f"{len(every)} windows, of which {apart} fit one after another",
    )


def _apart(every: pd.Series, statistic: str, apart: int) -> Interval | None:
    """Return the interval of a mean or share as if only so many windows had been seen."""
    method = f"{apart} windows apart"
    found: Interval | None = None
    if statistic == "hit rate":
        found = wilson_interval(float((every > 0).mean()) * apart, apart)
    elif statistic == "mean" and apart > 1:
        from scipy import stats

        half = stats.t.ppf((1 + LEVEL) / 2, apart - 1) * every.std(ddof=1) / np.sqrt(apart)
        found = Interval(float(every.mean() - half), float(every.mean() + half), LEVEL, "t")
    return found and replace(found, method=f"{found.method}, {method}")


def _moves(market: Market, of: str, percent: float, over: int, gap: int) -> pd.DatetimeIndex:
    """Return the days that end a move of at least ``percent``, the first of each group."""
    trailing = changes(market, of, over=over)
    reached = trailing >= percent / 100 if percent > 0 else trailing <= percent / 100
    position = np.flatnonzero(reached.to_numpy())
    first = np.diff(position, prepend=-gap - 1) > gap
    return pd.DatetimeIndex(trailing.index[position[first]])


def _months(each: pd.Series, month: int, since: str | None) -> pd.Series:
    each = each[each.index.month == month]
    return each[each.index >= pd.Period(since, "M")] if since else each


def _since(dates: pd.DatetimeIndex, since: str | None) -> pd.DatetimeIndex:
    return dates[dates >= pd.Timestamp(since)] if since else dates


def _full_windows(market: Market, dates: list[str], sessions: int) -> pd.DataFrame:
    table = events.forward_leads(market.closes, pd.DatetimeIndex(dates), sessions)
    short = table.index[table["lead"].isna()]
    if len(short):
        raise InputError(
            f"{sessions} sessions after {iso(short[0])}: expected a window that ends by "
            f"{iso(market.last)}"
        )
    return table


def _study(
    market: Market,
    dates: pd.DatetimeIndex,
    what: str,
    of: str,
    sessions: int,
    statistic: str | list[str],
) -> Measured:
    """Summarise what followed dates; ``excess`` is the mean less that of all days."""
    table = events.forward_leads(market.closes, dates, sessions)
    after, dropped = events.complete(table[[of]])
    if after.empty:
        raise InputError(f"{what}: expected at least one event with a full window; none is left")
    values = 100 * after[of]
    if statistic != "excess":
        return summary(values, dropped, statistic)
    every = 100 * windows(market, sessions)[of].mean()
    excess = values - every
    days = ", ".join(map(iso, after.index))
    return Measured(
        float(excess.mean()),
        interval=t_interval(excess),
        n=len(excess),
        beside=f"after {what} {values.mean():.2f}, all days {every:.2f} "
        f"{'points' if of == 'lead' else 'percent'}; {days}; {dropped} without a full window",
    )
