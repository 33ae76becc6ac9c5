"""Pieces that several topics share."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from helpers import economy, events, returns
from helpers.errors import InputError
from helpers.inference import exact_interval, median_interval, t_interval
from helpers.interval import Interval
from helpers.market import Market
from helpers.measures.arguments import NAMES, PERIODS
from helpers.measures.registry import Measured
from helpers.valuation import rank_from_lowest

TARGET = "fed_target_changes"
SIZES = ("small", "large", "small minus large")


def as_percent(fraction: float) -> float:
    """Return a fraction in percent."""
    return float(100 * fraction)


def iso(date: pd.Timestamp | None) -> str:
    """Return a day in ISO form, ``never`` if there is none."""
    return "never" if date is None or pd.isna(date) else str(date)[:10]


def both(row: pd.Series) -> str:
    """Return the returns of both indexes as text."""
    return ", ".join(f"{label} {as_percent(row[name]):+.2f}" for name, label in NAMES.items())


def column(table: pd.DataFrame, of: str) -> pd.Series:
    """Return one column of a table of returns, or the lead of its small over its large side."""
    return returns.lead(table) if of in ("lead", "small minus large") else table[of]


def monthly(market: Market, of: str) -> pd.DataFrame:
    """Return the monthly returns that hold what is asked: prices, or size portfolios' totals."""
    return market.portfolios if of in SIZES else returns.calendar_returns(market.closes, "M")


def changes(market: Market, of: str, period: str = "sessions", over: int = 1) -> pd.Series:
    """Return the lead, or returns, by period; sessions over so many of them; fractions."""
    if period == "sessions" and of in SIZES:
        raise InputError(f"of {of!r}: expected an index or the lead; size portfolios are monthly")
    if period == "sessions":
        return column(market.closes.pct_change(over, fill_method=None).iloc[over:], of)
    table = monthly(market, of)
    if table is not market.portfolios:
        return column(returns.calendar_returns(market.closes, PERIODS[period]), of)
    spans = table.index.asfreq(PERIODS[period])
    whole = (
        table.groupby(spans)["small"].transform("size")
        == {"M": 1, "Q": 3, "Y": 12}[PERIODS[period]]
    )
    grown = (1 + table[whole.to_numpy()]).groupby(spans[whole.to_numpy()]).prod() - 1
    return column(grown, of)


def windows(market: Market, sessions: int) -> pd.DataFrame:
    """Return returns and lead of every full window of so many sessions, by its first close."""
    table = returns.all_forward_returns(market.closes, sessions)
    return table.assign(lead=returns.lead(table))


def line(market: Market, name: str) -> pd.Series:
    """Return the closes of an index, or small over large, by session."""
    closes = market.closes
    return closes[returns.SMALL] / closes[returns.LARGE] if name == "ratio" else closes[name]


def first_of(closes: pd.Series) -> str:
    """Return the day of the first of some closes, ``never`` if there are none."""
    return iso(closes.index[0] if len(closes) else None)


def change_of_target(market: Market, start: str | pd.Timestamp, end: str | pd.Timestamp) -> float:
    """Return the change of the upper bound of the target between two days, basis points."""
    return float(100 * (target_upper(market, end) - target_upper(market, start)))


def target_upper(market: Market, date: str | pd.Timestamp) -> float:
    """Return the upper bound of the target in force on a day, percent."""
    market.require(TARGET, pd.Timestamp(date).normalize())
    return float(economy.target_on(market.target, date)["upper_percent"])


def rate_moves(market: Market, which: str) -> pd.DatetimeIndex:
    """Return the days of cuts, rises, or first cuts or rises, of the target."""
    market.require(TARGET, market.last)
    sign = -1 if which.endswith("rises") else 1
    target = market.target.assign(change_bp=sign * market.target["change_bp"])
    if which.startswith("first"):
        return events.first_cuts(target)
    return pd.DatetimeIndex(target.index[target["change_bp"] < 0])


def unit_of(of: str) -> str:
    """Return the unit in which a return or a lead is told."""
    return "points" if of == "lead" else "percent"


def reaching(values: pd.Series, level: float, side: str) -> pd.Series:
    """Return the values at least as high (or, on the lowest side, as low) as a level."""
    return values[values >= level] if side == "highest" else values[values <= level]


def rank(values: pd.Series, value: float, side: str = "highest") -> int:
    """Return 1 for a value that none of the others exceeds on that side."""
    if side == "highest":
        values, value = -values, -value
    return rank_from_lowest(values, value)


def summary(values: pd.Series, dropped: int, statistic: str | list[str]) -> Measured:
    """Return one statistic of values in percent, or several by name, with intervals."""
    if values.empty:
        raise InputError("expected at least one event with a full window; none is left")
    hits, n = int((values > 0).sum()), len(values)
    known: dict[str, Callable[[], tuple[float, Interval | None]]] = {
        "mean": lambda: (float(values.mean()), t_interval(values)),
        "median": lambda: (float(values.median()), median_interval(values)),
        "hit rate": lambda: (hits / n, exact_interval(hits, n)),
        "hits": lambda: (hits, None),
        "worst": lambda: (float(values.min()), None),
        "best": lambda: (float(values.max()), None),
    }
    beside = f"{hits} of {n} positive; {dropped} without a full window"
    if isinstance(statistic, list):
        found = {name: known[name]() for name in statistic}
        return Measured(
            {name: value for name, (value, _) in found.items()},
            interval={name: interval for name, (_, interval) in found.items()},
            n=n,
            beside=beside,
        )
    if statistic == "hits":
        beside = "points: " + "; ".join(f"{iso(day)[:7]} {x:+.1f}" for day, x in values.items())
    value, interval = known[statistic]()
    return Measured(value, interval=interval, n=n, beside=beside)
