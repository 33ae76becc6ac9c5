"""The closed table of measurements that a claim's ``call`` may name.

A measurement takes the market as it stood on the claim's as-of date (nothing later is in it)
and the arguments of the row, and returns a :class:`Measured`. Percentages are percent, leads
are percentage points of small minus large, rates move in basis points. ``MEASURES`` at the end
lists the names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from helpers import events, returns, valuation
from helpers.errors import InputError, listing
from helpers.inference import exact_interval, median_interval, t_interval, wilson_interval
from helpers.interval import Interval
from helpers.market import Market

# Recessions differ in length, so the interval covers less than it should: docs/coverage.csv.
RECESSIONS_METHOD = "t, found to cover 92%"
NAMES = {"russell_2000": "Russell 2000", "sp_500": "S&P 500"}
# A user's own reading is at most so many days old, and a history has no longer gap than this.
OWN_AGE, OWN_GAP, FLOW_GAP = 31, 100, 31
# Indexes cut from the Russell 2000 that are no sectors of it.
STYLES = ("Value", "Growth", "Defensive", "Dynamic")


@dataclass(frozen=True)
class Measured:
    """What a measurement found.

    Attributes
    ----------
    value : number, str, list or dict
        In the form the claim's rule judges.
    interval : Interval, dict of Interval or None
    n : int or None
        Number of events behind an average or a share.
    beside : str
        What is shown beside the value: dates, second readings, counts of dropped events.
    objection : str
        A reason of ``grading`` that explains a contradiction better than the rule can.
    """

    value: Any
    interval: Interval | Mapping[str, Interval | None] | None = None
    n: int | None = None
    beside: str = ""
    objection: str = ""


def measure(market: Market, as_of: pd.Timestamp, call: Mapping[str, Any]) -> Measured:
    """Carry out one call of the registry.

    Parameters
    ----------
    market : Market
        All that the run may know.
    as_of : Timestamp
        The claim's as-of date; the measurement sees nothing later, but for the nearest reading,
        which looks both ways.
    call : dict
        ``{"measure": name, argument: value, …}``.

    Raises
    ------
    InputError
        If the name is not in the table, the arguments do not fit it, or the data known by then
        do not hold what it needs.
    """
    require(call)
    arguments = dict(call)
    name = arguments.pop("measure")
    function = MEASURES[name]
    if function is nearest_reading:
        known, arguments = market, arguments | {"date": str(as_of.date())}
    else:
        known = market.until(as_of)
    try:
        return function(known, **arguments)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"measure {name!r}: expected data by {_day(as_of)} that its arguments fit ({what})"
        ) from error


def require(call: Mapping[str, Any]) -> None:
    """Refuse a call whose name is not in the table or whose arguments do not fit it.

    Raises
    ------
    InputError
        Naming the measurement and what is wrong with its arguments.
    """
    arguments = dict(call)
    name = arguments.pop("measure", None)
    if name not in MEASURES:
        raise InputError(f"measure {name!r}: expected one of {listing(MEASURES)}")
    function = MEASURES[name]
    if function is nearest_reading:
        arguments["date"] = None  # the claim's own day
    try:
        inspect.signature(function).bind(None, **arguments)
    except TypeError as error:
        raise InputError(f"measure {name!r}: {error}") from None


# Returns and leads ------------------------------------------------------------------------


def price_return(market: Market, index: str, start: str, end: str | None = None) -> Measured:
    """Price return from the last close by ``start`` to the last by ``end``, percent."""
    closes = market.closes[[index]]
    first = returns.resolve(closes, start)
    last = returns.resolve(closes, end) if end else market.last
    value = returns.period_return(closes, start, end)[index]
    return Measured(_percent(value), beside=f"{_day(first)} to {_day(last)}")


def lead(market: Market, start: str, end: str | None = None) -> Measured:
    """Russell 2000 minus S&P 500 price return over a period, percentage points."""
    both = returns.period_return(market.closes, start, end)
    first = returns.resolve(market.closes, start)
    last = returns.resolve(market.closes, end) if end else market.last
    return Measured(
        _percent(returns.lead(both)),
        beside=f"{_day(first)} to {_day(last)}: {_both(both)}",
    )


def trailing_price_return(market: Market, index: str, months: int) -> Measured:
    """Price return from the same day ``months`` earlier to the last close, percent."""

    def one(last: pd.Timestamp) -> float:
        start = last - pd.DateOffset(months=months)
        return _percent(returns.period_return(market.closes[[index]], start, last)[index])

    before = market.closes.index[-2]
    return Measured(one(market.last), beside=f"to {_day(before)}: {one(before):+.2f}")


def forward_price_return(market: Market, index: str, date: str, sessions: int) -> Measured:
    """Price return over the sessions after the close of a day, percent."""
    table = _full_windows(market, [date], sessions)
    return Measured(_percent(table[index].iloc[0]), beside=f"{sessions} sessions from {date}")


def forward_lead(market: Market, date: str, sessions: int) -> Measured:
    """Lead over the sessions after the close of a day, percentage points."""
    table = _full_windows(market, [date], sessions).iloc[0]
    return Measured(_percent(table["lead"]), beside=f"{sessions} sessions: {_both(table)}")


def leads_after(market: Market, dates: list[str], sessions: int) -> Measured:
    """Number of days after which the Russell 2000 led over the window."""
    table = _full_windows(market, dates, sessions)
    each = "; ".join(f"{_day(day)[:7]} {_percent(x):+.1f}" for day, x in table["lead"].items())
    return Measured(int((table["lead"] > 0).sum()), n=len(table), beside=f"points: {each}")


def leads_by_period(market: Market, periods: Mapping[str, list[str]]) -> Measured:
    """Lead over each named period, percentage points."""
    value = {
        name: _percent(returns.lead(returns.period_return(market.closes, *ends)))
        for name, ends in periods.items()
    }
    return Measured(value)


def return_to_date_change(
    market: Market, index: str, start: str, first: str, second: str
) -> Measured:
    """Return since ``start`` by ``second`` less that by ``first``, percentage points."""
    closes = market.closes[[index]]
    early = returns.period_return(closes, start, first)[index]
    late = returns.period_return(closes, start, second)[index]
    return Measured(
        _percent(late - early),
        beside=f"{_percent(early):.2f} by {first}, {_percent(late):.2f} by {second}",
    )


def daily_volatility(market: Market, index: str, start: str) -> Measured:
    """Sample standard deviation of daily returns since ``start``, percent."""
    since = returns.resolve(market.closes, start)
    daily = returns.simple_returns(market.closes.loc[since:])[index]
    return Measured(_percent(daily.std(ddof=1)), n=len(daily), beside=f"{len(daily)} returns")


def leading_months(market: Market, first: str, last: str) -> Measured:
    """Number of months from ``first`` to ``last`` in which the Russell 2000 led."""
    months = returns.lead(returns.calendar_returns(market.closes, "M")).loc[first:last]
    won = [str(month) for month in months.index[months > 0]]
    return Measured(len(won), n=len(months), beside=f"led in {listing(won) or 'none'}")


def years_led_by(market: Market, index: str, years: list[int]) -> Measured:
    """Number of the given calendar years in which one index was ahead of the other."""
    leads = returns.lead(returns.calendar_returns(market.closes, "Y"))
    leads = leads.loc[[pd.Period(str(year), "Y") for year in years]]
    won = leads > 0 if index == returns.SMALL else leads < 0
    each = "; ".join(f"{year} {_percent(x):+.1f}" for year, x in leads.items())
    return Measured(int(won.sum()), n=len(years), beside=f"small minus large: {each}")


def leading_months_and_year(market: Market, first: str, last: str) -> Measured:
    """Months led and the lead over the whole calendar year of ``last``."""
    year = pd.Period(last[:4], "Y")
    whole = returns.lead(returns.calendar_returns(market.closes, "Y")).loc[year]
    months = leading_months(market, first, last)
    before = returns.lead(returns.calendar_returns(market.closes, "M")).loc[last[:4] : first]
    lead_before = "; ".join(f"{m}: {_percent(x):+.2f}" for m, x in before.iloc[:-1].items())
    return Measured(
        {"months led": months.value, "lead over the year": _percent(whole)},
        beside=f"{months.beside}; lead before, {lead_before}",
    )


def portfolio_lead(market: Market, long: str, short: str, month: str) -> Measured:
    """Total return of one portfolio less another's in a month, percentage points."""
    table = _portfolios(market)
    period = pd.Period(month, "M")
    if period not in table.index:
        raise InputError(f"{month}: expected a month in the portfolio tables")
    row = table.loc[period]
    return Measured(
        _percent(row[long] - row[short]),
        beside=f"small_hibm minus {short}: {_percent(row['small_hibm'] - row[short]):+.2f}",
    )


