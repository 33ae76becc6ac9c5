"""Event studies: the lead of small caps after events, by horizon, beside that after all days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.events import forward_leads
from helpers.inference import t_interval, wilson_interval
from helpers.interval import LEVEL, Interval
from helpers.returns import all_forward_returns, compounded, forward_returns, lead


def event_study(
    closes: pd.DataFrame, dates: pd.DatetimeIndex, horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Summarise the lead of small caps after events.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2)
    dates : DatetimeIndex of shape (n_events,)
    horizons : tuple of int, sessions

    Returns
    -------
    DataFrame indexed by ``sessions`` with the columns of :func:`summary` in percentage points,
    and ``dropped``, the number of events without a full window.

    A horizon at which no event has a full window is a row with ``n`` 0 and missing figures.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=3)
    >>> closes = pd.DataFrame({"russell_2000": [100.0, 103, 103], "sp_500": [50.0, 50.5, 51]}, days)
    >>> event_study(closes, days[[0]], (1,)).loc[1, ["n", "mean", "hit_rate"]].round(2).tolist()
    [1.0, 2.0, 1.0]
    """
    rows = {}
    for horizon in horizons:
        after = forward_leads(closes, dates, horizon)
        base = lead(all_forward_returns(closes, horizon))
        rows[horizon] = _row(after, "lead", base)
    return pd.DataFrame(rows).T.rename_axis("sessions")


def price_event_study(
    closes: pd.Series, dates: pd.DatetimeIndex, horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Summarise the price return of one index after events, as :func:`event_study` does."""
    frame, rows = closes.to_frame("index"), {}
    for horizon in horizons:
        after = forward_returns(frame, dates, horizon)
        base = all_forward_returns(frame, horizon)["index"]
        rows[horizon] = _row(after, "index", base)
    return pd.DataFrame(rows).T.rename_axis("sessions")


def portfolio_event_study(
    returns: pd.DataFrame, months: pd.PeriodIndex, horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Summarise the lead in monthly total returns of size portfolios; horizons in months."""
    rows = {}
    for horizon in horizons:
        after = compounded(returns, months, horizon)
        base = lead(compounded(returns, returns.index, horizon)).dropna()
        rows[horizon] = _row(after.assign(lead=lead(after)), "lead", base)
    return pd.DataFrame(rows).T.rename_axis("months")


def _row(after: pd.DataFrame, name: str, base: pd.Series) -> dict[str, float]:
    kept = after.dropna()
    return summary(100 * kept[name], 100 * base) | {"dropped": len(after) - len(kept)}


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
        "hit_rate": hits / n if n else np.nan,
        "hit_low": share.low,
        "hit_high": share.high,
        "base_mean": base.mean(),
        "base_hit_rate": (base > 0).mean(),
    }
