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
# Of a year in an article; another is a slip of the pen.
YEARS = (1800, 2199)
STATISTICS = ("mean", "median", "hit rate", "hits", "worst", "best", "excess")
PERIODS = {"sessions": "D", "months": "M", "quarters": "Q", "years": "Y"}
# How many characters of an ISO date are given.
GIVEN = {"level": None, "date": 10, "month": 7, "year": 4}
DIGITS = {"year": 4, "month": 7}


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


def _number(
    means: str, example: str, low: float = -math.inf, high: float = math.inf, whole: bool = False
) -> Kind:
    expected = f"{'a whole number' if whole else 'a number'} ({means})"
    expected += f", at least {low:g}" if math.isfinite(low) else ""
    expected += f", at most {high:g}" if math.isfinite(high) else ""

    def read(value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool | str) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not low <= number <= high or not math.isfinite(number) or (whole and number % 1):
            raise _refuse(value, expected)
        return int(number) if whole or isinstance(value, int) else number

    schema = {"type": "integer" if whole else "number"}
    return Kind(means, example, read, schema | ({"minimum": low} if math.isfinite(low) else {}))


def _words(means: str, example: str, pattern: str = "", expected: str = "text") -> Kind:
    def read(value: Any) -> str:
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            raise _refuse(value, expected)
        return value

    schema = {"type": "string"} | ({"pattern": f"^({pattern})$"} if pattern else {})
    return Kind(means, f'"{example}"', read, schema)


def one_of(means: str, *names: str) -> Kind:
    """Return the kind of an argument that is one of some words."""

    def read(value: Any) -> str:
        if value not in names:
            raise InputError(f"{excerpt(value)} is not known{nearest(value, names)}")
        return value

    return Kind(f"{means}: {listing(names)}", f'"{names[0]}"', read, {"enum": [*names]})


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


def _pair(first: Kind, second: Kind) -> Kind:
    def read(value: Any) -> list:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise _refuse(value, "a list of 2")
        return [first.read(value[0]), second.read(value[1])]

    return Kind(
        "",
        f"[{first.example}, {second.example}]",
        read,
        {"type": "array", "minItems": 2, "maxItems": 2},
        lambda value: [*first.days(value[0]), *second.days(value[1])],
    )


def _day(value: Any) -> str:
    """Return a day in ISO form; text must be written so."""
    text = value.isoformat()[:10] if isinstance(value, datetime.date) else value
    try:
        year = datetime.datetime.strptime(text, "%Y-%m-%d").year if len(text) == 10 else 0
    except (TypeError, ValueError):
        year = 0
    if not YEARS[0] <= year <= YEARS[1]:
        years = f"in the years {YEARS[0]} to {YEARS[1]}"
        raise _refuse(value, f"a day such as 2018-12-31, {years}")
    return text


