"""What a measure is, and the closed table of them that a claim may call by name."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, TypeVar, get_type_hints

import pandas as pd

from helpers.errors import InputError
from helpers.inference import Interval
from helpers.market import Market
from helpers.measures.arguments import Kind, nearest

Moves = Literal["smoothly", "in steps", ""]
F = TypeVar("F", bound=Callable[..., "Measured"])


@dataclass(frozen=True)
class Measured:
    """What a measurement found.

    Attributes
    ----------
    value : number, str, list or dict
        In the form the claim's rule judges.
    interval : Interval, dict of Interval or None
    n : int or None
        Number of events behind an average or a share.
    beside : str
        What is shown beside the value: dates, second readings, counts of dropped events.
    objection : str
        A reason of ``grading`` that explains a contradiction better than the rule can.
    error : dict
        Between what each value may lie where it is compared, [low, high] by the names of ``value``.
    move : (str, str) or None
        First and last session of the move that was measured, ISO dates, where it is one move.
    """

    value: Any
    interval: Interval | Mapping[str, Interval | None] | None = None
    n: int | None = None
    beside: str = ""
    objection: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    move: tuple[str, str] | None = None


@dataclass(frozen=True)
class Argument:
    """One argument of a measure: its kind, and the value it has if it is left out."""

    kind: Kind
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Measure:
    """A measurement that claims may call by name.

    Attributes
    ----------
    function : callable
        Takes a Market and the arguments, returns a Measured.
    needs : tuple of str
        Tables it rests on; none for an article's own figures.
    unit : str
        Of its value; empty where the claim decides.
    basis : str
        ``open``, ``proxy``, ``readings``, ``arithmetic`` or ``own``.
    moves : {"smoothly", "in steps", ""}
        How its value follows a dividend yield added to price indexes: so that a bound is met at
        one yield, in steps (counts, ranks, dates, several numbers), or not at all.
    window : float
        Years of the windows it looks at, where its arguments do not say; NaN for none.
    both_ways : bool
        Whether it is given the whole market and the claim's day as ``date``.
    """

    function: Callable[..., Measured]
    needs: tuple[str, ...]
    unit: str
    basis: str
    moves: Moves
    window: float = math.nan
    both_ways: bool = False

    @property
    def name(self) -> str:
        """The name claims call it by."""
        return self.function.__name__

    @property
    def about(self) -> str:
        """The first line of its docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def topic(self) -> ModuleType | None:
        """The module that holds it."""
        return inspect.getmodule(self.function)

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """What a claim may pass, by name."""
        hints = get_type_hints(self.function, include_extras=True)
        given = [*inspect.signature(self.function).parameters.values()][1:]
        return {
            one.name: Argument(_kind(hints[one.name]), one.default is one.empty, one.default)
            for one in given
            if not (self.both_ways and one.name == "date")
        }

    def example(self) -> str:
        """Return a call as it is written in an article's file.

        Examples
        --------
        >>> MEASURES["lead"].example()
        'measure.lead = { start = 2018-12-31 }'
        """
        asked = {name: one for name, one in self.arguments.items() if one.required}
        inner = ", ".join(f"{name} = {one.kind.example}" for name, one in asked.items())
        return f"measure.{self.name} = {{ {inner} }}".replace("{  }", "{}")

    def schema(self) -> dict[str, Any]:
        """Return what may be passed as JSON Schema."""
        return {
            "type": "object",
            "description": self.about,
            "properties": {
                name: {"description": one.kind.means, **one.kind.schema}
                for name, one in self.arguments.items()
            },
            "required": [name for name, one in self.arguments.items() if one.required],
            "additionalProperties": False,
        }


MEASURES: dict[str, Measure] = {}


def register(
    *needs: str,
    unit: str = "",
    basis: str = "",
    moves: Moves = "",
    window: float = math.nan,
    both_ways: bool = False,
) -> Callable[[F], F]:
    """Put a function into the table of measures, under its own name; see :class:`Measure`."""

    def add(function: F) -> F:
        known = basis or ("open" if needs else "arithmetic")
        one = Measure(function, needs, unit, known, moves, window, both_ways)
        MEASURES[one.name] = one
        return function

    return add


