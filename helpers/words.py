"""Numbers, units, dates and missing values as readers see them: notebook, page and terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

# What stands where there is no value.
MISSING = "–"
# Units that say how a value is to be read, not what it counts.
_UNCOUNTED = ("", "sign", "rank")
_MACHINE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
# Columns and tables whose names say too little with their underscores taken out.
LABELS = {
    "russell_2000": "Russell 2000",
    "sp_500": "S&P 500",
    "hit_low": "hit rate, low",
    "hit_high": "hit rate, high",
    "base_hit_rate": "hit rate, all days",
    "base_mean": "mean, all days",
    "min_length": "shortest streak",
    "more_alike": "share more alike",
    "rank_correlation": "rank by correlation",
    "provider_basis": "provider and basis",
    "fed_funds_futures": "federal funds futures",
    "fed_target_changes": "Fed target changes",
    "nasdaq_closes": "Nasdaq closes",
    "nasdaq_starts": "Nasdaq starts of the year",
    "pmi_readings": "PMI readings",
    "russell_2000_highs": "Russell 2000 highs",
    "size_portfolios_monthly": "size portfolios, monthly",
    "size_value_portfolios_monthly": "size and value portfolios, monthly",
    "size_price_to_book": "price-to-book by size",
    "me2_bm5": "small value (second size fifth, highest book-to-market fifth)",
    "small_hibm": "small value (smaller half, highest book-to-market)",
}
_YEAR = r"(?:1[89]|20)\d\d"
_IN_PROSE = re.compile(
    r"(?P<code>`[^`]*`)|"
    rf"(?<![\w/.-])(?<!= )(?:(?P<day>{_YEAR}-\d\d-\d\d)|(?P<month>{_YEAR}-(?:0[1-9]|1[0-2]))"
    r"|(?P<name>[a-z0-9]+(?:_[a-z0-9]+)+))(?![\w/-]|\.\w| =)|(?<![\w/.%)-])(?P<minus>-)(?=\d)"
)
_THINGS = (
    "session|month|day|year|cut|breakout|episode|event|streak|reading|recession|window|close|claim"
    "|case|cycle|quarter|candidate|point|forecast|release|fund|move|rise|record|week|row"
    "|verdict|percentage point|specification|choice|publication|estimate|article|draw|time"
)
_SINGLE = re.compile(rf"(?<![\w.,:/+−-])1 ((?:[a-z]+ )??)({_THINGS})s\b")
_DAY, _MONTH = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d")
_THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3})(\d{3})(?!\d)")


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
    >>> signed(1.26), signed(-0.04), signed(-2, 0), signed(float("nan"))
    ('+1.3', '+0.0', '−2', '–')
    """
    if not math.isfinite(value):
        return MISSING
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def number(value: float) -> str:
    """Return a number with at most four significant digits, at most four decimals.

    Examples
    --------
    >>> number(0.123456), number(-12.30), number(2718.28182)
    ('0.1235', '−12.3', '2718.28')
    """
    if not math.isfinite(value):
        return MISSING
    digits = min(4, max(0, 3 - math.floor(math.log10(abs(value))))) if value else 0
    text = f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def value(stated: Any, grouped: bool = False) -> str:
    """Return a stated or measured value: a number, a list, named numbers, a day or a text.

    ``grouped`` sets thousands apart, which years are not.

    Examples
    --------
    >>> value({"mean": 1.25}), value(["2008-06", 2019]), value("2026-01-22"), value([])
    ('mean 1.25', 'June 2008, 2019', '22 January 2026', 'none')
    """
    if stated is None:
        return MISSING
    if isinstance(stated, Mapping):
        named = ((prose(str(name)), value(part, grouped)) for name, part in stated.items())
        return "; ".join(" ".join(one) for one in named)
    if isinstance(stated, list | tuple):
        return ", ".join(value(part, grouped) for part in stated) or "none"
    if isinstance(stated, int | float):
        return _THOUSANDS.sub(r"\1,\2", number(stated)) if grouped else number(stated)
    return prose(str(stated))


def quantity(stated: Any, unit: str | None) -> str:
    """Return a stated or measured value, with its unit if it is one of numbers.

    Examples
    --------
    >>> quantity(4.2, "percentage points"), quantity(1, "streaks"), quantity(3, "rank")
    ('4.2 percentage points', '1 streak', '3')
    >>> quantity(2669.1, "index level"), quantity({"hit rate": 1 / 3, "mean": -1}, "percent")
    ('2,669.1 index level', 'hit rate 33%; mean −1 percent')
    """
    if isinstance(stated, Mapping):
        shares = {name: part for name, part in stated.items() if _is_share(name, part)}
        if unit != "share" and shares:
            said = [f"{name} {100 * part:.0f}%" for name, part in shares.items()]
            rest = {name: part for name, part in stated.items() if name not in shares}
            return "; ".join([*said, *([quantity(rest, unit)] if rest else [])])
    parts = stated.values() if isinstance(stated, Mapping) else stated
    parts = list(parts) if isinstance(parts, Iterable) and not isinstance(parts, str) else [stated]
    if unit in (None, *_UNCOUNTED) or not parts or not all(map(is_number, parts)):
        return value(stated) or MISSING
    text = value(stated, grouped=unit != "year")
    return f"{text} {unit[:-1] if parts == [1] and unit.endswith('s') else unit}"


