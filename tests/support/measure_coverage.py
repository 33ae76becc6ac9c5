"""How often intervals hold what they should, in simulated histories whose truth is known.

``PYTHONPATH=tests python -m support.measure_coverage`` measures 1,000 histories of each kind
and writes docs/coverage.csv. Nothing here is chosen by its result. An interval that
measures.py makes is measured through measures.py, so that a change there shows here.

Columns: ``interval``, ``used_for``, ``verdict`` (the claims whose outcome rests on it, at their n),
``histories`` (kind), ``n`` (events), ``horizon``, ``nominal``, ``covered``, ``tried`` (intervals).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import data, events, inference, measures, returns
from helpers.errors import InputError
from helpers.interval import LEVEL, Interval
from helpers.market import Market
from support import histories
from support.histories import World
from support.workers import executor

TABLE = Path(__file__).resolve().parents[2] / "docs" / "coverage.csv"
AS_OF = "2026-01-22"  # the last date a verdict that rests on an interval is as of
YEAR, MONTH = returns.SESSIONS_PER_YEAR, returns.SESSIONS_PER_MONTH
TRUTH_HISTORIES = 500 if histories.FULL else 100
# Enough for coverage, which is a mean over the draws of all histories; 95% of them is a rank.
DRAWS = 99
# Name -> shortest streak, sessions, events an interval is made of.
STREAKS = {
    "streaks of 12 or more, a year": (12, YEAR, 4),
    "streaks of 8 or more, a year": (8, YEAR, 19),
    "streaks of 8 or more, a month": (8, MONTH, 19),
}
BREAKOUTS = {"index": returns.SMALL, "quiet": 756, "sessions": YEAR}
NARROWING = {"lowest_percent": 10, "years": 5}

# (interval, used for, verdict, n, horizon) of one row
Row = tuple[str, str, str, str, str]


def table(size: int, workers: int = 2) -> pd.DataFrame:
    """Measure coverage in ``size`` histories of each kind."""
    tasks = [(part, kind, size) for part in PARTS for kind in range(2)]
    with executor(workers) as pool:
        return pd.concat(pool.map(_table_of, *zip(*tasks, strict=True)), ignore_index=True)


def _table_of(part: str, kind: int, size: int) -> pd.DataFrame:
    market = data.load().until(AS_OF)
    world = histories.worlds(market)[kind]
    draw, find_truth, note_all = PARTS[part]
    truth = find_truth(_drawn(market, world, draw, TRUTH_HISTORIES, [1, kind]))
    held, waiting = defaultdict(list), defaultdict(list)

    def note(row: Row, interval: Interval | None, true: float) -> None:
        if interval is not None:
            held[row].append(interval.low <= true <= interval.high)

    for one in _drawn(market, world, draw, size, [2, kind]):
        note_all(note, one, truth, waiting)
    rows = [
        (*row[:3], world.name, *row[3:], LEVEL, round(np.mean(found), 4), len(found))
        for row, found in held.items()
    ]
    columns = ["interval", "used_for", "verdict", "histories", "n", "horizon"]
    return pd.DataFrame(rows, columns=[*columns, "nominal", "covered", "tried"])


def _drawn(market: Market, world: World, draw: str, size: int, seed: list[int]) -> Iterator[Market]:
    """Yield markets with simulated days, months or Junes."""
    for count, rng in histories.batches(size, seed):
        for drawn in getattr(world, draw)(count, rng):
            yield histories.market_of(market, **{draw: drawn})


# Events on days ------------------------------------------------------------------------------


def _event_truth(markets: Iterable[Market]) -> dict[str, float]:
    found = defaultdict(list)
    for one in markets:
        found["lead"].append(_yearly(one).to_numpy())
        for name, after in _after_streaks(one).items():
            found[name].append(after)
        found["breakouts"].append(_excess_after_breakouts(one))
    pooled = {name: np.concatenate(values) for name, values in found.items()}
    return {name: float(values.mean()) for name, values in pooled.items()} | {
        "lead, median": float(np.median(pooled["lead"])),
        "lead, hits": float((pooled["lead"] > 0).mean()),
    }


def _note_events(note, one: Market, truth: dict[str, float], waiting: dict[str, list]) -> None:
    _note_cuts(note, one, truth)
    _note_breakouts(note, one, truth)
    for name, after in _after_streaks(one).items():
        # So many events take several histories: those of one follow on the last one's.
        waiting[name].extend(after)
        n, used_for = STREAKS[name][2], f"mean lead after {name.split(',')[0]}"
        while len(waiting[name]) >= n:
            group = [waiting[name].pop(0) for _ in range(n)]
            row = ("t", used_for, "", str(n), f"{STREAKS[name][1]} sessions")
            note(row, inference.t_interval(pd.Series(group)), truth[name])


def _note_cuts(note, one: Market, truth: dict[str, float]) -> None:
    found = measures.after_rate_moves(one, YEAR, statistic=["mean", "median", "hit rate"])
    about = ("AI-10", str(found.n), f"{YEAR} sessions")
    mean, median, hits = (found.interval[name] for name in ("mean", "median", "hit rate"))
    note((mean.method, "mean lead after first cuts", *about), mean, truth["lead"])
    note((median.method, "median lead after first cuts", *about), median, truth["lead, median"])
    won = round(found.value["hit rate"] * found.n)
    _note_shares(note, "hit rate after first cuts", about, hits, won, found.n, truth["lead, hits"])


def _note_shares(note, used_for, about, interval, hits, n, true) -> None:
    """Note the interval that a verdict rests on and, beside it, the others of a share."""
    note((interval.method, used_for, *about), interval, true)
    for other in (inference.wilson_interval(hits, n), inference.exact_interval(hits, n)):
        if other.method != interval.method:
            note((other.method, used_for, "", *about[1:]), other, true)


def _note_breakouts(note, one: Market, truth: dict[str, float]) -> None:
    try:
        found = measures.after_records(one, statistic="excess", **BREAKOUTS)
    except InputError:
        return  # a history without such a record
    n, verdict = ("2", "HR-67") if found.n == 2 else ("3 and more", "")
    row = ("t", "mean return after breakouts, less all days'", verdict, n, f"{YEAR} sessions")
    note(row, found.interval, truth["breakouts"])


def _after_streaks(one: Market) -> dict[str, np.ndarray]:
    """Return the lead after each streak of each kind, percentage points."""
    daily = returns.lead(returns.simple_returns(one.closes))
    table, found = events.earlier_streaks(daily, 1), {}
    for name, (length, sessions, _) in STREAKS.items():
        ends = pd.DatetimeIndex(table.loc[table["length"] >= length, "end"])
        leads = events.forward_leads(one.closes, ends, sessions)["lead"].dropna()
        found[name] = 100 * leads.to_numpy()
    return found


def _excess_after_breakouts(one: Market) -> np.ndarray:
    closes = one.closes[[BREAKOUTS["index"]]]
    dates = events.breakouts(closes.iloc[:, 0], BREAKOUTS["quiet"])
    after = returns.forward_returns(closes, dates, YEAR).dropna().to_numpy()
    return 100 * (after - returns.all_forward_returns(closes, YEAR).to_numpy().mean()).ravel()


def _yearly(one: Market) -> pd.Series:
    """Return the lead over the year after each session, percentage points."""
    return 100 * returns.lead(returns.all_forward_returns(one.closes, YEAR))


# Series of days ------------------------------------------------------------------------------


def _series(one: Market) -> dict[str, tuple[pd.Series, str]]:
    """Return the series whose means have a bootstrap interval, and their horizons."""
    return {
        "daily lead": (100 * returns.lead(returns.simple_returns(one.closes)), "1 session"),
        "lead, windows that start daily": (_yearly(one), f"{YEAR} sessions"),
        "lead, windows that start monthly": (_yearly(one).iloc[::MONTH], f"{YEAR} sessions"),
    }


def _series_truth(markets: Iterable[Market]) -> dict[str, float]:
    means = [{name: series.mean() for name, (series, _) in _series(m).items()} for m in markets]
    return pd.DataFrame(means).mean().to_dict()


def _note_series(note, one: Market, truth: dict[str, float], waiting: dict[str, list]) -> None:
    for name, (series, horizon) in _series(one).items():
        interval = inference.block_interval(series, draws=DRAWS)
        row = ("stationary bootstrap", f"mean {name}", "", str(len(series)), horizon)
        note(row, interval, truth[name])


# Recessions ----------------------------------------------------------------------------------


def _recession_truth(markets: Iterable[Market]) -> dict[str, float]:
    found = [events.recession_leads(one.portfolios, one.recessions)["lead"] for one in markets]
    leads = np.concatenate(found)
    return {"mean": float(100 * leads.mean()), "below": float((leads < 0).mean())}


def _note_recessions(note, one: Market, truth: dict[str, float], waiting: dict[str, list]) -> None:
    found = measures.lead_in_recessions(one)
    about = ("HR-70; CS-21", str(found.n), "peak to trough")
    mean, share = found.interval["mean"], found.interval["share below zero"]
    note((mean.method, "mean lead in recessions", *about), mean, truth["mean"])
    below = round(found.value["share below zero"] * found.n)
    used_for = "share of recessions with a lead below zero"
    _note_shares(note, used_for, about, share, below, found.n, truth["below"])


# Valuations ----------------------------------------------------------------------------------


def _narrowing_truth(markets: Iterable[Market]) -> dict[str, float]:
    narrowed = []
    for one in markets:
        ratio = one.price_to_book["quintile_2"]
        lowest = ratio <= ratio.quantile(NARROWING["lowest_percent"] / 100)
        change = (ratio.shift(-NARROWING["years"]) - ratio)[lowest].dropna()
        narrowed.append(change > 0)
    return {"share": float(np.concatenate(narrowed).mean())}


def _note_narrowing(note, one: Market, truth: dict[str, float], waiting: dict[str, list]) -> None:
    try:
        found = measures.narrowing_share(one, **NARROWING)
    except InputError:
        return  # every wide gap is too young
    method, words = found.interval.method.split(", ")
    apart = int(words.split()[0])
    n = "3 apart" if apart == 3 else "fewer apart" if apart < 3 else "more apart"
    verdict = "CS-22" if apart == 3 else ""
    row = (method, "share of wide gaps narrower later", verdict, n, "5 years")
    note(row, found.interval, truth["share"])


# Part -> what is drawn, what finds the truth, what notes the intervals of one history.
PARTS = {
    "events": ("days", _event_truth, _note_events),
    "series": ("days", _series_truth, _note_series),
    "recessions": ("months", _recession_truth, _note_recessions),
    "valuations": ("junes", _narrowing_truth, _note_narrowing),
}


def main() -> None:
    """Write docs/coverage.csv."""
    table(1000, os.cpu_count() or 1).to_csv(TABLE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
