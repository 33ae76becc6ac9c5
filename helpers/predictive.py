"""Does the relative multiple predict returns: regressions over overlapping years.

Errors are Newey and West's; where few windows fit without overlap, a bootstrap gives a second
answer that does not need many observations.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.regressions import check_returns, fit
from helpers.returns import lead

# Fewer Junes, or fewer windows side by side, and neither error nor bootstrap means anything.
LEAST_JUNES, LEAST_WINDOWS = 10, 3
# A persistence of one or more would let simulated multiples wander off without end.
MOST_PERSISTENT = 0.999


def june_returns(portfolios: pd.DataFrame) -> pd.Series:
    """Return the log return of small over large from each June's end to the next one's.

    Logs, because those of single years then add up to those of longer windows.

    Parameters
    ----------
    portfolios : DataFrame of shape (n_months, 2)
        Monthly simple returns of small and large, fractions; no gap, no NaN.

    Returns
    -------
    Series indexed by the June (monthly period) that begins each full window.
    """
    check_returns(portfolios)
    logs = np.log1p(portfolios)
    monthly = lead(logs)
    years = monthly.groupby((portfolios.index - 6).year)
    annual = years.sum()[years.count() == 12]
    junes = pd.PeriodIndex([f"{year}-06" for year in annual.index], freq="M", name="june")
    return annual.set_axis(junes).rename("log_lead")


def persistence(ratio: pd.Series, annual: pd.Series) -> pd.Series:
    """Return how the relative multiple persists and what that does to the slope over one year.

    A multiple that moves with the returns it is to predict, and reverts slowly, makes the least
    squares slope too far from zero in short histories, whatever the truth.

    Source: Kendall (1954); Stambaugh (1999).

    Parameters
    ----------
    ratio : Series of shape (n_readings,), indexed by June; positive
    annual : Series of shape (n_years,)
        As :func:`june_returns` gives it.

    Returns
    -------
    Series with ``n`` (pairs of neighbouring Junes), ``rho`` (first-order autocorrelation of the
    log ratio) and ``rho_adjusted`` (for its own bias, at most 0.999), ``correlation`` of the
    innovations of the ratio and the returns, ``slope`` over one year, its ``bias`` and
    ``slope_adjusted``: percentage points for one log unit of the ratio.

    Notes
    -----
    bias of rho = -(1 + 3 rho) / n; bias of the slope = that times the covariance of both
    innovations over the variance of the ratio's. The adjusted rho is taken as the true one.

    Raises
    ------
    InputError
        As for :func:`predictive_regression`.
    """
    logs, yearly = _paired(ratio, annual)
    before, after, yearly = logs[:-1], logs[1:], yearly[: len(logs) - 1]
    rho, moves = _line(before, after)
    slope, surprises = _line(before, 100 * yearly)
    n = len(before)
    # Kendall's formula solved for the true value: estimate = rho - (1 + 3 rho) / n.
    adjusted = min((n * rho + 1) / (n - 3), MOST_PERSISTENT)
    bias = -(1 + 3 * adjusted) / n * (surprises @ moves) / (moves @ moves)
    return pd.Series(
        {
            "n": n,
            "rho": rho,
            "rho_adjusted": adjusted,
            "correlation": np.corrcoef(moves, surprises)[0, 1],
            "slope": slope,
            "bias": bias,
            "slope_adjusted": slope - bias,
        }
    )


def predictive_regression(
    ratio: pd.Series,
    annual: pd.Series,
    years: tuple[int, ...] = (1, 3, 5, 10),
    draws: int = 2_000,
    seed: int = 1926,
) -> pd.DataFrame:
    """Regress the relative return of the years after each June on the relative multiple then.

    The bootstrap draws histories in which the multiple says nothing about returns but persists
    as it did (with its bias removed) and moves with them as it did: pairs of innovations are
    drawn with replacement, multiples and overlapping returns rebuilt, the statistic computed
    anew.

    Source: Newey and West (1987); Kilian (1999); Goyal and Welch (2008).

    Parameters
    ----------
    ratio : Series of shape (n_readings,), indexed by June; positive
        Small over large, as :func:`helpers.valuation.relative_multiple` gives it; enters as log.
    annual : Series of shape (n_years,)
        As :func:`june_returns` gives it.
    years : tuple of int
        Lengths of the windows; those of neighbouring Junes overlap.
    draws : int
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    DataFrame indexed by ``years`` with

    - ``slope``: percentage points a year (log return) for one log unit of the ratio
    - ``se``, ``t``, ``p_hac``: Newey and West's, Student's t with n - 2 degrees of freedom
    - ``p_bootstrap``: (1 + draws with a t as far from zero) / (1 + draws)
    - ``bias``: mean slope of the drawn histories, in which the true slope is zero;
      ``slope_adjusted``: slope less bias
    - ``r2``, ``n``, ``windows`` (that do not overlap), ``maxlags`` (1.5 (years - 1), rounded up)
    - ``reason``: why a row has no estimate (figures NaN); empty otherwise

    Raises
    ------
    InputError
        If a reading is missing or not positive, Junes miss or do not match, fewer than ten are
        left, or years or draws are below 1.
    """
    logs, yearly = _paired(ratio, annual)
    if min(years, default=1) < 1 or draws < 1:
        raise InputError(f"years {years}, draws {draws}: expected at least 1 of each")
    rho = persistence(ratio, annual)["rho_adjusted"]
    drawn = _drawn_histories(logs, 100 * yearly, rho, draws, np.random.default_rng(seed))
    rows: dict[int, dict[str, object]] = {}
    for span in years:
        windows, maxlags = len(yearly) // span, ceil(1.5 * (span - 1))
        known = {"n": max(len(yearly) - span + 1, 0), "windows": windows, "maxlags": maxlags}
        if windows < LEAST_WINDOWS:
            why = f"{windows} windows of {span} years; expected at least {LEAST_WINDOWS}"
            rows[span] = known | {"reason": why}
            continue
        after = _windows(100 * yearly, span)
        found = _predicted(logs[: len(after)], after, maxlags)
        slopes, ts = _hac_slopes(drawn[0][:, : len(after)], _windows(drawn[1], span), maxlags)
        extreme = int((np.abs(ts) >= abs(found["t"])).sum())
        rows[span] = known | found | {"reason": ""}
        rows[span] |= {"p_bootstrap": (1 + extreme) / (1 + draws), "bias": slopes.mean()}
        rows[span]["slope_adjusted"] = found["slope"] - slopes.mean()
    columns = ["slope", "se", "t", "p_hac", "p_bootstrap", "bias", "slope_adjusted", "r2"]
    columns += ["n", "windows", "maxlags", "reason"]
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("years")
    return table.reindex(columns=columns)


def _windows(yearly: np.ndarray, span: int) -> np.ndarray:
    """Return the mean of each ``span`` neighbouring values along the last axis."""
    return np.lib.stride_tricks.sliding_window_view(yearly, span, axis=-1).mean(axis=-1)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return slope and residuals of a straight line."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    return slope, y - y.mean() - slope * centred


def _predicted(x: np.ndarray, y: np.ndarray, maxlags: int) -> dict[str, float]:
    line = fit(y, np.column_stack([np.ones(len(x)), x]), maxlags)
    return {
        "slope": float(line.params[1]),
        "se": float(line.bse[1]),
        "t": float(line.tvalues[1]),
        "p_hac": float(line.pvalues[1]),
        "r2": float(line.rsquared),
    }


def _hac_slopes(x: np.ndarray, y: np.ndarray, maxlags: int) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and t of a line for many histories at once, as least squares gives them.

    Parameters
    ----------
    x, y : ndarray of shape (draws, n)
    """
    n = x.shape[1]
    x = x - x.mean(axis=1, keepdims=True)
    spread = (x**2).sum(axis=1)
    slope = (x * y).sum(axis=1) / spread
    scores = x * (y - y.mean(axis=1, keepdims=True) - slope[:, None] * x)
    total = (scores**2).sum(axis=1)
    for lag in range(1, maxlags + 1):
        weight = 2 * (1 - lag / (maxlags + 1))
        total += weight * (scores[:, lag:] * scores[:, :-lag]).sum(axis=1)
    return slope, slope * spread / np.sqrt(total * n / (n - 2))


