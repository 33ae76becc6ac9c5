"""Regressions on overlapping returns: rate cuts, relative valuation, and a response that changed.

Errors are Newey and West's, since windows overlap. They lean on many observations; where only a
handful of events or windows stand behind them, each table carries a second answer that does not.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import lfilter
from statsmodels.regression.linear_model import OLS, RegressionResults
from statsmodels.stats.power import TTestIndPower

from helpers.errors import InputError
from helpers.inference import permutation_difference
from helpers.interval import LEVEL
from helpers.returns import all_forward_returns, lead

# An effect needs two events to have an error at all.
LEAST_EVENTS = 2
# Fewer Junes, or fewer windows side by side, and neither error nor bootstrap means anything.
LEAST_JUNES, LEAST_WINDOWS = 10, 3
# A persistence of one or more would let simulated multiples wander off without end.
MOST_PERSISTENT = 0.999
POWER = 0.8


def local_projections(
    returns: pd.DataFrame,
    events: pd.DatetimeIndex | pd.PeriodIndex,
    horizons: tuple[int, ...],
    lags: int = 0,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Estimate by how much the lead after an event differs from that after other periods.

    For each horizon the lead over the following periods is regressed on a dummy for the event
    period and, if asked, on the leads of the periods before it.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, 2)
        Simple returns of small and large by month or by session, fractions, without NaN.
    events : DatetimeIndex or PeriodIndex of shape (n_events,)
        Each stands for the last period on or before it; the window starts at that period's end.
    horizons : tuple of int, periods, at least 1 each
    lags : int
        Number of earlier one-period leads held constant.
    level : float

    Returns
    -------
    DataFrame indexed by ``horizon`` with

    - ``effect``, ``se``, ``low``, ``high``: percentage points; the error is Newey and West's
    - ``p``: of Student's t with one degree of freedom less than events, as the interval
    - ``p_hac``: the same statistic against as many degrees of freedom as observations, which is
      what regression software prints and is too small for a handful of events
    - ``n`` periods, ``events`` among them, ``dropped`` (events without a full window or lag),
      ``maxlags``; events of one period count once
    - ``reason``: why a row has no estimate (its figures are NaN); empty otherwise

    Raises
    ------
    InputError
        If a horizon, the number of lags or a return is impossible, or there is no event.

    References
    ----------
    .. [1] Jordà (2005), "Estimation and Inference of Impulse Responses by Local Projections",
       American Economic Review 95(1).
    .. [2] Newey and West (1987), "A Simple, Positive Semi-definite, Heteroskedasticity and
       Autocorrelation Consistent Covariance Matrix", Econometrica 55(3).
    .. [3] Cameron and Miller (2015), "A Practitioner's Guide to Cluster-Robust Inference",
       Journal of Human Resources 50(2).
    """
    _check_returns(returns)
    if lags < 0:
        raise InputError(f"lags {lags}: expected at least 0")
    marked = _marked(returns.index, events)
    wealth, own = (1 + returns).cumprod(), 100 * lead(returns)
    design = pd.DataFrame({"constant": 1.0, "event": marked}, index=returns.index)
    for lag in range(1, lags + 1):
        design[f"lag {lag}"] = own.shift(lag)
    rows = {}
    for horizon in horizons:
        _check_horizon(horizon)
        table = design.assign(lead=100 * lead(all_forward_returns(wealth, horizon))).dropna()
        rows[horizon] = _projection(table, horizon, level)
        rows[horizon]["dropped"] = int(marked.sum()) - rows[horizon]["events"]
    columns = ["effect", "se", "low", "high", "p", "p_hac"]
    columns += ["n", "events", "dropped", "maxlags", "reason"]
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("horizon")
    return table.reindex(columns=columns)


