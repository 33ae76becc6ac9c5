"""Daily closes of both indexes."""

from __future__ import annotations

import os
import warnings

import pandas as pd

from helpers.errors import listing
from rotation.refresh import forms, web
from rotation.refresh.web import SourceError

# Columns and their symbols at Yahoo Finance.
SYMBOLS = {"russell_2000": "^RUT", "sp_500": "^GSPC"}


def closes(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return daily closes of both indexes, not adjusted for anything, to two decimals.

    They come from Yahoo Finance through yfinance, or, if ``ROTATION_CLOSES_URL`` is set, from
    ``<that>/RUT.csv`` and ``GSPC.csv`` with columns ``Date`` and ``Close``. A last day that only
    one of the indexes has is left for the next time.

    Returns
    -------
    DataFrame, columns ``date``, ``russell_2000``, ``sp_500``, index points.

    Raises
    ------
    SourceError
        If a day comes twice, one index lacks a day that the other has, or the data end early.
    """
    both = pd.DataFrame(
        {name: _closes_of(symbol, since, until) for name, symbol in SYMBOLS.items()}
    ).loc[since:until]
    both = both.loc[: both.dropna().index.max()] if both.notna().all(axis=1).any() else both[:0]
    for name, symbol in SYMBOLS.items():
        if both[name].isna().any():
            day = both.index[both[name].isna()][0]
            raise SourceError(
                f"closes: {symbol} has no close on {forms.day(day)}, the other index has"
            )
    forms.require_recent("closes", both.index, until, forms.STALE_DAYS)
    frame = both.round(2).rename_axis("date").reset_index()
    own = os.environ.get("ROTATION_CLOSES_URL")
    frame.attrs["title"] = f"closes from {web.host(own)}" if own else "Yahoo Finance"
    return frame


def _closes_of(symbol: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
    """Return the closes of one index by day, what is missing left out."""
    address = os.environ.get("ROTATION_CLOSES_URL")
    frame = _own_closes(address, symbol) if address else download(symbol, since, until)
    if "Close" not in frame or not isinstance(frame.index, pd.DatetimeIndex):
        raise SourceError(
            f"closes {symbol}: columns {listing(frame.columns)}: expected days and 'Close'"
        )
    series = frame["Close"].dropna()
    series.index = series.index.tz_localize(None).normalize().as_unit("us")
    if series.index.has_duplicates:
        day = series.index[series.index.duplicated()][0]
        raise SourceError(f"closes {symbol}: {forms.day(day)} comes twice; expected each day once")
    return series.astype(float).sort_index()


def download(symbol: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Ask Yahoo Finance for daily quotes, both days included, through yfinance.

    Returns
    -------
    DataFrame indexed by midnights in New York, with a column ``Close`` among others.

    Raises
    ------
    SourceError
        If yfinance is not installed, or gets no quotes.
    """
    try:
        import yfinance
    except ImportError:
        raise SourceError(
            "closes: the package yfinance is missing; install it with pip install "
            "'rotation-claims[refresh]' (from the clone: pip install -e '.[refresh]'), "
            "or name another place of the closes in ROTATION_CLOSES_URL"
        ) from None
    yfinance.config.debug.hide_exceptions = False
    yfinance.config.network.retries = web.RETRIES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about how yfinance uses it
            return yfinance.Ticker(symbol).history(
                start=since.date().isoformat(),
                end=(until + pd.Timedelta(days=1)).date().isoformat(),  # exclusive there
                interval="1d",
                auto_adjust=False,
                actions=False,
                timeout=web.READ,
            )
    except Exception as error:  # yfinance lets through whatever its many layers raise
        first = (str(error).strip().splitlines() or [""])[0]
        raise SourceError(f"closes {symbol}: {type(error).__name__}: {first}") from None


def _own_closes(address: str, symbol: str) -> pd.DataFrame:
    name = f"{symbol.lstrip('^')}.csv"
    text = forms.text(
        f"closes {symbol}", web.get(f"closes {symbol}", f"{address.rstrip('/')}/{name}")
    )
    columns = forms.dated_columns(f"closes {symbol}", text, ("Date",), "Close")
    return pd.DataFrame({"Close": columns})
