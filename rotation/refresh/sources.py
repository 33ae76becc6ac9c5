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


@dataclass(frozen=True)
class Source:
    """A source and the table it feeds.

    Attributes
    ----------
    name, table : str
    fetch : callable
        ``fetch(since, until)`` with two Timestamps gives the rows of those days; the frame's
        attribute ``title`` names the source.
    selected : bool
        Whether the table holds only some of the rows that the source has.
    """

    name: str
    table: str
    fetch: Callable[[pd.Timestamp, pd.Timestamp], pd.DataFrame]
    selected: bool = False


# FRED first: without a network it says so soonest.
SOURCES = (
    Source("target", "fed_target_changes", fred.target),
    Source("recessions", "recessions", fred.recessions),
    Source("macro", "macro_readings", fred.macro, selected=True),
    Source("size", "size_portfolios_monthly", french.size_portfolios),
    Source("size-value", "size_value_portfolios_monthly", french.size_value_portfolios),
    Source("closes", "index_closes", closes.closes),
)
