"""Event tables: streaks, first cuts of easing cycles, drawdowns, records, recessions.

Each function takes the series that defines the event and returns one row an event. What follows
an event is measured from the close at which it is known. Records, breakouts, crossings, reached
levels and first cuts are known at the close of their own day; tables of other events say when in
a column ``known``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError, listing
from helpers.positions import non_overlapping as non_overlapping
from helpers.positions import runs
from helpers.returns import forward_returns, lead


def streaks(leads: pd.Series, min_length: int = 1) -> pd.DataFrame:
    """Return the unbroken runs of strictly positive leads.

    Parameters
    ----------
    leads : Series of shape (n,)
        Small minus large return by session or by month. NaN and zero end a streak.
    min_length : int
        Shortest streak kept, in sessions or months.

    Returns
    -------
    DataFrame with columns ``start``, ``end`` (first and last winning session or month),
    ``length``, ``running`` (whether it reaches the last observation), ``reached`` (when its
    length became ``min_length``) and ``known`` (the first loss, from which its end is known; NaT
    while it runs), in order of time.

    Raises
    ------
    InputError
        If ``min_length`` is below 1.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=5)
    >>> streaks(pd.Series([0.01, 0.02, -0.01, 0.01, 0.01], days))[["start", "length", "running"]]
           start  length  running
    0 2026-01-05       2    False
    1 2026-01-08       2     True
    """
    if min_length < 1:
        raise InputError(f"min_length {min_length}: expected at least 1")
    won = leads.to_numpy() > 0
    first, last = runs(won)
    long = last - first + 1 >= min_length
    first, last, index = first[long], last[long], leads.index
    running = last == len(won) - 1
    return pd.DataFrame(
        {
            "start": index[first],
            "end": index[last],
            "length": last - first + 1,
            "running": running,
            "reached": index[first + min_length - 1],
            "known": index[np.where(running, last, last + 1)].where(~running),
        }
    )


def window_starts(
    table: pd.DataFrame, sessions: pd.DatetimeIndex, window_from: str = "first loss"
) -> pd.DatetimeIndex:
    """Return the session from whose close on the time after each streak is measured.

    Parameters
    ----------
    table : DataFrame
        As :func:`streaks` returns it.
    sessions : DatetimeIndex
        Every session, in order of time.
    window_from : {"first loss", "length reached", "last win"}
        The session that ends the streak; the one on which it reached the length asked of
        :func:`streaks`; or its last winning one, which looks ahead: that it was the last is known
        only from the loss, with which every such window begins. A streak that still runs has no
        first loss; its last session is taken instead.

    Raises
    ------
    InputError
        For another word.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=3)
    >>> table = streaks(pd.Series([0.01, 0.02, -0.01], days))
    >>> window_starts(table, days, "first loss").day.tolist()
    [7]
    """
    days = {
        "first loss": table["known"].fillna(table["end"]),
        "length reached": table["reached"],
        "last win": table["end"],
    }
    if window_from not in days:
        raise InputError(f"window_from {window_from!r}: expected one of {listing(days)}")
    return sessions[sessions.get_indexer(days[window_from])]


def looks_ahead(window_from: str) -> str:
    """Return a warning about windows that begin before their event is known, else ""."""
    if window_from != "last win":
        return ""
    return (
        "looks ahead: that a session was the last win is known only from the loss that follows, "
        "with which every window begins"
    )


def running_streak(leads: pd.Series) -> pd.Series:
    """Return the streak that runs on the last observation, as a row of :func:`streaks`.

    Its ``length`` is 0 and its dates are NaT where the last observation was not won.
    """
    table = streaks(leads)
    if len(table) and table["running"].iloc[-1]:
        return table.iloc[-1]
    nothing = {"start": pd.NaT, "end": pd.NaT, "length": 0, "running": False}
    return pd.Series(nothing | {"reached": pd.NaT, "known": pd.NaT})


def earlier_streaks(leads: pd.Series, min_length: int) -> pd.DataFrame:
    """Return streaks of at least ``min_length`` other than the one running at the end."""
    table = streaks(leads, min_length)
    return table[~table["running"]].reset_index(drop=True)


def longest_streak_in(leads: pd.Series, month: str) -> pd.Series:
    """Return the longest streak that ended in a month, the later one on a tie.

    Raises
    ------
    InputError
        If no streak ended in that month.
    """
    table = streaks(leads)
    ended = table[pd.DatetimeIndex(table["end"]).to_period("M") == pd.Period(month, "M")]
    if ended.empty:
        raise InputError(f"{month}: expected a month in which a streak ended")
    return ended.sort_values(["length", "end"]).iloc[-1]


def episodes(leads: pd.Series, months: Mapping[str, str]) -> pd.DataFrame:
    """Return for each named month the longest streak that ended in it, or still runs there.

    Parameters
    ----------
    leads : Series of shape (n_sessions,)
    months : dict
        Name of the episode → month, such as ``{"2019": "2019-01"}``.

    Returns
    -------
    DataFrame indexed by name with the columns of :func:`streaks` and ``before``, the session
    before the first winning one.

    Raises
    ------
    InputError
        If a month lies after the data, no streak ended in it, or it began on the first session.
    """
    rows, last = {}, leads.index[-1]
    for name, month in months.items():
        if last < pd.Period(month, "M").start_time:
            raise InputError(
                f"{last.date()}: expected an as-of date in {month} or later, the month of the "
                f"episode {name}"
            )
        streak = longest_streak_in(leads, month)
        first = leads.index.get_loc(streak["start"])
        if first == 0:
            raise InputError(f"{month}: expected a session before its streak in the data")
        rows[name] = streak.to_dict() | {"before": leads.index[first - 1]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("episode")


def forward_leads(closes: pd.DataFrame, dates: pd.DatetimeIndex, sessions: int) -> pd.DataFrame:
    """Return forward returns of both indexes after each date, and their difference.

    Returns
    -------
    DataFrame indexed by date with the columns of ``closes`` and ``lead``, fractions; NaN
    without a full window.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=2)
    >>> closes = pd.DataFrame({"russell_2000": [100.0, 104.0], "sp_500": [50.0, 50.5]}, days)
    >>> forward_leads(closes, days[[0]], 1)["lead"].round(4).tolist()
    [0.03]
    """
    table = forward_returns(closes, dates, sessions)
    return table.assign(lead=lead(table))


def complete(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Drop events without a full window and count them; none may be left.

    Returns
    -------
    The rows without NaN, and how many were dropped.

    Examples
    --------
    >>> kept, dropped = complete(pd.DataFrame({"lead": [0.01, np.nan]}))
    >>> len(kept), dropped
    (1, 1)
    """
    kept = table.dropna()
    return kept, len(table) - len(kept)


