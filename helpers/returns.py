"""Returns of price indexes and portfolios, and the lead of small caps over large caps.

Everything is a fraction (0.01 is one percent) on pandas objects indexed by sessions or months.
``lead`` always means small minus large.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError

SMALL, LARGE = "russell_2000", "sp_500"
SESSIONS_PER_MONTH, SESSIONS_PER_YEAR = 21, 252


def simple_returns(closes: pd.DataFrame) -> pd.DataFrame:
    """Return close-to-close simple returns; the first session has none and is dropped.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes)

    Returns
    -------
    DataFrame of shape (n_sessions - 1, n_indexes), fractions. NaN closes give NaN returns.

    Examples
    --------
    >>> closes = pd.DataFrame({"russell_2000": [100.0, 102.0, 101.0], "sp_500": [50.0, 50.5, 50.5]})
    >>> simple_returns(closes).round(4)
       russell_2000  sp_500
    1        0.0200    0.01
    2       -0.0098    0.00
    """
    return closes.pct_change(fill_method=None).iloc[1:]


def lead(returns: pd.DataFrame | pd.Series) -> pd.Series:
    """Return small minus large, whatever the two sides are called.

    Parameters
    ----------
    returns : DataFrame or Series
        With columns (a Series: labels) ``russell_2000``, ``sp_500`` or ``small``, ``large``.

    Returns
    -------
    Series named ``lead`` with the index of the frame, or a number for a Series; same unit. NaN
    where either side is NaN.

    Examples
    --------
    >>> lead(pd.DataFrame({"small": [0.03, 0.01], "large": [0.01, 0.02]})).round(4).tolist()
    [0.02, -0.01]
    """
    small, large = (SMALL, LARGE) if SMALL in returns.keys() else ("small", "large")  # noqa: SIM118
    difference = returns[small] - returns[large]
    return difference.rename("lead") if isinstance(difference, pd.Series) else difference


def resolve(closes: pd.DataFrame, date: str | pd.Timestamp) -> pd.Timestamp:
    """Return the session of the last close on or before a date.

    Raises
    ------
    InputError
        If the date lies before the first close.

    Examples
    --------
    >>> closes = pd.DataFrame({"sp_500": [1.0, 2.0]}, pd.to_datetime(["2026-01-02", "2026-01-05"]))
    >>> resolve(closes, "2026-01-04")
    Timestamp('2026-01-02 00:00:00')
    """
    position = closes.index.searchsorted(pd.Timestamp(date), side="right") - 1
    if position < 0:
        first = closes.index[0].date()
        raise InputError(f"{str(date)[:10]}: expected a date on or after the first close, {first}")
    return closes.index[position]


def period_return(
    closes: pd.DataFrame, start: str | pd.Timestamp, end: str | pd.Timestamp | None = None
) -> pd.Series:
    """Return the simple return from the last close by ``start`` to the last close by ``end``.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes)
    start, end : date
        ``end`` defaults to the last close.

    Returns
    -------
    Series of shape (n_indexes,), fractions.

    Raises
    ------
    InputError
        If ``start`` lies before the data or after ``end``.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-02", "2026-01-05"])
    >>> closes = pd.DataFrame({"sp_500": [50.0, 55.0]}, days)
    >>> period_return(closes, "2026-01-04").round(4).to_dict()
    {'sp_500': 0.1}
    """
    first = resolve(closes, start)
    last = resolve(closes, end) if end is not None else closes.index[-1]
    if first > last:
        raise InputError(f"{first.date()} to {last.date()}: expected a start before the end")
    return closes.loc[last] / closes.loc[first] - 1


def calendar_returns(closes: pd.DataFrame, period: str = "M") -> pd.DataFrame:
    """Return month (``"M"``) or year (``"Y"``) returns, last close to last close.

    A last period that still has sessions to come is left out, and so is the first one, which
    has no close before it.

    Returns
    -------
    DataFrame indexed by periods, fractions.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-11-28", "2025-12-31", "2026-01-30"])
    >>> calendar_returns(pd.DataFrame({"sp_500": [100.0, 110.0, 99.0]}, days)).round(4)
             sp_500
    2025-12     0.1
    2026-01    -0.1
    """
    from helpers.sessions import ends_month

    last = closes.groupby(closes.index.to_period(period)).last()
    final = closes.index[-1]
    months = {"M": 1, "Q": 3, "Y": 12}[period]
    complete = ends_month(final) and final.month % months == 0
    return last.pct_change(fill_method=None).iloc[1 : None if complete else -1]


def year_to_date(closes: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the path of each index since the last close of the year before.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes)
    year : int

    Returns
    -------
    DataFrame indexed by the sessions of that year, fractions.

    Raises
    ------
    InputError
        If the year has no close, or none lies before it.
    """
    before, during = closes[closes.index.year < year], closes[closes.index.year == year]
    if before.empty or during.empty:
        raise InputError(f"{year}: expected a year with closes in it and before it")
    return during / before.iloc[-1] - 1


