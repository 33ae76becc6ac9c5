"""What the public sources say, as rows of the tables they feed: one function a source.

Each takes the first and the last day wanted and returns a frame with its table's own columns and
units, whatever form the source has; anything that is not that form is refused, nothing is
guessed or repaired. Where the sources are is a setting (``ROTATION_FRED_URL``,
``ROTATION_FRENCH_URL``, ``ROTATION_CLOSES_URL``).
"""

from __future__ import annotations

import csv
import io
import os
import re
import time
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from helpers.errors import Exit, InputError, listing

FRED = "https://fred.stlouisfed.org/graph/fredgraph.csv"
FRENCH = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp"

# Seconds to connect and for the next bytes, tries after the first, longest wait a server may ask
# for. With them a machine without a network is told so within 20 s.
CONNECT, READ, RETRIES, PATIENCE = 5.0, 10.0, 2, 20.0
# What one answer may take in all.
SLOWEST, LARGEST = 60.0, 20_000_000
# A daily series that ends so many days before it should is not whole; a monthly one is released
# with a lag, and was once held up for weeks.
STALE_DAYS, STALE_MONTHLY = 10, 120

# Columns and their symbols at Yahoo Finance.
SYMBOLS = {"russell_2000": "^RUT", "sp_500": "^GSPC"}

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class SourceError(InputError):
    """A source that cannot be reached, or that says what cannot be used."""

    code = Exit.SOURCE_FAILED


@dataclass(frozen=True)
class Source:
    """A source and the table it feeds.

    Attributes
    ----------
    name, table : str
    fetch : callable
        ``fetch(since, until)`` with two Timestamps gives the rows of those days; the frame's
        attribute ``title`` names the source.
    selected : bool
        Whether the table holds only some of the rows that the source has.
    """

    name: str
    table: str
    fetch: Callable[[pd.Timestamp, pd.Timestamp], pd.DataFrame]
    selected: bool = False


# Each source's rows -----------------------------------------------------------------------------


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
            raise SourceError(f"closes: {symbol} has no close on {_day(day)}, the other index has")
    _require_recent("closes", both.index, until, STALE_DAYS)
    frame = both.round(2).rename_axis("date").reset_index()
    own = os.environ.get("ROTATION_CLOSES_URL")
    frame.attrs["title"] = f"closes from {_host(own)}" if own else "Yahoo Finance"
    return frame


