"""What the arguments of measures mean, and how each is read.

A measure annotates each argument with one of the kinds below. The kind says what may be written,
refuses anything else in one line, and gives the schema and the example that editors and
``rotation measures`` show.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from helpers.errors import InputError, excerpt, listing

NAMES = {"russell_2000": "Russell 2000", "sp_500": "S&P 500"}
PORTFOLIOS = ("small", "large", "small_hibm", "me2_bm5")
YEARS = (1800, 2199)


@dataclass(frozen=True, eq=False)  # an annotation must be hashable
class Kind:
    """A kind of argument.

    Attributes
    ----------
    means : str
        What it is, with its unit.
    example : str
        One in the form of TOML.
    read : callable
        Takes what was written, returns it as the measure takes it, or raises InputError.
    schema : dict
        The same as JSON Schema.
    days : callable
        Takes what was read, returns the ISO days in it: no claim may name one after its as-of day.
    """

    means: str
    example: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)
    days: Callable[[Any], Iterable[str]] = lambda _: ()


def nearest(name: object, known: Iterable[str]) -> str:
    """Return ``; did you mean …?`` for a misspelt name, else what is known.

    Examples
    --------
    >>> nearest("sp500", ["russell_2000", "sp_500"])
    "; did you mean 'sp_500'?"
    """
    known = [str(one) for one in known]
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {listing(known)}"


def _refuse(value: object, expected: str) -> InputError:
    return InputError(f"{excerpt(value)}: expected {expected}")


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool | str) and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _number(low: float = -math.inf, expected: str = "a number") -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not _is_number(value) or value < low:
            raise _refuse(value, expected)
        return int(value) if int(value) == value and isinstance(value, int) else float(value)

    return read


def _whole(low: int, expected: str, high: float = math.inf) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not _is_number(value) or value != int(value) or not low <= value <= high:
            raise _refuse(value, expected)
        return int(value)

    return read


def _year(value: Any) -> int:
    written = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{4}", value) else value
    return _whole(YEARS[0], f"a year from {YEARS[0]} to {YEARS[1]}", YEARS[1])(written)


def _day(value: Any) -> str:
    """Return a day in ISO form; text must be written so."""
    expected = f"a day such as 2018-12-31, in the years {YEARS[0]} to {YEARS[1]}"
    text = value if isinstance(value, str) else ""
    if isinstance(value, datetime.date):  # a Timestamp is one
        text = value.isoformat()[:10]
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise _refuse(value, expected) from None
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise _refuse(value, expected)
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(value, "text")
    return value


def _pattern(pattern: str, expected: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _refuse(value, expected)
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(value, "true or false")
    return value


def _choice(names: Iterable[str]) -> Callable[[Any], str]:
    known = tuple(names)

    def read(value: Any) -> str:
        if value not in known:
            raise InputError(f"{excerpt(value)} is not known{nearest(value, known)}")
        return value

    return read


def one_of(means: str, *names: str) -> Kind:
    """Return the kind of an argument that is one of some words."""
    return Kind(f"{means}: {listing(names)}", f'"{names[0]}"', _choice(names), {"enum": [*names]})


def many(kind: Kind, means: str = "") -> Kind:
    """Return the kind of a list of one kind, not empty."""

    def read(value: Any) -> list:
        if not isinstance(value, list | tuple) or not value:
            raise _refuse(value, "a list")
        return [kind.read(one) for one in value]

    return Kind(
        means or f"list of: {kind.means}",
        f"[{kind.example}]",
        read,
        {"type": "array", "items": kind.schema, "minItems": 1},
        lambda value: [day for one in value for day in kind.days(one)],
    )


def named(kind: Kind, means: str) -> Kind:
    """Return the kind of a table of one kind by name, not empty."""

    def read(value: Any) -> dict:
        if not isinstance(value, Mapping) or not value:
            raise _refuse(value, "a table { name = … }")
        return {str(name): kind.read(one) for name, one in value.items()}

    return Kind(
        means,
        f'{{ "a name" = {kind.example} }}',
        read,
        {"type": "object", "additionalProperties": kind.schema, "minProperties": 1},
        lambda value: [day for one in value.values() for day in kind.days(one)],
    )


def several(means: str, *kinds: Kind) -> Kind:
    """Return the kind of a list with one member of each kind, in this order."""

    def read(value: Any) -> list:
        if not isinstance(value, list | tuple) or len(value) != len(kinds):
            raise _refuse(value, f"a list of {len(kinds)}")
        return [kind.read(one) for kind, one in zip(kinds, value, strict=True)]

    return Kind(
        means,
        f"[{', '.join(kind.example for kind in kinds)}]",
        read,
        {"type": "array", "minItems": len(kinds), "maxItems": len(kinds)},
        lambda value: [
            day for kind, one in zip(kinds, value, strict=True) for day in kind.days(one)
        ],
    )


# In JSON, which has no dates, TOML's bare dates are text.
_DAY = Kind("day; the last close on or before it counts", "2018-12-31", _day, {}, lambda day: [day])
_MONTH = Kind(
    "month", '"2019-01"', _pattern("[0-9]{4}-(0[1-9]|1[0-2])", 'a month such as "2019-01"'),
    {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
)  # fmt: skip
_JUNE = Kind(
    "June of a year", '"2021-06"', _pattern("[0-9]{4}(-06)?", 'a June such as "2021-06"'),
    {"type": "string", "pattern": "^[0-9]{4}(-06)?$"},
)  # fmt: skip
_INTEGER, _NUMBER = {"type": "integer", "minimum": 1}, {"type": "number"}
_TEXT = {"type": "string"}


def _positive(unit: str, example: str) -> Kind:
    return Kind(unit, example, _whole(1, f"a whole number of {unit}, at least 1"), _INTEGER)


_YEAR = Kind("year", "2019", _year, {"type": "integer", "minimum": YEARS[0], "maximum": YEARS[1]})
_ANY = Kind("number", "14.2", _number(), _NUMBER)
_NAME = Kind("name as the table spells it", '"Russell 2000"', _text, _TEXT)

STATISTICS = ("mean", "median", "hit rate", "hits", "worst", "best", "excess")
PERIODS = {"sessions": "D", "months": "M", "quarters": "Q", "years": "Y"}
GIVEN = {"level": None, "date": 10, "month": 7, "year": 4}
DIGITS = {"year": 4, "month": 7}


def _statistic(value: Any) -> str | list[str]:
    read = _choice(STATISTICS)
    return [read(one) for one in value] if isinstance(value, list | tuple) else read(value)


Of = Annotated[str, one_of("the lead of small over large caps, or an index", "lead", *NAMES)]
Line = Annotated[str, one_of("index, or the ratio of small to large", *NAMES, "ratio")]
Statistic = Annotated[
    Any,
    Kind(
        f"one, or a list, of {listing(STATISTICS)} (excess: mean less that of all days)",
        '"mean"',
        _statistic,
        {"anyOf": [{"enum": [*STATISTICS]}, {"type": "array", "items": {"enum": [*STATISTICS]}}]},
    ),
]
Period = Annotated[str, one_of("length of one period", *PERIODS)]
Calendar = Annotated[str, one_of("calendar period", *[*PERIODS][1:])]
Given = Annotated[str, one_of("what is given", *GIVEN)]
Side = Annotated[str, one_of("which end", "highest", "lowest")]
Sign = Annotated[str, one_of("which of them count", "up", "down", "any")]
WindowFrom = Annotated[str, one_of("the close windows start from", "last win", "first loss")]
RateMoves = Annotated[
    str, one_of("moves of the target", "first cuts", "first rises", "cuts", "rises")
]
Dated = Annotated[
    str,
    Kind(
        "month, quarter or year",
        '"2025-02"',
        _pattern("[0-9]{4}(-(0[1-9]|1[0-2])|Q[1-4])?", 'a period such as "2025-02" or "2025"'),
        _TEXT,
    ),
]
MonthNumber = Annotated[
    int, Kind("month of the year", "1", _whole(1, "a month from 1 to 12", 12), {"type": "integer"})
]
Gap = Annotated[int, Kind("sessions, 0 or more", "21", _whole(0, "sessions, at least 0"), {})]
Signed = Annotated[float, Kind("percent; below zero for falls", "-3", _number(), _NUMBER)]
Index = Annotated[str, one_of("index", *NAMES)]
Day = Annotated[str, _DAY]
Days = Annotated[list[str], many(_DAY)]
NamedDays = Annotated[dict[str, str], named(_DAY, "days by name")]
Periods = Annotated[dict[str, list[str]], named(several("", _DAY, _DAY), "start and end by name")]
Month = Annotated[str, _MONTH]
Months = Annotated[list[str], many(_MONTH)]
June = Annotated[str, _JUNE]
Junes = Annotated[list[str], many(_JUNE)]
Year = Annotated[int, _YEAR]
YearList = Annotated[list[int], many(_YEAR)]
Sessions = Annotated[int, _positive("sessions", "252")]
MonthCount = Annotated[int, _positive("months", "12")]
MonthCounts = Annotated[list[int], many(_positive("months", "12"))]
YearCount = Annotated[int, _positive("years", "5")]
DayCount = Annotated[int, _positive("days", "31")]
Count = Annotated[int, _positive("readings or members", "25")]
Decimals = Annotated[int, Kind("decimals", "1", _whole(0, "a whole number"), {"type": "integer"})]
Number = Annotated[float, _ANY]
Numbers = Annotated[list[float], many(_ANY)]
Level = Annotated[
    float, Kind("index points", "2600", _number(0, "a level in index points"), _NUMBER)
]
Points = Annotated[float, Kind("percentage points", "7.8", _number(), _NUMBER)]
Percent = Annotated[float, Kind("percent", "10", _number(0, "percent, at least 0"), _NUMBER)]
BasisPoints = Annotated[float, Kind("basis points", "25", _number(0, "basis points"), _NUMBER)]
Multiples = Annotated[
    dict[str, list[str]], named(several("", _NAME, _NAME), "index and metric by name")
]
Flag = Annotated[bool, Kind("true or false", "true", _flag, {"type": "boolean"})]
Name = Annotated[str, _NAME]
NameList = Annotated[list[str], many(_NAME)]
Bands = Annotated[list[list[str]], many(many(_NAME), "size bands, largest first: names to take")]
Statements = Annotated[dict[str, str], named(_NAME, "what each statement implies")]
Unit = Annotated[str, one_of("how the time is given", "year", "month")]
Portfolio = Annotated[str, one_of("portfolio", *PORTFOLIOS)]
Quintile = Annotated[str, one_of("size quintile", *(f"quintile_{i}" for i in range(1, 6)))]
Streaks = Annotated[
    dict[str, str],
    named(
        Kind(
            'month in which the streak ended, or "running"',
            '"running"',
            _pattern("running|[0-9]{4}-(0[1-9]|1[0-2])", '"running" or a month such as "2019-01"'),
            _TEXT,
        ),
        'month in which each streak ended, or "running"',
    ),
]
Described = Annotated[
    dict[str, list], named(several("", _DAY, _ANY), "by name: a day, and percent from its close")
]