def first_cuts(
    target: pd.DataFrame,
    min_change_bp: float = 25,
    quiet_months: int = 12,
    after_rise: bool = True,
) -> pd.DatetimeIndex:
    """Return the announcement dates of the first cut of each easing cycle.

    A first cut lowers the target by at least ``min_change_bp``, the last such move before it
    was a rise, and no such lowering came in the ``quiet_months`` before it. Smaller moves are
    ignored.

    Parameters
    ----------
    target : DataFrame indexed by announcement date with ``change_bp``
    min_change_bp : float, basis points
    quiet_months : int, months
    after_rise : bool
        Whether the last such move before it must have been a rise. Without this the table's
        first cut counts, whatever came before the table.

    Returns
    -------
    DatetimeIndex, increasing. On the target since 1982-09 and the defaults these are nine.

    Examples
    --------
    >>> days = pd.to_datetime(["2018-12-19", "2019-07-31", "2019-09-18"])
    >>> first_cuts(pd.DataFrame({"change_bp": [25, -25, -25]}, days)).strftime("%Y-%m-%d").tolist()
    ['2019-07-31']
    """
    moves = target.loc[target["change_bp"].abs() >= min_change_bp, "change_bp"]
    cuts = moves < 0
    turned = moves.shift(1) > 0 if after_rise else True
    last_cut = pd.Series(moves.index.where(cuts), index=moves.index).ffill().shift(1)
    quiet = last_cut.isna() | (last_cut <= moves.index - pd.DateOffset(months=quiet_months))
    return pd.DatetimeIndex(moves.index[cuts & turned & quiet])


