"""One history of prices, and others resampled from it in blocks of months."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers import returns
from helpers.errors import InputError

if TYPE_CHECKING:
    from helpers.market import Market

# Blocks of fewer months would leave nothing to resample.
_FEWEST_MONTHS = 24


class History:
    """One history of prices, with what its specifications share computed once.

    Attributes
    ----------
    market : Market
        Observed, or resampled on the same dates.
    """

    def __init__(self, market: Market, dated: dict[Hashable, Any] | None = None) -> None:
        self.market = market
        self._priced: dict[Hashable, Any] = {}
        self._dated = {} if dated is None else dated

    def priced(self, make: Callable[..., Any], *values: Hashable) -> Any:
        """Return ``make(self, *values)``, computed once for this history."""
        return self._once(self._priced, make, values)

    def dated(self, make: Callable[..., Any], *values: Hashable) -> Any:
        """Return the same for what does not depend on prices: resampled histories share it."""
        return self._once(self._dated, make, values)

    def resampled(self, months: float, rng: np.random.Generator) -> History:
        """Return a history of the same dates, made of blocks of months of this one.

        Source: Politis and Romano (1994).

        Parameters
        ----------
        months : float
            Mean length of a block; lengths are geometric.
        rng : Generator

        Returns
        -------
        History
            Daily closes and monthly portfolios come from the same months. A month with more
            sessions than its source takes some of the source's neighbours, one with fewer leaves
            some out. At which end is drawn: small caps tend to lead at the end of a month and to
            lag at its start, and no session may come more often than another.

        Raises
        ------
        InputError
            If the closes and the portfolios share too few whole months.
        """
        calendar, sized = self.dated(_calendar), self.market.portfolios
        before, common = calendar.before, calendar.common
        picked = _blocks(len(calendar.starts), common, months, rng)
        steps = self.priced(_steps)
        spare = calendar.length[picked] - calendar.length
        begins = calendar.starts[picked] + np.sign(spare) * rng.integers(np.abs(spare) + 1)
        begins = np.clip(begins, 0, len(steps) - calendar.length)
        rows = begins[calendar.month] + calendar.day
        closes = self.market.closes
        levels = closes.to_numpy(float)[0] * np.exp(np.cumsum(steps[rows], axis=0))
        levels = np.concatenate((closes.to_numpy(float)[:1], levels))
        monthly = sized.to_numpy(float)
        order = np.concatenate(
            (_blocks(before, before, months, rng), before + picked[: len(monthly) - before])
        )
        return History(
            self.market.but(
                closes=pd.DataFrame(levels, closes.index, closes.columns),
                portfolios=pd.DataFrame(monthly[order], sized.index, sized.columns),
            ),
            self._dated,
        )

    def _once(self, kept: dict[Hashable, Any], make: Callable[..., Any], values: tuple) -> Any:
        key = (make, values)
        if key not in kept:
            kept[key] = make(self, *values)
        return kept[key]


@dataclass(frozen=True)
class _Calendar:
    """Where the months of a history lie.

    ``starts`` and ``length``: row of the daily steps at which each month with closes begins, and
    its sessions; ``month`` and ``day``: month and session within it of each step; ``before``:
    portfolio months before the first of these; ``common``: how many whole months closes and
    portfolios share.
    """

    starts: np.ndarray
    length: np.ndarray
    month: np.ndarray
    day: np.ndarray
    before: int
    common: int


def _calendar(history: History) -> _Calendar:
    closes, sized = history.market.closes, history.market.portfolios
    months = closes.index[1:].to_period("M")
    starts = np.flatnonzero(np.concatenate(([True], months[1:] != months[:-1])))
    length = np.diff([*starts, len(months)])
    month = np.repeat(np.arange(len(starts)), length)
    before = int((sized.index < months[0]).sum()) if len(months) else 0
    common = min(len(returns.calendar_returns(closes)), len(sized) - before)
    if common < _FEWEST_MONTHS:
        raise InputError(
            f"{common} months: expected at least {_FEWEST_MONTHS} with closes and portfolios to "
            "resample a history"
        )
    day = np.arange(len(months)) - starts[month]
    return _Calendar(starts, length, month, day, before, common)


def _steps(history: History) -> np.ndarray:
    """Return daily log returns of both indexes."""
    return np.diff(np.log(history.market.closes.to_numpy(float)), axis=0)


def _blocks(size: int, source: int, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Return ``size`` positions below ``source`` in blocks of geometric length, wrapped around.

    As arch's stationary bootstrap, but for a source of another length than the history.
    """
    if not size:
        return np.empty(0, dtype=int)
    fresh = rng.random(size) < 1 / mean  # the first block begins at 0 whether drawn or not
    begins = rng.integers(source, size=size)
    block = np.maximum.accumulate(np.where(fresh, np.arange(size), 0))
    return (begins[block] + np.arange(size) - block) % source
