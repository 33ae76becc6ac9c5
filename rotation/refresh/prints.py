"""Closes that look wrong: jumps, prices that were not updated, moves of one index alone."""

from __future__ import annotations

import pandas as pd

from helpers.sessions import LARGEST_DAILY_MOVE

# Bad prints. Indexes do not split; the two have not moved so far apart in a day since 1987; and of
# jumps by so much more than the other index, which was calm, none was taken back the next day.
_SPLITS = (2, 3, 4, 5, 10, 20, 50, 100, 1000)
_SPLIT_ERROR = 0.02
_APART = 0.07
_SPIKE, _CALM, _TAKEN_BACK = 0.03, 0.02, 0.25
# An index that closes where it did while the other moves by more: 4 of 6,699 sessions since 2000.
_STILL = 0.002


def bad_prints(closes: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """Return days whose closes look wrong, and why.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2), index points
        Both indexes on consecutive sessions, nothing missing.

    Returns
    -------
    list of (Timestamp, str), in order of time: a jump by the factor of a split; the indexes more
    than 7% apart in a day; a jump of one that the other does not share and the next day takes
    back; both closes repeated.
    """
    moves = closes.pct_change()
    found = []
    for name, other in zip(closes, reversed(list(closes)), strict=True):
        ratio, move = closes[name] / closes[name].shift(), moves[name]
        for times in _SPLITS:
            for factor in (times, 1 / times):
                split = (ratio / factor - 1).abs() < _SPLIT_ERROR
                found += [(d, f"{name} jumped to {factor:g} times") for d in closes.index[split]]
        alone = move - moves[other]
        calm = (moves[other].abs() < _CALM) & (moves[other].shift(-1).abs() < _CALM)
        taken_back = (alone + alone.shift(-1)).abs() < _TAKEN_BACK * alone.abs()
        spikes = closes.index[(alone.abs() > _SPIKE) & calm & taken_back]
        found += [(d, f"{name} moved by {move[d]:.1%} and back the next day") for d in spikes]
    apart = (moves.iloc[:, 0] - moves.iloc[:, 1]).abs()
    found += [(d, f"the indexes moved {apart[d]:.1%} apart") for d in closes.index[apart > _APART]]
    same = closes.index[(closes.diff() == 0).all(axis=1)]
    found += [(d, "both closes are those of the day before") for d in same]
    return sorted(found, key=lambda one: one[0])


def stale_prints(closes: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """Return days on which one index closed where it did the day before and the other moved.

    It happens, about once in four years; far more often the price was not updated. So it is asked
    of new days alone.
    """
    moves = closes.pct_change()
    return [
        (
            day,
            f"{name} closed where it did the day before, {other} moved by {moves[other][day]:.1%}",
        )
        for name, other in zip(closes, reversed(list(closes)), strict=True)
        for day in closes.index[(moves[name] == 0) & (moves[other].abs() > _STILL)]
    ]


def wild_prints(closes: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """Return days on which an index moved beyond the limit of the tables, which no word lifts."""
    moves = closes.pct_change()
    return [
        (d, f"{name} moved by {moves[name][d]:.1%}: expected at most {LARGEST_DAILY_MOVE:.0%}")
        for name in closes
        for d in closes.index[moves[name].abs() > LARGEST_DAILY_MOVE]
    ]
