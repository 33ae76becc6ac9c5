"""What chance alone would give: events on random dates, and streaks of won and lost days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError, listing
from helpers.inference import Side, binomial_test, block_length, smallest_effect
from helpers.positions import runs

# Outcomes of events along the last axis to one number a draw.
STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda outcomes: outcomes.mean(axis=-1),
    "median": lambda outcomes: np.median(outcomes, axis=-1),
    "hit rate": lambda outcomes: (outcomes > 0).mean(axis=-1),
}

# Dates held at once: some 32 MB with their outcomes.
_CHUNK = 2_000_000


def event_spacing(positions: np.ndarray) -> int:
    """Return the smallest distance between neighbouring events, the rule random ones must keep.

    Parameters
    ----------
    positions : int array of shape (n_events,)
        Sessions or months counted from any start, in any order.

    Returns
    -------
    int, at least 1; 1 for a single event.

    Raises
    ------
    InputError
        If there is no event, or two share a position.
    """
    ordered = np.sort(np.asarray(positions))
    if not len(ordered):
        raise InputError("expected at least one event")
    spacing = int(np.diff(ordered).min()) if len(ordered) > 1 else 1
    if spacing < 1:
        raise InputError("expected events on different days")
    return spacing


def placebo_dates(
    n_admissible: int, n_events: int, min_gap: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw random sets of event positions that keep a distance.

    Each set of ``n_events`` of the ``n_admissible`` positions whose neighbours lie at least
    ``min_gap`` apart is equally likely. Taking ``min_gap - 1`` positions out of each gap maps these
    sets one to one onto all sets of as many positions among fewer, which are drawn instead; no draw
    is wasted.

    Parameters
    ----------
    n_admissible : int
        Positions an event could have had, neighbouring ones one apart.
    n_events : int, at least 1
    min_gap : int, at least 1
    draws : int
    rng : Generator

    Returns
    -------
    int array of shape (draws, n_events), positions from 0, increasing along each row.

    Raises
    ------
    InputError
        If so many events do not fit so far apart.
    """
    if n_events < 1 or min_gap < 1:
        raise InputError(f"{n_events} events, gap {min_gap}: expected at least 1 of each")
    closed = n_admissible - (n_events - 1) * (min_gap - 1)
    if n_events > closed:
        raise InputError(
            f"{n_events} events at least {min_gap} apart: expected at most "
            f"{max(-(-n_admissible // min_gap), 0)} among {n_admissible} positions"
        )
    return _subsets(closed, n_events, draws, rng) + (min_gap - 1) * np.arange(n_events)


