"""How much one event carries: estimates without each, and differences within strata."""

from __future__ import annotations

from itertools import combinations
from math import comb, prod

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.inference import MOST_RELABELLINGS, permutation_difference, t_interval


def without_each(values: pd.Series) -> pd.DataFrame:
    """Return what an average of events becomes without each of them.

    Parameters
    ----------
    values : Series of shape (n_events,)
        Outcomes by event; NaN are left out.

    Returns
    -------
    DataFrame of shape (n_events, 6), the most influential event first
        ``outcome``; ``mean``, its t interval's ``low`` and ``high``, and ``median`` without the
        event; ``change``, by how much the mean moves when the event is left out.

    Raises
    ------
    InputError
        If there are fewer than three events.

    Examples
    --------
    >>> without_each(pd.Series([1.0, 2.0, 9.0], ["a", "b", "c"]))["change"].to_dict()
    {'c': -2.5, 'a': 1.5, 'b': 1.0}
    """
    known = values.dropna()
    if len(known) < 3:
        raise InputError(f"{len(known)} events: expected at least three")
    rows = []
    for row in range(len(known)):
        rest = known.drop(known.index[row])
        ends = t_interval(rest)
        low, high = (ends.low, ends.high) if ends else (np.nan, np.nan)
        rows.append((known.iloc[row], rest.mean(), low, high, rest.median()))
    columns = ["outcome", "mean", "low", "high", "median"]
    table = pd.DataFrame(rows, index=known.index, columns=columns)
    table["change"] = table["mean"] - known.mean()
    order = table["change"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order]


def difference_without_each(early: pd.Series, late: pd.Series) -> pd.DataFrame:
    """Return what a difference of two groups becomes without each of their events.

    Parameters
    ----------
    early, late : Series of shape (n_early,) and (n_late,)
        Outcomes by event, without NaN.

    Returns
    -------
    DataFrame indexed by event with ``outcome``, ``difference`` (late less early, without it) and
    its ``p`` over all relabellings of the others, in the order of the groups. Both are NaN where
    fewer than two events of the group are left.

    Raises
    ------
    InputError
        If a group has fewer than two events.
    """
    if min(len(early), len(late)) < 2:
        raise InputError(f"{len(early)} and {len(late)} events: expected at least two of each")
    rows = {}
    for event in early.index.append(late.index):
        groups = (early.drop(event, errors="ignore"), late.drop(event, errors="ignore"))
        found = {"difference": np.nan, "p": np.nan}
        if min(map(len, groups)) > 1:
            found = permutation_difference(*groups)
        outcome = early[event] if event in early.index else late[event]
        rows[event] = {"outcome": outcome, "difference": found["difference"], "p": found["p"]}
    return pd.DataFrame.from_dict(rows, orient="index")


def stratified_difference(
    early: pd.Series, late: pd.Series, strata: pd.Series, draws: int = 10_000, seed: int = 0
) -> dict[str, float]:
    """Compare two groups of events like with like.

    The groups are compared within each stratum, and the differences averaged with the weight
    that makes their mean most precise if events spread alike: early times late events over all
    of the stratum. Events are relabelled early or late within their stratum alone.

    Source: Rosenbaum (2002, chapter 2).

    Parameters
    ----------
    early, late : Series of shape (n_early,) and (n_late,)
        Outcomes by event, without NaN.
    strata : Series indexed by event
        The stratum of each; one with events of one group only compares nothing and is left out.
    draws, seed : int
        Used only where there are more than 50,000 ways to relabel.

    Returns
    -------
    dict with ``difference`` (late less early), its two-sided ``p``, and ``events`` compared; NaN
    and 0 where no stratum holds events of both groups.
    """
    groups = []
    for stratum in strata.unique():
        inside = strata.index[strata == stratum]
        one, other = early[early.index.isin(inside)], late[late.index.isin(inside)]
        if len(one) and len(other):
            groups.append((np.concatenate((other, one)), len(other)))
    if not groups:
        return {"difference": np.nan, "p": np.nan, "events": 0}
    weights = np.array([size * (len(values) - size) / len(values) for values, size in groups])
    ways = prod(comb(len(values), size) for values, size in groups)
    compared = sum(len(values) for values, _ in groups)
    rng = np.random.default_rng(seed)
    exact = ways <= MOST_RELABELLINGS
    drawn, observed = np.zeros(1), 0.0
    for weight, (values, size) in zip(weights / weights.sum(), groups, strict=True):
        observed += weight * (values[:size].mean() - values[size:].mean())
        drawn_here = weight * _relabelled(values, size, None if exact else draws, rng)
        drawn = np.add.outer(drawn, drawn_here).ravel() if exact else drawn + drawn_here
    # Twice the smaller side, as scipy does; what was observed is one of all relabellings.
    side = int(min((drawn >= observed - 1e-9).sum(), (drawn <= observed + 1e-9).sum()))
    p = min(1.0, 2 * (side / len(drawn) if exact else (1 + side) / (1 + draws)))
    return {"difference": float(observed), "p": float(p), "events": compared}


def _relabelled(
    values: np.ndarray, size: int, draws: int | None, rng: np.random.Generator
) -> np.ndarray:
    """Return late less early for every way to label ``size`` values late, or for drawn ones."""
    if draws is None:
        chosen = np.array(list(combinations(range(len(values)), size)))
    else:
        chosen = np.argsort(rng.random((draws, len(values))), axis=1)[:, :size]
    late = values[chosen].sum(axis=1)
    return late / size - (values.sum() - late) / (len(values) - size)