def annualised_lead(
    market: Market, long: str, short: str, start: str, months: list[int]
) -> Measured:
    """Annualised total return of one portfolio less another's from the end of ``start``."""
    value, micro = {}, {}
    for horizon in months:
        yearly = returns.annualised(_portfolios(market), start, horizon)
        value[f"{horizon} months"] = _percent(yearly[long] - yearly[short])
        micro[horizon] = _percent(yearly["small_hibm"] - yearly[short])
    beside = "; ".join(f"{horizon} months {x:+.1f}" for horizon, x in micro.items())
    return Measured(value, beside=f"small_hibm minus {short}: {beside}")


# Starts of the year, months and episodes ----------------------------------------------------


def last_start_as_high(market: Market, index: str) -> Measured:
    """Most recent earlier year that had returned at least as much by the same session."""
    starts = _starts(market.closes[index])
    now = starts.iloc[-1]
    earlier = starts.iloc[:-1][starts.iloc[:-1] >= now]
    found = str(earlier.index[-1]) if len(earlier) else "none"
    return Measured(found, n=len(starts) - 1, beside=f"{_percent(now):.2f} percent this year")


def start_percentile(market: Market, index: str, first_year: int, last_year: int) -> Measured:
    """Percent of years whose return by the same session was lower."""
    starts = _starts(market.closes[index])
    past = starts.loc[first_year:last_year]
    return Measured(valuation.percentile(past, starts.iloc[-1]), n=len(past))


def year_to_date_and_peak(market: Market, index: str) -> Measured:
    """Return since the last close of the year before, and its highest value before as_of."""
    path = _year_path(market.closes[index])
    return Measured(
        {"year to date": _percent(path.iloc[-1]), "highest earlier": _percent(path.iloc[:-1].max())}
    )


def last_month_with_return_as_low(market: Market, index: str) -> Measured:
    """Month of the last earlier session whose return was at least as low as the last one."""
    daily = returns.simple_returns(market.closes)[index]
    now = daily.iloc[-1]
    this_month = daily.index.to_period("M") == daily.index[-1].to_period("M")
    low = daily[(daily <= now) & ~this_month]
    found = str(low.index[-1].to_period("M")) if len(low) else "none"
    beside = f"{_day(low.index[-1])}: {_percent(low.iloc[-1]):.2f}" if len(low) else ""
    return Measured(found, beside=beside)


def lead_episodes(market: Market, points: float, sessions: int, gap: int, end: str) -> Measured:
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
        f"{_percent(now):.2f} points",
    )


def last_lead_as_large(market: Market) -> Measured:
    """Most recent earlier year with a lead at least as large over as many sessions."""
    year = market.last.year
    sessions = int((market.closes.index.year == year).sum())
    trailing = returns.lead(market.closes.pct_change(sessions))
    earlier = trailing[trailing.index.year < year]
    found = earlier[earlier >= trailing.iloc[-1]]
    value = str(found.index[-1].year) if len(found) else "none"
    beside = f"{_percent(trailing.iloc[-1]):.2f} points over {sessions} sessions"
    if len(found):
        beside += f"; last {_day(found.index[-1])}"
    return Measured(value, beside=beside)


def largest_rise(market: Market, index: str, start: str, end: str) -> Measured:
    """Largest price return from a close to a later one within a period, percent."""
    closes = market.closes[index].loc[start:end]
    return Measured(_percent((closes / closes.cummin() - 1).max()))


def last_start_lead_as_large(market: Market) -> Measured:
    """Most recent earlier year that had begun with as large a lead over as many sessions."""
    sessions = int((market.closes.index.year == market.last.year).sum())
    starts = returns.lead(returns.starts_of_years(market.closes, sessions))
    earlier = starts.index[:-1][starts.iloc[:-1] >= starts.iloc[-1]]
    return Measured(str(earlier[-1]) if len(earlier) else "none", n=len(starts) - 1)


def january_rank(market: Market, index: str, first_year: int) -> Measured:
    """Rank from the highest of the last January among those since ``first_year``."""
    months = returns.calendar_returns(market.closes, "M")[index]
    januaries = months[(months.index.month == 1) & (months.index.year >= first_year)]
    rank = 1 + int((januaries > januaries.iloc[-1]).sum())
    best = januaries.idxmax()
    return Measured(
        rank,
        n=len(januaries),
        beside=f"{_percent(januaries.iloc[-1]):.2f} percent; best {best} "
        f"{_percent(januaries.loc[best]):.2f}",
    )


# Streaks ------------------------------------------------------------------------------------


