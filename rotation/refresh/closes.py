"""Daily closes of both indexes, from any of the places they can be asked for."""

from __future__ import annotations

import importlib
import os
import re
import warnings
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from helpers.errors import listing
from rotation.refresh import forms, web
from rotation.refresh.web import SourceError

# Columns and their symbols at Yahoo Finance.
SYMBOLS = {"russell_2000": "^RUT", "sp_500": "^GSPC"}
# Settings: where closes are asked for, and where those that are missing there.
FIRST, SECOND = "ROTATION_CLOSES_URL", "ROTATION_CLOSES_SECOND"
YAHOO = "yahoo"

# A client of the user's own, called as ``client(symbol, since, until)``: module and function.
_CLIENT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def closes(since: pd.Timestamp, until: pd.Timestamp, place: str | None = None) -> pd.DataFrame:
    """Return daily closes of both indexes, not adjusted for anything, to two decimals.

    Parameters
    ----------
    since, until : Timestamp
        First and last day.
    place : str, optional
        By default what ``ROTATION_CLOSES_URL`` names, else ``yahoo``. ``yahoo`` asks Yahoo Finance
        through yfinance; an address, a folder or a ``file://`` has ``RUT.csv`` and ``GSPC.csv``
        with columns ``Date`` and ``Close``; ``module:function`` is a client of the user's own.

    Returns
    -------
    DataFrame, columns ``date``, ``russell_2000``, ``sp_500``, index points; NaN on a day that only
    the other index has.

    Raises
    ------
    SourceError
        If the place cannot be read, a day comes twice, or there is no day of both.
    """
    place = place or os.environ.get(FIRST) or YAHOO
    both = pd.DataFrame(
        {name: _closes_of(place, symbol, since, until) for name, symbol in SYMBOLS.items()}
    ).loc[since:until]
    if not both.notna().all(axis=1).any():
        raise SourceError(
            f"closes: the data are empty: expected days of both indexes to {forms.day(until)}"
        )
    frame = both.round(2).rename_axis("date").reset_index()
    frame.attrs["title"] = "Yahoo Finance" if place == YAHOO else f"closes from {_named(place)}"
    return frame


def second(since: pd.Timestamp, until: pd.Timestamp, place: str = "") -> pd.DataFrame | None:
    """Return the closes of the second source, None if there is none set."""
    place = place or os.environ.get(SECOND, "")
    return closes(since, until, place) if place else None


def _named(place: str) -> str:
    """Return what a place is called in a vintage: no path of this machine, no user's name."""
    if place.startswith(("http://", "https://")):
        return web.host(place)
    return place if _CLIENT.fullmatch(place) else "a folder"


def _closes_of(place: str, symbol: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
    """Return the closes of one index by day, what is missing left out."""
    if place == YAHOO:
        frame = download(symbol, since, until)
    elif _CLIENT.fullmatch(place):
        frame = _from_client(place, symbol, since, until)
    else:
        frame = _from_csv(place, symbol)
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
            f"or name another place of the closes in {FIRST}"
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
        raise _failed(symbol, error) from None


def _from_client(place: str, symbol: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    module, name = place.split(":")
    try:
        return getattr(importlib.import_module(module), name)(symbol, since, until)
    except Exception as error:  # it is not ours, and must not stop the other sources
        raise _failed(symbol, error) from None


def _failed(symbol: str, error: Exception) -> SourceError:
    first = (str(error).strip().splitlines() or [""])[0]
    return SourceError(f"closes {symbol}: {type(error).__name__}: {first}")


def _from_csv(place: str, symbol: str) -> pd.DataFrame:
    what, name = f"closes {symbol}", f"{symbol.lstrip('^')}.csv"
    if place.startswith(("http://", "https://")):
        content = web.get(what, f"{place.rstrip('/')}/{name}")
    else:
        folder = url2pathname(urlsplit(place).path) if place.startswith("file:") else place
        file = Path(folder).expanduser() / name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise SourceError(f"{what}: {file} cannot be read ({error.strerror})") from None
    columns = forms.dated_columns(what, forms.text(what, content), ("Date",), "Close")
    return pd.DataFrame({"Close": columns})