def starts_of_years(closes: pd.DataFrame, sessions: int) -> pd.DataFrame:
    """Return what each year had returned by the close of its ``sessions``-th session.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes), or a Series
    sessions : int, at least 1

    Returns
    -------
    Same type, indexed by year, fractions. A year without so many sessions, or without a close
    before it, is left out.
    """
    year = closes.index.year
    reached = closes[closes.groupby(year).cumcount() == sessions - 1]
    reached.index = reached.index.year
    base = closes.groupby(year).last().shift(1)
    return (reached / base).dropna() - 1


def trailing_leads(closes: pd.DataFrame, sessions: int) -> pd.Series:
    """Return small minus large over the ``sessions`` that end with each close.

    Returns
    -------
    Series of shape (n_sessions,), fractions; NaN for the first ``sessions`` closes.
    """
    return lead(closes.pct_change(sessions, fill_method=None))


def forward_returns(closes: pd.DataFrame, dates: pd.DatetimeIndex, sessions: int) -> pd.DataFrame:
    """Return simple returns over the ``sessions`` that follow the close of each date.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes)
    dates : DatetimeIndex of shape (n_events,)
        Each resolves to the last close on or before it.
    sessions : int, at least 1

    Returns
    -------
    DataFrame of shape (n_events, n_indexes), fractions; NaN where the window does not end within
    the data or the date lies before them.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=4)
    >>> closes = pd.DataFrame({"sp_500": [100.0, 101.0, 102.0, 103.0]}, days)
    >>> forward_returns(closes, days[[0, 3]], 2).round(4)["sp_500"].tolist()
    [0.02, nan]
    """
    if sessions < 1:
        raise InputError(f"horizon {sessions}: expected at least 1 session")
    start = closes.index.searchsorted(pd.DatetimeIndex(dates), side="right") - 1
    end = start + sessions
    levels = closes.to_numpy(float)
    full = (start >= 0) & (end < len(levels))
    result = np.full((len(start), levels.shape[1]), np.nan)
    result[full] = levels[end[full]] / levels[start[full]] - 1
    return pd.DataFrame(result, index=pd.DatetimeIndex(dates), columns=closes.columns)


def all_forward_returns(closes: pd.DataFrame, sessions: int) -> pd.DataFrame:
    """Return the forward return of every session that has a full window, fractions.

    Examples
    --------
    >>> all_forward_returns(pd.DataFrame({"sp_500": [100.0, 101.0, 103.02]}), 1).round(4)
       sp_500
    0    0.01
    1    0.02
    """
    return (closes.shift(-sessions) / closes - 1).iloc[: max(len(closes) - sessions, 0)]


