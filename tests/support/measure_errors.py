"""How often tests of a few events err, and how often they find what is there.

``PYTHONPATH=tests python -m support.measure_errors`` measures 1,000 histories of each kind
and writes docs/error_rates.csv. Nothing here is chosen by its result.

Columns: ``test``, ``histories`` (kind), ``n`` (events), ``planted`` (percentage points: 0, or the
effect that a t test should find with 80% power), ``level``, ``rejected`` (share of histories),
``tried`` (histories).
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from helpers import data, events, inference, nulls, returns
from helpers.interval import LEVEL
from helpers.market import Market
from support import histories
from support.histories import World
from support.workers import executor

TABLE = Path(__file__).resolve().parents[2] / "docs" / "error_rates.csv"
AS_OF = "2026-01-22"
YEAR = returns.SESSIONS_PER_YEAR
DRAWS = 499
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2)
# As many random dates as first cuts, as far apart; and 19, their windows just not overlapping.
MANY, POWER = 19, 0.8
TRUTH_HISTORIES = 500 if histories.FULL else 100


def table(size: int, workers: int = 2) -> pd.DataFrame:
    """Measure error rates in ``size`` histories of each kind."""
    with executor(workers) as pool:
        parts = pool.map(_table_of, range(2), [size] * 2)
        return pd.concat(parts, ignore_index=True)


def _table_of(kind: int, size: int) -> pd.DataFrame:
    market = data.load().until(AS_OF)
    world = histories.worlds(market)[kind]
    cuts = _positions(market)
    spacing = {len(cuts): nulls.event_spacing(cuts), MANY: YEAR}
    mean, sd = _truth(world, kind)
    p_values = defaultdict(list)
    for count, rng in histories.batches(size, [4, kind]):
        for outcomes in _outcomes(world.days(count, rng)):
            seed = int(rng.integers(2**32))
            for n, gap in spacing.items():
                drawn = nulls.placebo(outcomes, n, gap, draws=DRAWS, seed=seed)
                dates = nulls.placebo_dates(len(outcomes), n, gap, 1, rng)[0]
                for name, found in _p_values(outcomes[dates], drawn, mean).items():
                    p_values[f"{name}, random dates", n, 0.0].append(found)
                effect = inference.smallest_effect(sd, n, POWER)
                planted = _planted(outcomes, dates, effect)
                drawn = nulls.placebo(planted, n, gap, ["mean"], DRAWS, seed)
                for name, found in _p_values(planted[dates], drawn, mean).items():
                    p_values[f"{name}, random dates", n, effect].append(found)
            # The cuts stay on their days; the history around them is another one.
            drawn = nulls.placebo(outcomes, len(cuts), spacing[len(cuts)], draws=DRAWS, seed=seed)
            for name, found in _p_values(outcomes[cuts], drawn, mean).items():
                p_values[f"{name}, first cuts", len(cuts), 0.0].append(found)
    rows = [
        (test, world.name, n, round(effect, 2), level, float(np.mean(np.array(p) <= level)), len(p))
        for (test, n, effect), p in p_values.items()
        for level in (LEVELS if effect == 0 else (1 - LEVEL,))
    ]
    columns = ["test", "histories", "n", "planted", "level", "rejected", "tried"]
    return pd.DataFrame(rows, columns=columns).round({"level": 4, "rejected": 4})


def _positions(market: Market) -> np.ndarray:
    dates = events.first_cuts(market.target)
    start = market.closes.index.searchsorted(dates, side="right") - 1
    return start[start + YEAR < len(market.closes)]


def _truth(world: World, kind: int) -> tuple[float, float]:
    """Return mean and standard deviation of the lead over a year, percentage points."""
    found = [
        _outcomes(world.days(size, rng))
        for size, rng in histories.batches(TRUTH_HISTORIES, [3, kind])
    ]
    pooled = np.concatenate(found)
    return float(pooled.mean()), float(pooled.std())


def _outcomes(days: np.ndarray) -> np.ndarray:
    """Return the lead over the year after each session, shape (histories, n_starts), in points."""
    levels = np.cumprod(1 + days, axis=1)
    levels = np.concatenate([np.ones_like(levels[:, :1]), levels], axis=1)
    after = levels[:, YEAR:] / levels[:, :-YEAR] - 1
    return 100 * (after[..., 0] - after[..., 1])


def _planted(outcomes: np.ndarray, dates: np.ndarray, effect: float) -> np.ndarray:
    """Spread an effect evenly over the year after each date: nearby starts share part of it."""
    apart = np.abs(np.arange(len(outcomes))[:, None] - dates[None, :])
    return outcomes + effect * np.clip(1 - apart / YEAR, 0, None).sum(axis=1)


def _p_values(after: np.ndarray, drawn: pd.DataFrame, mean: float) -> dict[str, float]:
    """Return p-values of one set of events; the t test knows the true mean of all days."""
    found = {"t": float(stats.ttest_1samp(after, mean).pvalue)}
    for name in drawn:
        observed = nulls.STATISTICS[name](after)
        found[f"placebo, {name}"] = nulls.placebo_test(observed, drawn[name])["p"]
    return found


def main() -> None:
    """Write docs/error_rates.csv."""
    table(1000, os.cpu_count() or 1).to_csv(TABLE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
