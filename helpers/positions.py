"""Positions in a series: unbroken runs, and windows that do not overlap."""

from __future__ import annotations

import numpy as np


def runs(won: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last position of each unbroken run of true values.

    Parameters
    ----------
    won : bool array of shape (n,)

    Returns
    -------
    Two int arrays of shape (n_runs,), in order.

    Examples
    --------
    >>> first, last = runs(np.array([False, True, True, False, True]))
    >>> first.tolist(), last.tolist()
    ([1, 4], [2, 4])
    """
    edges = np.diff(np.concatenate(([0], won.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def apart(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the starts of the windows that begin when the one kept before has ended.

    Parameters
    ----------
    starts, ends : arrays of shape (n_windows,)
        Starts increase; a window may begin on the end of another.

    Returns
    -------
    Array of shape (n_kept,), taken greedily from the first window on.

    Examples
    --------
    >>> apart(np.array([0, 3, 5]), np.array([5, 8, 10])).tolist()
    [0, 5]
    """
    kept, free = [], -np.inf
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if start >= free:
            kept.append(start)
            free = end
    return np.array(kept, dtype=starts.dtype)


def non_overlapping(starts: np.ndarray, width: float) -> int:
    """Count how many windows of a width fit, taken greedily from the first start on."""
    ordered = np.sort(starts)
    return len(apart(ordered, ordered + width))
