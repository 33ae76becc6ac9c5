"""Intervals for a handful of events, and what chance alone would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from helpers.events import complete, forward_leads
from helpers.returns import all_forward_returns, compounded, forward_returns, lead

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A confidence interval: two ends, the nominal level and the method that made it."""

    low: float
    high: float
    level: float
    method: str


def t_interval(values: pd.Series, level: float = LEVEL) -> Interval | None:
    """Return Student's t interval of a mean.

    Parameters
    ----------
    values : Series of shape (n_events,)
        Treated as independent; NaN are left out.

    Returns
    -------
    Interval in the unit of the values; None for fewer than two.

    References
    ----------
    .. [1] Student (1908), "The Probable Error of a Mean", Biometrika 6(1).
    """
    known = values.dropna().to_numpy(float)
    if len(known) < 2:
        return None
    half = stats.t.ppf((1 + level) / 2, len(known) - 1) * stats.sem(known)
    return Interval(float(known.mean() - half), float(known.mean() + half), level, "t")


def wilson_interval(hits: float, n: int, level: float = LEVEL) -> Interval | None:
    """Return Wilson's score interval of a share, as a fraction; None for no trials.

    Trials are treated as independent. For overlapping windows give the number that do not
    overlap as ``n`` and the share times it as ``hits``, which then need not be whole.

    References
    ----------
    .. [1] Wilson (1927), "Probable Inference, the Law of Succession, and Statistical
       Inference", Journal of the American Statistical Association 22(158).
    """
    if n == 0:
        return None
    low, high = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    return Interval(float(low), float(high), level, "Wilson")


def exact_interval(hits: int, n: int, level: float = LEVEL) -> Interval | None:
    """Return the exact interval of a share, as a fraction; None for no trials.

    It covers the share with at least the nominal probability whatever the share is, and is
    wider than Wilson's for it.

    References
    ----------
    .. [1] Clopper and Pearson (1934), "The Use of Confidence or Fiducial Limits Illustrated in
       the Case of the Binomial", Biometrika 26(4).
    """
    if n == 0:
        return None
    low, high = proportion_confint(hits, n, alpha=1 - level, method="beta")
    return Interval(float(low), float(high), level, "Clopper-Pearson")


def median_interval(values: pd.Series, level: float = LEVEL) -> Interval | None:
    """Return the sign-test interval of a median, between two order statistics.

    The narrowest symmetric pair of order statistics that covers at least ``level``; None where
    even the smallest and the largest value do not (fewer than six values at 95%).

    References
    ----------
    .. [1] Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    known = np.sort(values.dropna().to_numpy(float))
    n = len(known)
    outside = 1 + int(stats.binom.ppf((1 - level) / 2, n, 0.5)) if n else 0
    while outside > 0 and 2 * stats.binom.cdf(outside - 1, n, 0.5) > 1 - level:
        outside -= 1
    if n == 0 or outside < 1:
        return None
    return Interval(float(known[outside - 1]), float(known[n - outside]), level, "sign test")


def base_rate(came_true: pd.Series, sessions: int) -> dict[str, float]:
    """Return how often a forecast would have come true, over all starts.

    Parameters
    ----------
    came_true : Series of bool of shape (n_starts,)
        One value for each neighbouring session with a full window.
    sessions : int
        Length of a window. Neighbouring windows share most of their sessions, so the interval
        counts only as many trials as windows fit one after another.

    Returns
    -------
    dict with ``starts``, ``share`` (a fraction), ``windows`` that do not overlap, and ``low`` and
    ``high`` of the Wilson interval; share and ends are NaN without a start.

    References
    ----------
    .. [1] Wilson (1927), "Probable Inference, the Law of Succession, and Statistical
       Inference", Journal of the American Statistical Association 22(158).
    """
    n = len(came_true)
    share, windows = float(came_true.mean()) if n else np.nan, -(-n // sessions)
    interval = wilson_interval(share * windows, windows)
    low, high = (interval.low, interval.high) if interval else (np.nan, np.nan)
    return {"starts": n, "share": share, "windows": windows, "low": low, "high": high}


def expected_runs(n: int, win_share: float, min_length: int) -> float:
    """Return how many runs of at least ``min_length`` wins chance gives among ``n`` trials.

    Exact expectation for independent trials: a run starts at the first trial or after a loss.

    References
    ----------
    .. [1] Feller (1968), An Introduction to Probability Theory and Its Applications, vol. 1,
       3rd ed., chapter XIII.
    """
    if min_length > n:
        return 0.0
    return win_share**min_length * (1 + (n - min_length) * (1 - win_share))


def event_study(
    closes: pd.DataFrame, dates: pd.DatetimeIndex, horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Summarise the lead of small caps after events, by horizon, beside that after all days.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2)
    dates : DatetimeIndex of shape (n_events,)
    horizons : tuple of int, sessions

    Returns
    -------
    DataFrame indexed by ``sessions`` with the columns of :func:`summary`, in percentage points.

    Raises
    ------
    InputError
        If no event has a full window at some horizon.
    """
    rows = {}
    for horizon in horizons:
        after, dropped = complete(forward_leads(closes, dates, horizon), f"{horizon} sessions")
        base = lead(all_forward_returns(closes, horizon))
        rows[horizon] = summary(100 * after["lead"], 100 * base) | {"dropped": dropped}
    return pd.DataFrame(rows).T.rename_axis("sessions")


