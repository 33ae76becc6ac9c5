"""Intervals, small-sample tests, many tests at once, and the power of a few events.

The statistics libraries take longer to load than anything here takes to run, so each function
imports the one it uses.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Literal

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.interval import LEVEL, Interval

SHORTEST_SERIES = 20
MOST_RELABELLINGS = 50_000

Side = Literal["two-sided", "greater", "less"]


def t_interval(values: pd.Series, level: float = LEVEL) -> Interval | None:
    """Return Student's t interval of a mean.

    Source: Student (1908).

    Parameters
    ----------
    values : Series of shape (n_events,)
        Treated as independent; NaN are left out.

    Returns
    -------
    Interval in the unit of the values; None for fewer than two.

    Examples
    --------
    >>> found = t_interval(pd.Series([1.0, 2.0, 3.0]))
    >>> round(found.low, 2), round(found.high, 2)
    (-0.48, 4.48)
    """
    known = values.dropna().to_numpy(float)
    if len(known) < 2:
        return None
    error = np.std(known, ddof=1) / np.sqrt(len(known))
    half = _t_quantile(len(known) - 1, (1 + level) / 2) * error
    return Interval(float(known.mean() - half), float(known.mean() + half), level, "t")


@lru_cache
def _t_quantile(freedom: int, share: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(share, freedom))


def wilson_interval(hits: float, n: int, level: float = LEVEL) -> Interval | None:
    """Return Wilson's score interval of a share, as a fraction; None for no trials.

    Trials are treated as independent. For overlapping windows give the number that do not
    overlap as ``n`` and the share times it as ``hits``, which then need not be whole.

    Source: Wilson (1927).

    Examples
    --------
    >>> found = wilson_interval(3, 9)
    >>> round(found.low, 2), round(found.high, 2)
    (0.12, 0.65)
    """
    return _share(hits, n, level, "wilson", "Wilson")


def exact_interval(hits: int, n: int, level: float = LEVEL) -> Interval | None:
    """Return the exact interval of a share, as a fraction; None for no trials.

    It covers the share with at least the nominal probability whatever the share is, and is
    wider than Wilson's for it.

    Source: Clopper and Pearson (1934).
    """
    return _share(hits, n, level, "beta", "Clopper-Pearson")


def _share(hits: float, n: int, level: float, method: str, name: str) -> Interval | None:
    if n == 0:
        return None
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, n, alpha=1 - level, method=method)
    return Interval(float(low), float(high), level, name)


def median_interval(values: pd.Series, level: float = LEVEL) -> Interval | None:
    """Return the sign-test interval of a median, between two order statistics.

    The narrowest symmetric pair of order statistics that covers at least ``level``; None where
    even the smallest and the largest value do not (fewer than six values at 95%).

    Source: Conover (1999, section 3.2).
    """
    known = np.sort(values.dropna().to_numpy(float))
    ends = _order_statistics(len(known), level) if len(known) else ()
    if not ends:
        return None
    low, high = known[list(ends)]
    return Interval(float(low), float(high), level, "sign test")


@lru_cache
def _order_statistics(n: int, level: float) -> tuple[int, ...]:
    """Return which of ``n`` sorted values are the ends of the sign-test interval; none if none."""
    from scipy import stats

    # A hair less, so that a pair that covers exactly the level is not passed over.
    found = stats.quantile_test(np.arange(n)).confidence_interval(level - 1e-12)
    return () if np.isnan([found.low, found.high]).any() else (int(found.low), int(found.high))


def block_length(values: pd.Series | np.ndarray) -> float:
    """Return the mean block length that suits the stationary bootstrap of a mean.

    Source: Politis and White (2004); Patton, Politis and White (2009).

    Parameters
    ----------
    values : Series or array of shape (n,), n at least 20
        In order of time, without NaN; of booleans the mean is a share.

    Returns
    -------
    float, in observations, at least 1 (1 for a constant series).

    Raises
    ------
    InputError
        If a value is NaN or there are fewer than 20.
    """
    from arch.bootstrap import optimal_block_length

    series = _in_order(values)
    if np.ptp(series) == 0:
        return 1.0
    return max(1.0, float(optimal_block_length(series)["stationary"].iloc[0]))


def block_interval(
    values: pd.Series | np.ndarray, level: float = LEVEL, draws: int = 2000, seed: int = 0
) -> Interval:
    """Return a stationary block bootstrap interval of the mean of a dependent series.

    Symmetric and studentised: a resample's mean counts in units of its own long-run standard
    error. On overlapping windows that covers clearly more than the percentile interval does, and
    still less than ``level`` where few windows fit one after another (docs/coverage.csv).

    Source: Politis and Romano (1994); Hall (1988).

    Parameters
    ----------
    values : Series or array of shape (n,), n at least 20
        In order of time, without NaN; of booleans the mean is a share, and the interval is not
        clipped to that of shares.
    level : float
    draws : int
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    Interval in the unit of the values; its method names the mean block length.

    Raises
    ------
    InputError
        If a value is NaN or there are fewer than 20.
    """
    from arch.bootstrap import StationaryBootstrap

    series = _in_order(values)
    block = round(block_length(series))
    bootstrap = StationaryBootstrap(block, series, seed=np.random.default_rng(seed))
    mean, error = series.mean(), long_run_error(series, block)
    distance = np.empty(draws)
    # A resample without any variation has no error: its distance is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        for draw, ((resample,), _) in enumerate(bootstrap.bootstrap(draws)):
            distance[draw] = abs(resample.mean() - mean) / long_run_error(resample, block)
    half = error * np.quantile(
        np.nan_to_num(distance, nan=0, posinf=np.inf), level, method="higher"
    )
    method = f"stationary bootstrap, mean block {block}"
    return Interval(float(mean - half), float(mean + half), level, method)


def _in_order(values: pd.Series | np.ndarray) -> np.ndarray:
    series = np.asarray(values, dtype=float)
    if len(series) < SHORTEST_SERIES:
        raise InputError(f"{len(series)} values: expected at least {SHORTEST_SERIES} in a series")
    if np.isnan(series).any():
        raise InputError(f"value {int(np.isnan(series).argmax())}: expected no NaN in a series")
    return series


def long_run_error(series: np.ndarray, block: int) -> float:
    """Return the standard error of the mean of a dependent series.

    Source: Politis and Romano (1994, section 3).

    Parameters
    ----------
    series : float array of shape (n,), without NaN
    block : int, at least 1
        The autocovariance of lag k counts (1 - 1/block)^k: as it does in a stationary bootstrap
        of that mean block length, but for its wrapping around.

    Returns
    -------
    float in the unit of the series; for a block of 1 that of independent values.
    """
    from scipy import signal

    apart = series - series.mean()
    # A first-order filter adds up all lags at once. A plain sum, as a threaded dot product stalls
    # on a busy machine.
    filtered = signal.lfilter([1.0], [1.0, 1 / block - 1], apart)
    variance = np.sum(apart * (2 * filtered - apart))
    return np.sqrt(max(variance, 0.0)) / len(series)


def binomial_test(hits: int, n: int, base_share: float, side: Side = "two-sided") -> float:
    """Return the exact p-value of so many hits if each came with the base share.

    Source: Conover (1999, section 3.1).

    Parameters
    ----------
    hits, n : int
        Trials are treated as independent.
    base_share : float from 0 to 1
        How often a hit comes unconditionally, such as over all starts; seldom one half.
    side : {"two-sided", "greater", "less"}
        "greater" asks for at least so many hits.

    Raises
    ------
    InputError
        If there is no trial, or a number is out of its range.
    """
    from scipy import stats

    if not 0 <= hits <= n or n == 0:
        raise InputError(f"{hits} hits of {n}: expected 0 to n hits of at least one trial")
    if not 0 <= base_share <= 1:
        raise InputError(f"base share {base_share}: expected a share from 0 to 1")
    return float(stats.binomtest(hits, n, base_share, alternative=side).pvalue)


def permutation_difference(
    early: pd.Series | np.ndarray,
    late: pd.Series | np.ndarray,
    draws: int = 10_000,
    seed: int = 0,
) -> dict[str, float]:
    """Test whether two groups of events differ in their mean, by relabelling them.

    Source: Phipson and Smyth (2010).

    Parameters
    ----------
    early, late : Series or array of shape (n_early,) and (n_late,), each at least 1
        NaN are left out. Exchangeable if the groups do not differ.
    draws : int
        Used only where there are more than 50,000 ways to label the events; else each is tried.
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    dict with ``difference`` (late less early), its two-sided ``p``, ``relabellings`` (how many
    were tried) and ``exact`` (whether these were all).

    Raises
    ------
    InputError
        If a group has no event.
    """
    from scipy import stats

    groups = [np.asarray(group, dtype=float) for group in (late, early)]
    groups = [group[~np.isnan(group)] for group in groups]
    if not all(map(len, groups)):
        raise InputError("expected at least one event in each group")
    ways = comb(sum(map(len, groups)), len(groups[0]))
    exact = ways <= MOST_RELABELLINGS
    found = stats.permutation_test(
        groups,
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=np.inf if exact else draws,
        batch=2000,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return {
        "difference": float(found.statistic),
        "p": float(found.pvalue),
        "relabellings": ways if exact else draws,
        "exact": exact,
    }


def holm(p: pd.Series) -> pd.Series:
    """Return p-values adjusted so that any false rejection among them stays rare.

    Source: Holm (1979).

    Parameters
    ----------
    p : Series of shape (n_tests,)
        NaN stay NaN and do not count as tests. The tests may depend on one another in any way.

    Returns
    -------
    Series of shape (n_tests,), same index.
    """
    return _adjusted(p, "holm")


def benjamini_hochberg(p: pd.Series) -> pd.Series:
    """Return p-values adjusted so that the share of false rejections stays small.

    Source: Benjamini and Hochberg (1995).

    Parameters
    ----------
    p : Series of shape (n_tests,)
        NaN stay NaN and do not count as tests. The tests are independent or depend on one another
        positively.

    Returns
    -------
    Series of shape (n_tests,), same index.
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: pd.Series, method: str) -> pd.Series:
    known = p.dropna()
    if not known.between(0, 1).all():
        raise InputError("p-values: expected numbers from 0 to 1")
    if known.empty:
        return p.astype(float)
    from statsmodels.stats.multitest import multipletests

    adjusted = pd.Series(multipletests(known, method=method)[1], index=known.index)
    return adjusted.reindex(p.index)


