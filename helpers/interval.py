"""A confidence interval as a plain value, and the level that all of them have by default."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A confidence interval: two ends, the nominal level and the method that made it."""

    low: float
    high: float
    level: float
    method: str