def streak_length(market: Market) -> Measured:
    """Sessions of the daily streak running on as_of."""
    now = events.running_streak(_daily(market))
    begun = f"begun {_day(now['start'])}" if now["length"] else "none running"
    return Measured(int(now["length"]), beside=begun)


def streak_rank(market: Market) -> Measured:
    """Rank by length of the running streak among all daily streaks of the data."""
    now = events.running_streak(_daily(market))
    every = events.streaks(_daily(market))
    return Measured(
        1 + int((every["length"] > now["length"]).sum()),
        n=len(every),
        beside=f"{now['length']} sessions; the longest lasted {every['length'].max()}",
    )


def streak_count(market: Market, min_length: int) -> Measured:
    """Number of earlier daily streaks of at least ``min_length`` sessions."""
    table = events.earlier_streaks(_daily(market), min_length)
    ends = listing(_day(end) for end in table["end"])
    return Measured(len(table), beside=f"ended {ends or 'never'}")


def streak_months(market: Market, min_length: int) -> Measured:
    """Months in which an earlier daily streak of at least ``min_length`` sessions ended."""
    table = events.earlier_streaks(_daily(market), min_length)
    began = listing(str(start)[:7] for start in table["start"])
    return Measured([str(end)[:7] for end in table["end"]], beside=f"began {began or 'never'}")


def last_streak_as_long(market: Market, unit: str) -> Measured:
    """When a streak longer than, and one at least as long as, the running one last ended."""
    length, longer, as_long = _since(market)
    digits = {"year": 4, "month": 7}[unit]
    return Measured(
        {"longer": _day(longer)[:digits], "as long": _day(as_long)[:digits]},
        beside=f"running: {length}; longer ended {_day(longer)}, as long {_day(as_long)}",
    )


def last_streak_by_date(market: Market, dates: list[str], unit: str) -> Measured:
    """The same on several days, as lists in the order of the days."""
    found = [last_streak_as_long(market.until(date), unit) for date in dates]
    value = {name: [one.value[name] for one in found] for name in ("longer", "as long")}
    return Measured(
        value, beside=" | ".join(f"{d}: {f.beside}" for d, f in zip(dates, found, strict=True))
    )


def years_since_streak_as_long(market: Market) -> Measured:
    """Calendar years since a daily streak at least as long as the running one ended."""
    length, longer, as_long = _since(market)
    value = market.last.year - as_long.year if as_long is not None else float("nan")
    return Measured(
        value, beside=f"running: {length}; as long {_day(as_long)}, longer {_day(longer)}"
    )


def mean_lead_after_streaks(market: Market, min_length: int, sessions: int) -> Measured:
    """Mean lead over the sessions after each earlier streak, percentage points."""
    ends = pd.DatetimeIndex(events.earlier_streaks(_daily(market), min_length)["end"])
    table, dropped = events.complete(
        events.forward_leads(market.closes, ends, sessions), f"streaks of {min_length} or more"
    )
    leads = 100 * table["lead"]
    return Measured(
        float(leads.mean()),
        interval=t_interval(leads),
        n=len(leads),
        beside=f"{int((leads > 0).sum())} of {len(leads)} positive; {dropped} without a full "
        "window",
    )


def last_monthly_run(market: Market, min_length: int, before: str) -> Measured:
    """Most recent year before ``before`` in which a run of winning months ended."""
    months = returns.lead(returns.calendar_returns(market.closes, "M"))
    runs = events.streaks(months, min_length)
    ended = [end for end in runs["end"] if end.year < int(before)]
    longest = events.streaks(months)["length"].max()
    return Measured(
        str(ended[-1].year) if ended else "none", n=len(runs), beside=f"longest run: {longest}"
    )


def lead_before_streaks(market: Market, streaks: Mapping[str, str], months: int) -> Measured:
    """Lead over the months before each streak began, percentage points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        both = returns.period_return(market.closes, close - pd.DateOffset(months=months), close)
        value[name] = _percent(returns.lead(both))
    return Measured(value, beside=_starts_of(market, streaks))


def drawdown_before_streaks(
    market: Market, index: str, streaks: Mapping[str, str], sessions: int, window: int
) -> Measured:
    """Lowest of the closes before each streak against the high of ``window`` sessions, percent."""
    depth = events.drawdown(market.closes[index], window)
    level = market.closes[index]
    value = {}
    for name, close in _closes_before(market, streaks).items():
        lowest = level.loc[:close].iloc[-sessions:].idxmin()
        value[name] = _percent(depth.loc[lowest])
    return Measured(value, beside=_starts_of(market, streaks))


def target_change_before_streaks(
    market: Market, streaks: Mapping[str, str], months: int
) -> Measured:
    """Change of the federal funds target over the months before each streak, basis points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        value[name] = _target_change(market, close - pd.DateOffset(months=months), close)
    return Measured(value, beside=_starts_of(market, streaks))


def streak_lead_against(market: Market, start: str, end: str) -> Measured:
    """Lead of the running streak so far less the lead over a period, percentage points."""
    close = _closes_before(market, {"now": "running"})["now"]
    now, then = lead(market, _day(close)).value, lead(market, start, end).value
    return Measured(now - then, beside=f"{now:.2f} points since {_day(close)}; then {then:.2f}")


# Levels -------------------------------------------------------------------------------------


def index_level(market: Market, index: str) -> Measured:
    """Last close on or before as_of, index points."""
    return Measured(float(market.closes[index].iloc[-1]), beside=f"close of {_day(market.last)}")


def highest_close(
    market: Market, index: str, start: str, end: str | None = None, level: float | None = None
) -> Measured:
    """Highest close from ``start`` to ``end``; beside it the first at or above ``level``."""
    closes = market.closes[index].loc[start:end]
    beside = f"on {_day(closes.idxmax())}"
    if level is not None:
        reached = closes[closes >= level]
        beside += (
            f"; first at {level:g} or above: {_day(reached.index[0] if len(reached) else None)}"
        )
    return Measured(float(closes.max()), beside=beside)


def lowest_close(market: Market, index: str, start: str, level: float | None = None) -> Measured:
    """Lowest close since ``start``; beside it the first below ``level``."""
    closes = market.closes[index].loc[start:]
    beside = f"on {_day(closes.idxmin())}"
    if level is not None:
        below = closes[closes < level]
        beside += f"; first below {level:g}: {_day(below.index[0] if len(below) else None)}"
    return Measured(float(closes.min()), beside=beside)


