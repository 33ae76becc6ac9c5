"""What so few events can decide: the chances of a rule, and what a mean leaves open.

A tendency is judged by intervals, so with few events it may be unable to say yes or no whatever
is true. Here events are drawn from a normal law with a known effect, the rule is applied to each
draw, and the chance of each verdict is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.errors import InputError, listing
from helpers.inference import exact_interval, median_interval, wilson_interval
from helpers.interval import LEVEL, Interval
from helpers.positions import non_overlapping

if TYPE_CHECKING:
    from helpers.multiverse import Sample

# The effect worth finding where a claim states none: percentage points a year.
MEANINGFUL = 4.0
# The share worth finding where a claim says "more often than not" and nothing else is drawn.
MEANINGFUL_SHARE = 0.75
# A rule that reaches neither verdict this often cannot decide; enough events reach one this often.
LEAST_CHANCE, ENOUGH = 0.5, 0.8
MOST_EVENTS = 2_000
_RULES = ("above", "at least", "below", "at most", "within")

Parts = Mapping[str, Mapping[str, Any]]
Asked = tuple[tuple[str, str, Any], ...]


@dataclass(frozen=True)
class Chances:
    """How likely a rule is to say supported and to say contradicted."""

    supported: float
    contradicted: float


@dataclass(frozen=True)
class Decidability:
    """What a rule could decide with the events there are.

    Attributes
    ----------
    n : int
        Events, or windows that do not overlap.
    effect : float
        The true effect assumed under ``true``: the stated one, or a meaningful one.
    none, true : Chances
        Under no effect, and under ``effect``.
    events_needed : int or None
        Fewest events with which the rule would say supported in 80% of cases if ``effect`` were
        true; None beyond 2,000.
    """

    n: int
    effect: float
    none: Chances
    true: Chances
    events_needed: int | None

    @property
    def decidable(self) -> bool:
        """Whether the rule finds the effect, or its absence, at least every second time."""
        return max(self.true.supported, self.none.contradicted) >= LEAST_CHANCE


def decidability(
    parts: Parts,
    n: int,
    effect: float,
    sd: float = 1.0,
    *,
    nothing: float | None = None,
    draws: int = 20_000,
    seed: int = 0,
) -> Decidability:
    """Return what a rule could decide with so many events.

    Parameters
    ----------
    parts : mapping
        What the rule asks for, by name of the measured number: ``{"mean": {"above": 0}}``. All
        parts must hold for supported; one that fails contradicts. Names: ``mean`` (t interval),
        ``median`` (sign test), ``hit rate`` and ``share below zero`` (Clopper-Pearson), and
        ``share`` (Wilson), which goes with no other. ``within`` takes (stated, tolerance) and
        is judged by the mean, median or share itself, as a fact is.
    n : int
        Events; for a share, trials.
    effect : float
        True mean of an event, unit of ``sd``; for ``share`` the true share.
    sd : float
        Standard deviation between events, above 0; not used for ``share``.
    nothing : float, optional
        The mean, or share, that stands for no effect; by default 0, or 0.5.
    draws, seed : int

    Raises
    ------
    InputError
        If a name or rule is unknown, or a number is out of its range.
    """
    _require(parts, n, sd)
    if nothing is None:
        nothing = 0.5 if "share" in parts else 0.0
    asked = tuple((name, *next(iter(rule.items()))) for name, rule in parts.items())
    none, true = (_chances(asked, n, one, sd, draws, seed) for one in (nothing, effect))
    return Decidability(n, effect, none, true, _needed(asked, effect, sd, seed))


def _require(parts: Parts, n: int, sd: float) -> None:
    unknown = [name for name in parts if name not in _STATISTICS]
    if unknown or not parts:
        raise InputError(f"part {(unknown or [''])[0]!r}: expected one of {listing(_STATISTICS)}")
    if "share" in parts and len(parts) > 1:
        raise InputError("part 'share': expected no other part beside it")
    for name, rule in parts.items():
        if len(rule) != 1 or next(iter(rule)) not in _RULES:
            raise InputError(f"rule of {name!r}: {dict(rule)}: expected one of {listing(_RULES)}")
    if n < 1 or not sd > 0:
        raise InputError(f"n = {n}, sd = {sd}: expected at least one event and an sd above 0")


@lru_cache(maxsize=256)
def _chances(asked: Asked, n: int, effect: float, sd: float, draws: int, seed: int) -> Chances:
    rng = np.random.default_rng(seed)
    if asked[0][0] == "share":
        events = (rng.random((draws, n)) < effect).astype(float)
    else:
        events = effect + sd * rng.standard_normal((draws, n))
    supported, contradicted = np.ones(draws, dtype=bool), np.zeros(draws, dtype=bool)
    for name, rule, bound in asked:
        clears, beyond = _judged(name, rule, bound, events)
        supported &= clears
        contradicted |= beyond
    return Chances(float(supported.mean()), float(contradicted.mean()))


def _judged(name: str, rule: str, bound: Any, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return in which draws one part holds, and in which it fails."""
    if rule == "within":
        stated, tolerance = bound
        holds = np.abs(_POINTS[name](events) - stated) <= tolerance
        return holds, ~holds
    low, high = _STATISTICS[name](events)
    up = rule in ("above", "at least")
    return (low > bound, high < bound) if up else (high < bound, low > bound)