def _statistic(value: Any) -> Any:
    many_of = isinstance(value, list | tuple)
    return [_STATISTIC.read(one) for one in value] if many_of else _STATISTIC.read(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(value, "true or false")
    return value


def _dated(means: str) -> Kind:
    # In JSON, which has no dates, TOML's bare dates are text.
    return Kind(means, "2018-12-31", _day, {}, lambda day: [day])


_DAY = _dated("day; the last close on or before it counts")
_MONTH_PATTERN = "[0-9]{4}-(0[1-9]|1[0-2])"
_MONTH = _words("month", "2019-01", _MONTH_PATTERN, 'a month such as "2019-01"')
_JUNE = _words("June of a year", "2021-06", "[0-9]{4}(-06)?", 'a June such as "2021-06"')
_YEAR = _number("year", "2019", *YEARS, whole=True)
_ANY, _NAME = _number("as stated", "14.2"), _words("name as the table spells it", "Russell 2000")
_STATISTIC = one_of("statistic; excess is the mean less that of all days", *STATISTICS)


def _count(unit: str, example: str, low: int = 1) -> Kind:
    return _number(unit, example, low, whole=True)


Index = Annotated[str, one_of("index", *NAMES)]
Of = Annotated[str, one_of("the lead of small over large caps, or an index", "lead", *NAMES)]
MonthlyOf = Annotated[
    str,
    one_of(
        "the lead or an index (price), or size portfolios (total return, since 1926)",
        *("lead", *NAMES, "small minus large", "small", "large"),
    ),
]
Line = Annotated[str, one_of("index, or the ratio of small to large", *NAMES, "ratio")]
Portfolio = Annotated[str, one_of("portfolio", *PORTFOLIOS)]
Quintile = Annotated[str, one_of("size quintile", *(f"quintile_{i}" for i in range(1, 6)))]
Statistic = Annotated[
    Any,
    Kind(f"one or a list: {_STATISTIC.means}", '"mean"', _statistic, {"type": ["string", "array"]}),
]
Spread = Annotated[str, one_of("which of the windows", "mean", "lowest", "highest", "latest")]
Period = Annotated[str, one_of("length of one period", *PERIODS)]
Calendar = Annotated[str, one_of("calendar period", *[*PERIODS][1:])]
Compared = Annotated[
    str, one_of("what is compared; sessions are rolling windows", *PERIODS, "starts of years")
]
Given = Annotated[str, one_of("what is given", *GIVEN)]
NumberOrMonths = Annotated[str, one_of("what is given", "number", "months")]
Unit = Annotated[str, one_of("how the time is given", *DIGITS)]
Side = Annotated[str, one_of("which end", "highest", "lowest")]
Sign = Annotated[str, one_of("which of them count", "up", "down", "any")]
WindowFrom = Annotated[str, one_of("the close windows start from", "last win", "first loss")]
RateMoves = Annotated[
    str, one_of("moves of the target", "cuts", "rises", "first cuts", "first rises")
]
Day = Annotated[str, _DAY]
Start = Annotated[str, _dated("day of the close before the move, or the last one by it")]
End = Annotated[str, _dated("day of the last close; left out: as_of")]
Since = Annotated[str, _dated("day from which on events or figures count; left out: all")]
Days = Annotated[list[str], many(_DAY)]
NamedDays = Annotated[dict[str, str], named(_DAY, "days by name")]
Periods = Annotated[dict[str, list[str]], named(_pair(_DAY, _DAY), "start and end by name")]
Described = Annotated[
    dict[str, list], named(_pair(_DAY, _ANY), "by name: a day, and percent from its close")
]
Month = Annotated[str, _MONTH]
Months = Annotated[list[str], many(_MONTH)]
MonthNumber = Annotated[int, _number("month of the year", "1", 1, 12, whole=True)]
Dated = Annotated[
    str,
    _words(
        "month, quarter or year",
        "2025-02",
        f"{_MONTH_PATTERN}|[0-9]{{4}}(Q[1-4])?",
        'a period such as "2025-02", "2025Q1" or "2025"',
    ),
]
June = Annotated[str, _JUNE]
Junes = Annotated[list[str], many(_JUNE)]
Year = Annotated[int, _YEAR]
YearList = Annotated[list[int], many(_YEAR)]
Sessions = Annotated[int, _count("number of sessions", "252")]
Length = Annotated[int, _count("shortest length that counts, in sessions or periods", "12")]
Gap = Annotated[int, _count("number of sessions", "21", 0)]
MonthCount = Annotated[int, _count("number of months", "12")]
MonthCounts = Annotated[list[int], many(_count("number of months", "12"))]
YearCount = Annotated[int, _count("number of years", "5")]
DayCount = Annotated[int, _count("number of days", "31")]
Count = Annotated[int, _count("number of readings or members", "25")]
Decimals = Annotated[int, _count("number of decimals", "1", 0)]
Number = Annotated[float, _ANY]
Numbers = Annotated[list[float], many(_ANY)]
Level = Annotated[float, _number("index points", "2600", 0)]
Points = Annotated[float, _number("percentage points", "7.8")]
Percent = Annotated[float, _number("percent", "10", 0, 100)]
Signed = Annotated[float, _number("percent; below zero for falls", "-3")]
BasisPoints = Annotated[float, _number("basis points", "25", 0)]
Multiples = Annotated[dict[str, list[str]], named(_pair(_NAME, _NAME), "index and metric by name")]
Flag = Annotated[bool, Kind("true or false", "true", _flag, {"type": "boolean"})]
Name = Annotated[str, _NAME]
NameList = Annotated[list[str], many(_NAME)]
Bands = Annotated[list[list[str]], many(many(_NAME), "size bands, largest first: names to take")]
Statements = Annotated[dict[str, str], named(_NAME, "what each statement implies")]
Streaks = Annotated[
    dict[str, str],
    named(
        _words(
            "", "running", f"running|{_MONTH_PATTERN}", '"running" or a month such as "2019-01"'
        ),
        'month in which each streak ended, or "running"',
    ),
]