def drawdown(closes: pd.Series, window: int | None = None) -> pd.Series:
    """Return each close relative to the highest close so far, at most 0.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
    window : int, optional
        Look back over this many sessions, the day itself included, instead of all.

    Returns
    -------
    Series of shape (n_sessions,), fractions; a shorter history is used as it is.
    """
    peak = closes.cummax() if window is None else closes.rolling(window, min_periods=1).max()
    return closes / peak - 1


def records(closes: pd.Series) -> pd.DataFrame:
    """Return the closes strictly above every earlier one.

    Returns
    -------
    DataFrame indexed by date with ``close`` and ``quiet``, the number of sessions since the
    record before it (NaN for the first close).
    """
    level = closes.to_numpy(float)
    before = np.concatenate(([-np.inf], np.maximum.accumulate(level)[:-1]))
    position = np.flatnonzero(level > before)
    return pd.DataFrame(
        {"close": level[position], "quiet": pd.Series(position).diff().to_numpy() - 1},
        index=closes.index[position],
    )


def breakouts(closes: pd.Series, quiet: int) -> pd.DatetimeIndex:
    """Return the record closes that follow at least ``quiet`` sessions without one.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
        The first close has no record before it and never counts.
    quiet : int, sessions

    Returns
    -------
    DatetimeIndex, increasing; empty where there is none.
    """
    table = records(closes)
    return pd.DatetimeIndex(table.index[table["quiet"] >= quiet])


def crossings(closes: pd.Series, level: float) -> pd.DatetimeIndex:
    """Return the sessions that closed on another side of a level than the session before.

    A close at the level counts as above it; the first close crosses nothing.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
        Without NaN.
    level : float, unit of the closes
    """
    above = (closes >= level).to_numpy()
    return pd.DatetimeIndex(closes.index[1:][above[1:] != above[:-1]])


def levels_reached(
    closes: pd.Series, levels: Sequence[float], percent: float, by: str
) -> pd.DataFrame:
    """Return when each level was first reached, how often closes were near it, and what followed.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
    levels : sequence of float, unit of the closes
    percent : float
        A close counts as near from this many percent below the level upwards.
    by : date
        Last day for the count of near closes.

    Returns
    -------
    DataFrame indexed by ``level`` with ``near`` (number of near closes by that day), ``first``
    (first session that closed at or above the level, else NaT), ``below`` (number of later
    closes below it) and ``lowest`` (the lowest later close; both NaN where the level was never
    reached or no session followed).
    """
    rows = []
    for level in levels:
        reached = closes.index[closes >= level]
        first = reached[0] if len(reached) else pd.NaT
        after = closes[closes.index > first] if len(reached) else closes.iloc[:0]
        rows.append(
            {
                "level": float(level),
                "near": int((closes.loc[:by] >= level * (1 - percent / 100)).sum()),
                "first": first,
                "below": float((after < level).sum()) if len(after) else np.nan,
                "lowest": after.min() if len(after) else np.nan,
            }
        )
    return pd.DataFrame(rows).set_index("level")


def merged_episodes(days: np.ndarray, gap: int) -> int:
    """Count groups of positions in which neighbours lie at most ``gap`` apart."""
    return 0 if len(days) == 0 else int(1 + (np.diff(np.sort(days)) > gap).sum())


