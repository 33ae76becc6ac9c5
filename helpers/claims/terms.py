"""What may be written in an article's file: each key, what it means and how it is read.

The same tables check the files and give the JSON Schema that editors use.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from helpers import measures, vintages
from helpers.claims import grading
from helpers.errors import InputError, excerpt, listing
from helpers.measures.arguments import YEARS, nearest

KINDS = (*("value", "direction", "arithmetic", "forecast", "qualitative", "since", "count", "set"),)
READINGS = ("fact", "tendency", "estimates")
BASES = ("open", "proxy", "readings", "arithmetic")
TESTS = tuple(rule for rule in grading.RULES if rule != "none")
ID = re.compile(r"[A-Z]{2}-[0-9]{2,3}")
# How alike a family must be to a notebook's to be taken for a slip; 1 is the same.
_NEAR = 0.8
# Units in which a number is a name: of a year, a month, a day.
DATED = ("year", "month", "date")
# A figure with ornaments, in quotes: its plain form is a number. A month and a year are text.
_FIGURE = re.compile(r"[-+−–]?[0-9][0-9.,' ]*( ?%)?")
_DATED = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


@dataclass(frozen=True)
class Term:
    """A key: what it means, how what is written there is read, and whether it must be there."""

    means: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    required: bool = False


def plain(value: Any) -> Any:
    """Return what TOML holds as JSON would: dates as ISO text, decimals as floats.

    Examples
    --------
    >>> plain({"start": datetime.date(2018, 12, 31), "level": Decimal("2600.5")})
    {'start': '2018-12-31', 'level': 2600.5}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def text(value: Any) -> str:
    """Read text; white space is folded, so that it may be wrapped."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{excerpt(value)}: expected text in quotes")
    return " ".join(value.split())


def day(value: Any) -> str:
    """Read a day, written bare."""
    if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date):
        shown = excerpt(value if isinstance(value, str) else plain(value))
        raise InputError(f"{shown}: expected a day without quotes, such as 2026-01-22")
    if not YEARS[0] <= value.year <= YEARS[1]:
        raise InputError(f"{value}: expected a day in the years {YEARS[0]} to {YEARS[1]}")
    return value.isoformat()


def stated(value: Any) -> str:
    """Read what an article states, as printed; the members of a list are joined by ``;``."""
    if isinstance(value, list):
        if not value or any(isinstance(one, list) for one in value):
            raise InputError(f"{excerpt(plain(value))}: expected a list of numbers, texts or days")
        return ";".join(map(stated, value))
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime.date):
        return day(value)
    said = text(value)
    if _FIGURE.fullmatch(said) and not _DATED.fullmatch(said):
        raise InputError(f"{excerpt(said)}: expected a plain number without quotes, such as 33.4")
    if ";" in said:
        raise InputError(f"{excerpt(said)}: expected a list, such as [3.5, 3.75]")
    return said


def bound(rule: str, value: Any, unit: str) -> Any:
    """Read a rule's bound; a year is the text that measures give."""
    value = plain(value)
    if rule == "all of":
        if not isinstance(value, Mapping):
            raise InputError(f"{excerpt(value)}: expected name → rule → bound")
        return {name: dict([one_rule(one, unit)]) for name, one in value.items()}
    if isinstance(value, Mapping):
        return {name: bound(rule, one, unit) for name, one in value.items()}
    if rule not in ("equal", "in range", "same set"):
        return value
    if isinstance(value, list):
        return [_named(one, unit) for one in value]
    return _named(value, unit)


def one_rule(value: Any, unit: str) -> tuple[str, Any]:
    """Read ``{rule: bound}``."""
    name, asked = one_of_table(value, "rule.within = 0.15")
    rule = name.replace("_", " ")
    if rule not in TESTS:
        raise InputError(f"rule {name!r} is not known{nearest(rule, TESTS)}")
    limit = bound(rule, asked, unit)
    try:
        grading.require_bound(rule, limit)
    except grading.GradingError as error:
        raise InputError(str(error)) from None
    return rule, limit


