"""How often the regressions reject in histories in which there is nothing to find.

``PYTHONPATH=tests python -m support.measure_regressions`` measures 1,000 histories of each kind
and writes docs/regressions_size.csv. Nothing here is chosen by its result.

Columns: ``test``, ``histories`` (kind), ``events`` (or windows apart), ``horizon``, ``p`` (which
p-value of the table), ``rejected_1``, ``rejected_5``, ``rejected_10`` (share of p-values at or
below 1, 5 and 10%) and ``tried``. Rows of the kind "... , planted" hold a change as large as the
smallest that 80% of such tests should find.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from statsmodels.stats.power import TTestIndPower

from helpers import data, events, predictive, regressions, returns, valuation
from helpers.market import Market
from support import histories
from support.workers import executor

TABLE = Path(__file__).resolve().parents[2] / "docs" / "regressions_size.csv"
HORIZONS, YEARS, DRAWS, BURN_IN = (1, 12), (1, 3, 5, 10), 399, 300

# (test, histories, events, horizon, p-value)
Row = tuple[str, str, int, str, str]


def table(size: int, workers: int = 2) -> pd.DataFrame:
    """Measure ``size`` histories of each kind."""
    with executor(workers) as pool:
        cuts, junes = pool.map(_part, ("cuts", "junes"), [size] * 2)
    found = cuts | junes
    rows = []
    for row, values in found.items():
        shares = [round(float((np.array(values) <= at).mean()), 4) for at in (0.01, 0.05, 0.1)]
        rows.append((*row, *shares, len(values)))
    columns = ["test", "histories", "events", "horizon", "p"]
    columns += ["rejected_1", "rejected_5", "rejected_10", "tried"]
    return pd.DataFrame(rows, columns=columns)


def _part(part: str, size: int) -> dict[Row, list[float]]:
    return {"cuts": after_cuts, "junes": after_junes}[part](data.load(), size)


def after_cuts(market: Market, size: int) -> dict[Row, list[float]]:
    """Return p-values on monthly histories that know nothing of the real dates of the cuts."""
    cuts = events.first_cuts(market.target).to_period("M")
    early = market.discount_cuts.index.to_period("M")
    found = defaultdict(list)
    for kind, world in enumerate(histories.worlds(market)):
        drawn = [
            histories.market_of(market, months=months).portfolios
            for count, rng in histories.batches(size, [3, kind])
            for months in world.months(count, rng)
        ]
        smallest = _smallest(drawn, early, cuts)
        for one in drawn:
            for dates in (cuts, early.append(cuts)):
                local = regressions.local_projections(one, dates, HORIZONS)
                for horizon, p in ((h, p) for h in HORIZONS for p in ("p", "p_hac")):
                    row = ("local projection", world.name, len(dates), f"{horizon} months", p)
                    found[row].append(local.loc[horizon, p])
            _note_change(found, world.name, one, early, cuts)
            planted = _planted(one, cuts, smallest)
            _note_change(found, f"{world.name}, planted", planted, early, cuts)
    return found


def after_junes(market: Market, size: int) -> dict[Row, list[float]]:
    """Return p-values on yearly histories whose multiple predicts nothing."""
    annual = predictive.june_returns(market.portfolios)
    own = predictive.persistence(valuation.relative_multiple(market.price_to_book), annual)
    kinds = {
        "as persistent as the data": (own["rho_adjusted"], 0.0),
        "persistence 0.98": (0.98, 0.0),
        "as persistent, volatility in clusters": (own["rho_adjusted"], 0.35),
    }
    found = defaultdict(list)
    for kind, (name, (rho, clustered)) in enumerate(kinds.items()):
        rng = np.random.default_rng([4, kind])
        for seed in range(size):
            pair = nothing_to_predict(annual.index, rho, own["correlation"], clustered, rng)
            fit = predictive.predictive_regression(*pair, YEARS, DRAWS, seed)
            for years, p in ((k, p) for k in YEARS for p in ("p_hac", "p_bootstrap")):
                row = ("predictive regression", name, int(fit.loc[years, "windows"]))
                found[(*row, f"{years} years", p)].append(fit.loc[years, p])
    return found


def nothing_to_predict(
    junes: pd.PeriodIndex,
    rho: float,
    correlation: float,
    clustered: float,
    rng: np.random.Generator,
) -> tuple[pd.Series, pd.Series]:
    """Draw normal innovations of a multiple and of returns, with a common log volatility.

    ``clustered`` is the step of that volatility, which persists at 0.8; 0 keeps it constant.
    """
    n = BURN_IN + len(junes)
    volatility = np.exp(lfilter([1.0], [1.0, -0.8], clustered * rng.standard_normal(n)))
    one, other = rng.standard_normal((2, n)) * volatility
    logs = np.concatenate([[0.0], lfilter([1.0], [1.0, -rho], one)[:-1]])
    yearly = correlation * one + np.sqrt(1 - correlation**2) * other
    ratio = pd.Series(np.exp(0.1 * logs[BURN_IN:]), junes)
    return ratio, pd.Series(0.1 * yearly[BURN_IN:], junes)


def every_relabelling(early: np.ndarray, late: np.ndarray) -> dict[str, float]:
    """Give the exact p-value of permutation_difference from a table of labellings kept ready."""
    pooled = np.concatenate([early, late])
    members = _ways(len(pooled), len(early))
    first = members @ pooled
    differences = (pooled.sum() - first) / len(late) - first / len(early)
    edge = 1e-9 * np.abs(differences).max()
    below, above = (differences <= differences[0] + edge), (differences >= differences[0] - edge)
    p = min(1.0, 2 * min(below.mean(), above.mean()))
    return {"p": float(p), "relabellings": len(members)}


_KEPT: dict[tuple[int, int], np.ndarray] = {}


def _ways(n: int, size: int) -> np.ndarray:
    """Return one row of 0 and 1 for each way to choose; the first row chooses the first."""
    if (n, size) not in _KEPT:
        chosen = np.array(list(combinations(range(n), size)))
        members = np.zeros((len(chosen), n))
        np.put_along_axis(members, chosen, 1.0, axis=1)
        _KEPT[n, size] = members
    return _KEPT[n, size]


def _note_change(
    found: dict[Row, list[float]],
    kind: str,
    one: pd.DataFrame,
    early: pd.PeriodIndex,
    late: pd.PeriodIndex,
) -> None:
    # The library's own loop over labellings takes half a second a history.
    with patch.object(regressions, "permutation_difference", every_relabelling):
        change = regressions.response_change(one, early, late)
    for measure, p in ((m, p) for m in change.index for p in ("p", "p_hac", "p_permutation")):
        row = (f"change of the {measure}", kind, len(early) + len(late), "12 months", p)
        found[row].append(change.loc[measure, p])


def _smallest(drawn: list[pd.DataFrame], early: pd.PeriodIndex, late: pd.PeriodIndex) -> float:
    """Return the smallest difference that a t test finds with 80% power, points."""
    leads = [returns.lead(returns.compounded(one, early.append(late), 12)) for one in drawn]
    spread = 100 * np.concatenate(leads).std()
    size = TTestIndPower().solve_power(
        nobs1=len(early), ratio=len(late) / len(early), alpha=0.05, power=0.8
    )
    return float(size * spread)


def _planted(one: pd.DataFrame, late: pd.PeriodIndex, points: float) -> pd.DataFrame:
    """Raise the lead over the twelve months after each late event by so many points."""
    grown = 1 + returns.compounded(one, late, 12)["small"].to_numpy()
    planted = one.copy()
    first = planted.loc[late + 1, "small"].to_numpy()
    planted.loc[late + 1, "small"] = (1 + first) * (1 + points / 100 / grown) - 1
    return planted


def main() -> None:
    """Write docs/regressions_size.csv."""
    table(1000).to_csv(TABLE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