def forward_paths(
    closes: pd.DataFrame, dates: pd.DatetimeIndex, before: int, after: int
) -> pd.DataFrame:
    """Return the lead of small caps around each date, in event time.

    Each index is rebased to its close on the event day; the value is the difference of the two
    simple returns measured from that close.

    Returns
    -------
    DataFrame of shape (before + after + 1, n_events), index ``session`` from ``-before`` to
    ``after``; NaN where the data do not reach.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=3)
    >>> closes = pd.DataFrame({"russell_2000": [98.0, 100, 104], "sp_500": [50.0, 50, 51]}, days)
    >>> forward_paths(closes, days[[1]], 1, 1).round(4).iloc[:, 0].to_dict()
    {-1: -0.02, 0: 0.0, 1: 0.02}
    """
    start = closes.index.searchsorted(pd.DatetimeIndex(dates), side="right") - 1
    offsets = np.arange(-before, after + 1)
    position = start[None, :] + offsets[:, None]
    inside = (position >= 0) & (position < len(closes))
    levels = closes[[SMALL, LARGE]].to_numpy(float)
    rebased = levels[np.clip(position, 0, len(closes) - 1)] / levels[start][None, :, :] - 1
    difference = np.where(inside, rebased[..., 0] - rebased[..., 1], np.nan)
    return pd.DataFrame(
        difference, index=pd.Index(offsets, name="session"), columns=pd.DatetimeIndex(dates)
    )


def rebased_paths(
    closes: pd.DataFrame, date: str | pd.Timestamp, before: int, after: int
) -> pd.DataFrame:
    """Return each index around the last close by a date, in event time, that close = 100.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, n_indexes)
    date : date
    before, after : int, sessions

    Returns
    -------
    DataFrame of shape (before + after + 1, n_indexes), index ``session`` from ``-before`` to
    ``after``; NaN where the data do not reach.

    Raises
    ------
    InputError
        If the date lies before the first close.
    """
    position = closes.index.get_loc(resolve(closes, date))
    offsets = np.arange(-before, after + 1)
    numbered = closes.set_axis(range(len(closes))).reindex(position + offsets)
    rebased = 100 * numbered / closes.iloc[position]
    return rebased.set_axis(pd.Index(offsets, name="session"))


def paths_after(closes: pd.Series, dates: pd.DatetimeIndex, sessions: int) -> pd.DataFrame:
    """Return one index's simple return since the close of each date, in event time.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
    dates : DatetimeIndex of shape (n_events,)
        Each must be a session.
    sessions : int

    Returns
    -------
    DataFrame of shape (sessions + 1, n_events), fractions, index ``session`` from 0; NaN where
    the data do not reach.
    """
    ahead = {k: closes.shift(-k).reindex(dates) for k in range(sessions + 1)}
    paths = pd.DataFrame(ahead).T.rename_axis("session")
    return paths / closes.reindex(dates) - 1


def forward_extremes(closes: pd.Series, sessions: int) -> pd.DataFrame:
    """Return the lowest and the highest of the closes that follow each one.

    Parameters
    ----------
    closes : Series of shape (n_sessions,)
        NaN among the closes of a window gives NaN.
    sessions : int, at least 1
        Closes looked at, the first of them a session after the start.

    Returns
    -------
    DataFrame of shape (n_sessions - sessions, 2) with ``lowest`` and ``highest``, simple returns
    from the start as fractions, for every session with a full window.

    Raises
    ------
    InputError
        If ``sessions`` is below 1.
    """
    if sessions < 1:
        raise InputError(f"horizon {sessions}: expected at least 1 session")
    window = closes.rolling(sessions)
    table = pd.DataFrame({"lowest": window.min(), "highest": window.max()}).shift(-sessions)
    return table.div(closes, axis=0).iloc[: max(len(closes) - sessions, 0)] - 1


def later_leads(closes: pd.DataFrame, first: int, last: int) -> pd.Series:
    """Return small minus large from ``first`` to ``last`` sessions after each close.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2)
    first, last : int, sessions
        0 is the close itself; ``first`` lies before ``last``.

    Returns
    -------
    Series of shape (n_sessions - last,), fractions, for every session with a full window.

    Raises
    ------
    InputError
        If ``first`` is negative or not before ``last``.
    """
    if not 0 <= first < last:
        raise InputError(f"sessions {first} to {last}: expected a first from 0 to before the last")
    later = closes.shift(-last) / closes.shift(-first) - 1
    return lead(later.iloc[: max(len(closes) - last, 0)])