def _needed(asked: Asked, effect: float, sd: float, seed: int) -> int | None:
    """Return the fewest events that reach a verdict of supported in 80% of 2,000 draws."""

    def enough(n: int) -> bool:
        return _chances(asked, n, effect, sd, 2_000, seed).supported >= ENOUGH

    low, high = 1, 4
    while not enough(high):
        if high >= MOST_EVENTS:
            return None
        low, high = high, min(2 * high, MOST_EVENTS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _mean(events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy import stats

    n = events.shape[1]
    mean = events.mean(axis=1)
    if n < 2:
        return np.full(len(mean), -np.inf), np.full(len(mean), np.inf)
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * events.std(axis=1, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def _median(events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ranks = median_interval(pd.Series(np.arange(events.shape[1], dtype=float)))
    if ranks is None:
        return np.full(len(events), -np.inf), np.full(len(events), np.inf)
    low, high = int(ranks.low), int(ranks.high)
    ordered = np.partition(events, [low, high], axis=1)
    return ordered[:, low], ordered[:, high]


def _share_of(
    hit: Callable[[np.ndarray], np.ndarray], interval: Callable[[int, int], Interval | None]
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    def ends(events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = events.shape[1]
        hits, back = np.unique(hit(events).sum(axis=1), return_inverse=True)
        found = [interval(int(one), n) for one in hits]
        low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
        return low[back], high[back]

    return ends


_STATISTICS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "mean": _mean,
    "median": _median,
    "hit rate": _share_of(lambda events: events > 0, exact_interval),
    "share below zero": _share_of(lambda events: events < 0, exact_interval),
    "share": _share_of(lambda events: events > 0, wilson_interval),
}


_POINTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda events: events.mean(axis=1),
    "median": lambda events: np.median(events, axis=1),
    "hit rate": lambda events: (events > 0).mean(axis=1),
    "share below zero": lambda events: (events < 0).mean(axis=1),
    "share": lambda events: (events > 0).mean(axis=1),
}


def spread_of(interval: Interval, n: int) -> float:
    """Return the standard deviation between ``n`` events that a t interval of their mean implies.

    Examples
    --------
    >>> from helpers.inference import t_interval
    >>> round(spread_of(t_interval(pd.Series([1.0, 2.0, 3.0])), 3), 6)
    1.0
    """
    from scipy import stats

    half = (interval.high - interval.low) / 2
    return float(half * np.sqrt(n) / stats.t.ppf((1 + interval.level) / 2, n - 1))


def of_sample(
    sample: Sample, parts: Parts, effect: float, base: bool = True, margin: float = MEANINGFUL
) -> tuple[Decidability, Evidence | None]:
    """Return both answers for the sample that a claim's own reading looks at.

    Parameters
    ----------
    sample : Sample
        As :func:`helpers.multiverse.own_sample` returns it.
    parts, effect
        As :func:`decidability` takes them. A ``share`` counts windows that do not overlap.
    base : bool
        Whether the events could have come at any other position (``Family.placebo``). Then the
        outcomes of all starts give the spread between events, and what to expect of any.
    margin : float
        As :func:`evidence` takes it.

    Raises
    ------
    InputError
        If there are fewer than two outcomes.
    """
    values = pd.Series(sample.outcomes[sample.full])
    starts = pd.Series(sample.outcomes).dropna() if base else values
    if len(values) < 2:
        raise InputError(f"{len(values)} outcomes: expected at least two")
    if "share" in parts:
        n = non_overlapping(sample.full, sample.width)
        return decidability(parts, n, effect), None
    found = evidence(values, float(starts.mean()) if base else 0.0, margin)
    return decidability(parts, len(values), effect, float(starts.std(ddof=1))), found


@dataclass(frozen=True)
class Evidence:
    """What a few events say about their mean, and what they leave open.

    Attributes
    ----------
    n : int
    mean : float
    at_least, at_most : float
        One-sided 95% bounds: a true mean below, or above, is ruled out.
    margin : float
    equivalent : bool
        Whether both bounds lie within ``margin`` of zero, so that the mean is shown to be as
        small (two one-sided tests at 5%).
    shrunk : float
        The mean drawn towards that of all starts.
    shrunk_interval : Interval
    next_event : Interval
        Where the next event's own outcome is to be expected.
    """

    n: int
    mean: float
    at_least: float
    at_most: float
    margin: float
    equivalent: bool
    shrunk: float
    shrunk_interval: Interval
    next_event: Interval


def evidence(
    values: pd.Series, base_mean: float = 0.0, margin: float = MEANINGFUL, level: float = LEVEL
) -> Evidence | None:
    """Return what events say about their mean beyond its interval.

    Source: Schuirmann (1987); Gelman et al. (2013, section 2.5).

    Parameters
    ----------
    values : Series of shape (n_events,)
        Outcomes, treated as independent; NaN are left out.
    base_mean : float
        Mean outcome after all starts: what to expect of an event that means nothing.
    margin : float above 0, unit of the values
        An effect smaller than this is of no interest; also the standard deviation of true
        effects around ``base_mean`` that the shrunk mean assumes.
    level : float

    Returns
    -------
    Evidence, or None for fewer than two events.

    Notes
    -----
    The shrunk mean weighs the events' mean and ``base_mean`` by the inverse of their variances,
    the squared standard error and ``margin`` squared, and has a normal interval.

    Raises
    ------
    InputError
        If the margin is not above 0.

    Examples
    --------
    >>> found = evidence(pd.Series([1.0, 2.0, 3.0]), margin=4)
    >>> round(found.at_most, 2), found.equivalent, round(found.shrunk, 2)
    (3.69, True, 1.96)
    """
    from scipy import stats

    if not margin > 0:
        raise InputError(f"margin {margin}: expected a number above 0")
    known = values.dropna().to_numpy(float)
    n = len(known)
    if n < 2:
        return None
    mean, sd = float(known.mean()), float(known.std(ddof=1))
    error = sd / np.sqrt(n)
    one_sided = stats.t.ppf(level, n - 1) * error
    weight = margin**2 / (margin**2 + error**2)
    shrunk = weight * mean + (1 - weight) * base_mean
    spread = stats.norm.ppf((1 + level) / 2) * np.sqrt(weight) * error
    ahead = stats.t.ppf((1 + level) / 2, n - 1) * sd * np.sqrt(1 + 1 / n)
    return Evidence(
        n=n,
        mean=mean,
        at_least=float(mean - one_sided),
        at_most=float(mean + one_sided),
        margin=margin,
        equivalent=bool(-margin < mean - one_sided and mean + one_sided < margin),
        shrunk=float(shrunk),
        shrunk_interval=Interval(
            float(shrunk - spread), float(shrunk + spread), level, "shrunk towards all starts"
        ),
        next_event=Interval(float(mean - ahead), float(mean + ahead), level, "prediction"),
    )