def lead_over_record(market: Market, index: str, start: str, end: str) -> Measured:
    """Highest close of a period less the highest close before it, index points."""
    closes = market.closes[index]
    high = closes.loc[start:end]
    before = closes.loc[: pd.Timestamp(start) - pd.Timedelta(days=1)]
    return Measured(
        float(high.max() - before.max()),
        beside=f"{high.max():.2f} on {_day(high.idxmax())}; before: {before.max():.2f} on "
        f"{_day(before.idxmax())}",
    )


def first_close_above(market: Market, index: str, level: float, stated: str) -> Measured:
    """Date of the first close above a level."""
    above = market.closes[index][market.closes[index] > level]
    session = pd.Timestamp(stated) in market.closes.index
    return Measured(
        _day(above.index[0] if len(above) else None),
        beside=f"{stated} was {'a session' if session else 'no session'}",
        objection="" if session else "not a trading day",
    )


def closes_above_high(
    market: Market, index: str, year: int, through: Mapping[str, str]
) -> Measured:
    """Closes above the highest close of a year, counted from the next year on."""
    closes = market.closes[index]
    high = closes[closes.index.year == year].max()
    after = closes[closes.index.year > year]
    above = after[after > high]
    first = _day(above.index[0] if len(above) else None)
    return Measured(
        {name: len(above.loc[:end]) for name, end in through.items()},
        beside=f"highest close of {year}: {high:.2f}; first above it: {first}",
    )


def closes_near_or_above(
    market: Market, index: str, level: float, percent: float, end: str
) -> Measured:
    """Sessions by ``end`` that closed within ``percent`` of a level or above it."""
    closes = market.closes[index].loc[:end]
    near = closes[closes >= level * (1 - percent / 100)]
    first = _day(near.index[0] if len(near) else None)
    return Measured(len(near), beside=f"first: {first}; at {level * (1 - percent / 100):.1f} or up")


def level_gaps(
    market: Market, index: str, stated: float, described: Mapping[str, list]
) -> Measured:
    """Stated level less the level that each described move gives, index points."""
    value = {}
    for name, (date, percent) in described.items():
        close = market.closes[index].loc[returns.resolve(market.closes, date)]
        value[name] = float(stated - close * (1 + percent / 100))
    return Measured(value)


def return_after_breakouts(market: Market, index: str, quiet: int, sessions: int) -> Measured:
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
        f"{100 * everything:.2f} percent; {listing(_day(d) for d in after.index)}; "
        f"{dropped} without a full window",
    )


# Policy rates -------------------------------------------------------------------------------


def target_change(market: Market, start: str, end: str | None = None) -> Measured:
    """Change of the target's upper bound between two days, basis points."""
    value = _target_change(market, start, end or market.target_checked)
    return Measured(value, beside=f"checked through {_day(market.target_checked)}")


def target_range(market: Market) -> Measured:
    """Target range in force on as_of, percent."""
    now = market.target.iloc[-1]
    return Measured(
        [float(now["lower_percent"]), float(now["upper_percent"])],
        beside=f"since {_day(market.target.index[-1])}",
    )


def cut_months(market: Market, start: str, end: str, size: float) -> Measured:
    """Months after ``start`` and by ``end`` with a cut of ``size`` basis points."""
    moves = market.target.loc[pd.Timestamp(start) + pd.Timedelta(days=1) : end, "change_bp"]
    return Measured([str(day)[:7] for day in moves.index[moves == -size]])


def cuts_announced(market: Market, start: str) -> Measured:
    """Number of reductions of the target after ``start``."""
    moves = market.target.loc[pd.Timestamp(start) + pd.Timedelta(days=1) :, "change_bp"]
    return Measured(int((moves < 0).sum()), beside=f"checked through {_day(market.target_checked)}")


def easing_so_far(market: Market, start: str, end: str) -> Measured:
    """Cuts announced since the last rise, and the change of the target over a period."""
    moves = market.target["change_bp"]
    last_rise = moves.index[moves > 0][-1]
    cuts = moves.index[(moves < 0) & (moves.index > last_rise)]
    return Measured(
        {
            "cuts since the last rise": len(cuts),
            "change in 2025": _target_change(market, start, end),
        },
        beside=f"last rise {_day(last_rise)}; first cut {_day(cuts[0] if len(cuts) else None)}",
    )


def tightening_rank(market: Market, months: int, since: str) -> Measured:
    """Rank of the last tightening by the largest rise of the target within ``months``.

    A tightening is the span from one first cut to the next; see :func:`events.tightenings`.
    """
    table = events.tightenings(market.target, market.target_checked, months, since)
    rises = table["rise_bp"]
    each = "; ".join(f"to {end.year} {rise:.0f}" for end, rise in rises.items())
    rank = 1 + int((rises > rises.iloc[-1]).sum())
    return Measured(rank, n=len(rises), beside=f"bp: {each}")


def lead_after_first_cuts(market: Market, sessions: int) -> Measured:
    """Mean, median and hit rate of the lead over the sessions after each first cut."""
    dates = events.first_cuts(market.target)
    table, dropped = events.complete(
        events.forward_leads(market.closes, dates, sessions), "first cuts"
    )
    return _mean_median_hits(100 * table["lead"], dropped)


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


def months_at_or_below_target(market: Market, months: list[str], upper_percent: float) -> Measured:
    """The listed months at whose last close the target's upper bound was at most a rate."""
    upper = {m: _upper(market, pd.Period(m, "M").end_time) for m in months}
    return Measured(
        [month for month, rate in upper.items() if rate <= upper_percent],
        beside="; ".join(f"{month} {rate:g}" for month, rate in upper.items()),
    )


# Valuation ----------------------------------------------------------------------------------


def relative_multiple_score(
    market: Market, first: str, last: str, since: str | None = None, logs: bool = False
) -> Measured:
    """Mean June reading from ``first`` to ``last``, in standard deviations from the median."""
    ratio = valuation.relative_multiple(market.price_to_book).loc[since:]
    ratio = np.log(ratio) if logs else ratio
    return Measured(
        valuation.span_score(ratio, first, last),
        n=len(ratio.loc[first:last]),
        beside=f"against {len(ratio)} Junes from {ratio.index[0]} on",
    )


def relative_multiple_against(market: Market, junes: list[str]) -> Measured:
    """Latest relative multiple less that of each given June, ratio."""
    ratio = valuation.relative_multiple(market.price_to_book)
    micro = valuation.relative_multiple(market.price_to_book, small="quintile_1")
    now = ratio.iloc[-1]
    return Measured(
        {june[:4]: float(now - ratio.loc[june]) for june in junes},
        beside=f"now {now:.3f}; quintile 1: "
        + "; ".join(f"{june[:4]} {micro.iloc[-1] - micro.loc[june]:+.3f}" for june in junes),
    )


