"""Time what the notebooks lean on against plainer or public ways to the same numbers.

``OMP_NUM_THREADS=1 python bench/bench.py`` prints one line a comparison: the ratio of the two
processor times, the best of three runs each. Nothing fails for being slow; different numbers stop
it. A library that is not installed is told and left out (``pip install -e '.[bench]'``).
"""

from __future__ import annotations

import importlib.util
import resource
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import click
import nbformat
import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from nbconvert import HTMLExporter

from helpers import claims, data, events, inference, multiverse, nulls, returns, specifications
from helpers.interval import LEVEL, Interval
from helpers.market import Market
from helpers.multiverse import STATISTIC
from rotation.report import cells
from rotation.run import planning

T = TypeVar("T")
YEAR, DRAWS, SEED, RUNS = returns.SESSIONS_PER_YEAR, 200, 1, 3


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what a function gives, and its best processor time in seconds."""
    best = np.inf
    for _ in range(RUNS):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return result, best


def tell(what: str, ours: float, theirs: float, other: str) -> None:
    """Print one comparison."""
    click.echo(f"{what}: {1000 * ours:.1f} ms, {theirs / ours:.1f} times as fast as {other}")


def placebo_means(market: Market) -> None:
    """Compare placebo draws with a plain pandas loop over the same dates."""
    closes = market.closes[[returns.SMALL, returns.LARGE]]
    cuts = closes.index.searchsorted(events.first_cuts(market.target), side="right") - 1
    n, gap = len(cuts), nulls.event_spacing(cuts)

    def ours() -> np.ndarray:
        leads = returns.lead(returns.all_forward_returns(closes, YEAR))
        return nulls.placebo(leads, n, gap, ["mean"], DRAWS, SEED)["mean"].to_numpy()

    def loop() -> np.ndarray:
        rng = np.random.default_rng(SEED)
        drawn = nulls.placebo_dates(len(closes) - YEAR, n, gap, DRAWS, rng)
        means = []
        for positions in drawn:
            leads = []
            for position in positions:
                after = closes.iloc[position + YEAR] / closes.iloc[position] - 1
                leads.append(after[returns.SMALL] - after[returns.LARGE])
            means.append(pd.Series(leads).mean())
        return np.array(means)

    (fast, ours_time), (slow, loop_time) = timed(ours), timed(loop)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-12)
    tell(f"means after {DRAWS} x {n} random dates", ours_time, loop_time, "a pandas loop")


def library_forward_returns(market: Market) -> None:
    """Compare the lead after every streak with alphalens' forward returns of the same days."""
    what = "lead after each streak of 3 or more"
    if importlib.util.find_spec("alphalens") is None:
        click.echo(f"{what}: not compared, alphalens-reloaded is not installed")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from alphalens.utils import compute_forward_returns

    closes = market.closes[[returns.SMALL, returns.LARGE]]
    daily = returns.lead(returns.simple_returns(closes))
    days = pd.DatetimeIndex(events.earlier_streaks(daily, 3)["end"])
    days = days[days <= closes.index[-1 - YEAR]]
    index = pd.MultiIndex.from_product([days, closes.columns], names=["date", "asset"])
    factor = pd.Series(1.0, index=index)

    def ours() -> np.ndarray:
        return events.forward_leads(closes, days, YEAR)["lead"].to_numpy()

    def library() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            after = compute_forward_returns(factor, closes, periods=(YEAR,))
        return returns.lead(after.iloc[:, 0].unstack()).to_numpy()  # noqa: PD010

    (fast, ours_time), (slow, library_time) = timed(ours), timed(library)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-12)
    tell(f"{what} ({len(days)})", ours_time, library_time, "alphalens-reloaded")


def block_bootstrap(market: Market) -> None:
    """Compare the block bootstrap interval of the mean daily lead with arch's own.

    Both resample through arch with one seed and studentise by one error. arch's interval has equal
    tails, ours is symmetric: the ends differ, half their widths hardly.
    """
    daily = returns.lead(returns.simple_returns(market.closes)).to_numpy()
    block = round(inference.block_length(daily))

    def error(mean: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.array([inference.long_run_error(values, block)])

    def ours() -> Interval:
        return inference.block_interval(daily, draws=DRAWS, seed=SEED)

    def library() -> np.ndarray:
        bootstrap = StationaryBootstrap(block, daily, seed=np.random.default_rng(SEED))
        found = bootstrap.conf_int(
            np.mean, DRAWS, method="studentized", size=LEVEL, std_err_func=error
        )
        return found[:, 0]

    (interval, ours_time), ((low, high), library_time) = timed(ours), timed(library)
    np.testing.assert_allclose(interval.high - interval.low, high - low, rtol=0.1)
    tell(f"block bootstrap of {len(daily)} days, {DRAWS} draws", ours_time, library_time, "arch")


def specifications_by_loop(market: Market) -> None:
    """Compare a few specifications with a plain pandas loop over the same events."""
    asked = {"least": 3, "start": 3, STATISTIC: 2}
    family = replace(
        specifications.POST_STREAK,
        choices=tuple(
            replace(choice, options=choice.options[: asked.get(choice.name, 1)])
            for choice in specifications.POST_STREAK.choices
        ),
    )
    table = multiverse.combinations(family)
    history = multiverse.History(market)
    values = {c.name: {o.label: o.value for o in c.options} for c in family.choices}
    found = []
    for row in table.drop(columns=STATISTIC).to_dict("records"):
        chosen = {name: values[name][label] for name, label in row.items()}
        found.append(family.sample(history, **chosen).full)
    closes = market.closes[[returns.SMALL, returns.LARGE]]

    def ours() -> np.ndarray:
        return multiverse.estimates(family, multiverse.History(market))

    def loop() -> np.ndarray:
        estimates = []
        for positions, statistic in zip(found, table[STATISTIC], strict=True):
            leads = []
            for position in positions:
                after = closes.iloc[position + YEAR] / closes.iloc[position] - 1
                leads.append(100 * (after[returns.SMALL] - after[returns.LARGE]))
            estimates.append(pd.Series(leads).agg(statistic))
        return np.array(estimates)

    (fast, ours_time), (slow, loop_time) = timed(ours), timed(loop)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-9)
    what = f"{len(table)} specifications after {sum(map(len, found))} streaks"
    tell(what, ours_time, loop_time, "a pandas loop over the same streaks")