def one_of_table(value: Any, example: str) -> tuple[str, Any]:
    """Read a table with one name in it."""
    if not isinstance(value, Mapping) or len(value) != 1:
        found = listing(value) if isinstance(value, Mapping) else excerpt(plain(value))
        raise InputError(f"{found or 'nothing'}: expected exactly one, such as {example}")
    return next(iter(value.items()))


def call(value: Any) -> dict[str, Any]:
    """Read ``{measure: arguments}`` into a call."""
    name, arguments = one_of_table(value, "measure.lead = { start = 2025-12-31 }")
    if name not in measures.MEASURES:
        near = nearest(name, measures.MEASURES)
        near = near if "did you" in near else "; rotation measures lists those there are"
        raise InputError(f"{name!r} is not known{near}")
    if not isinstance(arguments, Mapping):
        raise InputError(f"{name}: {excerpt(plain(arguments))}: expected {{ arguments }}")
    return {"measure": name, **plain(arguments)}


def _named(value: Any, unit: str) -> Any:
    """Return a year as text, and refuse a figure in quotes where a number is measured."""
    if unit == "year" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    figure = isinstance(value, str) and unit not in DATED and _FIGURE.fullmatch(value)
    if figure and not re.fullmatch(r"[0-9]{4}-.*", value):
        raise InputError(f"{excerpt(value)}: expected a number without quotes")
    return value


def _word(known: Iterable[str]) -> Callable[[Any], str]:
    names = tuple(known)

    def read(value: Any) -> str:
        if value not in names:
            raise InputError(f"{excerpt(plain(value))} is not known{nearest(value, names)}")
        return str(value)

    return read


def _form(pattern: str, expected: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise InputError(f"{excerpt(plain(value))}: expected {expected}")
        return value

    return read


def _family(value: Any) -> str:
    """Read a family; one that is nearly a notebook's is a slip that would lead elsewhere."""
    name, known = _form("[a-z0-9_]+", 'a family such as "index_levels"')(value), ["any_article"]
    with contextlib.suppress(InputError):
        known += [path.stem[3:] for path in vintages.notebooks().glob("[0-9][0-9]_*.ipynb")]
    close = difflib.get_close_matches(name, known, 1, _NEAR)
    if name not in known and close:
        raise InputError(f"{name!r}: no notebook of that name; did you mean {close[0]!r}?")
    return name


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{excerpt(plain(value))}: expected true or false")
    return value


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f'{excerpt(plain(value))}: expected a list of claims, such as ["MB-02"]')
    return tuple(_form(ID.pattern, 'a claim such as "MB-02"')(one) for one in value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f"{excerpt(plain(value))}: expected a list of texts")
    return tuple(map(text, value))


def reading(value: Any) -> str:
    """Read whether a claim is judged as a fact, a tendency or by estimates."""
    return _word(READINGS)(value)


def _free(value: Any) -> dict[str, Any]:
    """Read the argument that is free: the month of its day, those of its days, or any values."""
    argument, months = one_of_table(value, 'free.date = "2008-06"')
    if isinstance(months, Mapping) and isinstance(months.get("any"), list) and len(months) == 1:
        return {argument: plain(months)}
    month = _form("[0-9]{4}-(0[1-9]|1[0-2])", 'a month such as "2008-06"')
    return {argument: [*map(month, months)] if isinstance(months, list) else month(months)}


def _chance(value: Any) -> Any:
    """Read how sure a forecast is said to be: a probability, or between which two it lies."""
    chances = plain(value)
    ends = chances if isinstance(chances, list) and len(chances) == 2 else [chances, chances]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in ends):
        raise InputError(f"{excerpt(chances)}: expected a probability, or [low, high]")
    if not 0 <= ends[0] <= ends[1] <= 1:
        raise InputError(f"{excerpt(chances)}: expected probabilities from 0 to 1, in order")
    return chances


def _tables(value: Any) -> str:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise InputError(f"{excerpt(plain(value))}: expected text or a list of tables")
    return ";".join(text(one) for one in names)


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{excerpt(plain(value))}: expected key = value, or {{ key = value }}")
    return value