def _subsets(n: int, size: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sets of ``size`` of the first ``n`` integers, each equally likely, in sorted rows.

    A number drawn twice is drawn anew once until all differ. No step prefers one number to
    another, so no set is preferred either.
    """
    if 2 * size > n:
        # The numbers left out are fewer, and seldom drawn twice.
        chosen = np.ones((draws, n), dtype=bool)
        np.put_along_axis(chosen, _subsets(n, n - size, draws, rng), False, axis=1)
        return np.nonzero(chosen)[1].reshape(draws, size)
    # Numbers of 32 bits are sorted several times as fast as those of 64.
    drawn = np.sort(rng.integers(n, size=(draws, size)).astype(np.int32), axis=1)
    rows = np.arange(draws)
    while len(rows):
        again = np.zeros((len(rows), size), dtype=bool)
        again[:, 1:] = drawn[rows, 1:] == drawn[rows, :-1]
        rows, again = rows[again.any(axis=1)], again[again.any(axis=1)]
        redrawn = drawn[rows]
        redrawn[again] = rng.integers(n, size=int(again.sum()))
        drawn[rows] = np.sort(redrawn, axis=1)
    return drawn


def placebo(
    outcomes: pd.Series | np.ndarray,
    n_events: int,
    min_gap: int,
    statistics: Sequence[str] = ("mean", "median", "hit rate"),
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what an event study would find on random dates.

    Parameters
    ----------
    outcomes : Series or array of shape (n_admissible,)
        What followed each date on which an event could have been and has a full window, in order
        of time, without NaN.
    n_events, min_gap : int
        Of the events themselves; see :func:`placebo_dates` and :func:`event_spacing`.
    statistics : sequence of str
        Out of ``STATISTICS``; the hit rate is the share above zero.
    draws : int
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    DataFrame of shape (draws, n_statistics), unit of the outcomes; the hit rate is a share.

    Raises
    ------
    InputError
        If an outcome is NaN, a statistic is unknown or the events do not fit.
    """
    values = np.asarray(outcomes, dtype=float)
    if np.isnan(values).any():
        raise InputError("outcomes: expected one for every admissible date, none NaN")
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise InputError(f"statistic {unknown[0]!r}: expected one of {listing(STATISTICS)}")
    rng, result = np.random.default_rng(seed), []
    for chunk in _chunks(draws, n_events):
        drawn = values[placebo_dates(len(values), n_events, min_gap, chunk, rng)]
        result.append(np.column_stack([STATISTICS[name](drawn) for name in statistics]))
    return pd.DataFrame(np.concatenate(result), columns=list(statistics))


def _chunks(draws: int, n_events: int) -> list[int]:
    size = max(1, _CHUNK // n_events)
    return [min(size, draws - done) for done in range(0, draws, size)]


def placebo_test(
    observed: float, drawn: pd.Series | np.ndarray, side: Side = "two-sided"
) -> dict[str, float]:
    """Return how a finding ranks among those on random dates.

    Source: Davison and Hinkley (1997, section 4.2); Phipson and Smyth (2010).

    Parameters
    ----------
    observed : float
    drawn : Series or array of shape (draws,)
        The same statistic on random dates, same unit.
    side : {"two-sided", "greater", "less"}
        "greater" asks how often chance gives as much or more. Two-sided is twice the smaller of
        both shares.

    Returns
    -------
    dict with ``p`` (the finding itself counts as one of the draws, so it is never 0 and
    P(p <= a) <= a), ``percentile`` (percent of the draws below the finding, ties by half),
    ``mean``, ``low`` and ``high`` (mean, 2.5% and 97.5% quantile of the draws).

    Raises
    ------
    InputError
        If there is no draw, or a number is NaN.
    """
    draws = np.asarray(drawn, dtype=float)
    if not len(draws) or np.isnan(draws).any() or np.isnan(observed):
        raise InputError("placebo: expected a finding and at least one draw, none NaN")
    # Sums in another order differ in their last digits; such draws are ties.
    slack = 1e-12 * max(abs(observed), np.abs(draws).max())
    above, below = (draws > observed + slack).sum(), (draws < observed - slack).sum()
    ties = len(draws) - above - below
    greater, less = ((1 + side_count + ties) / (1 + len(draws)) for side_count in (above, below))
    p = {"greater": greater, "less": less, "two-sided": min(1, 2 * min(greater, less))}
    if side not in p:
        raise InputError(f"side {side!r}: expected one of {listing(p)}")
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "p": float(p[side]),
        "percentile": float(100 * (below + ties / 2) / len(draws)),
        "mean": float(draws.mean()),
        "low": float(low),
        "high": float(high),
    }


def event_test(
    outcomes: pd.Series, events: pd.Index, draws: int = 10_000, seed: int = 0
) -> dict[str, float]:
    """Set what followed some events against chance: random dates, and the base rate.

    Parameters
    ----------
    outcomes : Series of shape (n_starts,)
        What followed each date on which an event could have been, in order of time; NaN and
        absent where the window is not full.
    events : Index of shape (n_events,)
        Labels of ``outcomes``; those without a full window are left out.
    draws : int
    seed : int

    Returns
    -------
    dict with ``n``; ``mean`` and ``placebo p`` (two-sided, as many random dates that keep the
    smallest distance between two events); ``hits`` (above zero), ``base rate`` (their share
    among all starts) and ``binomial p`` (exact, two-sided, against the base rate); ``smallest
    effect`` (distance of a mean from that of all starts, found with 80% power by a two-sided t
    test at 5%, from the spread of all starts; NaN for one event). Without any event ``n`` is 0
    and what needs one is NaN.
    """
    known = outcomes.dropna()
    rows = known.index.get_indexer(events)
    rows = np.sort(rows[rows >= 0])
    values = known.to_numpy(float)
    if not len(rows):
        missing = dict.fromkeys(("mean", "placebo p", "binomial p", "smallest effect"), np.nan)
        return {"n": 0, "hits": 0, "base rate": float((values > 0).mean())} | missing
    drawn = placebo(values, len(rows), event_spacing(rows), ("mean",), draws, seed)["mean"]
    hits, base = int((values[rows] > 0).sum()), float((values > 0).mean())
    return {
        "n": len(rows),
        "mean": float(values[rows].mean()),
        "placebo p": placebo_test(values[rows].mean(), drawn)["p"],
        "hits": hits,
        "base rate": base,
        "binomial p": binomial_test(hits, len(rows), base),
        "smallest effect": smallest_effect(values.std(ddof=1), len(rows))
        if len(rows) > 1
        else np.nan,
    }


def expected_runs(n: int, win_share: float, min_length: int) -> float:
    """Return how many runs of at least ``min_length`` wins chance gives among ``n`` trials.

    Exact expectation for independent trials: a run starts at the first trial or after a loss.

    Source: Feller (1968, chapter XIII).
    """
    if min_length > n:
        return 0.0
    return win_share**min_length * (1 + (n - min_length) * (1 - win_share))


def run_length_law(n: int, win_share: float, lengths: Sequence[int]) -> pd.Series:
    """Return how many runs of exactly each length chance gives among ``n`` trials.

    Exact expectations for independent trials; over long histories they fall geometrically, by
    ``win_share`` a trial.

    Source: Mood (1940).

    Parameters
    ----------
    n : int, trials
    win_share : float from 0 to 1
    lengths : sequence of int, at least 1

    Returns
    -------
    Series of shape (n_lengths,) indexed by ``length``.
    """
    _require_trials(n, win_share, min(lengths))
    counts = [
        expected_runs(n, win_share, length) - expected_runs(n, win_share, length + 1)
        for length in lengths
    ]
    return pd.Series(counts, index=pd.Index(list(lengths), name="length"), name="runs")


def at_least_one_run(n: int, win_share: float, length: int) -> float:
    """Return the exact chance of one or more runs of ``length`` wins among ``n`` trials.

    The state of the Markov chain is how many of the last trials were won in a row; the last
    state, a run of ``length``, is never left.

    Source: Feller (1968, chapter XIII.7); Fu and Koutras (1994).

    Parameters
    ----------
    n : int, independent trials
    win_share : float from 0 to 1
    length : int, at least 1

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    _require_trials(n, win_share, length)
    if length > n:
        return 0.0
    step = np.diag(np.full(length, win_share), 1)
    step[:length, 0] = 1 - win_share
    step[length, length] = 1.0
    return float(min(1.0, np.linalg.matrix_power(step, n)[0, length]))


def _require_trials(n: int, win_share: float, length: int) -> None:
    if n < 0 or not 0 <= win_share <= 1 or length < 1:
        raise InputError(
            f"{n} trials, win share {win_share}, runs of {length}: expected at least 0, "
            "a share from 0 to 1, at least 1"
        )


def chance_streaks(
    n: int, win_share: float, min_length: int, draws: int, seed: int
) -> pd.DataFrame:
    """Draw histories of independent days and return what streaks they hold.

    Parameters
    ----------
    n : int, sessions a history
    win_share : float from 0 to 1
    min_length : int, sessions
    draws : int
    seed : int
        For ``numpy.random.default_rng``.

    Returns
    -------
    DataFrame of shape (draws, 2): ``count`` of streaks of at least ``min_length``, and the
    ``longest``.
    """
    rng = np.random.default_rng(seed)
    histories = (rng.random(n) < win_share for _ in range(draws))
    return tally_streaks(histories, min_length)


def tally_streaks(histories: Iterable[np.ndarray], min_length: int) -> pd.DataFrame:
    """Count the streaks of histories.

    Parameters
    ----------
    histories : iterable of bool arrays of shape (n,)
        Whether each session was won.
    min_length : int, sessions

    Returns
    -------
    DataFrame of shape (n_histories, 2): ``count`` of streaks of at least ``min_length``, and the
    ``longest``.
    """
    rows = []
    for won in histories:
        first, last = runs(won)
        length = last - first + 1
        rows.append((int((length >= min_length).sum()), int(length.max(initial=0))))
    return pd.DataFrame(rows, columns=["count", "longest"])


def bootstrapped_streaks(
    leads: pd.Series | np.ndarray,
    min_length: int,
    draws: int,
    seed: int,
    block: int | None = None,
) -> pd.DataFrame:
    """Draw histories out of blocks of observed days and return what streaks they hold.

    Days within a block keep their order, so persistence up to the length of a block stays. A
    streak that a block cuts off goes on, or ends, as the next block begins: long streaks form by
    chance at the joins as well as break there.

    Source: Politis and Romano (1994).

    Parameters
    ----------
    leads : Series or array of shape (n,)
        Daily small minus large return in order of time, without NaN; above zero is won.
    min_length : int, sessions
    draws : int
    seed : int
        For ``numpy.random.default_rng``.
    block : int, optional
        Mean length of a block, sessions; by default :func:`inference.block_length` of the leads.

    Returns
    -------
    DataFrame of shape (draws, 2) as from :func:`chance_streaks`.

    Raises
    ------
    InputError
        If a lead is NaN, there are fewer than 20 or a block is shorter than 1.
    """
    from arch.bootstrap import StationaryBootstrap

    suited = block_length(leads)
    mean_block = round(suited) if block is None else block
    if mean_block < 1:
        raise InputError(f"block {block}: expected at least 1 session")
    won = np.asarray(leads, dtype=float) > 0
    bootstrap = StationaryBootstrap(mean_block, won, seed=np.random.default_rng(seed))
    histories = (resample for (resample,), _ in bootstrap.bootstrap(draws))
    return tally_streaks(histories, min_length)
