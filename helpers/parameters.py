"""A notebook's parameters: what each may be, and one clear line for what it may not."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from numbers import Real
from pathlib import PurePath
from typing import Any

import pandas as pd

from helpers import data, pairs, returns, vintages
from helpers.errors import InputError, listing

# How alike a name must be to a parameter's to be taken for a slip; 1 is the same.
_NEAR = 0.8


class ParameterError(InputError):
    """A parameter that does not exist, has the wrong type or an impossible value."""


@dataclass(frozen=True)
class Parameter:
    """How a parameter is checked and what is expected of it, in words for the error line."""

    expected: str
    convert: Callable[[Any], Any]


def _as_number(value: Any) -> float:
    """Return a number as people write them: 9, 9.0 or the text "9"; never a truth value."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError
    return float(value)


def _as_whole(value: Any, low: int, high: int) -> int:
    number = _as_number(value)
    if not number.is_integer() or not low <= number <= high:
        raise ValueError
    return int(number)


def _whole(low: int, high: int) -> Parameter:
    def convert(value: Any) -> int:
        return _as_whole(value, low, high)

    return Parameter(f"a whole number from {low} to {high}", convert)


def _wholes(low: int, high: int) -> Parameter:
    def convert(value: Any) -> tuple[int, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        parts = parts if isinstance(parts, list | tuple) else [parts]
        numbers = tuple(_as_whole(part, low, high) for part in parts)
        if not numbers or len(set(numbers)) < len(numbers):
            raise ValueError
        return numbers

    return Parameter(
        f"different whole numbers from {low} to {high}, such as '21,63' or [21, 63]", convert
    )


def _number(low: float, high: float) -> Parameter:
    def convert(value: Any) -> float:
        number = _as_number(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return Parameter(f"a number from {low:g} to {high:g}", convert)


def _one_of(*options: str) -> Parameter:
    def convert(value: Any) -> str:
        if value not in options:
            raise ValueError
        return value

    return Parameter(f"one of {listing(map(repr, options))}", convert)


def _month() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}", value):
            raise ValueError
        return str(pd.Period(value, "M"))

    return Parameter("a month like '2000-03'", convert)


def _folder() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str | PurePath) or "\0" in str(value):
            raise ValueError
        return str(value)

    return Parameter("the name of a folder, or '' for none", convert)


def _vintage() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not vintages.is_name(value):
            raise ValueError
        return value

    return Parameter("'frozen', 'latest' or a name that rotation vintages lists", convert)


def _date(or_last: bool = False) -> Parameter:
    def convert(value: Any) -> str:
        if or_last and value == "last":
            return value
        text = value.isoformat().removesuffix("T00:00:00") if isinstance(value, date) else value
        if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        return str(pd.Timestamp(text).date())

    return Parameter("an ISO date like '2026-01-22'" + (" or 'last'" if or_last else ""), convert)


def _article() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
            raise ValueError
        return value

    return Parameter("the name of an article, as of its file in data/articles", convert)


def _pair() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError
        if value:
            pairs.files(value)
        return value

    return Parameter(
        "two files like 'small.csv, large.csv', one with both, or '' for none", convert
    )


def _names() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or (value and value.count(",") != 1):
            raise ValueError
        return value

    return Parameter("two names like 'IWM,SPY', or '' for those in the files", convert)


PARAMETERS: dict[str, Parameter] = {
    "as_of": _date(or_last=True),
    "vintage": _vintage(),
    "tables": _folder(),
    "results": _folder(),
    "article": _article(),
    "pair": _pair(),
    "names": _names(),
    "prices": _one_of(*pairs.KINDS),
    "history_start": _date(),
    "min_length": _whole(1, 60),
    "compare_lengths": _wholes(1, 60),
    "horizons": _wholes(1, 2520),
    "first_cut_min_bp": _number(1, 300),
    "first_cut_quiet_months": _whole(0, 120),
    "window_before": _whole(1, 504),
    "window_after": _whole(0, 504),
    "closest": _whole(1, 50),
    "percentile_years": _wholes(5, 200),
    "small_quintile": _whole(1, 4),
    "lead_points": _number(0.1, 100),
    "lead_sessions": _whole(1, 252),
    "episode_gap": _whole(1, 252),
    "pivot_month": _month(),
    "quiet_sessions": _wholes(1, 5040),
    "months": _wholes(1, 600),
    "start_months": _whole(1, 120),
    "recent_months": _whole(2, 60),
    "window_from": _one_of("first loss", "length reached", "last win"),
    "draws": _whole(100, 100_000),
    "placebo_draws": _whole(100, 100_000),
    "histories": _whole(20, 10_000),
    "seed": _whole(0, 2**32 - 1),
}