def _drawn_histories(
    logs: np.ndarray, yearly: np.ndarray, rho: float, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw histories of multiples and yearly returns without predictability.

    Returns
    -------
    Two arrays of shape (draws, n_years): the log ratio at the start of each year, and the
    return over it.
    """
    from scipy.signal import lfilter

    moves = logs[1:] - rho * logs[:-1]
    moves, paired = moves - moves.mean(), (yearly - yearly.mean())[: len(moves)]
    chosen = rng.integers(len(moves), size=(draws, len(yearly)))
    # Around the mean, from a reading of the past: a persistent series forgets its start slowly.
    start = rng.choice(logs, size=(draws, 1)) - logs.mean()
    steps = np.concatenate([start, moves[chosen[:, :-1]]], axis=1)
    return lfilter([1.0], [1.0, -rho], steps, axis=1), paired[chosen]


def _paired(ratio: pd.Series, annual: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return log ratios from the first June with a return on, and the returns that follow them.

    There may be one log ratio more than returns: that of the last window's end.
    """
    bad = ratio[~(ratio > 0)]
    if len(bad):
        raise InputError(f"ratio of {bad.index[0]}: expected a positive figure, not {bad.iloc[0]}")
    first = max(ratio.index[0], annual.index[0])
    ratio, annual = ratio.loc[first:], annual.loc[first:]
    annual = annual.loc[: ratio.index[-1]]
    ratio = ratio.iloc[: len(annual) + 1]
    months = ratio.index.asi8
    if not (np.diff(months) == 12).all() or not annual.index.equals(ratio.index[: len(annual)]):
        raise InputError("ratio and returns: expected every June once, the same in both")
    if len(annual) < LEAST_JUNES:
        raise InputError(f"{len(annual)} Junes with a return: expected at least {LEAST_JUNES}")
    if (ratio == ratio.iloc[0]).all():
        raise InputError(f"ratio {ratio.iloc[0]} in every June: expected readings that differ")
    return np.log(ratio.to_numpy(float)), annual.to_numpy(float)