def specification_curves(market: Market) -> None:
    """Time every family with placebo draws for each specification and resampled histories."""
    draws, histories, count = 2000, 500, 0
    began, worked = time.perf_counter(), time.process_time()
    for family in specifications.FAMILIES:
        count += len(multiverse.curve(family, market, draws, histories, SEED).table)
    passed, worked = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    click.echo(
        f"{count} specifications of {len(specifications.FAMILIES)} families, {draws} placebo draws "
        f"each and {histories} histories: {passed:.1f} s, {worked:.1f} s of processor time, peak "
        f"memory of all so far {peak:.0f} MB"
    )


def many_specifications(market: Market) -> None:
    """Time ten thousand specifications, each with placebo draws, against a pandas loop."""
    lengths = tuple(multiverse.Option(f"{n} sessions", n, "a length") for n in range(6, 15))
    begins = market.closes.index[:: len(market.closes) // 20][:12]
    dates = tuple(multiverse.Option(str(day.date()), str(day.date()), "a day") for day in begins)
    margins = tuple(multiverse.Option(f"{n} bp", n / 10_000, "a margin") for n in range(4))
    asked = {"least": lengths, "since": dates, "won": margins}
    family = replace(
        specifications.POST_STREAK,
        choices=tuple(
            replace(choice, options=asked.get(choice.name, choice.options))
            for choice in specifications.POST_STREAK.choices
        ),
    )
    draws = 2000
    began, worked = time.perf_counter(), time.process_time()
    table = multiverse.curve(family, market, draws, 0, SEED).table
    passed, worked = time.perf_counter() - began, time.process_time() - worked
    leads = returns.lead(returns.all_forward_returns(market.closes, YEAR)).dropna()
    rng, loops = np.random.default_rng(SEED), 20

    def loop() -> list[float]:
        rows = nulls.placebo_dates(len(leads), round(table["n"].mean()), 1, loops, rng)
        return [pd.Series([leads.iloc[one] for one in row]).mean() for row in rows]

    _, slow = timed(loop)
    ratio = slow / loops * draws * len(table) / worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(
        f"{len(table)} specifications, {draws} placebo draws each: {passed:.1f} s, {worked:.1f} s "
        f"of processor time, {ratio:.0f} times as fast as a pandas loop over draws (its time told "
        f"from {loops} of them), peak memory of all so far {peak:.0f} MB"
    )


def loading(market: Market) -> None:
    """Compare loading and checking all tables with pandas reading the same files."""

    def plain() -> list[pd.DataFrame]:
        return [pd.read_csv(data.folder() / f"{name}.csv") for name in tables]

    package = data.descriptor(data.folder())
    tables = [r["path"].removesuffix(".csv") for r in package["resources"] if "hash" in r]
    (_, ours), (_, theirs) = timed(data.load), timed(plain)
    tell(f"loading and checking {len(tables)} tables", ours, theirs, "pandas' read_csv alone")


def page_making(market: Market) -> None:
    """Compare the body of a page with nbconvert's page of the same executed notebook."""
    notebook = nbformat.read(planning.find(["04"])[0], 4)

    def library() -> str:
        return str(HTMLExporter().from_notebook_node(notebook)[0])

    (_, ours), (_, theirs) = timed(lambda: cells.body(notebook)), timed(library)
    tell("the body of a page", ours, theirs, "nbconvert")


def growth(market: Market) -> None:
    """Tell how time grows from one to two and four times as many sessions and claims."""
    daily = returns.lead(returns.simple_returns(market.closes)).to_numpy()
    first = market.closes.index[0]

    def longer(times: int) -> float:
        days = pd.bdate_range(first, periods=times * len(daily))
        leads = pd.Series(np.tile(daily, times), days)
        return timed(lambda: (events.streaks(leads, 3), inference.block_length(leads)))[1]

    def more(times: int) -> float:
        registry = claims.load(market)
        asked = [c.claim_id for c in registry.claims.values() if c.call and c.as_of <= market.last]
        return timed(lambda: [registry.measure(one) for one in asked[:: 4 // times]])[1]

    for what, work in (("sessions", longer), ("claims", more)):
        once, *others = (work(times) for times in (1, 2, 4))
        twice, four = (other / once for other in others)
        click.echo(f"{what} twice and four times as many: {twice:.1f} and {four:.1f} times as long")


# A further comparison is one more function that takes the market.
COMPARISONS = (
    placebo_means,
    library_forward_returns,
    block_bootstrap,
    specifications_by_loop,
    specification_curves,
    many_specifications,
    loading,
    page_making,
    growth,
)


def main() -> None:
    """Make every comparison on the frozen data."""
    market = data.load()
    for compare in COMPARISONS:
        compare(market)


if __name__ == "__main__":
    main()