def relative_multiple_rank(market: Market, readings: int) -> Measured:
    """Rank from the lowest of the latest relative multiple among the last ``readings``."""
    window = valuation.relative_multiple(market.price_to_book).iloc[-readings:]
    lowest = window.idxmin()
    return Measured(
        valuation.rank_from_lowest(window, window.iloc[-1]),
        n=len(window),
        beside=f"{window.iloc[-1]:.3f} in {window.index[-1]}; "
        f"lowest {window.min():.3f} in {lowest}",
    )


def relative_multiple_share_above(market: Market, readings: int) -> Measured:
    """Percent of the last ``readings`` relative multiples above the latest one."""
    window = valuation.relative_multiple(market.price_to_book).iloc[-readings:]
    return Measured(valuation.share_above(window, window.iloc[-1]), n=len(window))


def multiple_to_record(market: Market, quintile: str) -> Measured:
    """Latest price-to-book of a quintile over its highest, and its percentile beside it."""
    multiple = market.price_to_book[quintile]
    now = multiple.iloc[-1]
    return Measured(
        float(now / multiple.max()),
        n=len(multiple),
        beside=f"{now:.2f}; record {multiple.max():.2f} in {multiple.idxmax()}; percentile "
        f"{valuation.percentile(multiple, now):.0f}",
    )


def narrowing_share(market: Market, lowest_percent: float, years: int) -> Measured:
    """Share of the widest gaps that were narrower ``years`` later."""
    ratio = valuation.relative_multiple(market.price_to_book)
    table = valuation.after_lowest(ratio, market.portfolios, lowest_percent, years)
    change = table["change"].dropna()
    if change.empty:
        raise InputError(f"{years} years: expected a June with a full window; none is left")
    hits = int((change > 0).sum())
    led = table["lead"].dropna()
    apart = events.non_overlapping(change.index.year.to_numpy(), years)
    between = wilson_interval(hits / len(change) * apart, apart)
    return Measured(
        hits / len(change),
        interval=replace(between, method=f"Wilson, {apart} windows apart"),
        n=len(change),
        beside=f"{listing(str(june.year) for june in change.index)}: {hits} of {len(change)}, but "
        f"only {apart} windows that do not overlap, for which the interval stands; small minus "
        f"large over {years} years positive after {int((led > 0).sum())} of {len(led)}",
    )


def nearest_reading(
    market: Market, index: str, metric: str, days: int, date: str, provider: str = ""
) -> Measured:
    """The sure reading dated nearest a day, before or after it; none if further than ``days``."""
    readings = market.readings[market.readings["provider_basis"].str.startswith(provider)]
    row = valuation.nearest_reading(readings, index, metric, date)
    sure = valuation.sure_readings(market.readings, index, metric).drop(index=row.name)
    close = sure[(sure["as_of"] - pd.Timestamp(date)).abs() <= pd.Timedelta(days=days)]
    others = "; ".join(
        f"{r.value:g} on {_day(r.as_of)}, {r.provider_basis}" for r in close.itertuples()
    )
    source = f"{row['provider_basis']}, {_day(row['as_of'])}, {row['distance_days']:+d} days"
    if row["note"]:
        source += f" ({row['note']})"
    if abs(row["distance_days"]) > days:
        return Measured(None, beside=f"no reading within {days} days; the nearest: {source}")
    return Measured(
        float(row["value"]), beside=f"{source}; within {days} days also: {others or 'none'}"
    )


def reading_above_lowest(market: Market, index: str, metric: str, provider: str) -> Measured:
    """Last reading of one provider less the lowest of them."""
    sure = valuation.sure_readings(market.readings, index, metric)
    own = sure[sure["provider_basis"].str.startswith(provider)]
    if own.empty:
        raise InputError(f"{index}, {metric}: expected at least one reading by {provider}")
    low, last = own.loc[own["value"].idxmin()], own.iloc[-1]
    return Measured(
        float(last["value"] - low["value"]),
        n=len(own),
        beside=f"{last['value']:g} on {_day(last['as_of'])}; lowest {low['value']:g} on "
        f"{_day(low['as_of'])}",
    )


def average_discounts(market: Market) -> Measured:
    """100 x (1 - published average of Russell 2000 over Russell 1000 forward P/E)."""
    ratio = published_averages(market, "Russell 2000 over Russell 1000").value
    return Measured({day: valuation.discount(x, 1) for day, x in ratio.items()}, n=len(ratio))


def published_averages(market: Market, measure_of: str) -> Measured:
    """Each published long-run average, by the day it was stated."""
    rows = market.averages[market.averages["measure_of"] == measure_of]
    value = {_day(row.stated): float(row.average) for row in rows.itertuples()}
    return Measured(
        value,
        n=len(rows),
        beside="; ".join(f"{_day(r.stated)} {r.provider_basis}" for r in rows.itertuples()),
    )


# Economy ------------------------------------------------------------------------------------


def macro_reading(market: Market, series: str, date: str, latest: bool = False) -> Measured:
    """A macro figure as first released, or as it stands now; the other one beside it."""
    row = _macro(market, series, date)
    beside = f"first {row['first_release']:g}, now {row['latest']:g}"
    return Measured(float(row["latest" if latest else "first_release"]), beside=beside)


def curve_change(market: Market, start: str, end: str) -> Measured:
    """Change of the ten-year less two-year Treasury yield, basis points."""

    def slope(date: str) -> float:
        ten = _macro(market, "treasury_10_year_yield", date)["latest"]
        return float(ten - _macro(market, "treasury_2_year_yield", date)["latest"])

    before, after = slope(start), slope(end)
    return Measured(
        100 * (after - before), beside=f"{100 * before:.0f} on {start}, {100 * after:.0f} on {end}"
    )


def policy_fact(market: Market, fact: str) -> Measured:
    """Size of a provision of law; the day of enactment beside it."""
    row = _policy(market, fact)
    return Measured(float(row["value"]), beside=f"enacted {_day(row['enacted'])}; {row['note']}")


def policy_fact_and_date(market: Market, fact: str) -> Measured:
    """Size of a provision of law and the day it was enacted."""
    row = _policy(market, fact)
    return Measured({"size": float(row["value"]), "enacted": _day(row["enacted"])})


# An article's own figures -------------------------------------------------------------------


def discount(market: Market, small: float, large: float) -> Measured:
    """Percent by which one stated multiple lies below another."""
    return Measured(valuation.discount(small, large))


def difference(market: Market, first: float, second: float) -> Measured:
    """Stated number less another."""
    return Measured(first - second)


def total(market: Market, terms: list[float], decimals: int | None = None) -> Measured:
    """Sum of stated numbers, rounded to so many ``decimals`` if given."""
    value = float(sum(terms))
    return Measured(value if decimals is None else round(value, decimals), n=len(terms))


