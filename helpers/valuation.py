"""Relative multiples, and how a reading ranks among others: percentile, rank, z-score.

Each rank comes in two kinds: against the whole history, and against what was known at the
time (expanding).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.returns import compounded

SMALL_INDEXES = ("Russell 2000", "S&P 600")
LARGE_INDEXES = ("Russell 1000", "S&P 500")
# By how many days a doubtful reading counts as further away.
MEDIUM_DAYS = 14


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

    Examples
    --------
    >>> percentile(pd.Series([1.0, 2.0, 3.0, 4.0]), 3.0)
    50.0
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

    Examples
    --------
    >>> expanding_percentile(pd.Series([1.0, 3.0, 2.0])).round(1).tolist()
    [0.0, 50.0, 33.3]
    """
    rank = series.expanding(min_periods).rank(method="min")
    return (100 * (rank - 1) / np.arange(1, len(series) + 1)).rename("expanding_percentile")


def zscore(series: pd.Series) -> pd.Series:
    """Return readings in sample standard deviations (n - 1) from the mean of all of them."""
    return ((series - series.mean()) / series.std(ddof=1)).rename("zscore")


def expanding_zscore(series: pd.Series, min_periods: int = 20) -> pd.Series:
    """Return each reading's z-score among the readings up to and including it.

    NaN before ``min_periods`` readings.
    """
    window = series.expanding(min_periods)
    return ((series - window.mean()) / window.std(ddof=1)).rename("expanding_zscore")


def nearest_readings(
    readings: pd.DataFrame, index: str, metric: str, date: str | pd.Timestamp
) -> pd.DataFrame:
    """Return the sure reading of an index nearest a day by each provider, the nearest first.

    A reading of medium confidence counts as ``MEDIUM_DAYS`` further away, one whose page names no
    provider as much again; the later comes first on a tie. Readings of low confidence and
    missing values are passed over.

    Parameters
    ----------
    readings : DataFrame
        ``Market.readings``.
    index, metric : str
        As the table spells them.

    Returns
    -------
    DataFrame, rows of ``readings`` with ``distance_days`` (negative: before the day)

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
    doubts = (sure["confidence"] == "medium").astype(int)
    doubts += sure["provider_basis"].str.startswith("not stated").astype(int)
    order = pd.DataFrame({"far": distance.abs() + MEDIUM_DAYS * doubts, "early": -distance})
    ordered = sure.assign(distance_days=distance).loc[order.sort_values(["far", "early"]).index]
    return ordered[~providers(ordered["provider_basis"]).duplicated()]


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


def trailing_percentile(series: pd.Series, readings: int) -> pd.Series:
    """Return, for each reading, its percentile among the last ``readings`` up to and with it.

    Returns
    -------
    Series of shape (n,), percent strictly below; NaN before that many readings.
    """
    rank = series.rolling(readings).rank(method="min")
    return (100 * (rank - 1) / readings).rename("trailing_percentile")


def standings(series: pd.Series, readings: tuple[int, ...]) -> pd.DataFrame:
    """Return how each reading ranks, in every kind of percentile and score.

    Parameters
    ----------
    series : Series of shape (n,)
        No NaN.
    readings : tuple of int
        Lengths of the trailing windows, in readings.

    Returns
    -------
    DataFrame of shape (n, 5 + n_windows)
        ``value``; ``last k`` for each window, ``as known then`` (expanding) and ``all, with
        hindsight`` (whole series), percent strictly below; ``sd as known then`` and ``sd with
        hindsight``, standard deviations from the mean. NaN before a window is full, and before
        20 readings for the score known then.
    """
    table = pd.DataFrame({"value": series})
    for count in readings:
        table[f"last {count}"] = trailing_percentile(series, count)
    table["as known then"] = expanding_percentile(series)
    table["all, with hindsight"] = [percentile(series, value) for value in series]
    table["sd as known then"] = expanding_zscore(series)
    table["sd with hindsight"] = zscore(series)
    return table


def span_score(series: pd.Series, first: str, last: str, center: str = "median") -> float:
    """Return how far the mean reading of a span lies from the usual level of the series.

    Parameters
    ----------
    series : Series of shape (n,)
    first, last : str
        Ends of the span, both included, as labels of the index.
    center : {"median", "mean"}
        The usual level: this of all readings.

    Returns
    -------
    float, sample standard deviations (n - 1); NaN for a span without readings.
    """
    usual = getattr(series, center)()
    return float((series.loc[first:last].mean() - usual) / series.std(ddof=1))


def after_lowest(
    ratio: pd.Series, portfolios: pd.DataFrame, lowest_percent: float, years: int
) -> pd.DataFrame:
    """Return what followed the Junes whose relative multiple was among the lowest of all.

    Parameters
    ----------
    ratio : Series of shape (n_years,), indexed by June
    portfolios : DataFrame of shape (n_months, 2)
        Monthly returns of a small and a large portfolio, in this order; fractions.
    lowest_percent : float
        A June counts if its ratio is at or below this percentile of all of them.
    years : int

    Returns
    -------
    DataFrame of shape (n_events, 6)
        ``then`` and ``later``, ratios; ``change``, fraction; ``small``, ``large`` and ``lead``,
        returns a year over the ``years`` that followed, fractions. NaN without a full window.
    """
    lowest = ratio[ratio <= ratio.quantile(lowest_percent / 100)]
    later = ratio.shift(-years).reindex(lowest.index)
    after = (1 + compounded(portfolios, lowest.index, 12 * years)) ** (1 / years) - 1
    after = after.set_axis(["small", "large"], axis=1)
    table = pd.DataFrame({"then": lowest, "later": later, "change": later / lowest - 1})
    return table.join(after).assign(lead=after["small"] - after["large"])


def carried(value: float, prices: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Return a multiple moved by the change of a price alone, earnings or book value unchanged.

    Parameters
    ----------
    value : float
        The multiple on ``start``.
    prices : Series of shape (n_sessions,)
        Closes, or one index over another for a relative multiple.
    start, end : Timestamp
        Each means the last close on or before it.

    Returns
    -------
    float; NaN if either day lies outside the closes.
    """
    if not all(prices.index[0] <= day <= prices.index[-1] for day in (start, end)):
        return float("nan")
    return float(value * prices.asof(end) / prices.asof(start))