def smallest_effect(sd: float, n: int, power: float = 0.8, level: float = LEVEL) -> float:
    """Return the smallest true mean that a two-sided t test of ``n`` events finds so often.

    Parameters
    ----------
    sd : float
        Standard deviation between events, above 0; the result has its unit.
    n : int, at least 2
    power : float from 1 - level to 1, exclusive
    level : float

    Returns
    -------
    float above 0.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    _require_spread(n, sd)
    if not 1 - level < power < 1:
        raise InputError(f"power {power}: expected more than {1 - level:g} and less than 1")
    from scipy import optimize

    high = 1.0
    while _t_power(high, n, level) < power:
        high *= 2
    noncentral = optimize.brentq(lambda shift: _t_power(shift, n, level) - power, 0, high)
    return float(noncentral * sd / np.sqrt(n))


def _require_spread(n: int, sd: float) -> None:
    if not (n >= 2 and sd > 0):
        raise InputError(f"n = {n}, sd = {sd}: expected at least 2 events and an sd above 0")


def _t_power(shift: float, n: int, level: float) -> float:
    """Return how often t with noncentrality ``shift`` leaves the middle ``level``.

    Its square is a noncentral F, which scipy computes more surely, but not for a shift of 0. The
    t of statsmodels (``TTestPower``) gives NaN for two events and its solver is off by up to half
    a percent for three.
    """
    from scipy import stats

    if shift == 0:
        return 1 - level
    edge = stats.t.ppf((1 + level) / 2, n - 1) ** 2
    return float(stats.ncf.sf(edge, 1, n - 1, shift**2))


def base_rate(came_true: pd.Series, sessions: int) -> dict[str, float]:
    """Return how often a forecast would have come true, over all starts.

    Source: Wilson (1927).

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
    """
    n = len(came_true)
    share, windows = float(came_true.mean()) if n else np.nan, -(-n // sessions)
    interval = wilson_interval(share * windows, windows)
    low, high = (interval.low, interval.high) if interval else (np.nan, np.nan)
    return {"starts": n, "share": share, "windows": windows, "low": low, "high": high}
