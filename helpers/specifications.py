"""How the sample of each specification is taken; the choices are data/specifications.toml.

One family for each contested estimate. Leads are small minus large, in percentage points.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from helpers import analogs, events, returns, valuation
from helpers.errors import DataError, InputError
from helpers.histories import History
from helpers.multiverse import STATISTIC, Choice, Family, Option, Sample
from helpers.positions import apart, runs
from helpers.vintages import frozen

SESSIONS, MONTHS, SIZED = "252 sessions", "12 months", "size portfolios"
ALL, APART = "all", "apart"


# Windows that several families share ------------------------------------------------------------


def _ends(history: History, length: str) -> np.ndarray:
    """Return the row at which the window of each close ends; beyond the last row if not full."""
    dates = history.market.closes.index
    if length == SESSIONS:
        return np.arange(len(dates)) + returns.SESSIONS_PER_YEAR
    later = dates + pd.DateOffset(months=12)
    ends = dates.searchsorted(later, side="right") - 1
    return np.where(later <= dates[-1], ends, len(dates))


def _levels(history: History) -> tuple[np.ndarray, np.ndarray]:
    """Return the closes of small and of large caps."""
    closes = history.market.closes
    small, large = (closes[index].to_numpy(float) for index in (returns.SMALL, returns.LARGE))
    return np.ascontiguousarray(small), np.ascontiguousarray(large)


def _index_leads(history: History, length: str) -> np.ndarray:
    """Return the lead of the price indexes over the window that follows each close."""
    small, large = history.priced(_levels)
    ends = history.dated(_ends, length)
    ends = ends[ends < len(small)]  # those of the first closes: the later ones are not full
    leads, full = np.full(len(small), np.nan), len(ends)
    leads[:full] = 100 * (small[ends] / small[:full] - large[ends] / large[:full])
    return leads


def _sized_leads(history: History, months: int) -> np.ndarray:
    """Return the lead of the size portfolios over the months after each month."""
    portfolios = history.market.portfolios[["small", "large"]].to_numpy(float)
    wealth = np.cumprod(1 + portfolios, axis=0)
    result = np.full(len(wealth), np.nan)
    change = wealth[months:] / wealth[:-months] - 1
    result[: len(change)] = 100 * (change[:, 0] - change[:, 1])
    return result


def _month_rows(history: History) -> np.ndarray:
    """Return for each close the row of its month among the size portfolios; -1 outside them."""
    return history.market.portfolios.index.get_indexer(history.market.closes.index.to_period("M"))


def _since(history: History, date: str) -> int:
    """Return the row of the first close of a day or later."""
    row = int(history.market.closes.index.searchsorted(pd.Timestamp(date)))
    if row == len(history.market.closes):
        raise InputError(f"history from {date}: expected closes from then on")
    return row


def _leads(history: History, outcome: str) -> np.ndarray:
    """Return the lead over the year after each close, or after each month of the portfolios."""
    if outcome == SIZED:
        return history.priced(_sized_leads, 12)
    return history.priced(_index_leads, outcome)


def _spaced(history: History, rows: np.ndarray, outcome: str, overlap: str) -> np.ndarray:
    """Return the events to count: all, or those whose windows do not overlap."""
    if overlap == ALL:
        return rows
    return apart(rows, rows + 12 if outcome == SIZED else history.dated(_ends, outcome)[rows])


def _width(outcome: str) -> int:
    return 12 if outcome == SIZED else returns.SESSIONS_PER_YEAR


def _one(value: float) -> Sample:
    """Return a sample that is one number."""
    return Sample(np.array([float(value)]), np.array([0]))


# After long streaks -----------------------------------------------------------------------------


def _runs(history: History, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the first and the last winning close of every streak that ended."""
    small, large = (level[1:] / level[:-1] - 1 for level in history.priced(_levels))
    first, last = runs(small - large > least)
    ended = last < len(small) - 1
    return first[ended] + 1, last[ended] + 1