def half_step(value: float) -> float:
    """Return half a unit of the last decimal a figure was written with.

    A figure that ends in zero looks coarser than it was: 16.0 counts as 16. NaN stays NaN.
    """
    if np.isnan(value):
        return float("nan")
    text = f"{value:.10g}"
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def providers(basis: pd.Series) -> pd.Series:
    """Return who computed each reading: the first word of its provider and basis."""
    return basis.str.extract(r"^(not stated|[\w&]+)", expand=False).rename("provider")


def against_readings(readings: pd.DataFrame, stated: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Set stated multiples beside the sure readings dated nearest to them.

    Parameters
    ----------
    readings : DataFrame
        ``Market.readings``.
    stated : DataFrame of shape (n_claims, ...)
        Columns ``index``, ``date`` and ``stated``.

    Returns
    -------
    DataFrame of shape (n_claims, 7), indexed like ``stated``
        ``index``, ``stated``, ``reading``, ``read_on``, ``distance_days``, ``provider_basis``
        and ``gap`` (stated less reading); NaN, NaT and "" where there is no sure reading.
    """
    rows = []
    for one in stated.itertuples():
        row = {"index": one.index, "stated": one.stated, "reading": np.nan}
        row |= {"read_on": pd.NaT, "distance_days": np.nan, "provider_basis": ""}
        if not sure_readings(readings, one.index, metric).empty:
            near = nearest_readings(readings, one.index, metric, one.date).iloc[0]
            row |= {"reading": near["value"], "read_on": near["as_of"]}
            row |= {k: near[k] for k in ("distance_days", "provider_basis")}
        rows.append(row | {"gap": one.stated - row["reading"]})
    return pd.DataFrame(rows, index=stated.index)


def paired_readings(readings: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Pair sure readings of a small-cap and a large-cap index of one day and one provider.

    Only such pairs share a basis.

    Returns
    -------
    DataFrame of shape (n_pairs, 6), by day
        ``as_of``, ``provider_basis``, ``pair``, ``small``, ``large`` (multiples) and
        ``discount``, percent.
    """
    names = readings["index"].unique()
    small, large = (
        pd.concat([sure_readings(readings, name, metric) for name in names if name in side])
        if set(side) & set(names)
        else readings.iloc[:0]
        for side in (SMALL_INDEXES, LARGE_INDEXES)
    )
    pairs = small.merge(large, on=["as_of", "provider_basis"], suffixes=("_small", "_large"))
    pairs = pairs.sort_values("as_of", kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "as_of": pairs["as_of"],
            "provider_basis": pairs["provider_basis"],
            "pair": pairs["index_small"] + " / " + pairs["index_large"],
            "small": pairs["value_small"],
            "large": pairs["value_large"],
            "discount": 100 * (1 - pairs["value_small"] / pairs["value_large"]),
        }
    )