def returns_by_calendar(
    closes: pd.DataFrame, period: str, since: str | pd.Timestamp
) -> pd.DataFrame:
    """Return month (``"M"``), quarter (``"Q"``) or year returns, the unfinished one last.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2)
    period : str
    since : date
        The first period returned is the one that holds this day.

    Returns
    -------
    DataFrame indexed by periods with ``through`` (the last close used), the columns of
    ``closes`` and ``lead``, fractions; NaN where no close lies before the period.
    """
    periods = closes.index.to_period(period)
    table = closes.groupby(periods).last().pct_change(fill_method=None)
    table = table.assign(lead=lead(table))
    table.insert(0, "through", closes.index.to_series().groupby(periods).last())
    return table.loc[pd.Period(since, period) :]


def compounded(returns: pd.DataFrame, months: pd.PeriodIndex, horizon: int) -> pd.DataFrame:
    """Compound monthly returns over the ``horizon`` months after each month.

    Parameters
    ----------
    returns : DataFrame of shape (n_months, n_portfolios), fractions, no gap
    months : PeriodIndex of shape (n_events,)
        The event months; their own return is not part of the window.
    horizon : int, months

    Returns
    -------
    DataFrame of shape (n_events, n_portfolios), fractions; NaN without a full window.
    """
    wealth = (1 + returns).cumprod()
    before = wealth.reindex(months).to_numpy()
    after = wealth.reindex(months + horizon).to_numpy()
    return pd.DataFrame(after / before - 1, index=months, columns=returns.columns)


def annualised(returns: pd.DataFrame, start: str | pd.Period, months: int) -> pd.Series:
    """Return the geometric mean annual return over the ``months`` after the end of ``start``.

    NaN without a full window.

    Examples
    --------
    >>> months = pd.period_range("2000-01", periods=25, freq="M")
    >>> returns = pd.DataFrame({"small": [0.0] + [1.21 ** (1 / 24) - 1] * 24}, months)
    >>> annualised(returns, "2000-01", 24).round(4).to_dict()
    {'small': 0.1}
    """
    window = compounded(returns, pd.PeriodIndex([start], freq="M"), months).iloc[0]
    return (1 + window) ** (12 / months) - 1


def rolling_annualised(returns: pd.DataFrame, months: int) -> pd.DataFrame:
    """Return the geometric mean annual return over the ``months`` that end with each month.

    Parameters
    ----------
    returns : DataFrame of shape (n_months, n_portfolios), fractions, no gap between months
    months : int, at least 1

    Returns
    -------
    DataFrame of shape (n_months, n_portfolios), fractions; NaN where the window is not full or
    holds a NaN. The window that follows a month is the one that ends ``months`` later.

    Examples
    --------
    >>> rolling_annualised(pd.DataFrame({"small": [0.01, 0.02, 0.03]}), 2).round(4)
        small
    0     NaN
    1  0.1954
    2  0.3447
    """
    return np.expm1(np.log1p(returns).rolling(months).sum() * 12 / months)


def relative_strength(closes: pd.DataFrame, base: str | pd.Timestamp | None = None) -> pd.Series:
    """Return Russell 2000 over S&P 500, 100 at the close of ``base`` (default: the first).

    Examples
    --------
    >>> closes = pd.DataFrame({"russell_2000": [200.0, 220.0], "sp_500": [400.0, 400.0]})
    >>> relative_strength(closes).round(4).tolist()
    [100.0, 110.0]
    """
    ratio = closes[SMALL] / closes[LARGE]
    first = resolve(closes, base) if base is not None else closes.index[0]
    return (100 * ratio / ratio.loc[first]).rename("relative_strength")