def target(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return changes of the federal funds target range, from FRED's DFEDTARL and DFEDTARU.

    Those series have a value a day, from the day a decision takes effect; scheduled meetings
    announce it the day before, so that is the date given here.

    Returns
    -------
    DataFrame, columns ``announced``, ``lower_percent``, ``upper_percent``, ``change_bp``; its
    attribute ``complete_through`` is the last day that both series have.
    """
    lower, upper = (_fred(name, since, until) for name in ("DFEDTARL", "DFEDTARU"))
    both = pd.DataFrame({"lower_percent": lower, "upper_percent": upper})
    if both.isna().any(axis=None):
        day = both.index[both.isna().any(axis=1)][0]
        raise SourceError(f"target: no range on {_day(day)}; expected one every day")
    _require_recent("target", both.index, until, STALE_DAYS)
    moved = both[(both.diff() != 0).any(axis=1)].iloc[1:]
    frame = moved.reset_index(drop=True)
    frame.insert(0, "announced", moved.index - pd.Timedelta(days=1))
    frame["change_bp"] = (100 * both["upper_percent"].diff()[moved.index]).round(6).to_numpy()
    frame.attrs |= {"complete_through": both.index[-1], "title": "FRED, DFEDTARL and DFEDTARU"}
    return frame


def recessions(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return peaks and troughs from FRED's USREC, which is 1 from the month after the peak.

    Its last 1 is the month of the trough. A recession that has not ended is left out.

    Returns
    -------
    DataFrame, columns ``peak``, ``trough`` (monthly periods).
    """
    flags = _fred("USREC", since, until)
    if not flags.isin([0, 1]).all():
        raise SourceError("recessions: USREC holds more than 0 and 1")
    _require_recent("recessions", flags.index, until, STALE_MONTHLY)
    months, flag = flags.index.to_period("M"), flags.to_numpy()
    begins = [m - 1 for m, a, b in zip(months[1:], flag, flag[1:], strict=False) if b > a]
    ends = [m for m, a, b in zip(months, flag, flag[1:], strict=False) if b < a]
    if flag[0] == 1:  # begun before what was asked for
        ends = ends[1:]
    frame = pd.DataFrame({"peak": begins[: len(ends)], "trough": ends}, dtype="period[M]")
    frame.attrs |= {"complete_through": months[-1].end_time.normalize(), "title": "FRED, USREC"}
    return frame


def size_portfolios(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return monthly returns of the smallest and largest 30%, from French's library.

    Returns
    -------
    DataFrame, columns ``month``, ``small_percent``, ``large_percent``.
    """
    names = {"Lo 30": "small_percent", "Hi 30": "large_percent"}
    return _french("Portfolios_Formed_on_ME", names, since, until)


def size_value_portfolios(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return monthly returns of two small-value cells of the 25 portfolios, from French's library.

    Returns
    -------
    DataFrame, columns ``month``, ``small_hibm_percent``, ``me2_bm5_percent``.
    """
    names = {"SMALL HiBM": "small_hibm_percent", "ME2 BM5": "me2_bm5_percent"}
    return _french("25_Portfolios_5x5", names, since, until)


def macro(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return unemployment, 12-month consumer price changes and two Treasury yields, from FRED.

    Prices are CPIAUCNS, not seasonally adjusted, as the published 12-month change is; it is
    rounded to one decimal like that. Yields are DGS2 and DGS10, every day. FRED shows figures as
    they now stand: the first release is known for the newest month and for what is not revised,
    and missing for earlier months of unemployment.

    Returns
    -------
    DataFrame, columns as in ``macro_readings``, dated at a month's end or the day of the yield.
    """
    first = since.replace(day=1)  # as FRED dates a month
    rate = _fred("UNRATE", first, until)
    prices = _fred("CPIAUCNS", first - pd.DateOffset(months=12), until)
    prices = prices.asfreq("MS")
    change = (100 * (prices / prices.shift(12) - 1)).round(1).iloc[12:]
    for name, series in (("UNRATE", rate), ("CPIAUCNS", prices)):
        _require_recent(f"macro {name}", series.index, until, STALE_MONTHLY)
    labor, treasury = "US Bureau of Labor Statistics", "US Treasury / Federal Reserve H.15"
    parts = [
        _readings("unemployment_rate", _at_month_end(rate), labor),
        _readings("cpi_12_month_change", _at_month_end(change), labor),
    ]
    for name, series in (("treasury_10_year_yield", "DGS10"), ("treasury_2_year_yield", "DGS2")):
        yields = _fred(series, since, until)
        _require_recent(f"macro {series}", yields.index, until, STALE_DAYS)
        daily = _readings(name, yields.dropna(), treasury)
        parts.append(daily.assign(known_from=daily["as_of"]))
    frame = pd.concat(parts, ignore_index=True)
    revised = (frame["series"] == "unemployment_rate") & frame.duplicated("series", keep="last")
    frame.loc[revised, "first_release"] = np.nan
    frame = frame[frame["as_of"].between(since, until)].reset_index(drop=True)
    frame.attrs["title"] = "FRED, UNRATE, CPIAUCNS, DGS2 and DGS10"
    if len(frame):
        frame.attrs["complete_through"] = frame.groupby("series")["as_of"].max().min()
    return frame


# FRED first: without a network it says so soonest.
SOURCES = (
    Source("target", "fed_target_changes", target),
    Source("recessions", "recessions", recessions),
    Source("macro", "macro_readings", macro, selected=True),
    Source("size", "size_portfolios_monthly", size_portfolios),
    Source("size-value", "size_value_portfolios_monthly", size_value_portfolios),
    Source("closes", "index_closes", closes),
)


# Index closes -----------------------------------------------------------------------------------


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
        raise SourceError(f"closes {symbol}: {_day(day)} comes twice; expected each day once")
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
    yfinance.config.network.retries = RETRIES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about how yfinance uses it
            return yfinance.Ticker(symbol).history(
                start=since.date().isoformat(),
                end=(until + pd.Timedelta(days=1)).date().isoformat(),  # exclusive there
                interval="1d",
                auto_adjust=False,
                actions=False,
                timeout=READ,
            )
    except Exception as error:  # yfinance lets through whatever its many layers raise
        first = (str(error).strip().splitlines() or [""])[0]
        raise SourceError(f"closes {symbol}: {type(error).__name__}: {first}") from None


def _own_closes(address: str, symbol: str) -> pd.DataFrame:
    name = f"{symbol.lstrip('^')}.csv"
    text = _text(f"closes {symbol}", _get(f"closes {symbol}", f"{address.rstrip('/')}/{name}"))
    columns = _dated_columns(f"closes {symbol}", text, ("Date",), "Close")
    return pd.DataFrame({"Close": columns})


# FRED -------------------------------------------------------------------------------------------


def _fred(name: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
    """Return one series of FRED by day; NaN where it has a day without a value."""
    address = os.environ.get("ROTATION_FRED_URL") or FRED
    asked = {"id": name, "cosd": _day(since), "coed": _day(until)}
    text = _text(f"FRED {name}", _get(f"FRED {name}", address, asked))
    # The first column had another name until the end of 2024.
    return _dated_columns(f"FRED {name}", text, ("observation_date", "DATE"), name)


def _dated_columns(what: str, text: str, dates: tuple[str, ...], name: str) -> pd.Series:
    """Read CSV of two columns, a day and a number, strictly."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or len(rows[0]) != 2 or rows[0][0] not in dates or rows[0][1] != name:
        found = listing(map(repr, rows[0])) if rows else "nothing"
        raise SourceError(f"{what}: columns {found[:100]}: expected {dates[0]!r}, {name!r}")
    if len(rows) == 1:
        raise SourceError(f"{what}: no rows; expected some")
    if not text.endswith("\n"):
        raise SourceError(f"{what}: the answer broke off in row {len(rows) - 1}")
    for number, row in enumerate(rows[1:], start=1):
        good = len(row) == 2 and _DATE.fullmatch(row[0])
        if not good or not (row[1] in ("", ".") or _NUMBER.fullmatch(row[1])):
            raise SourceError(f"{what} row {number}: {row!r}: expected a day and a number")
    try:
        days = pd.DatetimeIndex(pd.to_datetime([row[0] for row in rows[1:]], format="%Y-%m-%d"))
    except ValueError:
        raise SourceError(f"{what}: a day that is none; expected dates like 2026-01-22") from None
    _require_increasing(what, days)
    values = [float(row[1]) if row[1] not in ("", ".") else np.nan for row in rows[1:]]
    return pd.Series(values, index=days.as_unit("us"), name=name)


def _at_month_end(series: pd.Series) -> pd.Series:
    return series.set_axis(series.index + pd.offsets.MonthEnd(0))


def _readings(name: str, series: pd.Series, source: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "as_of": series.index.as_unit("us"),
            "series": name,
            "first_release": series.to_numpy(),
            "latest": series.to_numpy(),
            "unit": "percent",
            "source": source,
        }
    )


# French's library -------------------------------------------------------------------------------


def _french(
    name: str, columns: dict[str, str], since: pd.Timestamp, until: pd.Timestamp
) -> pd.DataFrame:
    """Return columns of the value-weighted monthly table of one file of the library.

    A file is a zip with one CSV: notes, then tables, each under its title and its header, with
    -99.99 or -999 where a figure is missing.
    """
    what = f"French {name}"
    address = os.environ.get("ROTATION_FRENCH_URL") or FRENCH
    lines = _unzipped(what, _get(what, f"{address.rstrip('/')}/{name}_CSV.zip")).splitlines()
    edition = re.search(r"using the ([0-9]{6}) ", lines[0] if lines else "")
    # The library's titles vary: "Value Weight Returns", "Average Value Weighted Returns".
    titles = [
        i
        for i, line in enumerate(lines)
        if re.search(r"Value Weight(ed)? Returns -- Monthly", line)
    ]
    if edition is None or len(titles) != 1 or titles[0] + 1 >= len(lines):
        raise SourceError(
            f"{what}: expected a first line that names the CRSP database, and one "
            "table 'Value Weight Returns -- Monthly'"
        )
    header = [cell.strip() for cell in lines[titles[0] + 1].split(",")]
    for column in columns:
        if header.count(column) != 1:
            raise SourceError(f"{what}: columns {listing(header)[:200]}: expected one {column!r}")
    rows = []
    for line in lines[titles[0] + 2 :]:
        row = [cell.strip() for cell in line.split(",")]
        if not re.fullmatch(r"[0-9]{6}", row[0]):
            break
        rows.append(_french_row(what, row, header, columns))
    months = pd.PeriodIndex([row[0] for row in rows], freq="M")
    _require_increasing(what, months)
    frame = pd.DataFrame({new: [row[1][old] for row in rows] for old, new in columns.items()})
    frame.insert(0, "month", months)
    wanted = (months >= since.to_period("M")) & (months.end_time.normalize() <= until)
    frame = frame[wanted].reset_index(drop=True)
    library = "Kenneth R. French, Data Library (Dartmouth College)"
    frame.attrs["title"] = f"{library}, CRSP vintage {edition[1]}"
    return frame


def _french_row(
    what: str, row: list[str], header: list[str], columns: dict[str, str]
) -> tuple[str, dict[str, float]]:
    month = f"{row[0][:4]}-{row[0][4:]}"
    values = dict(zip(header, row, strict=False))
    if len(row) != len(header) or not "01" <= row[0][4:] <= "12":
        raise SourceError(f"{what}: row {month}: expected a month and {len(header) - 1} figures")
    for column in columns:
        text = values[column]
        if not _NUMBER.fullmatch(text) or float(text) in (-99.99, -999):
            raise SourceError(f"{what}: row {month}: {column} {text!r}: expected a return")
    return month, {column: float(values[column]) for column in columns}


def _unzipped(what: str, content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
            if len(members) != 1 or members[0].file_size > LARGEST:
                raise SourceError(f"{what}: expected a zip with one CSV file")
            return archive.read(members[0]).decode("latin-1")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        raise SourceError(f"{what}: not a whole zip file; expected one with a CSV file") from None


# HTTP -------------------------------------------------------------------------------------------


class _Patience(Retry):
    """Wait as long as a server asks, up to a bound; beyond it give up at once."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        if seconds is not None and seconds > PATIENCE:
            raise SourceError(
                f"the server asks to wait {seconds:.0f} s; expected at most {PATIENCE:.0f}"
            )
        return seconds


def _get(what: str, address: str, asked: dict[str, str] | None = None) -> bytes:
    """Return what is at an address; retries, and the time and size of an answer, are bounded."""
    patience = _Patience(
        RETRIES,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
    )
    host = _host(address)
    late = time.monotonic() + SLOWEST
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=patience))
            session.headers["User-Agent"] = "rotation-claims"
            with session.get(address, params=asked, timeout=(CONNECT, READ), stream=True) as answer:
                if answer.status_code != 200:
                    raise SourceError(
                        f"{what}: {host} answers {answer.status_code} {answer.reason}; expected 200"
                    )
                return _body(what, answer, late)
    except SourceError as error:
        told = str(error)
        raise SourceError(told if told.startswith(what) else f"{what}: {told}") from None
    except requests.exceptions.ChunkedEncodingError:
        raise SourceError(f"{what}: the answer of {host} broke off") from None
    except (requests.RequestException, ValueError) as error:
        # Once the tries are used up the client tells a late answer by its reason alone.
        reason = getattr(error.args[0] if error.args else error, "reason", error)
        late_answer = isinstance(reason, ReadTimeoutError | requests.ReadTimeout)
        told = "does not answer in time" if late_answer else "cannot be reached"
        raise SourceError(f"{what}: {host} {told}; is there a network?") from None


def _body(what: str, answer: requests.Response, late: float) -> bytes:
    content = bytearray()
    for part in answer.iter_content(65536):
        content += part
        if time.monotonic() > late or len(content) > LARGEST:
            raise SourceError(f"{what}: the answer takes too long or is too large")
    return bytes(content)


def _host(address: str) -> str:
    """Return the host of an address, without a user's name or the path."""
    return re.sub(r"^https?://([^/@]*@)?([^/]+).*", r"\2", address)


def _text(what: str, content: bytes) -> str:
    if content.lstrip()[:1] == b"<":
        raise SourceError(f"{what}: a web page came; expected CSV")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{what}: not UTF-8 text at byte {error.start}") from None


# Rules that several sources share ----------------------------------------------------------------


def _require_increasing(what: str, days: pd.DatetimeIndex | pd.PeriodIndex) -> None:
    falls = np.flatnonzero(days[1:] <= days[:-1])
    if falls.size:
        day = days[int(falls[0]) + 1]
        raise SourceError(f"{what}: {_day(day)} comes twice or out of order; expected each once")


def _require_recent(what: str, days: pd.DatetimeIndex, until: pd.Timestamp, lag: int) -> None:
    if days.empty or (until - days[-1]).days > lag:
        last = f"end on {_day(days[-1])}" if len(days) else "are empty"
        raise SourceError(f"{what}: the data {last}: expected them to {_day(until)}")


def _day(day: pd.Timestamp | pd.Period) -> str:
    return str(day)[:10]