def price_event_study(
    closes: pd.Series, dates: pd.DatetimeIndex, horizons: tuple[int, ...], what: str
) -> pd.DataFrame:
    """Do the same for the price return of one index; ``what`` names the events in errors."""
    frame, rows = closes.to_frame(), {}
    for horizon in horizons:
        after = forward_returns(frame, dates, horizon)
        after, dropped = complete(after, f"{horizon} sessions after {what}")
        base = all_forward_returns(frame, horizon)
        rows[horizon] = summary(100 * after.iloc[:, 0], 100 * base.iloc[:, 0])
        rows[horizon] |= {"dropped": dropped}
    return pd.DataFrame(rows).T.rename_axis("sessions")


def portfolio_event_study(
    returns: pd.DataFrame, months: pd.PeriodIndex, horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Do the same on monthly total returns of size portfolios; horizons in months."""
    rows = {}
    for horizon in horizons:
        after, dropped = complete(compounded(returns, months, horizon), f"{horizon} months")
        base = lead(compounded(returns, returns.index, horizon)).dropna()
        rows[horizon] = summary(100 * lead(after), 100 * base) | {"dropped": dropped}
    return pd.DataFrame(rows).T.rename_axis("months")


def summary(leads: pd.Series, base: pd.Series) -> dict[str, float]:
    """Return mean, median and hit rate of event leads with intervals, and those of a base.

    Parameters
    ----------
    leads : Series of shape (n_events,)
    base : Series of shape (n,)
        Leads over windows of the same length from every admissible start.

    Returns
    -------
    dict with ``n``, ``mean`` (``low``, ``high``: t), ``median``, ``hit_rate`` (``hit_low``,
    ``hit_high``: Wilson; shares), ``base_mean``, ``base_hit_rate``; missing intervals are NaN.
    """
    hits, n = int((leads > 0).sum()), len(leads)
    nothing = Interval(np.nan, np.nan, LEVEL, "none")
    mean, share = t_interval(leads) or nothing, wilson_interval(hits, n) or nothing
    return {
        "n": n,
        "mean": leads.mean(),
        "low": mean.low,
        "high": mean.high,
        "median": leads.median(),
        "hit_rate": hits / n,
        "hit_low": share.low,
        "hit_high": share.high,
        "base_mean": base.mean(),
        "base_hit_rate": (base > 0).mean(),
    }


def chance_streaks(
    n: int, win_share: float, min_length: int, draws: int, seed: int
) -> pd.DataFrame:
    """Draw histories of independent days and return what streaks they hold.

    Parameters
    ----------
    n : int, sessions a history
    win_share : float from 0 to 1
    min_length : int, sessions
    draws : int
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    DataFrame of shape (draws, 2): ``count`` of streaks of at least ``min_length``, and the
    ``longest``.
    """
    rng = np.random.default_rng(seed)
    result = np.empty((draws, 2), dtype=int)
    for draw in range(draws):
        lost = np.flatnonzero(rng.random(n) >= win_share)
        runs = np.diff(np.concatenate(([-1], lost, [n]))) - 1
        result[draw] = (runs >= min_length).sum(), runs.max()
    return pd.DataFrame(result, columns=["count", "longest"])