def moving(*how: Moves) -> frozenset[str]:
    """Return the names of the measures that dividends move so: ``smoothly``, ``in steps``."""
    return frozenset(name for name, one in MEASURES.items() if one.moves in how)


def require(
    call: Mapping[str, Any], as_of: pd.Timestamp | None = None
) -> tuple[Measure, dict[str, Any]]:
    """Refuse a call whose name is not in the table or whose arguments do not fit it.

    Parameters
    ----------
    call : dict
        ``{"measure": name, argument: value, …}``.
    as_of : Timestamp, optional
        The claim's as-of day, which no day in the arguments may come after.

    Returns
    -------
    The measure and its arguments as it takes them.

    Raises
    ------
    InputError
        Naming the measure, the argument and what was expected.
    """
    given = dict(call)
    name = given.pop("measure", None)
    if name not in MEASURES:
        raise InputError(f"measure {name!r} is not known{nearest(name, MEASURES)}")
    measure = MEASURES[name]
    known = measure.arguments
    unknown = [one for one in given if one not in known]
    if unknown:
        raise InputError(
            f"measure {name!r}: no argument {unknown[0]!r}{nearest(unknown[0], known)}"
        )
    lacking = [one for one in known if known[one].required and one not in given]
    if lacking:
        raise InputError(f"measure {name!r}: expected {lacking[0]}, {known[lacking[0]].kind.means}")
    read = {}
    for one, value in given.items():
        try:
            read[one] = known[one].kind.read(value)
        except InputError as error:
            raise InputError(f"measure {name!r}: {one}: {error}") from None
    _check_order(name, known, read, as_of)
    return measure, read


def measure(market: Market, as_of: pd.Timestamp, call: Mapping[str, Any]) -> Measured:
    """Carry out one call of the registry.

    Parameters
    ----------
    market : Market
        All that the run may know.
    as_of : Timestamp
        The claim's as-of date; the measurement sees nothing later, but for the nearest reading,
        which looks both ways.
    call : dict
        ``{"measure": name, argument: value, …}``.

    Raises
    ------
    InputError
        If the name is not in the table, the arguments do not fit it, or the data known by then
        do not hold what it needs.
    """
    found, arguments = require(call)
    sys.audit("helpers.read", "topic", found.function.__module__.rpartition(".")[2])
    known = market.until(as_of)
    if found.both_ways:
        known, arguments = market, arguments | {"date": str(as_of.date())}
    short = InputError(
        f"measure {found.name!r}: not enough data up to {str(as_of)[:10]} for these arguments"
    )
    try:
        measured = found.function(known, **arguments)
    except InputError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise short from error
    parts = measured.value.values() if isinstance(measured.value, dict) else [measured.value]
    if any(isinstance(part, float) and math.isnan(part) for part in parts):
        raise short
    return measured


def _kind(hint: Any) -> Kind:
    """Return the kind in an annotation, also where it may be None."""
    if hasattr(hint, "__metadata__"):
        return hint.__metadata__[0]
    return next(_kind(part) for part in hint.__args__ if part is not type(None))


def _check_order(
    name: str,
    known: Mapping[str, Argument],
    read: Mapping[str, Any],
    as_of: pd.Timestamp | None,
) -> None:
    """Refuse a start after its end, and days after the as-of day."""
    for first, last in (("start", "end"), ("first", "last"), ("first_year", "last_year")):
        one, other = read.get(first), read.get(last)
        dates = isinstance(one, str) or first == "first_year"
        if dates and one is not None and other is not None and one > other:
            raise InputError(f"measure {name!r}: {first} {one}: expected one by {last}, {other}")
    if as_of is None:
        return
    for one, value in read.items():
        for day in known[one].kind.days(value):
            if pd.Timestamp(day) > as_of:
                raise InputError(
                    f"measure {name!r}: {one} {day}: expected a day by the claim's as_of, "
                    f"{str(as_of)[:10]}"
                )