def _long_runs(history: History, won: float, least: int, row: int) -> dict[str, np.ndarray]:
    """Return the rows from which long streaks that began after a row could be followed."""
    begins, ends = history.priced(_runs, won)
    chosen = (ends - begins + 1 >= least) & (begins > row)
    begins, ends = begins[chosen], ends[chosen]
    return {"end": ends, "loss": ends + 1, "reached": begins + least - 1}


def _after_streaks(
    history: History,
    won: float,
    least: int,
    since: str,
    start: str,
    outcome: str,
    overlap: str,
) -> Sample:
    row = history.dated(_since, since)
    rows = history.priced(_long_runs, won, least, row)[start]
    if outcome == SIZED:
        month = history.dated(_month_rows)
        rows, row = np.unique(month[rows]), max(int(month[row]), 0)
        rows = rows[rows >= row]
    rows = _spaced(history, rows, outcome, overlap)
    return Sample(_leads(history, outcome), rows, _width(outcome), row)


# After first cuts -------------------------------------------------------------------------------


def _cut_rows(
    history: History,
    size: float,
    quiet: int,
    before: bool,
    since: str,
    start: int,
    outcome: str,
    older: bool,
    overlap: str,
) -> tuple[np.ndarray, int]:
    """Return the rows of first cuts among closes or months, and the first row they could have."""
    dates = history.dated(_first_cuts, size, quiet, before)
    dates = dates[dates >= since]
    if outcome == SIZED:
        cuts, index = history.market.discount_cuts.index, history.market.portfolios.index
        dates = cuts.append(dates) if older else dates
        first = int(index.searchsorted(pd.Period(cuts[0] if older else since, "M")))
        rows = index.get_indexer(dates.to_period("M")) + start
    else:
        index, first = history.market.closes.index, history.dated(_since, since)
        rows = index.searchsorted(dates, side="right") - 1 + start
    rows = rows[(rows >= first + start) & (rows < len(index))]
    return _spaced(history, rows, outcome, overlap), first + start


def _first_cuts(history: History, size: float, quiet: int, before: bool) -> pd.DatetimeIndex:
    return events.first_cuts(history.market.target, size, quiet, before)


def _after_cuts(history: History, **chosen: Hashable) -> Sample:
    rows, first = history.dated(_cut_rows, *chosen.values())
    outcome = str(chosen["outcome"])
    return Sample(_leads(history, outcome), rows, _width(outcome), first)


# Leads as large, breakouts, recessions ----------------------------------------------------------


def _lead_episodes(
    history: History, points: float | str, window: int, gap: int, since: str
) -> Sample:
    closes = history.market.closes
    trailing = history.priced(_trailing, window)
    least = trailing.iloc[-1] if isinstance(points, str) else points / 100
    before = trailing.loc[since : f"{closes.index[-1].year - 1}-12-31"]
    return _one(events.merged_episodes(np.flatnonzero((before >= least).to_numpy()), gap))


def _trailing(history: History, window: int) -> pd.Series:
    return returns.trailing_leads(history.market.closes, window)


def _after_breakouts(
    history: History, index: str, quiet: int, sessions: int, overlap: str
) -> Sample:
    records = history.priced(_records, index)
    dates = records.index[records["quiet"] >= quiet]
    rows = history.market.closes.index.get_indexer(dates)
    if overlap == APART:
        rows = apart(rows, rows + sessions)
    return Sample(history.priced(_excess, index, sessions), rows, sessions)


def _records(history: History, index: str) -> pd.DataFrame:
    return events.records(history.market.closes[index])


def _excess(history: History, index: str, sessions: int) -> np.ndarray:
    """Return the price return that follows each close, less the mean of all of them."""
    levels = history.market.closes[index].to_numpy(float)
    excess = np.full(len(levels), np.nan)
    change = 100 * (levels[sessions:] / levels[:-sessions] - 1)
    excess[: len(change)] = change - (change.mean() if len(change) else 0)
    return excess


def _in_recessions(history: History, instrument: str, since: str, window: str) -> Sample:
    spans = history.market.recessions
    spans = spans[spans["peak"] >= pd.Period(since, "M")]
    table = events.recession_leads(history.priced(_monthly, instrument), spans, window)
    leads = 100 * table["lead"].dropna().to_numpy()
    return Sample(leads, np.arange(len(leads)))


