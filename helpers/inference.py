"""Intervals, small-sample tests, many tests at once, and the power of a few events."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from scipy import optimize, signal, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from helpers.errors import InputError
from helpers.events import complete, forward_leads
from helpers.interval import LEVEL, Interval
from helpers.returns import all_forward_returns, compounded, forward_returns, lead

SHORTEST_SERIES = 20
MOST_RELABELLINGS = 50_000

Side = Literal["two-sided", "greater", "less"]


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


def block_length(values: pd.Series | np.ndarray) -> float:
    """Return the mean block length that suits the stationary bootstrap of a mean.

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

    References
    ----------
    .. [1] Politis and White (2004), "Automatic Block-Length Selection for the Dependent
       Bootstrap", Econometric Reviews 23(1).
    .. [2] Patton, Politis and White (2009), "Correction to Automatic Block-Length Selection for
       the Dependent Bootstrap", Econometric Reviews 28(4).
    """
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

    References
    ----------
    .. [1] Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American
       Statistical Association 89(428).
    .. [2] Hall (1988), "On Symmetric Bootstrap Confidence Intervals", Journal of the Royal
       Statistical Society B 50(1).
    """
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

    Parameters
    ----------
    series : float array of shape (n,), without NaN
    block : int, at least 1
        The autocovariance of lag k counts (1 - 1/block)^k: as it does in a stationary bootstrap
        of that mean block length, but for its wrapping around.

    Returns
    -------
    float in the unit of the series; for a block of 1 that of independent values.

    References
    ----------
    .. [1] Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American
       Statistical Association 89(428), section 3.
    """
    apart = series - series.mean()
    # A first-order filter adds up all lags at once. A plain sum, as a threaded dot product stalls
    # on a busy machine.
    filtered = signal.lfilter([1.0], [1.0, 1 / block - 1], apart)
    variance = np.sum(apart * (2 * filtered - apart))
    return np.sqrt(max(variance, 0.0)) / len(series)


def binomial_test(hits: int, n: int, base_share: float, side: Side = "two-sided") -> float:
    """Return the exact p-value of so many hits if each came with the base share.

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

    References
    ----------
    .. [1] Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.1.
    """
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

    References
    ----------
    .. [1] Phipson and Smyth (2010), "Permutation P-values Should Never Be Zero", Statistical
       Applications in Genetics and Molecular Biology 9(1).
    """
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

    Parameters
    ----------
    p : Series of shape (n_tests,)
        NaN stay NaN and do not count as tests. The tests may depend on one another in any way.

    Returns
    -------
    Series of shape (n_tests,), same index.

    References
    ----------
    .. [1] Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
       Journal of Statistics 6(2).
    """
    return _adjusted(p, "holm")


def benjamini_hochberg(p: pd.Series) -> pd.Series:
    """Return p-values adjusted so that the share of false rejections stays small.

    Parameters
    ----------
    p : Series of shape (n_tests,)
        NaN stay NaN and do not count as tests. The tests are independent or depend on one another
        positively.

    Returns
    -------
    Series of shape (n_tests,), same index.

    References
    ----------
    .. [1] Benjamini and Hochberg (1995), "Controlling the False Discovery Rate", Journal of the
       Royal Statistical Society B 57(1).
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: pd.Series, method: str) -> pd.Series:
    known = p.dropna()
    if not known.between(0, 1).all():
        raise InputError("p-values: expected numbers from 0 to 1")
    if known.empty:
        return p.astype(float)
    adjusted = pd.Series(multipletests(known, method=method)[1], index=known.index)
    return adjusted.reindex(p.index)


def power_of(effect: float, sd: float, n: int, level: float = LEVEL) -> float:
    """Return how likely a two-sided t test of ``n`` events finds a true mean.

    Parameters
    ----------
    effect, sd : float
        True mean of an event and standard deviation between events, same unit; ``sd`` above 0.
    n : int, at least 2
        Independent, normally distributed events.
    level : float
        The test rejects at 1 - level.

    Returns
    -------
    float, a probability.

    Raises
    ------
    InputError
        If ``n`` or ``sd`` is too small.

    References
    ----------
    .. [1] Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed.,
       chapter 2.
    """
    if not (n >= 2 and sd > 0):
        raise InputError(f"n = {n}, sd = {sd}: expected at least 2 events and an sd above 0")
    return _t_power(abs(effect) / sd * np.sqrt(n), n, level)


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
    float above 0; see :func:`power_of`.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    if not (n >= 2 and sd > 0):
        raise InputError(f"n = {n}, sd = {sd}: expected at least 2 events and an sd above 0")
    if not 1 - level < power < 1:
        raise InputError(f"power {power}: expected more than {1 - level:g} and less than 1")
    high = 1.0
    while _t_power(high, n, level) < power:
        high *= 2
    noncentral = optimize.brentq(lambda shift: _t_power(shift, n, level) - power, 0, high)
    return float(noncentral * sd / np.sqrt(n))


def _t_power(shift: float, n: int, level: float) -> float:
    """Return how often t with noncentrality ``shift`` leaves the middle ``level``.

    Its square is a noncentral F, which scipy computes more surely, but not for a shift of 0.
    """
    if shift == 0:
        return 1 - level
    edge = stats.t.ppf((1 + level) / 2, n - 1) ** 2
    return float(stats.ncf.sf(edge, 1, n - 1, shift**2))


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
    histories = (rng.random(n) < win_share for _ in range(draws))
    return tally_streaks(histories, min_length)


def tally_streaks(histories: Iterable[np.ndarray], min_length: int) -> pd.DataFrame:
    """Count the streaks of histories.

    Parameters
    ----------
    histories : iterable of bool arrays of shape (n,)
        Whether each session was won.
    min_length : int, sessions

    Returns
    -------
    DataFrame of shape (n_histories, 2): ``count`` of streaks of at least ``min_length``, and the
    ``longest``.
    """
    rows = []
    for won in histories:
        lost = np.flatnonzero(~won)
        runs = np.diff(np.concatenate(([-1], lost, [len(won)]))) - 1
        rows.append((int((runs >= min_length).sum()), int(runs.max())))
    return pd.DataFrame(rows, columns=["count", "longest"])
