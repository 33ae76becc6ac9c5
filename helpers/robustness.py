"""What the share of readings that agree with a claim is worth: the share to be expected.

The share alone says little: readings of one estimate hang together, many are the same events
counted twice, and a rule with a narrow bound is missed by most of them even if it is true. So the
same readings are taken of resampled histories in which nothing follows the events, and of the
same histories with the claim's effect added to each estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers import nulls
from helpers.multiverse import Curve

# A share so low comes this seldom if the claim is true: only then does it speak against it.
IMPROBABLE = 0.05

Passes = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Robustness:
    """How a claim fares over all readings of its estimate.

    Attributes
    ----------
    readings, distinct : int
        Specifications with an estimate, and how many estimates differ in ten digits.
    share, share_distinct, share_by_choice : float
        Share that passes the claim's rule: of the readings; of the distinct estimates; and with
        each choice weighted equally (its options equally within it).
    if_nothing, if_true : float or None
        Mean share over histories in which nothing follows, and with the effect added.
    p_true : float or None
        How often the share is as low or lower if the claim is true.
    spread, error : float
        Standard deviation of the estimates over readings (the nonstandard error), and standard
        error of the claim's own one; NaN without a t interval.
    found_in_nothing : float or None
        Share of the histories that hold nothing in which some reading lies outside the middle
        95% of its own estimates.

    Notes
    -----
    Source: Simonsohn, Simmons and Nelson (2020); Menkveld et al. (2024).
    """

    readings: int
    distinct: int
    share: float
    share_distinct: float
    share_by_choice: float
    spread: float
    error: float
    if_nothing: float | None = None
    if_true: float | None = None
    p_true: float | None = None
    found_in_nothing: float | None = None

    @property
    def speaks_against(self) -> bool:
        """Whether so few readings agree that this would be improbable if the claim were true."""
        return self.p_true is not None and self.p_true < IMPROBABLE

    def sentence(self) -> str:
        """Return the headline line on robustness."""
        text = f"{self.share:.0%} of {self.readings} readings agree"
        text += f", {self.share_distinct:.0%} of the {self.distinct} estimates that differ"
        text += f", {self.share_by_choice:.0%} with each choice weighted equally. "
        if self.if_true is not None and self.if_nothing is not None:
            text += (
                f"To be expected: {self.if_true:.0%} if the claim is true, {self.if_nothing:.0%} "
                f"if nothing follows, where some reading still seems to find something in "
                f"{self.found_in_nothing:.0%} of histories. "
            )
        text += f"The estimates spread by {self.spread:.1f}"
        if np.isfinite(self.error):
            text += f", {self.spread / self.error:.1f} times the standard error of one"
        return text + "."


def robustness(curve: Curve, passes: Passes, effect: float | None = None) -> Robustness:
    """Return how a claim fares over all readings, and what share is to be expected.

    Parameters
    ----------
    curve : Curve
        With ``drawn`` histories, or without the reference.
    passes : callable
        From an array of estimates to whether each passes the claim's rule.
    effect : float, optional
        What the claim states, or a meaningful effect with the claim's sign; it is added to the
        estimates of the resampled histories. Without it there is no reference.

    Returns
    -------
    Robustness
    """
    table = curve.table
    estimate = table["estimate"].to_numpy()
    agree = pd.Series(np.asarray(passes(estimate), dtype=float), table.index)
    distinct = np.unique(estimate.round(10))
    found = Robustness(
        readings=len(estimate),
        distinct=len(distinct),
        share=float(agree.mean()),
        share_distinct=float(np.mean(passes(distinct))),
        share_by_choice=_by_choice(curve, agree),
        spread=float(np.std(estimate, ddof=1)) if len(estimate) > 1 else 0.0,
        error=_own_error(table),
    )
    if curve.drawn is None or effect is None:
        return found
    drawn = curve.drawn[:, table.index]
    nothing, true = (_shares(one, passes) for one in (drawn, drawn + effect))
    return Robustness(
        **vars(found)
        | {
            "if_nothing": float(nothing.mean()),
            "if_true": float(true.mean()),
            "p_true": nulls.placebo_test(found.share, true, "less")["p"],
            "found_in_nothing": found_in_nothing(drawn),
        }
    )


def _by_choice(curve: Curve, agree: pd.Series) -> float:
    """Return the mean over choices of the mean over options of the share that agrees."""
    shares = [agree.groupby(curve.table[name]).mean().mean() for name in curve.choices]
    return float(np.mean(shares)) if shares else float(agree.mean())


def _own_error(table: pd.DataFrame) -> float:
    """Return the standard error behind the own reading's t interval; NaN without one."""
    from scipy import stats

    if 0 not in table.index or table.loc[0, "n"] < 2 or table.loc[0, "statistic"] != "mean":
        return float("nan")
    own = table.loc[0]
    return float((own["high"] - own["low"]) / 2 / stats.t.ppf(0.975, own["n"] - 1))


def _shares(drawn: np.ndarray, passes: Passes) -> np.ndarray:
    """Return for each history the share of its estimates that passes."""
    known = np.isfinite(drawn)
    passed = np.zeros(drawn.shape)
    passed[known] = passes(drawn[known])
    return passed.sum(axis=1) / known.sum(axis=1)


def found_in_nothing(drawn: np.ndarray, level: float = 0.95) -> float:
    """Return how often some reading seems to find something where there is nothing.

    Parameters
    ----------
    drawn : ndarray of shape (n_histories, n_specifications)
        Estimates on histories that hold nothing.
    level : float

    Returns
    -------
    float, the share of histories with an estimate outside the middle ``level`` of its column.
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    known = drawn[:, np.isfinite(drawn).any(axis=0)]
    low, high = np.nanquantile(known, ends, axis=0)
    return float(((known < low) | (known > high)).any(axis=1).mean())