def measured(check: Mapping[str, Any]) -> str:
    """Return what was measured for a claim, with one decimal more than the article stated.

    Examples
    --------
    >>> measured({"stated": 4.2, "measured": -0.38505, "unit": "percentage points"})
    '−0.39 percentage points'
    """
    return quantity(_rounded(check["measured"], check["stated"]), check["unit"])


def ends(low: float, high: float, name: str = "", stated: Any = None) -> str:
    """Return an interval in the decimals of what was measured; shares in percent.

    Examples
    --------
    >>> ends(-30.0923908, 29.32228, stated=4.2), ends(-9.35724, 7.74021)
    ('−30.09 to 29.32', '−9.36 to 7.74')
    >>> ends(0.0749, 0.7007, "hit rate")
    '7% to 70%'
    """
    if _is_share(name, low) and _is_share(name, high):
        return f"{100 * low:.0f}% to {100 * high:.0f}%"
    return " to ".join(value(_rounded(float(end), stated), grouped=True) for end in (low, high))


def p_value(p: float) -> str:
    """Return a p-value in two significant digits.

    Examples
    --------
    >>> p_value(0.9041), p_value(0.0312), p_value(0.0004)
    ('0.90', '0.031', 'below 0.001')
    """
    return "below 0.001" if p < 0.001 else f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


def _rounded(found: Any, stated: Any) -> Any:
    if isinstance(found, Mapping):
        shares = {name for name, part in found.items() if _is_share(name, part)}
        return {name: p if name in shares else _rounded(p, None) for name, p in found.items()}
    if isinstance(found, list | tuple):
        return [_rounded(part, None) for part in found]
    if not isinstance(found, float):
        return found
    if is_number(stated):
        return round(found, len(f"{stated:.10g}".partition(".")[2]) + 1)
    return float(f"{found:.3g}") if abs(found) < 1000 else round(found, 1)


def _is_share(name: Any, part: Any) -> bool:
    return is_number(part) and str(name).startswith(("hit rate", "share")) and 0 <= part <= 1


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
    """Return a parameter, a label or a cell that is no number as text; dates without a time.

    Examples
    --------
    >>> plain(True), plain((21, 63)), plain(pd.Timestamp(2026, 1, 22))
    ('yes', '21,63', '2026-01-22')
    """
    if isinstance(one, pd.Timestamp):
        return str(one.date())
    if isinstance(one, tuple):
        return ",".join(map(str, one))
    return {True: "yes", False: "no"}[bool(one)] if str(one) in ("True", "False") else str(one)


def prose(text: str) -> str:
    """Return a text of a claim, a note or a table without machine words, dates as people write.

    File names, parameters with their values such as ``min_length = 8``, and what stands between
    backticks stay as they are.

    Examples
    --------
    >>> prose("led in 2025-06, by -0.12, on sp_500; the last close by as_of")
    'led in June 2025, by −0.12, on S&P 500; the last close by the as-of day'
    >>> prose("from 2026-01-23, see data/index_closes.csv")
    'from 23 January 2026, see data/index_closes.csv'
    >>> prose("history_start = 1978-12-29; min_length = 12")
    'history_start = 1978-12-29; min_length = 12'
    """

    def one(found: re.Match[str]) -> str:
        if found["code"]:
            return found["code"]
        if found["day"]:
            known = pd.to_datetime(found["day"], format="%Y-%m-%d", errors="coerce")
            return found["day"] if known is pd.NaT else day(known)
        if found["month"]:
            return month(found["month"])
        if found["minus"]:
            return "−"
        return "the as-of day" if found["name"] == "as_of" else label(found["name"])

    return singular(_IN_PROSE.sub(one, text))


def singular(text: str) -> str:
    """Return a text in which one thing is not called by its plural.

    Examples
    --------
    >>> singular("1 sessions after 11 cuts, 1 full windows, 0.1 points; rank 1 is first")
    '1 session after 11 cuts, 1 full window, 0.1 points; rank 1 is first'
    """
    return _SINGLE.sub(r"1 \1\2", text)


def label(name: Any) -> str:
    """Return the name of a column or a row as readers see it.

    Examples
    --------
    >>> label("sp_500"), label("base_hit_rate"), label("moved_by"), label("HR-42")
    ('S&P 500', 'hit rate, all days', 'moved by', 'HR-42')
    """
    text = plain(name)
    spaced = text.replace("_", " ") if _MACHINE.fullmatch(text) else text
    return LABELS.get(text, spaced)