def merged_spans(values: pd.Series, threshold: float, gap: int) -> pd.DataFrame:
    """Group the observations at or above a threshold into episodes.

    Parameters
    ----------
    values : Series of shape (n_sessions,)
        NaN never reaches the threshold.
    threshold : float, unit of the values
    gap : int, sessions
        Observations at most so many sessions apart are one episode, as in
        :func:`merged_episodes`.

    Returns
    -------
    DataFrame with ``start`` and ``end`` (first and last such session), ``days`` (how many
    sessions reach the threshold), ``peak`` and ``peak_day``, and ``known``, the session ``gap``
    after the end, from which no later one can belong to it (NaT before), in order of time; no
    row where nothing reaches it.
    """
    days = np.flatnonzero((values >= threshold).to_numpy())
    groups = np.split(days, np.flatnonzero(np.diff(days) > gap) + 1) if len(days) else []
    level, dates = values.to_numpy(float), values.index
    rows = []
    for group in groups:
        peak = group[level[group].argmax()]
        known = dates[group[-1] + gap] if group[-1] + gap < len(dates) else pd.NaT
        ends = (dates[group[0]], dates[group[-1]])
        rows.append((*ends, len(group), level[peak], dates[peak], known))
    return pd.DataFrame(rows, columns=["start", "end", "days", "peak", "peak_day", "known"])


def recession_leads(
    returns: pd.DataFrame, recessions: pd.DataFrame, window: str = "recession"
) -> pd.DataFrame:
    """Return what small and large returned in each recession, peak month's end to trough's end.

    Parameters
    ----------
    returns : DataFrame of monthly returns, fractions, with ``small`` and ``large``
    recessions : DataFrame with ``peak`` and ``trough`` (monthly periods)
        Nobody knew them in time: the National Bureau of Economic Research dates a turn 4 to 21
        months later (``known_from``), so that no window of these could have been followed.
    window : {"recession", "early", "year"}
        From peak to trough; from six months before the peak to the trough; or the twelve months
        after the peak.

    Returns
    -------
    DataFrame indexed by peak with ``trough``, the columns of ``returns`` and ``lead``, fractions;
    NaN where the window is not full. A recession whose peak or trough the returns do not hold is
    left out.

    Raises
    ------
    InputError
        For another window.
    """
    wealth = (1 + returns).cumprod()
    held = recessions[
        recessions["peak"].isin(wealth.index) & recessions["trough"].isin(wealth.index)
    ]
    peak, trough = (pd.PeriodIndex(held[turn], freq="M") for turn in ("peak", "trough"))
    spans = {"recession": (peak, trough), "early": (peak - 6, trough), "year": (peak, peak + 12)}
    if window not in spans:
        raise InputError(f"window {window!r}: expected one of {listing(spans)}")
    start, end = (wealth.reindex(months).to_numpy() for months in spans[window])
    table = pd.DataFrame(end / start - 1, index=peak, columns=returns.columns)
    table.insert(0, "trough", held["trough"].to_numpy())
    return table.assign(lead=lead(table))


def near_recession(months: pd.PeriodIndex, recessions: pd.DataFrame, after: int = 12) -> pd.Series:
    """Return which months are in a recession or have one begin within the ``after`` months next.

    A recession runs from the month after its peak to its trough month. This is hindsight twice
    over: the recession may lie ahead, and its dates were announced many months after it began.

    Parameters
    ----------
    months : PeriodIndex of shape (n_events,)
    recessions : DataFrame with ``peak`` and ``trough`` (monthly periods)
    after : int, months

    Returns
    -------
    Series of bool indexed by ``months``. A recession that the table does not hold cannot count.

    Examples
    --------
    >>> recessions = pd.DataFrame({"peak": ["2020-02"], "trough": ["2020-04"]})
    >>> near_recession(pd.PeriodIndex(["2018-06", "2019-07"], freq="M"), recessions).tolist()
    [False, True]
    """
    event = months.asi8[:, None]
    first = pd.PeriodIndex(recessions["peak"], freq="M").asi8 + 1
    last = pd.PeriodIndex(recessions["trough"], freq="M").asi8
    near = (first[None, :] <= event + after) & (last[None, :] >= event)
    return pd.Series(near.any(axis=1), index=months, name="recession")
