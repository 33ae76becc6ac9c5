"""Regressions on overlapping returns: what followed rate cuts, and whether that changed.

Errors are Newey and West's, since windows overlap. They need many observations; where
there are only a few events, each table gives a second answer that does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.inference import permutation_difference
from helpers.interval import LEVEL
from helpers.returns import all_forward_returns, lead

if TYPE_CHECKING:
    from statsmodels.regression.linear_model import RegressionResults

# An effect needs two events to have an error at all.
LEAST_EVENTS = 2
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

    Source: Jordà (2005); Newey and West (1987); Cameron and Miller (2015).

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, 2)
        Simple returns of small and large by month or by session, fractions, without NaN.
    events : DatetimeIndex or PeriodIndex of shape (n_events,)
        Each means the last period on or before it; the window starts at that period's end.
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
    """
    check_returns(returns)
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
        dropped = int(marked.sum() - table["event"].sum())
        rows[horizon] = _projection(table, horizon, level) | {"dropped": dropped}
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

    Source: Newey and West (1987); Fisher (1935, section 21); Cohen (1988, chapter 2).

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
    """
    table, dropped = _eras(returns, early, late, horizon)
    known = {"n": len(table), "n_early": int(table["early"].sum()), "maxlags": horizon}
    known |= {"n_late": int(table["late"].sum()), "dropped": dropped}
    columns = ["constant", "era", "early", "late"]
    rows = {
        "lead": _change(table, ["constant", "early", "late"], table["lead"], horizon, level),
        "lead over other months": _change(table, columns, table["net"], horizon, level),
    }
    columns = ["early", "late", "difference", "se", "low", "high", "p", "p_hac"]
    columns += ["p_permutation", "labellings", "smallest_effect"]
    columns += ["n", "n_early", "n_late", "dropped", "maxlags", "reason"]
    frame = pd.DataFrame.from_dict({name: row | known for name, row in rows.items()}, "index")
    return frame.rename_axis("measure").reindex(columns=columns)


def event_leads(
    returns: pd.DataFrame, early: pd.PeriodIndex, late: pd.PeriodIndex, horizon: int = 12
) -> pd.DataFrame:
    """Return the lead after each event that :func:`response_change` compares, raw and net.

    Returns
    -------
    DataFrame indexed by event month with ``group`` ("early" or "late"), ``lead`` and ``net`` (the
    lead over other months), percentage points; events without a full window are left out.
    """
    table, _ = _eras(returns, early, late, horizon)
    chosen = table[table["early"] + table["late"] > 0]
    group = chosen["late"].map({0.0: "early", 1.0: "late"})
    return pd.DataFrame({"group": group, "lead": chosen["lead"], "net": chosen["net"]})


def _eras(
    returns: pd.DataFrame, early: pd.PeriodIndex, late: pd.PeriodIndex, horizon: int
) -> tuple[pd.DataFrame, int]:
    """Return the months from the first event on, and how many events lack a full window."""
    check_returns(returns)
    _check_horizon(horizon)
    marks = [_marked(returns.index, one) for one in (early, late)]
    if np.flatnonzero(marks[0]).max() >= np.flatnonzero(marks[1]).min():
        raise InputError("late events: expected each after the last early one")
    first, turn = (np.flatnonzero(one)[0] for one in marks)
    table = pd.DataFrame(
        {"constant": 1.0, "early": marks[0], "late": marks[1]}, index=returns.index
    )
    table["era"] = (np.arange(len(returns)) >= turn).astype(float)
    table["lead"] = 100 * lead(all_forward_returns((1 + returns).cumprod(), horizon))
    table = table.iloc[first:].dropna()
    dropped = int(np.sum(marks) - table["early"].sum() - table["late"].sum())
    return table.assign(net=table["lead"] - _ordinary(table)), dropped


def fit(response: np.ndarray, design: np.ndarray, maxlags: int) -> RegressionResults:
    """Fit least squares with Newey and West's errors: Bartlett weights, scaled by n / (n - k)."""
    from statsmodels.regression.linear_model import OLS

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
        fit(table["lead"], design, horizon), contrast, events - 1, level, "effect"
    )


def _tested(
    fitted: RegressionResults, contrast: np.ndarray, freedom: int, level: float, name: str
) -> dict[str, object]:
    """Test a linear combination of coefficients against zero."""
    from scipy import stats

    test = fitted.t_test(contrast)
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
        fit(table["lead"], table[names], horizon), contrast, freedom, level, "difference"
    )
    relabelled = permutation_difference(*groups)
    return tested | {
        "early": groups[0].mean(),
        "late": groups[1].mean(),
        "p_permutation": relabelled["p"],
        "labellings": relabelled["relabellings"],
        "smallest_effect": _smallest_difference(groups[0], groups[1], level),
    }


def _smallest_difference(early: np.ndarray, late: np.ndarray, level: float) -> float:
    from statsmodels.stats.power import TTestIndPower

    squares = sum(((group - group.mean()) ** 2).sum() for group in (early, late))
    spread = np.sqrt(squares / (len(early) + len(late) - 2))
    size = TTestIndPower().solve_power(
        nobs1=len(early), ratio=len(late) / len(early), alpha=1 - level, power=POWER
    )
    return float(size * spread)


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


def check_returns(returns: pd.DataFrame) -> None:
    """Refuse returns with a gap, naming the first period that lacks a figure."""
    gaps = returns.index[returns.isna().any(axis=1)]
    if len(gaps):
        raise InputError(f"returns of {gaps[0]}: expected a figure for both sides")


def _check_horizon(horizon: int) -> None:
    if horizon < 1:
        raise InputError(f"horizon {horizon}: expected at least 1 period")
