"""The choices behind contested estimates, declared as data, and how each sample is taken.

One family for each estimate. The first option of every choice is that of the claim's row, so
the first combination reproduces its measure; each other option stands with the reason why
someone could have preferred it. What has no such reason is not here. Leads are small minus
large, in percentage points.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from helpers import analogs, events, returns, valuation
from helpers.errors import InputError
from helpers.histories import History
from helpers.multiverse import STATISTIC, Choice, Family, Option, Sample

MEAN = Option("mean", "mean", "what the claim states or implies")
MEDIAN = Option("median", "median", "no single event can carry it")
SINGLE = Choice(STATISTIC, "statistic", (Option("value", "value", "there is one number"),))
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


def _apart(rows: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the events whose window begins when the one kept before it has ended."""
    kept, free = [], -1
    for row, end in zip(rows.tolist(), ends.tolist(), strict=True):
        if row >= free:
            kept.append(row)
            free = end
    return np.array(kept, dtype=int)


def _leads(history: History, outcome: str) -> np.ndarray:
    """Return the lead over the year after each close, or after each month of the portfolios."""
    if outcome == SIZED:
        return history.priced(_sized_leads, 12)
    return history.priced(_index_leads, outcome)


def _spaced(history: History, rows: np.ndarray, outcome: str, overlap: str) -> np.ndarray:
    """Return the events to count: all, or those whose windows do not overlap."""
    if overlap == ALL:
        return rows
    return _apart(rows, rows + 12 if outcome == SIZED else history.dated(_ends, outcome)[rows])


def _width(outcome: str) -> int:
    return 12 if outcome == SIZED else returns.SESSIONS_PER_YEAR


def _one(value: float) -> Sample:
    """Return a sample that is one number."""
    return Sample(np.array([float(value)]), np.array([0]))


# After long streaks -----------------------------------------------------------------------------


