"""Runs of sessions or months in which small caps led."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers import events, returns
from helpers.errors import InputError, listing
from helpers.inference import t_interval
from helpers.market import Market
from helpers.measures import periods
from helpers.measures.arguments import Day, Days, Index, MonthCount, Sessions, Streaks, Unit, Year
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, change_of_target, daily, iso


@register("index_closes", unit="sessions", moves="in steps")
def streak_length(market: Market) -> Measured:
    """Sessions of the daily streak running on as_of."""
    now = events.running_streak(daily(market))
    begun = f"begun {iso(now['start'])}" if now["length"] else "none running"
    return Measured(int(now["length"]), beside=begun)


@register("index_closes", unit="rank", moves="in steps")
def streak_rank(market: Market) -> Measured:
    """Rank by length of the running streak among all daily streaks of the data."""
    now = events.running_streak(daily(market))
    every = events.streaks(daily(market))
    return Measured(
        1 + int((every["length"] > now["length"]).sum()),
        n=len(every),
        beside=f"{now['length']} sessions; the longest lasted {every['length'].max()}",
    )


@register("index_closes", unit="streaks", moves="in steps")
def streak_count(market: Market, min_length: Sessions) -> Measured:
    """Number of earlier daily streaks of at least ``min_length`` sessions."""
    table = events.earlier_streaks(daily(market), min_length)
    ends = listing(iso(end) for end in table["end"])
    return Measured(len(table), beside=f"ended {ends or 'never'}")


@register("index_closes", unit="months", moves="in steps")
def streak_months(market: Market, min_length: Sessions) -> Measured:
    """Months in which an earlier daily streak of at least ``min_length`` sessions ended."""
    table = events.earlier_streaks(daily(market), min_length)
    began = listing(str(start)[:7] for start in table["start"])
    return Measured([str(end)[:7] for end in table["end"]], beside=f"began {began or 'never'}")


@register("index_closes", moves="in steps")
def last_streak_as_long(market: Market, unit: Unit) -> Measured:
    """When a streak longer than, and one at least as long as, the running one last ended."""
    length, longer, as_long = since_longest(market)
    digits = {"year": 4, "month": 7}[unit]
    return Measured(
        {"longer": iso(longer)[:digits], "as long": iso(as_long)[:digits]},
        beside=f"running: {length}; longer ended {iso(longer)}, as long {iso(as_long)}",
    )


@register("index_closes", moves="in steps")
def last_streak_by_date(market: Market, dates: Days, unit: Unit) -> Measured:
    """The same on several days, as lists in the order of the days."""
    found = [last_streak_as_long(market.until(date), unit) for date in dates]
    value = {name: [one.value[name] for one in found] for name in ("longer", "as long")}
    return Measured(
        value, beside=" | ".join(f"{d}: {f.beside}" for d, f in zip(dates, found, strict=True))
    )


@register("index_closes", unit="years", moves="in steps")
def years_since_streak_as_long(market: Market) -> Measured:
    """Calendar years since a daily streak at least as long as the running one ended."""
    length, longer, as_long = since_longest(market)
    value = market.last.year - as_long.year if as_long is not None else float("nan")
    return Measured(
        value, beside=f"running: {length}; as long {iso(as_long)}, longer {iso(longer)}"
    )


@register("index_closes", unit="percentage points", moves="smoothly")
def mean_lead_after_streaks(market: Market, min_length: Sessions, sessions: Sessions) -> Measured:
    """Mean lead over the sessions after each earlier streak, percentage points."""
    ends = pd.DatetimeIndex(events.earlier_streaks(daily(market), min_length)["end"])
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


@register("index_closes", unit="year", moves="in steps")
def last_monthly_run(market: Market, min_length: Sessions, before: Year) -> Measured:
    """Most recent year before ``before`` in which a run of winning months ended."""
    months = returns.lead(returns.calendar_returns(market.closes, "M"))
    runs = events.streaks(months, min_length)
    ended = [end for end in runs["end"] if end.year < int(before)]
    longest = events.streaks(months)["length"].max()
    return Measured(
        str(ended[-1].year) if ended else "none", n=len(runs), beside=f"longest run: {longest}"
    )


@register("index_closes", unit="percentage points", moves="in steps")
def lead_before_streaks(market: Market, streaks: Streaks, months: MonthCount) -> Measured:
    """Lead over the months before each streak began, percentage points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        pair = returns.period_return(market.closes, close - pd.DateOffset(months=months), close)
        value[name] = as_percent(returns.lead(pair))
    return Measured(value, beside=_starts_of(market, streaks))


@register("index_closes", unit="percent", moves="in steps")
def drawdown_before_streaks(
    market: Market, index: Index, streaks: Streaks, sessions: Sessions, window: Sessions
) -> Measured:
    """Lowest of the closes before each streak against the high of ``window`` sessions, percent."""
    depth = events.drawdown(market.closes[index], window)
    level = market.closes[index]
    value = {}
    for name, close in _closes_before(market, streaks).items():
        lowest = level.loc[:close].iloc[-sessions:].idxmin()
        value[name] = as_percent(depth.loc[lowest])
    return Measured(value, beside=_starts_of(market, streaks))


@register("fed_target_changes", unit="bp")
def target_change_before_streaks(market: Market, streaks: Streaks, months: MonthCount) -> Measured:
    """Change of the federal funds target over the months before each streak, basis points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        value[name] = change_of_target(market, close - pd.DateOffset(months=months), close)
    return Measured(value, beside=_starts_of(market, streaks))


@register("index_closes", unit="percentage points", moves="smoothly")
def streak_lead_against(market: Market, start: Day, end: Day) -> Measured:
    """Lead of the running streak so far less the lead over a period, percentage points."""
    close = _closes_before(market, {"now": "running"})["now"]
    now, then = periods.lead(market, iso(close)).value, periods.lead(market, start, end).value
    return Measured(now - then, beside=f"{now:.2f} points since {iso(close)}; then {then:.2f}")


def since_longest(market: Market) -> tuple[int, pd.Timestamp | None, pd.Timestamp | None]:
    """Length of the running streak, and the ends of the last longer and as long ones."""
    length = int(events.running_streak(daily(market))["length"])
    earlier = events.earlier_streaks(daily(market), 1)

    def last(ends: pd.Series) -> pd.Timestamp | None:
        return ends.iloc[-1] if len(ends) else None

    return (
        length,
        last(earlier.loc[earlier["length"] > length, "end"]),
        last(earlier.loc[earlier["length"] >= length, "end"]),
    )


def _closes_before(market: Market, streaks: Mapping[str, str]) -> dict[str, pd.Timestamp]:
    """The session before each streak: the running one, or the longest that ended in a month."""
    leads = daily(market)
    found = {}
    for name, which in streaks.items():
        streak = (
            events.running_streak(leads)
            if which == "running"
            else events.longest_streak_in(leads, which)
        )
        if not streak["length"]:
            raise InputError(f"{iso(market.last)}: expected a daily streak running on that day")
        position = market.closes.index.get_loc(streak["start"])
        found[name] = market.closes.index[position - 1]
    return found


def _starts_of(market: Market, streaks: Mapping[str, str]) -> str:
    before = _closes_before(market, streaks)
    return "; ".join(f"{name}: to the close of {iso(day)}" for name, day in before.items())