def mean(market: Market, values: list[float]) -> Measured:
    """Mean of stated numbers."""
    return Measured(float(np.mean(values)), n=len(values))


def spread(market: Market, values: list[float]) -> Measured:
    """Highest less lowest of stated numbers."""
    return Measured(max(values) - min(values), n=len(values))


def gain(market: Market, start: float, end: float) -> Measured:
    """Percent from one stated level to another."""
    return Measured(100 * (end / start - 1))


def listed_after(market: Market, months: list[str], after: str) -> Measured:
    """Number of listed months later than a month."""
    later = [month for month in months if month > after]
    return Measured(len(later), n=len(months), beside=f"listed after {after}: {listing(later)}")


def agreement(market: Market, statements: Mapping[str, str]) -> Measured:
    """``consistent`` if the statements, each reduced to what it implies, imply the same."""
    same = len(set(statements.values())) == 1
    implied = "; ".join(f"{said}: {implies}" for said, implies in statements.items())
    return Measured("consistent" if same else "inconsistent", beside=implied)


# A user's own tables -------------------------------------------------------------------------
# Each refuses (InputError) a table that does not reach what the claim asks about.


def own_reading(market: Market, index: str) -> Measured:
    """Last forward P/E of an index, at most 31 days old."""
    values, provider = _own_multiples(market, index)
    return Measured(float(values.iloc[-1]), beside=_on(provider, f"on {_day(values.index[-1])}"))


def own_above_lowest(market: Market, index: str, years: int) -> Measured:
    """Last forward P/E less the lowest of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        float(values.iloc[-1] - values.min()),
        n=len(values),
        beside=_on(provider, f"lowest {values.min():g} on {_day(values.idxmin())}"),
    )


def own_to_record(market: Market, index: str, years: int) -> Measured:
    """Last forward P/E over the highest of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        float(values.iloc[-1] / values.max()),
        n=len(values),
        beside=_on(provider, f"record {values.max():g} on {_day(values.idxmax())}"),
    )


