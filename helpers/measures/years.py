"""Calendar years and months: starts, ranks, who led, when last."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import events, returns, valuation
from helpers.errors import listing
from helpers.market import Market
from helpers.measures.arguments import Day, Index, Month, Points, Sessions, Year, YearList
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, iso


@register("index_closes", unit="months", moves="in steps", window=1 / 12)
def leading_months(market: Market, first: Month, last: Month) -> Measured:
    """Number of months from ``first`` to ``last`` in which the Russell 2000 led."""
    months = returns.lead(returns.calendar_returns(market.closes, "M")).loc[first:last]
    won = [str(month) for month in months.index[months > 0]]
    return Measured(len(won), n=len(months), beside=f"led in {listing(won) or 'none'}")


@register("index_closes", unit="years", moves="in steps", window=1.0)
def years_led_by(market: Market, index: Index, years: YearList) -> Measured:
    """Number of the given calendar years in which one index was ahead of the other."""
    leads = returns.lead(returns.calendar_returns(market.closes, "Y"))
    leads = leads.loc[[pd.Period(str(year), "Y") for year in years]]
    won = leads > 0 if index == returns.SMALL else leads < 0
    each = "; ".join(f"{year} {as_percent(x):+.1f}" for year, x in leads.items())
    return Measured(int(won.sum()), n=len(years), beside=f"small minus large: {each}")


@register("index_closes", moves="in steps")
def leading_months_and_year(market: Market, first: Month, last: Month) -> Measured:
    """Months led and the lead over the whole calendar year of ``last``."""
    year = pd.Period(last[:4], "Y")
    whole = returns.lead(returns.calendar_returns(market.closes, "Y")).loc[year]
    months = leading_months(market, first, last)
    before = returns.lead(returns.calendar_returns(market.closes, "M")).loc[last[:4] : first]
    lead_before = "; ".join(f"{m}: {as_percent(x):+.2f}" for m, x in before.iloc[:-1].items())
    return Measured(
        {"months led": months.value, "lead over the year": as_percent(whole)},
        beside=f"{months.beside}; lead before, {lead_before}",
    )


@register("index_closes", unit="year", moves="in steps")
def last_start_as_high(market: Market, index: Index) -> Measured:
    """Most recent earlier year that had returned at least as much by the same session."""
    starts = _starts(market.closes[index])
    now = starts.iloc[-1]
    earlier = starts.iloc[:-1][starts.iloc[:-1] >= now]
    found = str(earlier.index[-1]) if len(earlier) else "none"
    return Measured(found, n=len(starts) - 1, beside=f"{as_percent(now):.2f} percent this year")


@register("index_closes", unit="year", moves="in steps")
def last_lead_as_large(market: Market) -> Measured:
    """Most recent earlier year with a lead at least as large over as many sessions."""
    year = market.last.year
    sessions = int((market.closes.index.year == year).sum())
    trailing = returns.lead(market.closes.pct_change(sessions))
    earlier = trailing[trailing.index.year < year]
    found = earlier[earlier >= trailing.iloc[-1]]
    value = str(found.index[-1].year) if len(found) else "none"
    beside = f"{as_percent(trailing.iloc[-1]):.2f} points over {sessions} sessions"
    if len(found):
        beside += f"; last {iso(found.index[-1])}"
    return Measured(value, beside=beside)


@register("index_closes", unit="year", moves="in steps")
def last_start_lead_as_large(market: Market) -> Measured:
    """Most recent earlier year that had begun with as large a lead over as many sessions."""
    sessions = int((market.closes.index.year == market.last.year).sum())
    starts = returns.lead(returns.starts_of_years(market.closes, sessions))
    earlier = starts.index[:-1][starts.iloc[:-1] >= starts.iloc[-1]]
    return Measured(str(earlier[-1]) if len(earlier) else "none", n=len(starts) - 1)


@register("index_closes", unit="percentile", moves="in steps")
def start_percentile(market: Market, index: Index, first_year: Year, last_year: Year) -> Measured:
    """Percent of years whose return by the same session was lower."""
    starts = _starts(market.closes[index])
    past = starts.loc[first_year:last_year]
    return Measured(valuation.percentile(past, starts.iloc[-1]), n=len(past))


@register("index_closes", unit="percent", moves="in steps")
def year_to_date_and_peak(market: Market, index: Index) -> Measured:
    """Return since the last close of the year before, and its highest value before as_of."""
    path = _year_path(market.closes[index])
    return Measured(
        {
            "year to date": as_percent(path.iloc[-1]),
            "highest earlier": as_percent(path.iloc[:-1].max()),
        }
    )


@register("index_closes", unit="month", moves="in steps")
def last_month_with_return_as_low(market: Market, index: Index) -> Measured:
    """Month of the last earlier session whose return was at least as low as the last one."""
    daily = returns.simple_returns(market.closes)[index]
    now = daily.iloc[-1]
    this_month = daily.index.to_period("M") == daily.index[-1].to_period("M")
    low = daily[(daily <= now) & ~this_month]
    found = str(low.index[-1].to_period("M")) if len(low) else "none"
    beside = f"{iso(low.index[-1])}: {as_percent(low.iloc[-1]):.2f}" if len(low) else ""
    return Measured(found, beside=beside)


@register("index_closes", unit="episodes", moves="in steps")
def lead_episodes(
    market: Market, points: Points, sessions: Sessions, gap: Sessions, end: Day
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


@register("index_closes", unit="rank", moves="in steps")
def january_rank(market: Market, index: Index, first_year: Year) -> Measured:
    """Rank from the highest of the last January among those since ``first_year``."""
    months = returns.calendar_returns(market.closes, "M")[index]
    januaries = months[(months.index.month == 1) & (months.index.year >= first_year)]
    rank = 1 + int((januaries > januaries.iloc[-1]).sum())
    best = januaries.idxmax()
    return Measured(
        rank,
        n=len(januaries),
        beside=f"{as_percent(januaries.iloc[-1]):.2f} percent; best {best} "
        f"{as_percent(januaries.loc[best]):.2f}",
    )


def _year_path(closes: pd.Series) -> pd.Series:
    """Return since the last close of the year before, for each session of the last year."""
    return returns.year_to_date(closes, closes.index[-1].year)


def _starts(closes: pd.Series) -> pd.Series:
    """Return of each year over as many sessions as the last one has, indexed by year."""
    sessions = int((closes.index.year == closes.index[-1].year).sum())
    return returns.starts_of_years(closes, sessions)
