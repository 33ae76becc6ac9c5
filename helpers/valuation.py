"""Relative multiples, and where a reading stands among others: percentile, rank, z-score.

Each standing comes in two kinds: against the whole history, and against what was known at the
time (expanding).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError


def relative_multiple(
    price_to_book: pd.DataFrame, small: str = "quintile_2", large: str = "quintile_5"
) -> pd.Series:
    """Return the price-to-book of one size quintile over another's, each June.

    Quintile 1 is micro caps; quintile 2 is nearer to what a small-cap index holds.

    Returns
    -------
    Series of shape (n_years,), ratio of multiples.
    """
    return (price_to_book[small] / price_to_book[large]).rename("relative_multiple")


def percentile(history: pd.Series, value: float) -> float:
    """Return the percent of a history that lies strictly below a value.

    Parameters
    ----------
    history : Series of shape (n,)
        NaN are left out.

    Returns
    -------
    float from 0 to 100; NaN on an empty history.
    """
    known = history.dropna()
    return float(100 * (known < value).mean()) if len(known) else float("nan")


def share_above(history: pd.Series, value: float) -> float:
    """Return the percent of a history that lies strictly above a value; NaN as above."""
    known = history.dropna()
    return float(100 * (known > value).mean()) if len(known) else float("nan")


def rank_from_lowest(history: pd.Series, value: float) -> int:
    """Return 1 for a value that no reading of the history lies strictly below."""
    return 1 + int((history < value).sum())


def expanding_percentile(series: pd.Series, min_periods: int = 1) -> pd.Series:
    """Return, for each reading, its percentile among the readings up to and including it.

    Returns
    -------
    Series of shape (n,), percent strictly below; NaN before ``min_periods`` readings.
    """
    values = series.to_numpy(float)
    known = np.tri(len(values), dtype=bool)
    below = (values[None, :] < values[:, None]) & known
    counts = known.sum(axis=1)
    result = np.where(counts >= min_periods, 100 * below.sum(axis=1) / counts, np.nan)
    return pd.Series(result, index=series.index, name="expanding_percentile")


def zscore(series: pd.Series) -> pd.Series:
    """Return readings in sample standard deviations (n - 1) from the mean of all of them."""
    return ((series - series.mean()) / series.std(ddof=1)).rename("zscore")


def expanding_zscore(series: pd.Series, min_periods: int = 20) -> pd.Series:
    """Return each reading's z-score among the readings up to and including it.

    NaN before ``min_periods`` readings.
    """
    window = series.expanding(min_periods)
    return ((series - window.mean()) / window.std(ddof=1)).rename("expanding_zscore")


def nearest_reading(
    readings: pd.DataFrame, index: str, metric: str, date: str | pd.Timestamp
) -> pd.Series:
    """Return the sure reading of an index dated nearest a day, the later one on a tie.

    Readings of low confidence and missing values are passed over.

    Parameters
    ----------
    readings : DataFrame
        ``Market.readings``.
    index, metric : str
        As the table spells them.

    Returns
    -------
    Series
        The row, with ``distance_days`` added (negative: before the day).

    Raises
    ------
    InputError
        If there is no such reading.
    """
    sure = sure_readings(readings, index, metric)
    if sure.empty:
        raise InputError(
            f"{index}, {metric}: expected at least one reading of high or medium "
            "confidence; found none"
        )
    distance = (sure["as_of"] - pd.Timestamp(date)).dt.days
    order = pd.DataFrame({"far": distance.abs(), "early": -distance})
    return sure.assign(distance_days=distance).loc[order.sort_values(["far", "early"]).index[0]]


def sure_readings(readings: pd.DataFrame, index: str, metric: str) -> pd.DataFrame:
    """Return the readings of one index and metric with high or medium confidence, by date."""
    chosen = (
        (readings["index"] == index)
        & (readings["metric"] == metric)
        & readings["confidence"].isin(["high", "medium"])
        & readings["value"].notna()
    )
    return readings[chosen].sort_values("as_of", kind="stable")


def discount(small: float, large: float) -> float:
    """Return by how many percent one multiple lies below another."""
    return 100 * (1 - small / large)
