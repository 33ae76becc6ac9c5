"""Windows of the past whose path is like that of another: the search behind an analog.

A window is a path of leads around an anchor session; each other session could have been one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.returns import SMALL


def windows(leads: pd.Series, anchor: pd.Timestamp, before: int, after: int) -> pd.DataFrame:
    """Compare the path of leads around an anchor with every other window of the same shape.

    The path is the cumulative log lead from ``before`` sessions before the anchor's close to
    ``after`` sessions after it, zero at the anchor. A window is closer the smaller the root
    mean squared difference of its path from the anchor's.

    Parameters
    ----------
    leads : Series of shape (n_sessions,)
        Daily log return of small minus large.
    anchor : Timestamp
        Session at whose close event time is zero.
    before, after : int, sessions

    Returns
    -------
    DataFrame indexed by the windows' anchor sessions, those that overlap the anchor's own left
    out, with ``distance`` (same unit as the cumulative lead), ``correlation`` and ``known``, the
    session that completes the window, in order of time.

    Raises
    ------
    InputError
        If the anchor's window does not fit into the data.
    """
    path = np.concatenate(([0.0], leads.cumsum().to_numpy()))
    dates = leads.index
    width = before + after
    position = dates.get_indexer([pd.Timestamp(anchor)])[0] + 1 - before
    if not 0 <= position < len(path) - width:
        raise InputError(
            f"{str(anchor)[:10]}: expected a session with {before} before it "
            f"and {after} after it in the data"
        )
    paths = np.lib.stride_tricks.sliding_window_view(path, width + 1)
    paths = paths - paths[:, [before]]
    own = paths[position]
    distance = np.sqrt(((paths - own) ** 2).mean(axis=1))
    centred = paths - paths.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1))
    own_centred = own - own.mean()
    correlation = centred @ own_centred / np.maximum(norm * np.sqrt((own_centred**2).sum()), 1e-300)
    first = np.arange(len(paths))
    apart = (np.abs(first - position) > width) & (first + before >= 1)
    return pd.DataFrame(
        {
            "distance": distance[apart],
            "correlation": correlation[apart],
            "known": dates[(first + width - 1)[apart]],
        },
        index=dates[(first + before - 1)[apart]],
    )


def closest_apart(
    table: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    width: int,
    n: int | None = None,
    keep: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Thin windows to ones that do not overlap, taking the closest first.

    Parameters
    ----------
    table : DataFrame
        As :func:`windows` returns it.
    sessions : DatetimeIndex
        Every session, to count how far apart two windows lie.
    width : int, sessions
        Length of a window; two windows overlap if at most so many sessions lie between their
        anchors.
    n : int, optional
        Stop after so many windows; by default when none is left.
    keep : Timestamp, optional
        A window that is taken whatever its distance, before all others; it counts towards ``n``.

    Returns
    -------
    The chosen rows of ``table``, closest first; of equal distances the earlier one comes first.

    Raises
    ------
    InputError
        If ``keep`` is not among the windows.
    """
    position = sessions.get_indexer(table.index)
    order = list(np.argsort(table["distance"].to_numpy(), kind="stable"))
    if keep is not None:
        order.insert(0, table.index.get_loc(_candidate(table, keep)))
    free = np.ones(len(table), dtype=bool)
    chosen: list[int] = []
    for row in order:
        if len(chosen) == n:
            break
        if free[row]:
            chosen.append(row)
            free &= np.abs(position - position[row]) > width
    return table.iloc[sorted(chosen)].sort_values("distance", kind="stable")


def rank(table: pd.DataFrame, date: pd.Timestamp) -> dict[str, float]:
    """Return how one window ranks among all of a table of :func:`windows`.

    Parameters
    ----------
    table : DataFrame with ``distance`` and ``correlation``
    date : Timestamp
        Anchor session of the window.

    Returns
    -------
    dict with ``candidates``, the window's ``distance`` and ``correlation``, ``rank`` (1 is the
    smallest distance) and ``rank_correlation`` (1 is the highest correlation), and the shares
    ``closer`` and ``more_alike`` of the other candidates that rank before it (NaN without any).
    Ties share the better rank.

    Raises
    ------
    InputError
        If the window is not in the table.
    """
    own = table.loc[_candidate(table, date)]
    closer = int((table["distance"] < own["distance"]).sum())
    alike = int((table["correlation"] > own["correlation"]).sum())
    others = len(table) - 1
    return {
        "candidates": len(table),
        "distance": float(own["distance"]),
        "rank": closer + 1,
        "closer": closer / others if others else np.nan,
        "correlation": float(own["correlation"]),
        "rank_correlation": alike + 1,
        "more_alike": alike / others if others else np.nan,
    }


def _candidate(table: pd.DataFrame, date: pd.Timestamp) -> pd.Timestamp:
    if date not in table.index:
        span = f"{table.index[0].date()} to {table.index[-1].date()}" if len(table) else "none"
        raise InputError(
            f"{str(date)[:10]}: expected the anchor of a candidate window; there are {span}"
        )
    return date


def log_leads(closes: pd.DataFrame) -> pd.Series:
    """Return daily log return of small minus large; the first session has none."""
    ratio = np.log(closes[SMALL] / closes.drop(columns=SMALL).iloc[:, 0])
    return ratio.diff().iloc[1:].rename("log_lead")
