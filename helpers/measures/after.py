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
from helpers.measures.arguments import (
    Day,
    Days,
    Gap,
    Index,
    MonthCount,
    MonthNumber,
    Of,
    Percent,
    RateMoves,
    Sessions,
    Sign,
    Signed,
    Statistic,
    WindowFrom,
)
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, both, changes, iso, rate_moves, summary, windows


@register("index_closes", unit="percent", moves="smoothly")
def after_date(market: Market, date: Day, sessions: Sessions, of: Of = "lead") -> Measured:
    """Return or lead over the sessions after the close of one day."""
    table = _full_windows(market, [date], sessions).iloc[0]
    beside = f"{sessions} sessions: {both(table)}"
    if of != "lead":
        beside = f"{sessions} sessions from {date}"
    return Measured(as_percent(table[of]), beside=beside)


@register("index_closes", moves="smoothly")
def after_dates(
    market: Market, dates: Days, sessions: Sessions, of: Of = "lead", statistic: Statistic = "mean"
) -> Measured:
    """Returns or leads over the sessions after listed days."""
    table = _full_windows(market, dates, sessions)
    return _study(market, pd.DatetimeIndex(table.index), "the listed days", of, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_streaks(
    market: Market,
    min_length: Sessions,
    sessions: Sessions,
    of: Of = "lead",
    statistic: Statistic = "mean",
    streak_of: Of = "lead",
    since: Day | None = None,
    window_from: WindowFrom = "last win",
) -> Measured:
    """Returns or leads after earlier runs of winning sessions, from their last win on."""
    runs = events.earlier_streaks(changes(market, streak_of), min_length)
    starts = events.window_starts(runs, market.closes.index, window_from)
    what = f"streaks of {min_length} or more"
    return _study(market, _since(starts, since), what, of, sessions, statistic)


@register("index_closes", "fed_target_changes", moves="smoothly")
def after_rate_moves(
    market: Market,
    sessions: Sessions,
    which: RateMoves = "first cuts",
    of: Of = "lead",
    statistic: Statistic = "mean",
    since: Day | None = None,
) -> Measured:
    """Returns or leads after moves of the federal funds target."""
    return _study(market, _since(rate_moves(market, which), since), which, of, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_records(
    market: Market,
    index: Index,
    sessions: Sessions,
    quiet: Gap = 0,
    of: Of | None = None,
    statistic: Statistic = "mean",
    since: Day | None = None,
) -> Measured:
    """Returns or leads after record closes that follow ``quiet`` sessions without one."""
    dates = events.breakouts(market.closes[index], quiet)
    what = "breakouts" if quiet else "records"
    return _study(market, _since(dates, since), what, of or index, sessions, statistic)


@register("index_closes", moves="smoothly")
def after_moves(
    market: Market,
    move_of: Of,
    percent: Signed,
    sessions: Sessions,
    over: Sessions = 1,
    gap: Gap = 0,
    of: Of | None = None,
    statistic: Statistic = "mean",
    since: Day | None = None,
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
    index: Index,
    percent: Percent,
    sessions: Sessions,
    of: Of | None = None,
    statistic: Statistic = "mean",
    since: Day | None = None,
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
    month: MonthNumber,
    months: MonthCount,
    month_of: Of,
    sign: Sign = "up",
    of: Of | None = None,
    statistic: Statistic = "mean",
    since: Day | None = None,
) -> Measured:
    """Returns or leads over the months after one month of each year, if that one was up or down."""
    last = market.closes.groupby(market.closes.index.to_period("M")).last()
    own = changes(market, month_of, "months")
    wanted = {"up": own > 0, "down": own < 0, "any": own == own}[sign]
    known = own.index[wanted & (own.index.month == month)]
    if since:
        known = known[known >= pd.Period(since, "M")]
    later = (last.shift(-months) / last - 1).loc[lambda table: table.index.isin(known)]
    complete = changes(market, month_of, "months").index[-1]
    later = later[later.index + months <= complete]
    after = later.assign(lead=returns.lead(later))
    return summary(100 * after[of or month_of], len(known) - len(later), statistic)


@register("index_closes", moves="smoothly")
def at_any_time(
    market: Market,
    sessions: Sessions,
    of: Of = "lead",
    statistic: Statistic = "mean",
    since: Day | None = None,
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
    after, dropped = events.complete(table[[of]], what)
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
