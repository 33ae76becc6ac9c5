"""Any pair of price series in the place of the two indexes, from files as people have them.

Returns, events and figures know two columns of closes, by the names of the indexes that the
articles are about. A pair of a user's own takes these columns; what readers see is renamed in one
place, :func:`named`. Claims are never judged on another pair.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.errors import DataError, InputError, listing

# Columns by name and ticker; rows with their line numbers.
Head = list[tuple[str, str]]
Lines = list[tuple[int, list[str]]]

SMALL, LARGE = "russell_2000", "sp_500"
KINDS = ("price", "total return")
# Begins a cell that is about the articles' claims: runs on another pair leave it out.
MARK = "# Only for the articles' own indexes"

_DATES = ("date", "datetime", "observation_date")
# By kind, column names in the order of preference.
_COLUMNS = {
    "price": ("close", "close/last", "price", "last", "value"),
    "total return": ("adj close", "adj_close", "adjusted close", "total return", "close", "value"),
}
_ADJUSTED = ("adj close", "adj_close", "adjusted close")
_MISSING = ("", ".", "null", "nan", "n/a", "na")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00:00(?:\.0+)?(?:[+-]\d{2}:?\d{2}|Z)?)?")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+\.\d+")
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?")
_NAME = re.compile(r"[\w .&+/()'^-]{1,30}")
# Days without a close in the other series; more of them are another calendar.
_MOST_UNMATCHED, _LONGEST_GAP, _LARGEST_MOVE = 0.05, 31, 0.6


class PairError(DataError):
    """Price files that do not make a pair."""


@dataclass(frozen=True)
class Pair:
    """Two series of closes on common days.

    Attributes
    ----------
    closes : DataFrame indexed by ``date``, columns ``russell_2000`` and ``sp_500``
        The first series in the place of small caps, the second in that of large caps.
    names : tuple of str
        What readers call the two.
    kind : str
        ``price`` or ``total return``.
    dropped : int
        Days that only one of the two has, or that had no figure, left out.
    """

    closes: pd.DataFrame
    names: tuple[str, str]
    kind: str
    dropped: int

    @property
    def label(self) -> str:
        """The pair in words, for provenance and source lines."""
        kind = "prices without dividends" if self.kind == "price" else "total returns"
        return f"{self.names[0]} and {self.names[1]}, {kind}"


def files(pair: str) -> list[Path]:
    """Return the one or two files that the parameter ``pair`` names.

    Raises
    ------
    PairError
        If it names none or more than two.
    """
    found = [part.strip() for part in pair.split(",")]
    if len(found) > 2 or not all(name.lower().endswith((".csv", ".txt")) for name in found):
        raise PairError(
            f"pair = {pair!r}: expected two files like 'small.csv, large.csv', or one with both"
        )
    return [Path(name).expanduser() for name in found]


def read(pair: str, names: str = "", kind: str = "price") -> Pair:
    """Read a pair of price series.

    Parameters
    ----------
    pair : str
        ``small.csv, large.csv``, or one table with two columns of closes. Known are downloads
        with ``Date,Close`` or ``Date,…,Adj Close`` (newer clients write three header lines) and
        FRED's two generations; in any case comma-separated. Dates are ``2026-01-20``,
        ``Jan 20, 2026``, or ``01/20/2026`` where the file shows which of the two is the month;
        closes may be written ``$2,345.67``.
    names : str
        ``IWM,SPY``; by default what the files call them.
    kind : str
        ``price`` takes closes, ``total return`` adjusted ones where a file has both.

    Returns
    -------
    Pair
        On the days that both series have.

    Raises
    ------
    PairError
        Naming file, line and what was expected.
    """
    paths = files(pair)
    series = [one for path in paths for one in _series(path, kind, len(paths) == 1)]
    small, large = (one.dropna() for one in series)
    closes = pd.concat([small, large], axis=1, join="inner", keys=[SMALL, LARGE])
    _check_common(series, closes, paths)
    called = tuple(part.strip() for part in names.split(",")) if names else _called(series)
    if len(called) != 2 or called[0] == called[1] or not all(map(_NAME.fullmatch, called)):
        raise PairError(
            f"names = {names or ','.join(map(str, called))!r}: expected two different names of up "
            "to 30 letters, digits, spaces and . & + / ( ) ' ^ -, like 'IWM,SPY'"
        )
    days = series[0].index.union(series[1].index)
    within = days[(days >= closes.index[0]) & (days <= closes.index[-1])]
    dropped = len(within) - len(closes)
    return Pair(closes.rename_axis("date"), (called[0], called[1]), kind, dropped)


def _called(series: list[pd.Series]) -> tuple[str, ...]:
    return tuple(str(one.name) for one in series)


# One file --------------------------------------------------------------------------------------


def _series(path: Path, kind: str, both: bool) -> list[pd.Series]:
    """Return the one series of a file, or the two of a table with both."""
    head, lines = _table(path)
    day = next((k for k, name in enumerate(head) if name[0].lower() in _DATES), None)
    if day is None:
        raise PairError(
            f"{path.name}: columns {listing(' '.join(n).strip() for n in head)}; expected one of "
            "the name Date"
        )
    chosen = _both(path, head, day, kind) if both else [_column(path, head, day, kind)]
    return [_parsed(path, head, lines, day, k) for k in chosen]


def _table(path: Path) -> tuple[Head, Lines]:
    """Return a file's columns (name and ticker) and its rows with their line numbers."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PairError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise PairError(f"{path.name}: not UTF-8 text at byte {error.start}") from None
    reader = csv.reader(io.StringIO(text))
    lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    if not lines:
        raise PairError(f"{path.name}: empty; expected a header line and rows of closes")
    first = [cell.strip() for cell in lines[0][1]]
    if len(first) == 1:
        raise PairError(f"{path.name}: one column {first[0]!r}; expected columns parted by commas")
    if first[0].lower() not in ("price", "") or len(lines) < 3:
        return [(name, "") for name in first], lines[1:]
    # A client's download of one or more tickers: fields, tickers, then the name of the index.
    tickers = [cell.strip() for cell in lines[1][1]]
    label = lines[2][1][0].strip()
    pairs = list(zip(first, tickers, strict=False))
    if label.lower() in _DATES:
        return [(label, ""), *pairs[1:]], lines[3:]
    return [("Date", ""), *pairs[1:]], lines[2:]