def validated(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check each parameter against ``PARAMETERS`` and convert it.

    Raises
    ------
    ParameterError
        Naming the parameter, the value and what was expected.
    """
    values = {}
    for name, value in parameters.items():
        rule = PARAMETERS.get(name)
        if rule is None:
            raise ParameterError(f"{name}: expected a rule for it in helpers.parameters.PARAMETERS")
        try:
            values[name] = rule.convert(value)
        except (ValueError, TypeError):
            raise ParameterError(f"{name} = {value!r}: expected {rule.expected}") from None
    return values


def unknown(names: list[str], known: Mapping[str, Any]) -> None:
    """Refuse names that are no parameter of the notebook.

    Raises
    ------
    ParameterError
        Naming the stranger, a near name and all known ones.
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ParameterError(
                f"unknown parameter {name!r}: {hint}expected one of {listing(known)}"
            )


def given_names(known: Collection[str]) -> list[str]:
    """Return the names that this kernel's last cell of parameters assigned, and those after it.

    A cell of parameters assigns plain values to at least one of the known names, whatever wrote
    it. Of the cells of plain values that were run after it, those count that begin with a comment
    ``# Parameters`` or ``# Injected parameters``, as papermill's do, and of the others the names
    that are nearly a parameter's: not what somebody tries out in between.
    """
    from IPython import get_ipython

    shell = get_ipython()
    cells = shell.user_ns.get("In", []) if shell is not None else []
    own = [n for n, cell in enumerate(cells) if {*plainly_assigned(cell)} & {*known}]
    names = plainly_assigned(cells[own[-1]]) if own else []
    for cell in cells[own[-1] + 1 if own else 0 :]:
        injected = re.match(r"# (Injected )?[Pp]arameters\b", cell)
        found = plainly_assigned(cell)
        names += [n for n in found if injected or difflib.get_close_matches(n, known, 1, _NEAR)]
    return names


def watch_names() -> None:
    """Let this kernel answer a name that a slip of the pen left unassigned in one line.

    Where a cell of parameters assigns ``min_lenght``, a new kernel knows no ``min_length``: what
    would be the traceback of a NameError names the slip instead. Other errors stay as they are.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError,), _show_name_error)


def _show_name_error(shell: Any, kind: Any, error: NameError, trace: Any, **_: Any) -> None:
    cells = shell.user_ns.get("In", [])
    given = [name for cell in cells for name in plainly_assigned(cell) if name not in PARAMETERS]
    slip = difflib.get_close_matches(error.name or "", given, 1, _NEAR)
    if slip and error.name in PARAMETERS:
        line = f"unknown parameter {slip[0]!r}: did you mean {error.name}?"
        kind, error = ParameterError, ParameterError(line)  # type: ignore[assignment]
    shell.showtraceback((kind, error, trace), tb_offset=1)


def assigned(source: str) -> list[str]:
    """Return the names that a cell's plain assignments bind, in order."""
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def plainly_assigned(source: str) -> list[str]:
    """Return the names that a cell assigns if it does nothing else and its values are literals."""
    try:
        statements = ast.parse(source).body
        for one in statements:
            ast.literal_eval(one.value if isinstance(one, ast.Assign) else one)
    except (SyntaxError, ValueError):
        return []
    return assigned(source)


def resolve_as_of(as_of: str, market: data.Market) -> pd.Timestamp:
    """Return the session a run's as-of date stands for: the last close on or before it.

    Raises
    ------
    ParameterError
        If the date lies before the first close or after the last one.
    """
    if as_of == "last":
        return market.last
    day = pd.Timestamp(as_of)
    if not market.first <= day <= market.last:
        raise ParameterError(
            f"as_of = {as_of!r}: expected a date from {market.first.date()} to {market.last.date()}"
        )
    return returns.resolve(market.sessions.to_frame(), day)


def check_ranges(values: Mapping[str, Any], market: data.Market) -> None:
    """Refuse a start or a month that the data do not hold.

    Raises
    ------
    ParameterError
        Naming the parameter, its value and the range.
    """
    if "history_start" in values:
        value = values["history_start"]
        if not market.first <= pd.Timestamp(value) < market.last:
            raise ParameterError(
                f"history_start = {value!r}: expected from {market.first.date()} to before "
                f"{market.last.date()}, the close of as_of"
            )
    if "pivot_month" in values:
        value, months = values["pivot_month"], market.value_portfolios.index
        # An earlier as_of may not know the month yet; the notebook says so.
        known = values.get("as_of", "last") != "last" or pd.Period(value, "M") < months[-1]
        if not known or pd.Period(value, "M") < months[0]:
            raise ParameterError(
                f"pivot_month = {value!r}: expected from {months[0]} to before {months[-1]}"
            )