_TEXT = {"type": "string"}
_SLUG = "[a-z0-9]+(-[a-z0-9]+)*"

ARTICLE = {
    "title": Term("title, or what it is where it has none", text, _TEXT, required=True),
    "publisher": Term("publisher, where known", text, _TEXT),
    "published": Term("day of publication", day, {}, required=True),
    "address": Term("where it can be read", _form(r"https?://\S+", "an address"), _TEXT),
    "story": Term(
        "what it belongs to: notebooks select by it",
        _form(_SLUG, 'a short name such as "winter-2026"'),
        {"type": "string", "pattern": f"^{_SLUG}$"},
    ),
    "across": Term("claims about several articles, made by none", _flag, {"type": "boolean"}),
    "note": Term("remark", text, _TEXT),
    "claim": Term("the claims by id", _table, {}),
}
CLAIM = {
    "family": Term(
        "notebook that answers; left out: any_article",
        _family,
        {"type": "string", "pattern": "^[a-z0-9_]+$"},
    ),
    "says": Term("the claim in your own words, never a copied sentence", text, _TEXT, True),
    "kind": Term("kind of claim", _word(KINDS), {"enum": [*KINDS]}, required=True),
    "stated": Term(
        "what the article states, as printed: a number, a day, text, or a list of them",
        stated,
        {"type": ["number", "string", "array"]},
    ),
    "unit": Term("unit of what is stated", text, _TEXT),
    "as_of": Term(
        "last day whose data the measure may use; of a forecast the due day", day, {}, True
    ),
    "how": Term("what is measured, in a sentence", text, _TEXT),
    "measure": Term("what is measured", call, {"$ref": "#/$defs/measure"}),
    "rule": Term("what judges it", _table, {"$ref": "#/$defs/rule"}),
    "untested": Term(
        "in place of measure and rule: why it is not tested",
        _word(grading.UNTESTED),
        {"enum": [*grading.UNTESTED]},
    ),
    "basis": Term(
        "what the test rests on, where the measure does not know it: a stand-in is a proxy",
        _word(BASES),
        {"enum": [*BASES]},
    ),
    "needs": Term(
        "tables used, where the measure does not know them; untested: what would decide",
        _tables,
        {"type": ["string", "array"]},
    ),
    "tolerance": Term("the tolerance in words, where the rule does not say it", text, _TEXT),
    "note": Term("remark; who changed a rule, when and why", text, _TEXT),
    "reading": Term(
        "fact: what happened; tendency: what usually happens, judged by its interval; "
        "estimates: judged by every provider's figure",
        reading,
        {"enum": [*READINGS]},
    ),
    "others": Term(
        "other readings by label, shown and never judged by: the arguments that differ, "
        "another measure whole, another as_of",
        _table,
        {"type": "object", "additionalProperties": {"type": "object"}},
    ),
    "own": Term("how a table of the user's own decides it", _table, {"$ref": "#/$defs/own"}),
    "chance": Term(
        "how sure a forecast is said to be, left out: 1, plainly asserted; 0.72; may: [0.2, 0.7]",
        _chance,
        {"type": ["number", "array"]},
    ),
    "free": Term(
        "what the claim leaves free: the argument, and the month (or months) its day lies in, "
        "or { any = [values] }",
        _free,
        {"type": "object", "minProperties": 1, "maxProperties": 1},
    ),
    "changes": Term(
        "later changes of rule, bound or as_of: when, who and why, one text each",
        _texts,
        {"type": "array", "items": _TEXT},
    ),
    "rests_on": Term(
        "claims it stands or falls with",
        _ids,
        {"type": "array", "items": {"type": "string", "pattern": f"^{ID.pattern}$"}},
    ),
}
OWN = {
    "table": Term("which of your own tables", text, _TEXT, required=True),
    "measure": Term("what is measured", call, {"$ref": "#/$defs/measure"}, required=True),
    "how": Term("what is measured, in a sentence", text, _TEXT),
    "rule": Term("what judges it", _table, {"$ref": "#/$defs/rule"}),
    "tolerance": Term("the tolerance in words", text, _TEXT),
}