def _monthly(history: History, instrument: str) -> pd.DataFrame:
    """Return monthly returns of small and large: portfolios with dividends, indexes without."""
    if instrument == "portfolios":
        return history.market.portfolios[["small", "large"]]
    closes = history.market.closes[[returns.SMALL, returns.LARGE]]
    return returns.calendar_returns(closes).set_axis(["small", "large"], axis=1)


# Valuation --------------------------------------------------------------------------------------


def _multiple(history: History, small: str, large: str, gap: str, moved: bool) -> pd.Series:
    """Return the relative multiple each June, the last one moved by price if asked."""
    book = history.market.price_to_book
    low, high = book[small].copy(), book[large].copy()
    if moved:
        closes, june = history.market.closes, low.index[-1].end_time
        for side, index in ((low, returns.SMALL), (high, returns.LARGE)):
            side.iloc[-1] = valuation.carried(side.iloc[-1], closes[index], june, closes.index[-1])
    return low / high if gap == "ratio" else low - high


def _share_above(history: History, small: str, large: str, gap: str, moved: bool) -> Sample:
    window = history.priced(_multiple, small, large, gap, moved).iloc[-40:]
    return _one(valuation.share_above(window, window.iloc[-1]))


def _rank(history: History, small: str, large: str, gap: str, moved: bool) -> Sample:
    window = history.priced(_multiple, small, large, gap, moved).iloc[-25:]
    return _one(valuation.rank_from_lowest(window, window.iloc[-1]))


def _score(
    history: History, small: str, large: str, logs: bool, since: str, center: str, first: str
) -> Sample:
    ratio = history.priced(_multiple, small, large, "ratio", False).loc[since:]
    ratio = np.log(ratio) if logs else ratio
    return _one(valuation.span_score(ratio, first, "2025-06", center))


def _margin(
    history: History, small: str, large: str, against: str, junes: str, moved: bool
) -> Sample:
    """Return how far the latest multiple lies from those of the late 1990s, in percent."""
    if against == "own":
        series = history.market.price_to_book[small].copy()
        if moved:
            closes = history.market.closes[returns.SMALL]
            series.iloc[-1] = valuation.carried(
                series.iloc[-1], closes, series.index[-1].end_time, closes.index[-1]
            )
    else:
        series = history.priced(_multiple, small, large, "ratio", moved)
    then = series.loc["1998-06":"2000-06"]
    if len(then) < 3:
        raise InputError("June 1998 to June 2000: expected three readings by then")
    base = then.min() if junes == "each" else then.mean()
    return _one(100 * (series.iloc[-1] / base - 1))


def _narrowing(
    history: History, small: str, depth: int, years: int, known: bool, outcome: str, overlap: str
) -> Sample:
    ratio = history.priced(_multiple, small, "quintile_5", "ratio", False)
    later = ratio.shift(-years)
    if outcome == "narrower":
        came = (later > ratio).where(later.notna())
    else:
        lead = history.priced(_sized_leads, 12 * years)
        rows = history.market.portfolios.index.get_indexer(ratio.index)
        led = np.where(rows >= 0, lead[rows], np.nan)
        came = pd.Series(np.where(np.isfinite(led), led > 0, np.nan), ratio.index)
    if known:
        low = valuation.expanding_percentile(ratio, 20) <= depth
    else:
        low = ratio <= ratio.quantile(depth / 100)
    rows = np.flatnonzero(low.to_numpy())
    if overlap == APART:
        rows = apart(rows, rows + years)
    return Sample(came.to_numpy(float), rows, years)


# After and before the bubble --------------------------------------------------------------------


def _annual_lead(history: History, long: str, start: str, months: int) -> Sample:
    yearly = returns.annualised(history.priced(_sides)[[long, "large"]], start, months)
    if yearly.isna().any():
        raise InputError(f"{months} months from {start}: expected all of them in the data")
    return _one(100 * (yearly[long] - yearly["large"]))


