"""Runs of sessions or months in which small caps led."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import pandas as pd

from helpers import events, returns
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures import periods
from helpers.measures.arguments import DIGITS, GIVEN, one_of
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, change_of_target, changes, iso, rank

Which = Annotated[str, one_of("which streak", "running", "longest")]
OfStreak = Annotated[str, one_of("what is given", "length", "rank", *list(GIVEN)[1:])]
Ago = Annotated[str, one_of("how the time is given", *DIGITS, "years ago")]


@register("index_closes", moves="in steps")
def streak(
    market: Market,
    which: Which = "running",
    give: OfStreak = "length",
    of: arg.Of = "lead",
    period: arg.Period = "sessions",
    falls: arg.Flag = False,
    since: arg.Since | None = None,
) -> Measured:
    """The running or the longest run of sessions or periods won: length, rank, or when it ended."""
    won = _won(market, of, period, falls, since)
    every, now = events.streaks(won), events.running_streak(won)
    if which == "longest" and len(every):
        now = every.loc[every["length"].idxmax()]
    length = int(now["length"])
    ran = f"{length} {period}, {iso(now['start'])} to {iso(now['end'])}"
    beside = ran if length else "none running"
    if give == "length":
        return Measured(length, beside=beside)
    if give == "rank":
        if not length:
            raise InputError(f"{iso(market.last)}: expected a streak running on that day")
        longest = f"; the longest lasted {every['length'].max()}"
        return Measured(rank(every["length"], length), n=len(every), beside=ran + longest)
    when = iso(now["end"])[: GIVEN[give]] if length else "none"
    return Measured(when, beside=beside)


@register("index_closes", moves="in steps")
def earlier_streaks(
    market: Market,
    min_length: arg.Length,
    give: arg.NumberOrMonths = "number",
    of: arg.Of = "lead",
    period: arg.Period = "sessions",
    falls: arg.Flag = False,
    since: arg.Since | None = None,
) -> Measured:
    """Earlier streaks of at least ``min_length``: how many, or the months in which they ended."""
    table = events.earlier_streaks(_won(market, of, period, falls, since), min_length)
    if give == "number":
        return Measured(len(table), beside=f"ended {listing(map(iso, table['end'])) or 'never'}")
    began = listing(iso(start)[:7] for start in table["start"])
    return Measured([iso(end)[:7] for end in table["end"]], beside=f"began {began or 'never'}")


@register("index_closes", moves="in steps")
def last_streak(
    market: Market,
    min_length: arg.Length,
    unit: arg.Unit = "year",
    of: arg.Of = "lead",
    period: arg.Period = "sessions",
    falls: arg.Flag = False,
    before: arg.Year | None = None,
) -> Measured:
    """Most recent year or month, before the year ``before``, in which a streak that long ended."""
    leads = _won(market, of, period, falls)
    runs = events.streaks(leads, min_length)
    ended = [end for end in runs["end"] if end.year < (before or 9999)]
    found = iso(ended[-1])[: DIGITS[unit]] if ended else "none"
    longest = events.streaks(leads)["length"].max()
    return Measured(found, n=len(runs), beside=f"longest run: {longest}")


@register("index_closes", moves="in steps")
def last_streak_as_long(
    market: Market,
    unit: Ago,
    dates: arg.Days | None = None,
    of: arg.Of = "lead",
    period: arg.Period = "sessions",
    falls: arg.Flag = False,
) -> Measured:
    """When a streak longer than, and one as long as, the running one last ended.

    With ``dates`` the same on each of these days, as lists in their order.
    """
    names = ("longer", "as long")
    if dates is not None:
        each = [
            last_streak_as_long(market.until(day), unit, None, of, period, falls) for day in dates
        ]
        return Measured(
            {name: [one.value[name] for one in each] for name in names},
            beside=" | ".join(f"{day}: {one.beside}" for day, one in zip(dates, each, strict=True)),
        )
    length, *ends = _last_ends(_won(market, of, period, falls))
    longer, as_long = map(iso, ends)
    if unit == "years ago":
        years = math.nan if ends[1] is None else market.last.year - ends[1].year
        return Measured(years, beside=f"running: {length}; as long {as_long}, longer {longer}")
    return Measured(
        {"longer": longer[: DIGITS[unit]], "as long": as_long[: DIGITS[unit]]},
        beside=f"running: {length}; longer ended {longer}, as long {as_long}",
    )


@register("index_closes", unit="percentage points", moves="in steps")
def lead_before_streaks(market: Market, streaks: arg.Streaks, months: arg.MonthCount) -> Measured:
    """Lead over the months before each streak began, percentage points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        pair = returns.period_return(market.closes, close - pd.DateOffset(months=months), close)
        value[name] = as_percent(returns.lead(pair))
    return Measured(value, beside=_starts_of(market, streaks))


@register("index_closes", unit="percent", moves="in steps")
def drawdown_before_streaks(
    market: Market,
    index: arg.Index,
    streaks: arg.Streaks,
    sessions: arg.Sessions,
    window: arg.Sessions,
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
def target_change_before_streaks(
    market: Market, streaks: arg.Streaks, months: arg.MonthCount
) -> Measured:
    """Change of the federal funds target over the months before each streak, basis points."""
    value = {}
    for name, close in _closes_before(market, streaks).items():
        value[name] = change_of_target(market, close - pd.DateOffset(months=months), close)
    return Measured(value, beside=_starts_of(market, streaks))


@register("index_closes", unit="percentage points", moves="smoothly")
def streak_lead_against(market: Market, start: arg.Start, end: arg.End) -> Measured:
    """Lead of the running streak so far less the lead over a period, percentage points."""
    close = _closes_before(market, {"now": "running"})["now"]
    now, then = periods.lead(market, iso(close)).value, periods.lead(market, start, end).value
    return Measured(now - then, beside=f"{now:.2f} points since {iso(close)}; then {then:.2f}")


def _won(market: Market, of: str, period: str, falls: bool, since: str | None = None) -> pd.Series:
    """Return what a streak counts by session or period: above zero where it was won."""
    each = changes(market, of, period).loc[since:]
    return -each if falls else each


def _last_ends(leads: pd.Series) -> tuple[int, Any, Any]:
    """Return the length of the running streak, and when a longer and an as long one ended."""
    length = int(events.running_streak(leads)["length"])
    earlier = events.earlier_streaks(leads, 1)
    ends = [earlier.loc[earlier["length"] >= least, "end"] for least in (length + 1, length)]
    longer, as_long = (end.iloc[-1] if len(end) else None for end in ends)
    return length, longer, as_long


def _closes_before(market: Market, streaks: Mapping[str, str]) -> dict[str, pd.Timestamp]:
    """The session before each streak: the running one, or the longest that ended in a month."""
    leads = changes(market, "lead")
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
