"""Macro readings as released and as revised, the yield curve, and sums of stated figures."""

from __future__ import annotations

from itertools import product

import pandas as pd

from helpers.errors import InputError
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