def _column(path: Path, head: Head, day: int, kind: str) -> int:
    """Return the place of the column of closes of the wanted kind."""
    names = [name.lower() for name, _ in head]
    found = next((names.index(one) for one in _COLUMNS[kind] if one in names), None)
    others = [k for k in range(len(head)) if k != day]
    if found is None and any(name in _ADJUSTED for name in names):
        raise PairError(
            f"{path.name}: only adjusted closes, which hold dividends; expected a column Close, or "
            "prices = 'total return'"
        )
    if found is None and len(others) == 1:
        return others[0]
    if found is None or names.count(names[found]) > 1:
        raise PairError(
            f"{path.name}: columns {listing(name for name, _ in head)}; expected one column Close"
        )
    return found


def _both(path: Path, head: Head, day: int, kind: str) -> list[int]:
    """Return the places of the two columns of a table that holds both series."""
    others = [k for k in range(len(head)) if k != day]
    for name in _COLUMNS[kind]:
        of_name = [k for k in others if head[k][0].lower() == name and head[k][1]]
        if len(of_name) == 2:
            return of_name
    if len(others) != 2:
        raise PairError(
            f"{path.name}: {len(others)} columns beside the date; expected two, or two files"
        )
    return others


def _parsed(
    path: Path,
    head: Head,
    lines: list[tuple[int, list[str]]],
    day: int,
    place: int,
) -> pd.Series:
    """Return one column of closes by date, NaN where the file has no figure."""
    for number, row in lines:
        if len(row) != len(head):
            raise PairError(f"{path.name} line {number}: {len(row)} cells; expected {len(head)}")
    days = _dates(path, [(number, row[day].strip()) for number, row in lines])
    values = [_close(path, number, row[place].strip()) for number, row in lines]
    name, ticker = head[place]
    generic = name.lower() in {one for names in _COLUMNS.values() for one in names}
    own = ticker or (path.stem if generic else name)
    found = pd.Series(values, index=pd.DatetimeIndex(days).as_unit("us"), name=own, dtype=float)
    found = found.iloc[::-1] if len(found) > 1 and found.index[0] > found.index[-1] else found
    if not found.index.is_monotonic_increasing or not found.index.is_unique:
        at = int(np.flatnonzero(found.index[1:] <= found.index[:-1])[0]) + 1
        raise PairError(f"{path.name}: {found.index[at].date()}: expected each date once, in order")
    _check_daily(path, found.dropna())
    return found


def _dates(path: Path, texts: list[tuple[int, str]]) -> list[pd.Timestamp]:
    """Return the days of a column; of 01/20/2026 the whole column shows which is the month."""
    slashed = [found.groups() for _, text in texts if (found := _SLASHED.fullmatch(text))]
    if len(slashed) < len(texts) or not texts:
        return [_date(path, number, text) for number, text in texts]
    largest = [max(int(parts[k]) for parts in slashed) for k in (0, 1)]
    if (largest[0] > 12) == (largest[1] > 12):
        number, text = texts[0]
        raise PairError(
            f"{path.name} line {number}: date {text!r}: the file does not show which is the month; "
            "expected days like 2026-01-20"
        )
    month, day = (1, 0) if largest[0] > 12 else (0, 1)
    iso = [f"{parts[2]}-{parts[month]:0>2}-{parts[day]:0>2}" for parts in slashed]
    return [_date(path, number, text) for (number, _), text in zip(texts, iso, strict=True)]


def _date(path: Path, number: int, text: str) -> pd.Timestamp:
    try:
        found = _DAY.fullmatch(text)
        return pd.Timestamp(found[1] if found else datetime.strptime(text, "%b %d, %Y"))
    except ValueError:
        raise PairError(
            f"{path.name} line {number}: date {text!r}: expected a day like 2026-01-20"
        ) from None


