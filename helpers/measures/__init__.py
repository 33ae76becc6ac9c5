"""The closed table of measurements that a claim may call by name, one file a topic.

A measurement takes the market as it was on the claim's as-of date (nothing later is in it) and
the arguments of the claim, and returns a :class:`Measured`. Percentages are percent, leads are
percentage points of small minus large, rates move in basis points. A function becomes a measure
by the decorator :func:`register`; ``MEASURES`` holds them all, and each is here by its own name
too: ``measures.lead``.
"""

from __future__ import annotations

import sys
from typing import Any

from helpers.measures import (
    after,
    economy,
    levels,
    multiples,
    own,
    periods,
    published,
    rates,
    stated,
    streaks,
    years,
)
from helpers.measures.arguments import NAMES
from helpers.measures.own import on_total_returns
from helpers.measures.registry import (
    MEASURES,
    Argument,
    Measure,
    Measured,
    measure,
    moving,
    register,
    require,
)

TOPICS = (
    periods,
    years,
    streaks,
    after,
    levels,
    rates,
    multiples,
    economy,
    stated,
    published,
    own,
)

__all__ = [
    "MEASURES",
    "NAMES",
    "TOPICS",
    "Argument",
    "Measure",
    "Measured",
    "measure",
    "moving",
    "on_total_returns",
    "register",
    "require",
]


def __getattr__(name: str) -> Any:
    if name in MEASURES:
        sys.audit("helpers.read", "topic", MEASURES[name].function.__module__.rpartition(".")[2])
        return MEASURES[name].function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