def own_average(market: Market, index: str, years: int) -> Measured:
    """Mean forward P/E of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        {"whole history": float(values.mean())},
        n=len(values),
        beside=_on(provider, f"since {_day(values.index[0])}"),
    )


def own_relative_rank(market: Market, large: list[str], years: int) -> Measured:
    """Rank from the lowest of the last relative forward P/E among those of ``years`` years."""
    ratio, about = _own_ratio(market, large, years)
    window = ratio.loc[market.last - pd.DateOffset(years=years) :]
    return Measured(
        valuation.rank_from_lowest(window, window.iloc[-1]),
        n=len(window),
        beside=f"{about}; {window.iloc[-1]:.3f} on {_day(window.index[-1])}; lowest "
        f"{window.min():.3f} on {_day(window.idxmin())}",
    )


def own_relative_share_above(market: Market, large: list[str], years: int) -> Measured:
    """Percent of the relative forward P/Es of ``years`` years above the last one."""
    ratio, about = _own_ratio(market, large, years)
    window = ratio.loc[market.last - pd.DateOffset(years=years) :]
    value = valuation.share_above(window, window.iloc[-1])
    return Measured(value, n=len(window), beside=about)


def own_relative_score(
    market: Market, large: list[str], first: str, last: str, years: int
) -> Measured:
    """Mean relative forward P/E of a span, in standard deviations from the median of all."""
    ratio, about = _own_ratio(market, large, years)
    return Measured(
        valuation.span_score(ratio, first, last),
        n=len(ratio.loc[first:last]),
        beside=f"{about}; median of {len(ratio)} readings since {_day(ratio.index[0])}",
    )


def own_relative_against(market: Market, large: list[str], months: list[str]) -> Measured:
    """Last relative forward P/E less the last one of each given month, ratio."""
    ratio, about = _own_ratio(market, large)
    now = ratio.iloc[-1]
    return Measured(
        {month[:4]: float(now - ratio.loc[month].iloc[-1]) for month in months},
        beside=f"{about}; now {now:.3f}",
    )


def own_average_discounts(market: Market, large: list[str], years: int) -> Measured:
    """100 x (1 - mean relative forward P/E of at least ``years`` years), by large-cap index."""
    value, about = {}, []
    for index in large:
        try:
            ratio, source = _own_ratio(market, [index], years)
        except InputError:
            continue
        value[index] = valuation.discount(float(ratio.mean()), 1)
        about.append(f"{source}, {len(ratio)} readings since {_day(ratio.index[0])}")
    if not value:
        _own_ratio(market, large, years)  # says why
    return Measured(value, beside="; ".join(about))


def own_return(market: Market, group: str, start: str) -> Measured:
    """Price return of a group from the last close by ``start``, percent."""
    closes, provider = _own_closes(market, group)
    value = returns.period_return(closes.to_frame(), start).iloc[0]
    first, last = returns.resolve(closes.to_frame(), start), market.last
    return Measured(_percent(value), beside=_on(provider, f"{_day(first)} to {_day(last)}"))


def own_sector_lead(market: Market, index: str, sector: str, start: str, least: int) -> Measured:
    """Return of a sector from the last close by ``start``, percent, and its rank of all."""
    names = _own(market, "group_closes")["group"].unique()
    skip = {f"{index} {style}" for style in STYLES}
    found, provider = {}, ""
    for name in names:
        if name.startswith(f"{index} ") and name not in skip:
            try:
                closes, provider = _own_closes(market, name)
                one = returns.period_return(closes.to_frame(), start).iloc[0]
            except InputError:
                continue
            found[name.removeprefix(f"{index} ")] = _percent(one)
    if sector not in found or len(found) < least:
        raise InputError(
            f"group_closes: expected {sector} and at least {least} sectors of the {index} from "
            f"{start} to {_day(market.last)}; found {listing(found) or 'none'}"
        )
    order = sorted(found, key=found.get, reverse=True)
    rank = 1 + sum(x > found[sector] for x in found.values())
    each = "; ".join(f"{name} {found[name]:+.2f}" for name in order)
    return Measured(
        {"return": found[sector], "rank": rank}, n=len(found), beside=_on(provider, each)
    )


def own_returns_by_size(market: Market, bands: list[list[str]]) -> Measured:
    """Return of the last session less that of the next larger band, percentage points.

    The first name of each band that is there stands for it: an index of ``closes`` or a group.
    """
    day, found, providers = {}, [], []
    for band in bands:
        for name in band:
            try:
                if name in NAMES:
                    closes, provider = market.closes[name], ""
                else:
                    closes, provider = _own_closes(market, name)
                daily = returns.simple_returns(closes.to_frame()).iloc[:, 0]
                day[name] = _percent(daily.loc[market.last])
            except (InputError, KeyError):
                continue
            found.append(name)
            providers.append(provider)
            break
        else:
            raise InputError(
                f"group_closes: expected one of {listing(band)} with the closes of "
                f"{_day(market.last)} and the session before"
            )
    label = {name: NAMES.get(name, name) for name in found}
    each = "; ".join(f"{label[name]} {day[name]:+.2f}" for name in found)
    return Measured(
        {
            f"{label[small]} over {label[large]}": day[small] - day[large]
            for large, small in pairwise(found)
        },
        beside=_on(next(filter(None, providers), ""), each),
    )


def own_last_flow_as_large(market: Market, fund: str, days: int, since: str) -> Measured:
    """Month of the last earlier period with a flow at least as large as the latest one."""
    flows, provider = _own_flows(market, fund, days, since)
    now = flows.iloc[-1]
    earlier = flows.iloc[:-1][flows.iloc[:-1] >= now]
    found = str(earlier.index[-1])[:7] if len(earlier) else "none"
    return Measured(
        found, n=len(flows), beside=_on(provider, f"{now:g} billion to {_day(flows.index[-1])}")
    )


def own_flow_rank(market: Market, fund: str, days: int, since: str) -> Measured:
    """Rank from the largest, among all periods, of the largest flow of the last ``days`` days."""
    flows, provider = _own_flows(market, fund, days, since)
    recent = flows.loc[market.last - pd.Timedelta(days=days) :]
    return Measured(
        1 + int((flows > recent.max()).sum()),
        n=len(flows),
        beside=_on(provider, f"{recent.max():g} billion to {_day(recent.idxmax())}"),
    )


def own_flow_sum(market: Market, fund: str, year: int) -> Measured:
    """Sum of the flows of the periods that end in a year, billion dollars."""
    flows, provider = _own_flows(market, fund, 7, f"{year}-01-31")
    flows = flows.loc[str(year)]
    span = f"{_day(flows.index[0])} to {_day(flows.index[-1])}"
    return Measured(float(flows.sum()), n=len(flows), beside=_on(provider, span))


def on_total_returns(market: Market, as_of: pd.Timestamp, call: Mapping[str, Any]) -> str:
    """Return what a call about leads gives on the user's total-return levels, as text.

    Empty if the call is about something else, or the levels do not hold every session that it
    needs: on prices of the same sessions alone it would give another value.
    """
    if call["measure"] not in LEADS or "total_return_levels" not in market.own:
        return ""
    table = market.own["total_return_levels"].set_index("date")
    levels = table[list(NAMES)].loc[: market.last]
    if levels.empty or returns.resolve(market.closes, as_of) > levels.index[-1]:
        return ""
    prices = market.closes.loc[levels.index[0] : levels.index[-1]]
    try:
        asked = measure(market, as_of, call)
        same = measure(replace(market, closes=prices), as_of, call)
        found = measure(replace(market, closes=levels), as_of, call).value
    except InputError:
        return ""
    if (same.value, same.n) != (asked.value, asked.n):
        return ""
    value = found if isinstance(found, Mapping) else {"": found}
    shown = "; ".join(f"{name} {x:.4g}".strip() for name, x in value.items())
    return f"with dividends {shown}, on {table['provider_basis'].iloc[-1]} from the user's tables"


# Shared pieces ------------------------------------------------------------------------------


def _percent(fraction: float) -> float:
    return float(100 * fraction)


def _day(date: pd.Timestamp | None) -> str:
    return "never" if date is None or pd.isna(date) else str(date)[:10]


def _both(row: pd.Series) -> str:
    return ", ".join(f"{label} {_percent(row[name]):+.2f}" for name, label in NAMES.items())


def _on(provider: str, what: str) -> str:
    return f"measured on {provider} from the user's tables; {what}"


def _own(market: Market, name: str) -> pd.DataFrame:
    if name not in market.own:
        raise InputError(f"{name}: expected it among the user's tables")
    return market.own[name]


def _own_multiples(market: Market, index: str, years: int = 0) -> tuple[pd.Series, str]:
    """Forward P/Es of an index by date, and their provider; at least ``years`` years of them."""
    table = _own(market, "forward_pe")
    rows = table[table["index"] == index]
    values = rows.set_index("date")["value"]
    _check_reach(market, f"forward_pe: {index}", values.index, OWN_AGE)
    if years:
        start = market.last - pd.DateOffset(years=years)
        _check_history(f"forward_pe: {index}", values.index, start, OWN_GAP)
    return values, rows["provider_basis"].iloc[-1]


def _own_ratio(market: Market, large: list[str], years: int = 0) -> tuple[pd.Series, str]:
    """Russell 2000 over large-cap forward P/E of one basis, and what it is.

    The first of ``large`` whose history reaches decides.
    """
    small, provider = _own_multiples(market, NAMES["russell_2000"], years)
    refusals = []
    for index in large:
        try:
            values, other = _own_multiples(market, index, years)
            if other != provider:
                raise InputError(f"forward_pe: {index}: expected the basis {provider!r}")
            ratio = (small / values).dropna()
            _check_reach(market, f"forward_pe: both on one day, {index}", ratio.index, OWN_AGE)
            if years:
                start = market.last - pd.DateOffset(years=years)
                _check_history(f"forward_pe: {index}", ratio.index, start, OWN_GAP)
        except InputError as error:
            refusals.append(str(error))
            continue
        return ratio, _on(provider, f"Russell 2000 over {index}")
    raise InputError("; ".join(refusals))


def _own_closes(market: Market, group: str) -> tuple[pd.Series, str]:
    table = _own(market, "group_closes")
    rows = table[table["group"] == group]
    closes = rows.set_index("date")["close"].rename(group)
    _check_reach(market, f"group_closes: {group}", closes.index, 0)
    return closes, rows["provider_basis"].iloc[-1]


def _own_flows(market: Market, fund: str, days: int, since: str) -> tuple[pd.Series, str]:
    table = _own(market, "fund_flows")
    rows = table[table["fund"] == fund]
    flows = rows.set_index("date")["flow_usd_billion"]
    _check_reach(market, f"fund_flows: {fund}", flows.index, days)
    _check_history(f"fund_flows: {fund}", flows.index, pd.Timestamp(since), FLOW_GAP)
    return flows, rows["provider_basis"].iloc[-1]


def _check_reach(market: Market, what: str, dates: pd.DatetimeIndex, days: int) -> None:
    """Refuse figures the last of which is more than ``days`` days older than the last close."""
    oldest = market.last - pd.Timedelta(days=days)
    if not len(dates) or dates[-1] < oldest:
        asked = f"one from {_day(oldest)} to {_day(market.last)}" if days else _day(market.last)
        last = f"the last is of {_day(dates[-1])}" if len(dates) else "there is none"
        raise InputError(f"{what}: expected {asked}; {last}")


def _check_history(what: str, dates: pd.DatetimeIndex, start: pd.Timestamp, gap: int) -> None:
    """Refuse a history that begins after ``start`` or has a gap of more than ``gap`` days after."""
    if dates[0] > start:
        raise InputError(
            f"{what}: expected figures since {_day(start)}; the first is of {_day(dates[0])}"
        )
    apart = dates.to_series().diff()
    wide = apart[(apart > pd.Timedelta(days=gap)) & (apart.index > start)]
    if len(wide):
        raise InputError(
            f"{what}: expected no gap of over {gap} days; one ends {_day(wide.index[0])}"
        )


def _daily(market: Market) -> pd.Series:
    return returns.lead(returns.simple_returns(market.closes))


def _full_windows(market: Market, dates: list[str], sessions: int) -> pd.DataFrame:
    table = events.forward_leads(market.closes, pd.DatetimeIndex(dates), sessions)
    short = table.index[table["lead"].isna()]
    if len(short):
        raise InputError(
            f"{sessions} sessions after {_day(short[0])}: expected a window that ends by "
            f"{_day(market.last)}"
        )
    return table


def _since(market: Market) -> tuple[int, pd.Timestamp | None, pd.Timestamp | None]:
    """Length of the running streak, and the ends of the last longer and as long ones."""
    length = int(events.running_streak(_daily(market))["length"])
    earlier = events.earlier_streaks(_daily(market), 1)

    def last(ends: pd.Series) -> pd.Timestamp | None:
        return ends.iloc[-1] if len(ends) else None

    return (
        length,
        last(earlier.loc[earlier["length"] > length, "end"]),
        last(earlier.loc[earlier["length"] >= length, "end"]),
    )


def _closes_before(market: Market, streaks: Mapping[str, str]) -> dict[str, pd.Timestamp]:
    """The session before each streak: the running one, or the longest that ended in a month."""
    leads = _daily(market)
    found = {}
    for name, which in streaks.items():
        streak = (
            events.running_streak(leads)
            if which == "running"
            else events.longest_streak_in(leads, which)
        )
        if not streak["length"]:
            raise InputError(f"{_day(market.last)}: expected a daily streak running on that day")
        position = market.closes.index.get_loc(streak["start"])
        found[name] = market.closes.index[position - 1]
    return found


def _starts_of(market: Market, streaks: Mapping[str, str]) -> str:
    before = _closes_before(market, streaks)
    return "; ".join(f"{name}: to the close of {_day(day)}" for name, day in before.items())


def _target_change(market: Market, start: str | pd.Timestamp, end: str | pd.Timestamp) -> float:
    return float(100 * (_upper(market, end) - _upper(market, start)))


def _upper(market: Market, date: str | pd.Timestamp) -> float:
    return float(events.target_on(market.target, date)["upper_percent"])


def _year_path(closes: pd.Series) -> pd.Series:
    """Return since the last close of the year before, for each session of the last year."""
    return returns.year_to_date(closes, closes.index[-1].year)


def _starts(closes: pd.Series) -> pd.Series:
    """Return of each year over as many sessions as the last one has, indexed by year."""
    sessions = int((closes.index.year == closes.index[-1].year).sum())
    return returns.starts_of_years(closes, sessions)


def _mean_median_hits(leads: pd.Series, dropped: int) -> Measured:
    hits = int((leads > 0).sum())
    return Measured(
        {
            "mean": float(leads.mean()),
            "median": float(leads.median()),
            "hit rate": hits / len(leads),
        },
        interval={
            "mean": t_interval(leads),
            "median": median_interval(leads),
            "hit rate": exact_interval(hits, len(leads)),
        },
        n=len(leads),
        beside=f"{hits} of {len(leads)} positive; {dropped} without a full window",
    )


def _portfolios(market: Market) -> pd.DataFrame:
    return market.portfolios.join(market.value_portfolios, how="left")


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


MEASURES: dict[str, Callable[..., Measured]] = {
    function.__name__: function
    for function in (
        price_return,
        lead,
        trailing_price_return,
        forward_price_return,
        forward_lead,
        leads_after,
        leads_by_period,
        return_to_date_change,
        daily_volatility,
        leading_months,
        years_led_by,
        leading_months_and_year,
        portfolio_lead,
        annualised_lead,
        last_start_as_high,
        start_percentile,
        year_to_date_and_peak,
        last_month_with_return_as_low,
        lead_episodes,
        last_lead_as_large,
        january_rank,
        largest_rise,
        last_start_lead_as_large,
        streak_length,
        streak_rank,
        streak_count,
        streak_months,
        last_streak_as_long,
        last_streak_by_date,
        years_since_streak_as_long,
        mean_lead_after_streaks,
        last_monthly_run,
        lead_before_streaks,
        drawdown_before_streaks,
        target_change_before_streaks,
        streak_lead_against,
        index_level,
        highest_close,
        lowest_close,
        lead_over_record,
        first_close_above,
        closes_above_high,
        closes_near_or_above,
        level_gaps,
        return_after_breakouts,
        target_change,
        target_range,
        cut_months,
        cuts_announced,
        easing_so_far,
        tightening_rank,
        lead_after_first_cuts,
        lead_in_recessions,
        months_at_or_below_target,
        relative_multiple_score,
        relative_multiple_against,
        relative_multiple_rank,
        relative_multiple_share_above,
        multiple_to_record,
        narrowing_share,
        nearest_reading,
        reading_above_lowest,
        average_discounts,
        published_averages,
        macro_reading,
        curve_change,
        policy_fact,
        policy_fact_and_date,
        discount,
        difference,
        total,
        mean,
        spread,
        gain,
        listed_after,
        agreement,
        own_reading,
        own_above_lowest,
        own_to_record,
        own_average,
        own_relative_rank,
        own_relative_share_above,
        own_relative_score,
        own_relative_against,
        own_average_discounts,
        own_return,
        own_sector_lead,
        own_returns_by_size,
        own_last_flow_as_large,
        own_flow_rank,
        own_flow_sum,
    )
}

# Those about leads over stated windows: what dividends do to them can be shown beside.
LEADS = frozenset(
    (
        "lead",
        "forward_lead",
        "leads_after",
        "leads_by_period",
        "leading_months",
        "leading_months_and_year",
        "years_led_by",
        "lead_after_first_cuts",
    )
)
