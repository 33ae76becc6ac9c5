"""Numbers, units, dates and missing values as readers see them: notebook, page and terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

# What stands where there is no value.
MISSING = "–"
# Units that say how a value is to be read, not what it counts.
_UNCOUNTED = ("", "sign", "rank")


def fixed(value: float, digits: int = 1) -> str:
    """Return a number with so many decimals, thousands apart, a true minus; never "-0.0".

    Examples
    --------
    >>> fixed(-1234.56), fixed(-0.04), fixed(float("nan"))
    ('−1,234.6', '0.0', '–')
    """
    if not math.isfinite(value):
        return MISSING
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, for titles and labels.

    Examples
    --------
    >>> signed(1.26), signed(-0.04), signed(-2, 0)
    ('+1.3', '+0.0', '−2')
    """
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def number(value: float) -> str:
    """Return a number with at most four significant digits, at most four decimals.

    Examples
    --------
    >>> number(0.123456), number(-12.30), number(2718.28182)
    ('0.1235', '−12.3', '2718.28')
    """
    digits = min(4, max(0, 3 - math.floor(math.log10(abs(value))))) if value else 0
    text = f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def value(stated: Any) -> str:
    """Return a stated or measured value: a number, a list, named numbers or a text.

    Examples
    --------
    >>> value({"mean": 1.25, "hit rate": 0.5}), value([2008, 2019]), value(None), value([])
    ('mean 1.25; hit rate 0.5', '2008, 2019', '–', 'none')
    """
    if stated is None:
        return MISSING
    if isinstance(stated, Mapping):
        return "; ".join(f"{name} {value(part)}" for name, part in stated.items())
    if isinstance(stated, list | tuple):
        return ", ".join(map(value, stated)) or "none"
    return number(stated) if isinstance(stated, int | float) else str(stated)


def quantity(stated: Any, unit: str | None) -> str:
    """Return a stated or measured value, with its unit if it is one of numbers.

    Examples
    --------
    >>> quantity(4.2, "percentage points"), quantity("2019-01", "month"), quantity(3, "rank")
    ('4.2 percentage points', '2019-01', '3')
    """
    parts = stated.values() if isinstance(stated, Mapping) else stated
    parts = list(parts) if isinstance(parts, Iterable) and not isinstance(parts, str) else [stated]
    counted = unit not in (None, *_UNCOUNTED) and parts and all(map(is_number, parts))
    return (f"{value(stated)} {unit}" if counted else value(stated)) or MISSING


def day(date: pd.Timestamp | str) -> str:
    """Return a day as readers write it.

    Examples
    --------
    >>> day("2026-01-09"), day(pd.Timestamp(2026, 1, 22))
    ('9 January 2026', '22 January 2026')
    """
    date = pd.Timestamp(date)
    return f"{date.day} {date:%B %Y}"


def month(period: pd.Period | str) -> str:
    """Return a month as readers write it.

    Examples
    --------
    >>> month("2008-06")
    'June 2008'
    """
    return f"{pd.Period(period, 'M'):%B %Y}"


def count(number: int, thing: str, things: str = "") -> str:
    """Return a number of things in the right form.

    Examples
    --------
    >>> count(1, "streak"), count(1200, "streak"), count(0, "day"), count(2, "index", "indexes")
    ('1 streak', '1,200 streaks', '0 days', '2 indexes')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def sessions(number: int) -> str:
    """Return a span of sessions as readers think of it.

    Examples
    --------
    >>> sessions(252), sessions(63), sessions(12)
    ('a year', 'three months', '12 sessions')
    """
    known = {21: "a month", 63: "three months", 126: "six months", 252: "a year", 504: "two years"}
    return known.get(number, f"{number:,} sessions")


def named(name: str) -> str:
    """Return a name like ``rate_cut_response`` as words for people.

    Examples
    --------
    >>> named("rate_cut_response")
    'Rate cut response'
    """
    return name.replace("_", " ").capitalize()


def is_number(one: Any) -> bool:
    """Tell whether a plain value is a number, which True and False are not."""
    return isinstance(one, int | float) and not isinstance(one, bool)


def plain(one: Any) -> str:
    """Return a parameter, a label or a cell that is no number as text; dates without a time."""
    if isinstance(one, pd.Timestamp):
        return str(one.date())
    if isinstance(one, tuple):
        return ",".join(map(str, one))
    return str(one)
