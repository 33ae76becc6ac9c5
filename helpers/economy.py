"""The policy rate, macro readings as released and as revised, and sums of stated figures."""

from __future__ import annotations

from itertools import product

import pandas as pd

from helpers.errors import InputError
from helpers.events import first_cuts
from helpers.valuation import half_step


def releases(macro: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return a monthly series as first released and as revised since.

    Parameters
    ----------
    macro : DataFrame, columns ``as_of``, ``series``, ``first_release``, ``latest``
    series : str

    Returns
    -------
    DataFrame of shape (n_months, 3) indexed by month, columns ``first_release``, ``latest`` and
    ``revision`` (latest less first), in the unit of the series. NaN: not collected.

    Raises
    ------
    InputError
        If the table holds no reading of the series.
    """
    own = macro[macro["series"] == series].sort_values("as_of")
    if not own[["first_release", "latest"]].notna().any(axis=None):
        raise InputError(
            f"{series}: macro_readings hold no reading by the as-of date; expected a later one"
        )
    months = pd.PeriodIndex(own["as_of"], freq="M", name="month")
    both = own[["first_release", "latest"]].set_axis(months)
    return both.assign(revision=both["latest"] - both["first_release"])


def curve(macro: pd.DataFrame) -> pd.DataFrame:
    """Return the Treasury yields of each date and how steep the curve was.

    Parameters
    ----------
    macro : DataFrame, columns ``as_of``, ``series``, ``latest``

    Returns
    -------
    DataFrame of shape (n_dates, 3) indexed by date, columns ``two_year`` and ``ten_year``
    (percent) and ``slope`` (ten less two years, basis points). NaN: no reading of that date.
    """
    names = {"two_year": "treasury_2_year_yield", "ten_year": "treasury_10_year_yield"}
    own = macro.set_index("as_of").rename_axis("date")
    wide = pd.DataFrame({name: own.loc[own["series"] == x, "latest"] for name, x in names.items()})
    return wide.assign(slope=100 * (wide["ten_year"] - wide["two_year"]))


def total_range(terms: list[float]) -> tuple[float, float]:
    """Return the least and the most that rounded terms can add up to.

    Each term may be off by half a unit of the last decimal it was written with.
    """
    slack = sum(half_step(term) for term in terms)
    return sum(terms) - slack, sum(terms) + slack


def weight_needed(whole: float, part: float, rest: float) -> float:
    """Return the weight of a part that makes the whole of it and the rest, a fraction.

    Solves ``whole = weight * part + (1 - weight) * rest``; a weight below 0 or above 1 says that
    the three cannot belong together. NaN if part and rest are equal.
    """
    return float("nan") if part == rest else (whole - rest) / (part - rest)


def weight_range(whole: float, part: float, rest: float) -> tuple[float, float]:
    """Return the least and the greatest weight that fits once rounding is allowed for.

    Each figure may be off by half a unit of its last decimal. (NaN, NaN) if the roundings of
    part and rest touch, so that no weight can be told.
    """
    if abs(part - rest) <= half_step(part) + half_step(rest) + 1e-9:
        return float("nan"), float("nan")
    corners = product(*((x - half_step(x), x + half_step(x)) for x in (whole, part, rest)))
    weights = [weight_needed(*corner) for corner in corners]
    return min(weights), max(weights)


def tightenings(
    target: pd.DataFrame, through: pd.Timestamp, months: int, since: str | pd.Timestamp
) -> pd.DataFrame:
    """Return the largest rise of the target in each span from one first cut to the next.

    Parameters
    ----------
    target : DataFrame indexed by announcement date with ``upper_percent`` and ``change_bp``
    through : Timestamp
        Last day on which the target is known.
    months : int
        The rise is the largest difference between two days of one window of so many months,
        counted as calendar days (730 for 24 months), both ends among them.
    since : date
        Start of the first span.

    Returns
    -------
    DataFrame indexed by ``first_cut``, the end of each span, with ``start`` and ``rise_bp``
    (basis points), in order of time; no row without a first cut.
    """
    level = target["upper_percent"]
    ends = [date for date in first_cuts(target) if date >= pd.Timestamp(since)]
    starts = [pd.Timestamp(since), *ends][: len(ends)]
    rises = []
    for start, end in zip(starts, ends, strict=True):
        days = pd.date_range(target.index[0], min(end, through))
        within = level.reindex(days).ffill().loc[start:]
        lowest = within.rolling(round(months * 365.25 / 12) + 1, min_periods=1).min()
        rises.append(float(100 * (within - lowest).max()))
    return pd.DataFrame(
        {"start": starts, "rise_bp": rises}, index=pd.DatetimeIndex(ends, name="first_cut")
    )


def target_on(target: pd.DataFrame, date: str | pd.Timestamp) -> pd.Series:
    """Return the target range in force at the end of a day.

    Raises
    ------
    InputError
        If the day lies before the first row.
    """
    known = target.loc[: pd.Timestamp(date)]
    if known.empty:
        first = target.index[0].date()
        raise InputError(f"{str(date)[:10]}: expected a date on or after {first}")
    return known.iloc[-1]


def target_by_session(target: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the target at the end of each session and the number of cuts announced by then.

    Parameters
    ----------
    target : DataFrame indexed by announcement date with ``upper_percent`` and ``change_bp``
    sessions : DatetimeIndex of shape (n_sessions,)
        A move announced on another day counts from the next session on.

    Returns
    -------
    DataFrame indexed by session with ``upper_percent`` and ``cuts`` (how many reductions of any
    size the table holds so far); NaN before the first row of the target.
    """
    known = target[["upper_percent"]].assign(cuts=(target["change_bp"] < 0).cumsum().astype(float))
    return known.reindex(sessions, method="ffill")