def _close(path: Path, number: int, text: str) -> float:
    if text.lower() in _MISSING:
        return np.nan
    plain = text.removeprefix("$")
    plain = plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain
    if not _NUMBER.fullmatch(plain) or not float(plain) > 0:
        raise PairError(
            f"{path.name} line {number}: close {text!r}: expected a number above zero like 1234.5"
        )
    return float(plain)


# What makes a pair -----------------------------------------------------------------------------


def _check_daily(path: Path, closes: pd.Series) -> None:
    """Refuse what is not daily, has a hole, or jumps as at a split that nobody undid."""
    if len(closes) < 2:
        raise PairError(f"{path.name}: {len(closes)} closes of {closes.name}; expected more")
    steps = closes.index.to_series().diff().dt.days.iloc[1:]
    if steps.median() > 4:
        raise PairError(
            f"{path.name}: {steps.median():.0f} days from one close to the next; expected daily "
            "closes"
        )
    if steps.max() > _LONGEST_GAP:
        raise PairError(
            f"{path.name}: no close of {closes.name} in the {steps.max():.0f} days before "
            f"{steps.idxmax().date()}; expected at most {_LONGEST_GAP} days without one"
        )
    moves = closes.pct_change().iloc[1:]
    if moves.abs().max() > _LARGEST_MOVE:
        day = moves.abs().idxmax()
        raise PairError(
            f"{path.name}: {closes.name} moves by {moves[day]:+.0%} on {day.date()}; expected "
            "closes adjusted for splits"
        )


def _check_common(series: list[pd.Series], closes: pd.DataFrame, paths: list[Path]) -> None:
    """Refuse two series that have too few days in common."""
    label = " and ".join(path.name for path in paths)
    if len(closes) < 2:
        raise PairError(f"{label}: no two days in common; expected series of the same days")
    for one, other in (series, series[::-1]):
        days = one.loc[closes.index[0] : closes.index[-1]].dropna().index
        alone = days.difference(closes.index)
        if len(alone) > _MOST_UNMATCHED * len(days):
            raise PairError(
                f"{label}: {len(alone):,} of {len(days):,} days of {one.name} have no close of "
                f"{other.name}, the first {alone[0].date()}; expected series of the same calendar"
            )


# What readers see ------------------------------------------------------------------------------

# Patterns and what takes their place, of the pair that is shown; none otherwise.
_shown: list[tuple[str, str]] = []


def show(pair: Pair | None) -> None:
    """Have everything that readers see name this pair; None for the indexes themselves."""
    _shown[:] = _renaming(pair) if pair else []


def _renaming(pair: Pair) -> list[tuple[str, str]]:
    small, large = pair.names
    series = "prices without dividends" if pair.kind == "price" else "total returns"
    words = [
        (r"\bprice (?:indexes|returns)\b", series),
        (r"\bprice index\b(?=,)", "first close rebased"),
        (r"\(total returns\)", f"({series})"),
    ]
    for own, names in (
        (small, r"Russell 2000|russell_2000|[Ss]mall[- ]caps?|[Ss]mall stocks"),
        (large, r"S&P 500|sp_500|[Ll]arge[- ]caps?|[Ll]arge stocks"),
    ):
        words += [(rf"\b(?:{names})'(?!s)", f"{own}'s"), (rf"\b(?:{names})\b", own)]
    return [
        *words,
        (r"\b[Ss]mall(?= (?:minus|over|led|less)\b)", small),
        (r"\b[Ll]arge(?= led\b)", large),
        (r"(?:(?<=minus )|(?<=over )|(?<=less ))large\b", large),
    ]


def shown() -> bool:
    """Tell whether readers see a pair's own names."""
    return bool(_shown)


def named(text: str) -> str:
    """Return a text for readers with the pair's own names; unchanged unless one is shown."""
    if not _shown:
        return text
    either = "|".join(f"(?P<w{k}>{pattern})" for k, (pattern, _) in enumerate(_shown))
    return re.sub(either, lambda found: _shown[int(str(found.lastgroup)[1:])][1], text)


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the pair's own names; the frame itself unless one is shown."""
    if not _shown:
        return frame

    def own(value: Any) -> Any:
        return named(value) if isinstance(value, str) else value

    texts = frame.select_dtypes(exclude="number").columns
    frame = frame.assign(**{name: frame[name].map(own) for name in texts if isinstance(name, str)})
    frame = frame.rename(index=own, columns=own)
    return frame.rename_axis(index=own(frame.index.name), columns=own(frame.columns.name))


def leave_out(lines: list[str]) -> list[str]:
    """Replace a cell that is only for the articles' own indexes; an input transformer."""
    marked = next((line for line in lines if line.strip()), "").strip() == MARK
    return ["notebook.left_out()\n"] if marked else lines


def require(closes: pd.DataFrame, day: str | pd.Timestamp, what: str) -> None:
    """Refuse a pair whose closes begin after a day that a notebook cannot do without.

    Raises
    ------
    InputError
        Naming the day and the first close.
    """
    if closes.index[0] > pd.Timestamp(day):
        raise InputError(
            f"pair: closes from {closes.index[0].date()}; expected from {str(day)[:10]} or before, "
            f"for {what}"
        )