def _sides(history: History) -> pd.DataFrame:
    return history.market.portfolios.join(history.market.value_portfolios)


# The analog -------------------------------------------------------------------------------------


def _closer(
    history: History, zero: str, before: int, after: int, distance: str, pool: str
) -> Sample:
    """Return the percent of candidate windows that lie closer to 2026 than 2019 does."""
    episodes = history.priced(_episodes)
    sessions, day = history.market.closes.index, episodes[zero]
    end = sessions.get_loc(day["2026"]) + after
    if end >= len(sessions):
        raise InputError(f"{after} sessions after day 0: expected them in the data")
    windows = history.priced(_windows, day["2026"], before, after, sessions[end])
    if pool == "streaks":
        daily = returns.lead(returns.simple_returns(history.market.closes))
        table = events.streaks(daily, int(episodes["length"]["2019"]))
        zeros = pd.DatetimeIndex(table["end"])
        if zero == "before":
            zeros = sessions[sessions.get_indexer(table["start"]) - 1]
        windows = windows[windows.index.isin(zeros)]
    rank = analogs.rank(windows, day["2019"])
    return _one(100 * rank["closer" if distance == "distance" else "more_alike"])


def _episodes(history: History) -> pd.DataFrame:
    daily = returns.lead(returns.simple_returns(history.market.closes))
    return events.episodes(daily, {"2019": "2019-01", "2026": "2026-01"})


def _windows(
    history: History, day: pd.Timestamp, before: int, after: int, end: pd.Timestamp
) -> pd.DataFrame:
    leads = 100 * analogs.log_leads(history.market.closes.loc[:end])
    return analogs.windows(leads, day, before, after)


# The families -----------------------------------------------------------------------------------

_SAMPLES: dict[str, Callable[..., Sample]] = {
    "post_streak": _after_streaks,
    "rate_cuts": _after_cuts,
    "lead_episodes": _lead_episodes,
    "breakouts": _after_breakouts,
    "recessions": _in_recessions,
    "valuation_percentile": _share_above,
    "valuation_rank": _rank,
    "valuation_score": _score,
    "margin_of_safety": _margin,
    "narrowing": _narrowing,
    "small_value_after_2000": _annual_lead,
    "large_caps_before_2000": _annual_lead,
    "analog_2019": _closer,
}
_SINGLE = Choice(STATISTIC, "statistic", (Option("value", "value", "there is one number"),))


def _families() -> dict[str, Family]:
    """Return the declared families by name."""
    path = frozen() / "specifications.toml"
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: expected the declared specifications ({error})") from None
    shared = declared.pop("shared")
    return {name: _family(name, table, shared) for name, table in declared.items()}


def _family(name: str, declared: dict[str, Any], shared: dict[str, Any]) -> Family:
    own = declared.pop("choice", {})
    names = declared.pop("choices", list(own))
    choices = [_choice(one, own.get(one) or shared[one]) for one in names]
    if STATISTIC not in names:
        choices.append(_SINGLE)
    return Family(
        name=name,
        claims=tuple(declared.pop("claims")),
        choices=tuple(choices),
        sample=_SAMPLES[name],
        admits=partial(_admits, declared.pop("without", [])),
        **declared,
    )


def _choice(name: str, declared: dict[str, Any]) -> Choice:
    return Choice(name, declared["title"], tuple(Option(**one) for one in declared["options"]))


def _admits(without: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """Return whether a combination of labels is kept: no rule leaves it out."""
    return not any(
        all(labels[choice] in listed for choice, listed in rule.items() if choice != "reason")
        for rule in without
    )


_BY_NAME = _families()
FAMILIES = tuple(_BY_NAME.values())
POST_STREAK, RATE_CUTS = _BY_NAME["post_streak"], _BY_NAME["rate_cuts"]
BREAKOUTS, RECESSIONS = _BY_NAME["breakouts"], _BY_NAME["recessions"]
ANALOG = _BY_NAME["analog_2019"]
BY_CLAIM = {claim: family for family in FAMILIES for claim in family.claims}
