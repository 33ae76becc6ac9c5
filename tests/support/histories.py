"""Simulated histories whose true means are known: resampled ones and ones from a model.

Two kinds for each table. ``resampled`` keeps the observed days, months or Junes and draws them in
blocks long enough for the regimes of volatility; ``GARCH-t`` (for valuations: ``AR(1)``) is a
model fitted to them, in which only volatility (only the level) persists.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch import arch_model
from arch.bootstrap import StationaryBootstrap
from scipy.signal import lfilter

from helpers import returns
from helpers.inference import block_length
from helpers.market import Market
from helpers.valuation import relative_multiple

FULL = os.environ.get("ROTATION_PROOF") == "full"
HISTORIES = 1000 if FULL else 100
BATCH = 50
BURN_IN = 500

# Draw (histories, rng) to an array whose first axis counts histories.
Draw = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class World:
    """One kind of history.

    Attributes
    ----------
    name : str
    days, months : Draw of shape (histories, n, 2)
        Simple returns of small and large, fractions.
    junes : Draw of shape (histories, n_junes)
        Relative price-to-book.
    """

    name: str
    days: Draw
    months: Draw
    junes: Draw


def worlds(market: Market) -> list[World]:
    """Return both kinds of history, fitted to a market."""
    daily = returns.simple_returns(market.closes)[[returns.SMALL, returns.LARGE]].to_numpy()
    monthly = market.portfolios[["small", "large"]].to_numpy()
    ratios = relative_multiple(market.price_to_book).to_numpy()
    return [
        World("resampled", _resampled(daily), _resampled(monthly), _resampled_levels(ratios)),
        World("model", _garch(daily), _garch(monthly), _autoregressive(ratios)),
    ]


def batches(histories: int, seed: list[int]) -> list[tuple[int, np.random.Generator]]:
    """Return sizes that add up to ``histories``, each with a generator of its own."""
    sizes = [min(BATCH, histories - done) for done in range(0, histories, BATCH)]
    return [(size, np.random.default_rng([*seed, k])) for k, size in enumerate(sizes)]


def errors_apart(
    rate: pd.Series, tried: pd.Series, other: pd.Series, tried_other: pd.Series
) -> pd.Series:
    """Return how many standard errors apart two measured rates of each row lie."""
    pooled = (rate * tried + 1) / (tried + 2)
    variance = np.maximum(pooled * (1 - pooled), 0.01) * (1 / tried + 1 / tried_other)
    return (rate - other).abs() / np.sqrt(variance)


def market_of(
    market: Market,
    days: np.ndarray | None = None,
    months: np.ndarray | None = None,
    junes: np.ndarray | None = None,
) -> Market:
    """Return a market with the dates of the real one and simulated figures."""
    changes = {}
    if days is not None:
        levels = 100 * np.concatenate([np.ones((1, 2)), np.cumprod(1 + days, axis=0)])
        changes["closes"] = pd.DataFrame(
            levels, index=market.closes.index, columns=[returns.SMALL, returns.LARGE]
        )
    if months is not None:
        changes["portfolios"] = pd.DataFrame(
            months, index=market.portfolios.index, columns=["small", "large"]
        )
    if junes is not None:
        changes["price_to_book"] = market.price_to_book.assign(quintile_2=junes, quintile_5=1.0)
    return Market(**{**market.__dict__, **changes})


def _resampled(pairs: np.ndarray) -> Draw:
    """Keep the order within blocks of the length that suits the size of leads, not their sign."""
    block = round(block_length(np.abs(pairs[:, 0] - pairs[:, 1])))

    def draw(histories: int, rng: np.random.Generator) -> np.ndarray:
        bootstrap = StationaryBootstrap(block, pairs, seed=rng)
        return np.stack([resample for (resample,), _ in bootstrap.bootstrap(histories)])

    return draw


def _resampled_levels(levels: np.ndarray) -> Draw:
    block = round(block_length(np.log(levels)))

    def draw(histories: int, rng: np.random.Generator) -> np.ndarray:
        bootstrap = StationaryBootstrap(block, levels, seed=rng)
        return np.stack([resample for (resample,), _ in bootstrap.bootstrap(histories)])

    return draw


def _garch(pairs: np.ndarray) -> Draw:
    """Fit GARCH(1,1) with t residuals to the large caps and to the lead.

    Their residuals are drawn together: one correlation, one number of degrees of freedom.
    """
    large, lead = 100 * pairs[:, 1], 100 * (pairs[:, 0] - pairs[:, 1])
    fits = [arch_model(series, dist="t").fit(disp="off") for series in (large, lead)]
    mean, omega, alpha, beta, freedom = np.array([fit.params.to_numpy() for fit in fits]).T
    residuals = np.array([fit.std_resid for fit in fits])
    root = np.linalg.cholesky(np.corrcoef(residuals))
    df = freedom.mean()

    def draw(histories: int, rng: np.random.Generator) -> np.ndarray:
        n = BURN_IN + len(pairs)
        mixed = np.sqrt((df - 2) / rng.chisquare(df, size=(n, histories, 1)))
        shocks = rng.standard_normal((n, histories, 2)) @ root.T * mixed
        variance = np.broadcast_to(omega / (1 - alpha - beta), (histories, 2))
        result = np.empty((n, histories, 2))
        for day in range(n):
            surprise = np.sqrt(variance) * shocks[day]
            result[day] = mean + surprise
            variance = omega + alpha * surprise**2 + beta * variance
        both = result[BURN_IN:].transpose(1, 0, 2) / 100
        return np.stack([both.sum(axis=2), both[:, :, 0]], axis=2)

    return draw


def _autoregressive(levels: np.ndarray) -> Draw:
    """Fit an AR(1) to the log ratio and draw its own residuals."""
    logs = np.log(levels)
    slope, constant = np.polyfit(logs[:-1], logs[1:], 1)
    residuals = logs[1:] - constant - slope * logs[:-1]

    def draw(histories: int, rng: np.random.Generator) -> np.ndarray:
        shocks = rng.choice(residuals, size=(histories, BURN_IN + len(levels)))
        path = lfilter([1.0], [1.0, -slope], shocks, axis=1)[:, BURN_IN:]
        return np.exp(path + constant / (1 - slope))

    return draw
