"""How often the joint null's test of a curve's median finds an effect, on the full families.

``PYTHONPATH=tests python -m support.measure_null`` measures 2,000 histories of each family and
writes docs/joint_null_power.csv. Each half of the histories gives the edges of the test for the
other half, in which the estimates are shifted by the effect ("shifted"); or the effect is planted
in the closes after the nine first cuts ("planted"), where only readings that look there see it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers import data, inference, multiverse, returns
from helpers.errors import InputError
from helpers.histories import History
from helpers.market import Market
from helpers.multiverse import Family
from helpers.specifications import POST_STREAK, RATE_CUTS
from support.multiverse import planted
from support.workers import executor

TABLE = Path(__file__).resolve().parents[2] / "docs" / "joint_null_power.csv"
AS_OF, HISTORIES, SEED = "2026-01-20", 2_000, 11
EFFECTS = (0.0, 2.0, 4.2, 8.0, 12.0, 16.0)
PLANTED = (8.0, 16.0)


def median_power(drawn: np.ndarray, effects: tuple[float, ...], level: float = 0.95) -> pd.Series:
    """Return how often the joint null's test of the median finds an effect.

    Parameters
    ----------
    drawn : ndarray of shape (n_histories, n_specifications)
        Estimates on histories that hold nothing. Each half of them gives the edges of the test
        for the other half's medians, shifted by the effect.
    effects : tuple of float, unit of the estimates

    Returns
    -------
    Series indexed by ``effect``, a share; at no effect it is the size of the test.

    Raises
    ------
    InputError
        If there are fewer than 40 histories.
    """
    if len(drawn) < 40:
        raise InputError(f"{len(drawn)} histories: expected at least 40")
    medians = np.nanmedian(drawn, axis=1)
    halves = (medians[::2], medians[1::2])
    ends = [np.quantile(half, [(1 - level) / 2, (1 + level) / 2]) for half in halves]

    def share(tested: np.ndarray, low: float, high: float) -> float:
        return float(((tested < low) | (tested > high)).mean())

    found = {
        x: (share(halves[1] + x, *ends[0]) + share(halves[0] + x, *ends[1])) / 2 for x in effects
    }
    return pd.Series(found, name="found").rename_axis("effect")


def shifted(market: Market, family: Family, histories: int) -> pd.DataFrame:
    """Power where every reading's estimate holds the effect."""
    drawn = multiverse.null(family, History(market), histories, SEED)
    found = median_power(drawn[np.isfinite(drawn).any(axis=1)], EFFECTS)
    return found.reset_index().assign(family=family.name, method="shifted", histories=histories)


def with_planted(market: Market, histories: int) -> pd.DataFrame:
    """Power where the effect follows the nine first cuts and nothing else."""
    history, rng = History(market), np.random.default_rng(SEED)
    months = inference.block_length(returns.lead(returns.calendar_returns(market.closes)))
    rows: dict[float, list[float]] = {points: [] for points in (0.0, *PLANTED)}
    for number in range(histories):
        one = history.resampled(months, rng).market
        for points in (0.0,) if number % 2 else PLANTED:
            there = History(planted(one, points) if points else one)
            rows[points].append(float(np.nanmedian(multiverse.estimates(RATE_CUTS, there))))
    low, high = np.quantile(rows[0.0], [0.025, 0.975])
    found = [np.mean((np.array(rows[x]) < low) | (np.array(rows[x]) > high)) for x in PLANTED]
    return pd.DataFrame({"effect": PLANTED, "found": found}).assign(
        family=RATE_CUTS.name, method="planted", histories=histories
    )


def table(histories: int, workers: int = 2) -> pd.DataFrame:
    """All rows, on so many histories of each kind."""
    sizes = [histories, histories, max(histories // 4, 80)]
    with executor(workers) as pool:
        both = pd.concat(pool.map(_part, range(3), sizes), ignore_index=True)
    return both[["family", "method", "effect", "found", "histories"]].round({"found": 4})


def _part(number: int, histories: int) -> pd.DataFrame:
    market = data.load().until(AS_OF)
    if number == 2:
        return with_planted(market, histories)
    return shifted(market, (RATE_CUTS, POST_STREAK)[number], histories)


def main() -> None:
    """Write docs/joint_null_power.csv."""
    table(HISTORIES).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()