def response_change(
    returns: pd.DataFrame,
    early: pd.PeriodIndex,
    late: pd.PeriodIndex,
    horizon: int = 12,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Compare the lead after one group of events with that after a later group.

    Two answers: an interaction regression with Newey and West's errors over all months from the
    first event on, and a permutation over every way to label the events early or late.

    Parameters
    ----------
    returns : DataFrame of shape (n_months, 2)
        Simple returns of small and large, fractions, without NaN.
    early, late : PeriodIndex
        Event months; each late one after all early ones. Windows start at the month's end.
    horizon : int, months, also the number of lags of the errors
    level : float

    Returns
    -------
    DataFrame indexed by ``measure``: ``lead`` after the events, and ``lead over other months``,
    the same less the mean after the months without event of its own era (the late era begins
    with the first late event). Columns:

    - ``early``, ``late``, ``difference`` (late less early), ``se``, ``low``, ``high``: points
    - ``p``: of Student's t with two degrees of freedom less than events, as the interval;
      ``p_hac``: with as many as observations, too small for so few events
    - ``p_permutation``: two-sided, of :func:`helpers.inference.permutation_difference` over so
      many ``labellings`` of the events as early or late
    - ``smallest_effect``: the difference that a t test of two groups of this size and spread
      finds with 80% power, points
    - ``n``, ``n_early``, ``n_late``, ``dropped`` (events without a full window), ``maxlags``
    - ``reason``: why there is no estimate (figures NaN); empty otherwise

    Raises
    ------
    InputError
        If a group is empty, they overlap, or the horizon or a return is impossible.

    References
    ----------
    .. [1] Newey and West (1987), Econometrica 55(3).
    .. [2] Fisher (1935), The Design of Experiments, section 21.
    .. [3] Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 2.
    """
    _check_returns(returns)
    _check_horizon(horizon)
    both = (early, late) = _marked(returns.index, early), _marked(returns.index, late)
    if np.flatnonzero(early).max() >= np.flatnonzero(late).min():
        raise InputError("late events: expected each after the last early one")
    first, turn = np.flatnonzero(early)[0], np.flatnonzero(late)[0]
    table = pd.DataFrame({"constant": 1.0, "early": early, "late": late}, index=returns.index)
    table["era"] = (np.arange(len(returns)) >= turn).astype(float)
    table["lead"] = 100 * lead(all_forward_returns((1 + returns).cumprod(), horizon))
    table = table.iloc[first:].dropna()
    known = {"n": len(table), "n_early": int(table["early"].sum()), "maxlags": horizon}
    known |= {"n_late": int(table["late"].sum())}
    known["dropped"] = int(sum(one.sum() for one in both)) - known["n_early"] - known["n_late"]
    net = table["lead"] - _ordinary(table)
    rows = {
        "lead": _change(table, ["constant", "early", "late"], table["lead"], horizon, level),
        "lead over other months": _change(
            table, ["constant", "era", "early", "late"], net, horizon, level
        ),
    }
    columns = ["early", "late", "difference", "se", "low", "high", "p", "p_hac"]
    columns += ["p_permutation", "labellings", "smallest_effect"]
    columns += ["n", "n_early", "n_late", "dropped", "maxlags", "reason"]
    frame = pd.DataFrame.from_dict({name: row | known for name, row in rows.items()}, "index")
    return frame.rename_axis("measure").reindex(columns=columns)


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
    _check_returns(portfolios)
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
    innovations over the variance of the ratio's. The adjusted rho stands for the true one.

    Raises
    ------
    InputError
        As for :func:`predictive_regression`.

    References
    ----------
    .. [1] Kendall (1954), "Note on Bias in the Estimation of Autocorrelation", Biometrika 41(3).
    .. [2] Stambaugh (1999), "Predictive Regressions", Journal of Financial Economics 54(3).
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

    References
    ----------
    .. [1] Newey and West (1987), Econometrica 55(3).
    .. [2] Kilian (1999), "Exchange Rates and Monetary Fundamentals: What Do We Learn from
       Long-Horizon Regressions?", Journal of Applied Econometrics 14(5).
    .. [3] Goyal and Welch (2008), "A Comprehensive Look at the Empirical Performance of Equity
       Premium Prediction", Review of Financial Studies 21(4).
    """
    logs, yearly = _paired(ratio, annual)
    if min(years, default=1) < 1 or draws < 1:
        raise InputError(f"years {years}, draws {draws}: expected at least 1 of each")
    rho = persistence(ratio, annual)["rho_adjusted"]
    drawn = _drawn_histories(logs, 100 * yearly, rho, draws, np.random.default_rng(seed))
    rows = {}
    for span in years:
        windows, maxlags = len(yearly) // span, ceil(1.5 * (span - 1))
        known = {"n": max(len(yearly) - span + 1, 0), "windows": windows, "maxlags": maxlags}
        if windows < LEAST_WINDOWS:
            why = f"{windows} windows of {span} years; expected at least {LEAST_WINDOWS}"
            rows[span] = known | {"reason": why}
            continue
        after = _windows(100 * yearly, span)
        rows[span] = known | _predicted(logs[: len(after)], after, maxlags) | {"reason": ""}
        slopes, ts = _hac_slopes(drawn[0][:, : len(after)], _windows(drawn[1], span), maxlags)
        extreme = np.abs(ts) >= abs(rows[span]["t"])
        rows[span]["p_bootstrap"] = (1 + int(extreme.sum())) / (1 + draws)
        rows[span]["bias"] = slopes.mean()
        rows[span]["slope_adjusted"] = rows[span]["slope"] - slopes.mean()
    columns = ["slope", "se", "t", "p_hac", "p_bootstrap", "bias", "slope_adjusted", "r2"]
    columns += ["n", "windows", "maxlags", "reason"]
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("years")
    return table.reindex(columns=columns)


def _fit(response: np.ndarray, design: np.ndarray, maxlags: int) -> RegressionResults:
    """Least squares with Newey and West's errors: Bartlett weights, scaled by n / (n - k)."""
    return OLS(np.asarray(response, float), np.asarray(design, float)).fit(
        cov_type="HAC", cov_kwds={"maxlags": maxlags, "use_correction": True}, use_t=True
    )


def _projection(table: pd.DataFrame, horizon: int, level: float) -> dict[str, object]:
    events = int(table["event"].sum())
    known = {"n": len(table), "events": events, "maxlags": horizon}
    if events < LEAST_EVENTS:
        why = f"{events} with a full window; expected at least {LEAST_EVENTS} events"
        return known | {"reason": why}
    design = table.drop(columns="lead")
    contrast = (design.columns == "event").astype(float)
    return known | _tested(
        _fit(table["lead"], design, horizon), contrast, events - 1, level, "effect"
    )


def _tested(
    fit: RegressionResults, contrast: np.ndarray, freedom: int, level: float, name: str
) -> dict[str, object]:
    """Test a linear combination of coefficients against zero."""
    test = fit.t_test(contrast)
    value, error = float(test.effect[0]), float(np.squeeze(test.sd))
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    return {
        name: value,
        "se": error,
        "low": value - half,
        "high": value + half,
        "p": float(2 * stats.t.sf(abs(value) / error, freedom)),
        "p_hac": float(np.squeeze(test.pvalue)),
        "reason": "",
    }


def _ordinary(table: pd.DataFrame) -> pd.Series:
    """Return for each month the mean lead after the months without event of its era."""
    plain = table[table["early"] + table["late"] == 0]
    return table["era"].map(plain.groupby("era")["lead"].mean())


def _change(
    table: pd.DataFrame, names: list[str], values: pd.Series, horizon: int, level: float
) -> dict[str, object]:
    """Difference of late and early events; ``values`` are what the groups' means are taken of."""
    groups = [values[table[name] == 1].to_numpy() for name in ("early", "late")]
    few = min(map(len, groups))
    if few < LEAST_EVENTS:
        return {
            "reason": f"{len(groups[0])} early and {len(groups[1])} late events with a full "
            f"window; expected at least {LEAST_EVENTS} of each"
        }
    freedom = sum(map(len, groups)) - 2
    contrast = np.array([{"early": -1.0, "late": 1.0}.get(name, 0.0) for name in names])
    tested = _tested(
        _fit(table["lead"], table[names], horizon), contrast, freedom, level, "difference"
    )
    relabelled = permutation_difference(*groups)
    return tested | {
        "early": groups[0].mean(),
        "late": groups[1].mean(),
        "p_permutation": relabelled["p"],
        "labellings": relabelled["relabellings"],
        "smallest_effect": _smallest_difference(*groups, level),
    }


def _smallest_difference(early: np.ndarray, late: np.ndarray, level: float) -> float:
    squares = sum(((group - group.mean()) ** 2).sum() for group in (early, late))
    spread = np.sqrt(squares / (len(early) + len(late) - 2))
    size = TTestIndPower().solve_power(
        nobs1=len(early), ratio=len(late) / len(early), alpha=1 - level, power=POWER
    )
    return float(size * spread)


def _windows(yearly: np.ndarray, span: int) -> np.ndarray:
    """Return the mean of each ``span`` neighbouring values along the last axis."""
    return np.lib.stride_tricks.sliding_window_view(yearly, span, axis=-1).mean(axis=-1)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return slope and residuals of a straight line."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    return slope, y - y.mean() - slope * centred


def _predicted(x: np.ndarray, y: np.ndarray, maxlags: int) -> dict[str, float]:
    fit = _fit(y, np.column_stack([np.ones(len(x)), x]), maxlags)
    return {
        "slope": float(fit.params[1]),
        "se": float(fit.bse[1]),
        "t": float(fit.tvalues[1]),
        "p_hac": float(fit.pvalues[1]),
        "r2": float(fit.rsquared),
    }


def _hac_slopes(x: np.ndarray, y: np.ndarray, maxlags: int) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and t of a line for many histories at once, as :func:`_fit` gives them.

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
    moves = logs[1:] - rho * logs[:-1]
    moves, paired = moves - moves.mean(), (yearly - yearly.mean())[: len(moves)]
    chosen = rng.integers(len(moves), size=(draws, len(yearly)))
    # Around the mean, from a reading of the past: a persistent series forgets its start slowly.
    start = rng.choice(logs, size=(draws, 1)) - logs.mean()
    steps = np.concatenate([start, moves[chosen[:, :-1]]], axis=1)
    return lfilter([1.0], [1.0, -rho], steps, axis=1), paired[chosen]


def _marked(index: pd.Index, events: pd.DatetimeIndex | pd.PeriodIndex) -> np.ndarray:
    """Return 1 for the periods that hold an event, else 0."""
    if isinstance(index, pd.PeriodIndex) and isinstance(events, pd.DatetimeIndex):
        events = events.to_period(index.freqstr)
    position = index.searchsorted(events, side="right") - 1
    if not (position >= 0).any():
        raise InputError(f"none of {len(events)} events from {index[0]} on: expected at least one")
    marked = np.zeros(len(index))
    marked[position[position >= 0]] = 1.0
    return marked


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


def _check_returns(returns: pd.DataFrame) -> None:
    gaps = returns.index[returns.isna().any(axis=1)]
    if len(gaps):
        raise InputError(f"returns of {gaps[0]}: expected a figure for both sides")


def _check_horizon(horizon: int) -> None:
    if horizon < 1:
        raise InputError(f"horizon {horizon}: expected at least 1 period")
