"""Both nulls of a specification curve keep their size, and large planted effects are found.

The histories are resampled in blocks of months, so that no event says anything about what
follows it.
"""

from __future__ import annotations

import numpy as np
import pytest

from helpers import inference, multiverse, returns
from helpers.multiverse import History
from helpers.specifications import BREAKOUTS, POST_STREAK, RATE_CUTS
from support.histories import FULL, HISTORIES
from support.multiverse import planted, thinned

SIZES = (0.05, 0.1, 0.2, 0.5)
DRAWS = 199
# Histories behind one p-value of the joint null; the smallest p that they allow is a tenth, or 2%.
INNER = 99 if FULL else 19
CUTS = thinned(RATE_CUTS, quiet=2, before=2, statistic=2)
STREAKS = thinned(POST_STREAK, least=3, statistic=2)


@pytest.fixture(scope="module")
def observed(market):
    return market.until("2026-01-20")


def resampled(observed, seed: int):
    """Yield markets in which nothing follows from anything."""
    history, rng = History(observed), np.random.default_rng(seed)
    months = inference.block_length(returns.lead(returns.calendar_returns(observed.closes)))
    for _ in range(HISTORIES):
        yield history.resampled(months, rng).market


def share_at_most(p: list[float], size: float) -> float:
    return float((np.array(p) <= size + 1e-12).mean())


def allowed(size: float, n: int) -> float:
    """The size and three standard errors of its simulation."""
    return size + 3 * (size * (1 - size) / n) ** 0.5


@pytest.mark.parametrize(
    "family", [RATE_CUTS, POST_STREAK, BREAKOUTS], ids=lambda family: family.name
)
def test_placebo_p_keeps_its_size(observed, family):
    p = [
        multiverse.own_p(family, market, DRAWS, seed)
        for seed, market in enumerate(resampled(observed, 5))
    ]
    known = [one for one in p if one == one]  # some histories hold fewer than two events
    assert len(known) > 0.8 * HISTORIES
    for size in SIZES:
        assert share_at_most(known, size) <= allowed(size, len(known))
    # Roughly uniform: as often above one half as below it.
    assert share_at_most(known, 0.5) >= 1 - allowed(0.5, len(known))


@pytest.mark.parametrize("family", [CUTS, STREAKS], ids=lambda family: family.name)
def test_p_of_the_median_keeps_its_size(observed, family):
    p = []
    for seed, market in enumerate(resampled(observed, 6)):
        curve = multiverse.curve(family, market, histories=INNER, seed=seed)
        p.append(curve.summary()["p of the median"])
    for size in SIZES:
        assert share_at_most(p, size) <= allowed(size, HISTORIES)


@pytest.mark.parametrize(("points", "least"), [(8, 0.4), (16, 0.85)])
def test_planted_effects_are_found_by_their_size(observed, points, least):
    """At a size of 10%, by the placebo of the row's own reading."""
    p = [
        multiverse.own_p(RATE_CUTS, planted(market, points), DRAWS, seed)
        for seed, market in enumerate(resampled(observed, 7))
    ]
    assert share_at_most(p, 0.1) > least
