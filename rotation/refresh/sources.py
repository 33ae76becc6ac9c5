"""The public sources and the tables they feed.

Each takes the first and the last day wanted and returns a frame with its table's own columns and
units, whatever form the source has. What is not in the expected form is refused: nothing is
guessed or repaired. ``ROTATION_FRED_URL``, ``ROTATION_FRENCH_URL`` and ``ROTATION_CLOSES_URL``
name other places to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from rotation.refresh import closes, fred, french

# How old and new are put together: figure by figure, edition by edition, session by session.
CELLS, EDITIONS, SESSIONS = "cells", "editions", "sessions"


@dataclass(frozen=True)
class Source:
    """A source and the table it feeds.

    Attributes
    ----------
    name, table : str
    fetch : callable
        ``fetch(since, until)`` with two Timestamps gives the rows of those days; the frame's
        attribute ``title`` names the source, ``edition`` its edition if it has any, and
        ``complete_through`` the day to which it is complete where its last row does not say so.
    kind : str
        ``cells``, ``editions`` or ``sessions``: how its table is brought up to date.
    selected : bool
        Whether the table holds only some of the rows that the source has.
    late : int
        Days behind the day wanted after which its last row is too old; 0 if that is not judged.
    """

    name: str
    table: str
    fetch: Callable[[pd.Timestamp, pd.Timestamp], pd.DataFrame]
    kind: str = CELLS
    selected: bool = False
    late: int = 0


SOURCES = (
    Source("target", "fed_target_changes", fred.target),
    Source("recessions", "recessions", fred.recessions),
    Source("macro", "macro_readings", fred.macro, selected=True),
    Source("size", "size_portfolios_monthly", french.size_portfolios, EDITIONS, late=400),
    Source(
        "size-value",
        "size_value_portfolios_monthly",
        french.size_value_portfolios,
        EDITIONS,
        late=400,
    ),
    Source("closes", "index_closes", closes.closes, SESSIONS),
)