def _runs(history: History, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the first and the last winning close of every streak that ended."""
    small, large = (level[1:] / level[:-1] - 1 for level in history.priced(_levels))
    won = small - large > least
    edges = np.diff(np.concatenate(([0], won.astype(np.int8), [0])))
    first, last = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1)
    ended = last < len(won)
    return first[ended], last[ended]


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


POST_STREAK = Family(
    name="post_streak",
    claims=("HR-42",),
    question="lead of small caps over the year after a long streak of daily wins",
    unit="percentage points",
    choices=(
        Choice(
            "won",
            "margin of a win",
            (
                Option("any margin", 0.0, "the plain reading of a win"),
                Option("a basis point", 0.0001, "early closes are rounded to about that much"),
            ),
        ),
        Choice(
            "least",
            "shortest streak",
            (
                Option("12 sessions", 12, "the article's own length"),
                Option("10 sessions", 10, "a rounder number, and more events"),
                Option("8 sessions", 8, "the length a published study of such streaks took"),
            ),
        ),
        Choice(
            "since",
            "history from",
            (
                Option("1979", "1978-12-29", "all closes there are, as the article says"),
                Option("1984", "1983-12-30", "the index was first published in 1984"),
                Option("1988", "1987-12-31", "the first year of that study"),
            ),
        ),
        Choice(
            "start",
            "window from",
            (
                Option("last win", "end", "the close of the streak's last session"),
                Option("first loss", "loss", "the first close at which its end is known"),
                Option("length reached", "reached", "the case of January 2026: it still ran"),
            ),
        ),
        Choice(
            "outcome",
            "measured on",
            (
                Option("index, 252 sessions", SESSIONS, "twelve months as sessions"),
                Option("index, 12 months", MONTHS, "twelve months by the calendar"),
                Option("size portfolios", SIZED, "dividends in, from the month's end on"),
            ),
        ),
        Choice(
            "overlap",
            "windows",
            (
                Option("all events", ALL, "as the article counts"),
                Option("apart", APART, "windows that overlap count one year twice"),
            ),
        ),
        Choice(STATISTIC, "statistic", (MEAN, MEDIAN)),
    ),
    sample=_after_streaks,
    # A portfolio's window begins at the month's end whichever day of the month is meant.
    admits=lambda o: o["outcome"] != "size portfolios" or o["start"] == "last win",
    placebo=True,
    resampled=True,
)


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
    outcome = chosen["outcome"]
    rows, first = history.dated(_cut_rows, *chosen.values())
    return Sample(_leads(history, outcome), rows, _width(outcome), first)


def _reasonable_cuts(o: Mapping[str, str]) -> bool:
    sized = o["outcome"] == "size portfolios"
    if sized and o["start"] == "next close":
        return False  # months have no next close
    if o["older"] != "target only" and (not sized or o["since"] != "1982"):
        return False  # only the portfolios reach back, and only without a later start
    return o["overlap"] == "all events" or o["quiet"] == "6 months"  # else windows are apart


RATE_CUTS = Family(
    name="rate_cuts",
    claims=("AI-10",),
    question="lead of small caps over the year after the first cut of an easing cycle",
    unit="percentage points",
    choices=(
        Choice(
            "size",
            "smallest move",
            (
                Option("25 bp", 25.0, "the step in which the target moves since 1990"),
                Option("any size", 0.5, "before, it moved by less"),
            ),
        ),
        Choice(
            "quiet",
            "time without a cut",
            (
                Option("12 months", 12, "a year without a cut parts two cycles"),
                Option("6 months", 6, "1998 and 2001 show that cycles can be short"),
                Option("24 months", 24, "only a cut after a long pause is news"),
            ),
        ),
        Choice(
            "before",
            "comes after",
            (
                Option("after a rise", True, "easing is a turn of policy"),
                Option("after any pause", False, "cutting again after a pause is easing too"),
            ),
        ),
        Choice(
            "since",
            "history from",
            (
                Option("1982", "1982-09-27", "all changes of the target there are"),
                Option("1994", "1994-02-04", "from then on moves were announced at once"),
            ),
        ),
        Choice(
            "start",
            "window from",
            (
                Option("announcement", 0, "its close; for portfolios the end of the month"),
                Option("the close before", -1, "to have the market's first answer in it"),
                Option("next close", 1, "the day on which the new target takes effect"),
            ),
        ),
        Choice(
            "outcome",
            "measured on",
            (
                Option("index, 252 sessions", SESSIONS, "twelve months as sessions"),
                Option("index, 12 months", MONTHS, "twelve months by the calendar"),
                Option("size portfolios", SIZED, "dividends in, and a history before 1979"),
            ),
        ),
        Choice(
            "older",
            "cuts before 1982",
            (
                Option("target only", False, "the Federal Reserve's tool since 1982"),
                Option("discount rate too", True, "the rate that markets watched before"),
            ),
        ),
        Choice(
            "overlap",
            "windows",
            (
                Option("all events", ALL, "each cycle counts"),
                Option("apart", APART, "windows that overlap count months twice"),
            ),
        ),
        Choice(STATISTIC, "statistic", (MEAN, MEDIAN)),
    ),
    sample=_after_cuts,
    admits=_reasonable_cuts,
    key="mean",
    placebo=True,
    resampled=True,
)


# Leads as large, breakouts, recessions ----------------------------------------------------------


def _lead_episodes(history: History, points: float, window: int, gap: int, since: str) -> Sample:
    closes = history.market.closes
    trailing = history.priced(_trailing, window)
    least = trailing.iloc[-1] if points is None else points / 100
    before = trailing.loc[since : f"{closes.index[-1].year - 1}-12-31"]
    return _one(events.merged_episodes(np.flatnonzero((before >= least).to_numpy()), gap))


def _trailing(history: History, window: int) -> pd.Series:
    return returns.trailing_leads(history.market.closes, window)


LEAD_EPISODES = Family(
    name="lead_episodes",
    claims=("HR-13",),
    question="how often small caps had led by as much over a similar span",
    unit="episodes",
    choices=(
        Choice(
            "points",
            "threshold",
            (
                Option("7.8 points", 7.8, "as the article states the lead"),
                Option("as measured", None, "the lead over the same sessions by closes"),
            ),
        ),
        Choice(
            "window",
            "window",
            (
                Option("12 sessions", 12, "the sessions of the year so far"),
                Option("10 sessions", 10, "two weeks"),
                Option("15 sessions", 15, "three weeks"),
                Option("21 sessions", 21, "a month"),
            ),
        ),
        Choice(
            "gap",
            "gap",
            (
                Option("12 sessions", 12, "windows that share a session are one episode"),
                Option("63 sessions", 63, "a quarter's calm parts two episodes"),
                Option("252 sessions", 252, "one episode a year at most"),
            ),
        ),
        Choice(
            "since",
            "history from",
            (
                Option("1979", "1978-12-29", "all closes there are, as the article says"),
                Option("1984", "1983-12-30", "the index was first published in 1984"),
            ),
        ),
        SINGLE,
    ),
    sample=_lead_episodes,
)


def _after_breakouts(
    history: History, index: str, quiet: int, sessions: int, overlap: str
) -> Sample:
    excess, records = history.priced(_excess, index, sessions), history.priced(_records, index)
    rows = records[1:][np.diff(records) - 1 >= quiet]
    if overlap == APART:
        rows = _apart(rows, rows + sessions)
    return Sample(excess, rows, sessions)


def _excess(history: History, index: str, sessions: int) -> np.ndarray:
    """Return the price return that follows each close, less the mean of all of them."""
    levels = history.market.closes[index].to_numpy(float)
    excess = np.full(len(levels), np.nan)
    change = 100 * (levels[sessions:] / levels[:-sessions] - 1)
    excess[: len(change)] = change - (change.mean() if len(change) else 0)
    return excess


def _records(history: History, index: str) -> np.ndarray:
    """Return the rows of the closes above all before them."""
    level = history.market.closes[index].to_numpy(float)
    before = np.concatenate(([-np.inf], np.maximum.accumulate(level)[:-1]))
    return np.flatnonzero(level > before)


BREAKOUTS = Family(
    name="breakouts",
    claims=("HR-67",),
    question="return after a record close that ends a long time without one, less that of all days",
    unit="percentage points",
    choices=(
        Choice(
            "index",
            "index",
            (
                Option("Russell 2000", returns.SMALL, "the index the article speaks of"),
                Option("S&P 500", returns.LARGE, "the claim is about breakouts as such"),
            ),
        ),
        Choice(
            "quiet",
            "time without a record",
            (
                Option("756 sessions", 756, "three years, the length of the last one"),
                Option("504 sessions", 504, "two years are long, too"),
                Option("252 sessions", 252, "one year, for more events"),
            ),
        ),
        Choice(
            "sessions",
            "followed for",
            (
                Option("252 sessions", 252, "a year makes a move sustained"),
                Option("126 sessions", 126, "half a year may do"),
                Option("63 sessions", 63, "so may a quarter"),
            ),
        ),
        Choice(
            "overlap",
            "windows",
            (
                Option("all events", ALL, "each breakout counts"),
                Option("apart", APART, "windows that overlap count sessions twice"),
            ),
        ),
        Choice(STATISTIC, "statistic", (MEAN,)),
    ),
    sample=_after_breakouts,
    admits=lambda o: o["overlap"] == "all events" or o["quiet"] == "252 sessions",
    placebo=True,
    resampled=True,
)


def _in_recessions(history: History, instrument: str, since: str, window: str) -> Sample:
    wealth = history.priced(_wealth, instrument)
    peaks, troughs = history.dated(_turns, instrument, since)
    start, end = {
        "recession": (peaks, troughs),
        "early": (peaks - 6, troughs),
        "year": (peaks, peaks + 12),
    }[window]
    inside = (start >= 0) & (end < len(wealth))
    change = wealth[end[inside]] / wealth[start[inside]] - 1
    leads = 100 * (change[:, 0] - change[:, 1])
    return Sample(leads, np.arange(len(leads)))


def _wealth(history: History, instrument: str) -> np.ndarray:
    """Return month-end levels of small and large: portfolios with dividends, indexes without."""
    if instrument == "portfolios":
        sized = history.market.portfolios[["small", "large"]].to_numpy(float)
        return np.cumprod(1 + sized, axis=0)
    closes = history.market.closes[[returns.SMALL, returns.LARGE]].to_numpy(float)
    return closes[history.dated(_month_ends)]


def _month_ends(history: History) -> np.ndarray:
    months = history.market.closes.index.to_period("M").asi8
    return np.flatnonzero(np.diff(months, append=months[-1] + 1))


def _turns(history: History, instrument: str, since: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of peaks and troughs among the months of an instrument."""
    market = history.market
    if instrument == "portfolios":
        index = market.portfolios.index
    else:
        index = market.closes.index[history.dated(_month_ends)].to_period("M")
    spans = market.recessions[market.recessions["peak"] >= pd.Period(since, "M")]
    rows = [index.get_indexer(pd.PeriodIndex(spans[side], freq="M")) for side in spans]
    held = (rows[0] >= 0) & (rows[1] >= 0)
    return rows[0][held], rows[1][held]


RECESSIONS = Family(
    name="recessions",
    claims=("HR-70", "CS-21"),
    question="lead of small caps in recessions",
    unit="percentage points",
    choices=(
        Choice(
            "instrument",
            "measured on",
            (
                Option("size portfolios", "portfolios", "the long history, dividends in"),
                Option("index", "index", "what the articles mean by small and large caps"),
            ),
        ),
        Choice(
            "since",
            "history from",
            (
                Option("1926", "1926-07", "all recessions there are"),
                Option("1945", "1945-01", "the economy after the war is nearer to ours"),
                Option("1979", "1979-01", "the recessions that the indexes saw"),
            ),
        ),
        Choice(
            "window",
            "window",
            (
                Option("peak to trough", "recession", "the recession itself"),
                Option("six months earlier", "early", "prices fall before business does"),
                Option("a year from the peak", "year", "one length for long and short ones"),
            ),
        ),
        Choice(STATISTIC, "statistic", (MEAN, MEDIAN)),
    ),
    sample=_in_recessions,
    admits=lambda o: o["instrument"] == "size portfolios" or o["since"] == "1979",
    key="mean",
    resampled=True,
)


# Valuation --------------------------------------------------------------------------------------

_SMALL = Choice(
    "small",
    "small caps",
    (
        Option("quintile 2", "quintile_2", "nearest to what a small-cap index holds"),
        Option("quintile 1", "quintile_1", "the smallest companies, micro caps"),
        Option("quintile 3", "quintile_3", "the larger end of small-cap indexes"),
    ),
)
_LARGE = Choice(
    "large",
    "large caps",
    (
        Option("quintile 5", "quintile_5", "the largest companies"),
        Option("quintile 4", "quintile_4", "large, without the few giants"),
    ),
)
_MOVED = Choice(
    "moved",
    "latest multiple",
    (
        Option("June reading", False, "the last reading there is"),
        Option("moved by price", True, "half a year of prices had come in since"),
    ),
)
_GAP = Choice(
    "gap",
    "gap",
    (
        Option("ratio", "ratio", "a discount is a ratio"),
        Option("difference", "difference", "a gap can be one of multiples"),
    ),
)


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


PERCENTILE = Family(
    name="valuation_percentile",
    claims=("HR-20",),
    question="percent of the last 40 Junes in which small caps were dearer",
    unit="percent",
    choices=(_SMALL, _LARGE, _GAP, _MOVED, SINGLE),
    sample=_share_above,
)
RANK = Family(
    name="valuation_rank",
    claims=("SA-11",),
    question="rank of the gap among the last 25 Junes, 1 the widest",
    unit="rank",
    choices=(_SMALL, _LARGE, _GAP, _MOVED, SINGLE),
    sample=_rank,
)


def _score(
    history: History, small: str, large: str, logs: bool, since: str, center: str, first: str
) -> Sample:
    ratio = history.priced(_multiple, small, large, "ratio", False).loc[since:]
    ratio = np.log(ratio) if logs else ratio
    span = ratio.loc[first:"2025-06"].mean()
    center = ratio.median() if center == "median" else ratio.mean()
    return _one((span - center) / ratio.std(ddof=1))


SCORE = Family(
    name="valuation_score",
    claims=("AI-12",),
    question="relative multiple since the pandemic, in standard deviations from its usual level",
    unit="standard deviations",
    choices=(
        _SMALL,
        _LARGE,
        Choice(
            "logs",
            "scale",
            (
                Option("ratio", False, "as it is quoted"),
                Option("log ratio", True, "halving and doubling count alike"),
            ),
        ),
        Choice(
            "since",
            "history from",
            (
                Option("1926", "1926", "all readings: the long run"),
                Option("1963", "1963", "book values before are thinner"),
                Option("1985", "1985", "where providers' own histories begin"),
            ),
        ),
        Choice(
            "center",
            "usual level",
            (
                Option("median", "median", "as the article says"),
                Option("mean", "mean", "what a score is usually taken from"),
            ),
        ),
        Choice(
            "first",
            "span from",
            (
                Option("June 2021", "2021-06", "the first June after its first year"),
                Option("June 2020", "2020-06", "the first June in it"),
            ),
        ),
        SINGLE,
    ),
    sample=_score,
)


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


MARGIN = Family(
    name="margin_of_safety",
    claims=("AI-13",),
    question="latest multiple of small caps against those of June 1998 to 2000",
    unit="percent",
    choices=(
        _SMALL,
        _LARGE,
        Choice(
            "against",
            "cheap beside",
            (
                Option("large caps", "large", "cheap beside large caps"),
                Option("itself", "own", "cheap by its own multiple: what one pays"),
            ),
        ),
        Choice(
            "junes",
            "late 1990s",
            (
                Option("each June", "each", "below the lowest of the three"),
                Option("their mean", "mean", "the bubble as one time"),
            ),
        ),
        _MOVED,
        SINGLE,
    ),
    sample=_margin,
    # A multiple of its own has no other side.
    admits=lambda o: o["against"] == "large caps" or o["large"] == "quintile 5",
    key="each",
)


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
        rows = _apart(rows, rows + years)
    return Sample(came.to_numpy(float), rows, years)


NARROWING = Family(
    name="narrowing",
    claims=("CS-22",),
    question="share of the widest gaps that had narrowed some years later",
    unit="share",
    choices=(
        Choice("small", "small caps", _SMALL.options[:2]),
        Choice(
            "depth",
            "a wide gap",
            (
                Option("lowest 10%", 10, "so wide: a gap of one year in ten"),
                Option("lowest 5%", 5, "so wide: a gap of one year in twenty"),
                Option("lowest 20%", 20, "for more events"),
            ),
        ),
        Choice(
            "years",
            "years later",
            (
                Option("5 years", 5, "the row's reading of lasting"),
                Option("3 years", 3, "a fund's usual horizon"),
                Option("10 years", 10, "an owner's"),
            ),
        ),
        Choice(
            "known",
            "seen",
            (
                Option("of all Junes", False, "the gap as it is seen today"),
                Option("as known then", True, "nobody could have seen more at the time"),
            ),
        ),
        Choice(
            "outcome",
            "measured on",
            (
                Option("gap narrower", "narrower", "what the claim says"),
                Option("small caps led", "led", "what a reader would hope for"),
            ),
        ),
        Choice(
            "overlap",
            "windows",
            (
                Option("all events", ALL, "each June counts"),
                Option("apart", APART, "neighbouring Junes share most of their years"),
            ),
        ),
        Choice(
            STATISTIC, "statistic", (Option("share", "share", "more often than not is a share"),)
        ),
    ),
    sample=_narrowing,
    placebo=True,
)


# After and before the bubble --------------------------------------------------------------------


def _annual_lead(history: History, long: str, start: str, months: int) -> Sample:
    table = history.priced(_sides)
    window = table.loc[pd.Period(start, "M") + 1 : pd.Period(start, "M") + months]
    window = window[[long, "large"]].dropna()
    if len(window) < months:
        raise InputError(f"{months} months from {start}: expected all of them in the data")
    growth = (1 + window).prod() ** (12 / months) - 1
    return _one(100 * (growth[long] - growth["large"]))


def _sides(history: History) -> pd.DataFrame:
    return history.market.portfolios.join(history.market.value_portfolios)


_LONG = {
    "me2_bm5": Option("small value", "me2_bm5", "the quintile nearest to a small-cap index"),
    "small_hibm": Option("micro-cap value", "small_hibm", "the smallest quintile"),
    "small": Option("all small stocks", "small", "the smallest 30%, value or not"),
}
VALUE_AFTER = Family(
    name="small_value_after_2000",
    claims=("SA-12",),
    question="lead of small-cap value over large caps after the dot-com bubble",
    unit="percentage points a year",
    choices=(
        Choice("long", "small side", tuple(_LONG.values())),
        Choice(
            "start",
            "window from",
            (
                Option("March 2000", "2000-03", "the month in which the bubble peaked"),
                Option("December 1999", "1999-12", "the turn of the year before"),
                Option("August 2000", "2000-08", "the last high month-end of large caps"),
                Option("September 2002", "2002-09", "after it: the month-end low"),
            ),
        ),
        Choice(
            "months",
            "over",
            (
                Option("36 months", 36, "several years: three"),
                Option("60 months", 60, "five"),
                Option("84 months", 84, "seven"),
            ),
        ),
        SINGLE,
    ),
    sample=_annual_lead,
    key="each",
)
DECADE_BEFORE = Family(
    name="large_caps_before_2000",
    claims=("SA-13",),
    question="lead of small caps over large caps in the years before the bubble's peak",
    unit="percentage points a year",
    choices=(
        Choice("long", "small side", (_LONG["small"], _LONG["me2_bm5"], _LONG["small_hibm"])),
        Choice(
            "start",
            "window from",
            (
                Option("March 1990", "1990-03", "ten years before the peak"),
                Option("December 1989", "1989-12", "the calendar decade"),
                Option("October 1990", "1990-10", "the low from which the long rise began"),
            ),
        ),
        Choice(
            "months",
            "over",
            (
                Option("120 months", 120, "a decade"),
                Option("108 months", 108, "nine years, to leave the bubble's last one out"),
            ),
        ),
        SINGLE,
    ),
    sample=_annual_lead,
    key="each",
)


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


ANALOG = Family(
    name="analog_2019",
    claims=(),
    question="windows that lie closer to January 2026 than January 2019 does",
    unit="percent of windows",
    choices=(
        Choice(
            "zero",
            "day 0",
            (
                Option("before the streak", "before", "both episodes start from there"),
                Option("streak's last close", "end", "all of the streak is compared"),
            ),
        ),
        Choice(
            "before",
            "sessions before",
            (
                Option("63 sessions", 63, "a quarter, as far as pictures of it reach"),
                Option("21 sessions", 21, "the month before"),
                Option("126 sessions", 126, "half a year"),
                Option("252 sessions", 252, "a year"),
            ),
        ),
        Choice(
            "after",
            "sessions after",
            (
                Option("14 sessions", 14, "the length of the streak of 2026"),
                Option("none", 0, "what was known on day 0"),
            ),
        ),
        Choice(
            "distance",
            "likeness",
            (
                Option("distance", "distance", "size and shape of the moves"),
                Option("correlation", "correlation", "their shape alone"),
            ),
        ),
        Choice(
            "pool",
            "candidates",
            (
                Option("all windows", "all", "everything that could have been named"),
                Option("before such streaks", "streaks", "like with like"),
            ),
        ),
        SINGLE,
    ),
    sample=_closer,
    # What comes after the streak's last close helped nobody to choose the year.
    admits=lambda o: o["zero"] == "before the streak" or o["after"] == "none",
)

FAMILIES = (
    POST_STREAK,
    RATE_CUTS,
    LEAD_EPISODES,
    BREAKOUTS,
    RECESSIONS,
    PERCENTILE,
    RANK,
    SCORE,
    MARGIN,
    NARROWING,
    VALUE_AFTER,
    DECADE_BEFORE,
    ANALOG,
)
BY_CLAIM = {claim: family for family in FAMILIES for claim in family.claims}
