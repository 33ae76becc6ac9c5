"""Every reasonable specification of one estimate, and what the choices do to it.

A family of specifications declares its choices as data, each option with its reason
(data/specifications.toml). Here they are combined, computed on one history, set against chance and
summed up as a specification curve with the claim's own reading in it.

Two nulls. The *placebo* keeps the history and draws other dates for the events of one
specification. The *joint null* keeps all rules and resamples the history in blocks of months,
all markets of a month together, so that the specifications stay as related to one another as
they are.

Source: Simonsohn, Simmons and Nelson (2020); Steegen, Tuerlinckx, Gelman and Vanpaemel (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers import nulls, returns
from helpers.errors import InputError
from helpers.histories import History
from helpers.inference import block_length, median_interval, t_interval, wilson_interval
from helpers.interval import Interval
from helpers.positions import non_overlapping

if TYPE_CHECKING:
    from helpers.market import Market

# The choice that says how a sample is summed up; all others say what the sample is.
STATISTIC = "statistic"


@dataclass(frozen=True)
class Option:
    """One way to make a choice: how it is called, what the computation gets, and its reason."""

    label: str
    value: Hashable
    reason: str


@dataclass(frozen=True)
class Choice:
    """A choice that someone else could have made otherwise; its first option is the row's own.

    ``name`` is the argument of the computation, ``title`` what people read.
    """

    name: str
    title: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Sample:
    """What one specification looks at, before it is summed up.

    Attributes
    ----------
    outcomes : ndarray of shape (n,)
        The outcome of an event at each position, in the family's unit; NaN where its window is
        not full.
    events : ndarray of int of shape (n_events,)
        Positions of the events, increasing.
    width : int
        Positions that one window spans.
    first : int
        First position at which an event could have been.
    """

    outcomes: np.ndarray
    events: np.ndarray
    width: int = 1
    first: int = 0

    @property
    def full(self) -> np.ndarray:
        """Positions of the events with a full window."""
        return self.events[np.isfinite(self.outcomes[self.events])]


@dataclass(frozen=True, eq=False)
class Family:
    """All specifications of one estimate.

    Attributes
    ----------
    name : str
    claims : tuple of str
        Claims whose share of agreement this is; empty for an estimate that no claim makes.
    question : str
        What is estimated, in words.
    unit : str
    choices : tuple of Choice
    sample : callable
        From a :class:`History` and the option value of each choice but the statistic, by name,
        to a :class:`Sample`. It may raise InputError where the data hold nothing to look at.
    admits : callable
        From the labels of a combination, by choice, to whether it has a reason.
    key : str
        Name under which the claim's bound judges the estimate, ``""`` if it has but one.
    placebo : bool
        Whether events of this kind could have come at any other position.
    resampled : bool
        Whether the same rules apply to a history resampled by months.
    """

    name: str
    claims: tuple[str, ...]
    question: str
    unit: str
    choices: tuple[Choice, ...]
    sample: Callable[..., Sample]
    admits: Callable[[Mapping[str, str]], bool] = lambda labels: True
    key: str = ""
    placebo: bool = False
    resampled: bool = False

    @property
    def own(self) -> dict[str, str]:
        """Labels of the claim's own reading."""
        return {choice.name: choice.options[0].label for choice in self.choices}


# Combinations -----------------------------------------------------------------------------------


@lru_cache
def combinations(family: Family) -> pd.DataFrame:
    """Return every combination of options that has a reason, the claim's own reading first.

    Returns
    -------
    DataFrame of shape (n_specifications, n_choices)
        Labels, one column a choice. Not to be changed: it is made once.
    """
    labels = product(*([option.label for option in choice.options] for choice in family.choices))
    names = [choice.name for choice in family.choices]
    rows = [row for row in labels if family.admits(dict(zip(names, row, strict=True)))]
    return pd.DataFrame(rows, columns=names)


@lru_cache
def _plan(family: Family) -> tuple[list[dict[str, Hashable]], np.ndarray, np.ndarray]:
    """Return the arguments of each distinct sample, and each specification's and statistic."""
    values = {c.name: {o.label: o.value for o in c.options} for c in family.choices}
    table = combinations(family)
    chosen = table.drop(columns=STATISTIC)
    groups = chosen.groupby(list(chosen), sort=False).ngroup().to_numpy()
    first = chosen[~chosen.duplicated()]
    arguments = [
        {name: values[name][label] for name, label in row.items()}
        for row in first.to_dict("records")
    ]
    return arguments, groups, table[STATISTIC].to_numpy()


# Estimates --------------------------------------------------------------------------------------


def estimates(family: Family, history: History) -> np.ndarray:
    """Return the estimate of every specification, in the order of :func:`combinations`.

    Returns
    -------
    ndarray of shape (n_specifications,), in the family's unit; NaN where nothing is left to
    look at.
    """
    return _summed(family, list(_samples(family, history)))


def _summed(family: Family, samples: Sequence[Sample | None]) -> np.ndarray:
    _, groups, statistics = _plan(family)
    outcomes = [s.outcomes[s.full] if s else np.empty(0) for s in samples]
    table = np.full((len(outcomes), max(map(len, outcomes), default=0) or 1), np.nan)
    for row, values in zip(table, outcomes, strict=True):
        row[: len(values)] = values
    result = np.empty(len(groups))
    for statistic in dict.fromkeys(statistics):
        asked = statistics == statistic
        result[asked] = _reduced(table, statistic)[groups[asked]]
    return result


def _samples(family: Family, history: History) -> Iterator[Sample | None]:
    """Yield each distinct sample; None where the data hold nothing to look at."""
    for arguments in _plan(family)[0]:
        try:
            yield family.sample(history, **arguments)
        except InputError:
            yield None


def _reduced(table: np.ndarray, statistic: str) -> np.ndarray:
    """Return mean, share (a mean too) or median of each row; NaN are left out."""
    count = np.isfinite(table).sum(axis=1)
    if statistic == "median":
        ordered, row = np.sort(table, axis=1), np.arange(len(table))  # NaN come last
        low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, table.shape[1] - 1)
        return np.where(count > 0, (ordered[row, low] + ordered[row, high]) / 2, np.nan)
    return np.where(count > 0, np.nansum(table, axis=1) / np.maximum(count, 1), np.nan)


def _interval(sample: Sample, statistic: str) -> Interval | None:
    """Return the interval fit for a few outcomes: t, sign test, or Wilson for a share.

    A share counts only as many trials as windows that do not overlap.
    """
    values = pd.Series(sample.outcomes[sample.full])
    if statistic == "share":
        apart = non_overlapping(sample.full, sample.width)
        return wilson_interval(values.mean() * apart, apart) if apart else None
    return {"mean": t_interval, "median": median_interval}.get(statistic, lambda _: None)(values)


# The curve --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """A specification curve.

    Attributes
    ----------
    family : Family
    table : DataFrame of shape (n_specifications, n_choices + 5)
        Labels of each choice, ``estimate``, ``low``, ``high`` (95% interval; NaN without one),
        ``n`` (events) and ``p`` (two-sided, against placebo dates; NaN without them), sorted by
        estimate. The index is that of :func:`combinations`. Specifications with nothing to look
        at are left out.
    without : int
        How many those are.
    drawn : ndarray of shape (n_histories, n_specifications) or None
        Estimates on resampled histories, columns as in :func:`combinations`. Histories in which
        no specification of the table finds anything are left out.
    """

    family: Family
    table: pd.DataFrame
    without: int = 0
    drawn: np.ndarray | None = None

    @property
    def place(self) -> int:
        """Position of the claim's own reading in the sorted table; -1 if it is left out."""
        return int(self.table.index.get_indexer([0])[0])

    @property
    def choices(self) -> dict[str, tuple[str, list[str]]]:
        """Column of each real choice → its title and its labels."""
        return {
            c.name: (c.title, [o.label for o in c.options])
            for c in self.family.choices
            if len(c.options) > 1
        }

    @property
    def envelope(self) -> pd.DataFrame | None:
        """Middle 95% and median of the sorted curve under the joint null, by position, if any."""
        if self.drawn is None:
            return None
        ordered = np.sort(self.drawn[:, np.sort(self.table.index)], axis=1)
        ends = np.full((ordered.shape[1], 3), np.nan)
        # NaN come last: the end of the curve may be missing from every history.
        reached = np.isfinite(ordered).any(axis=0)
        ends[reached] = np.nanquantile(ordered[:, reached], [0.025, 0.5, 0.975], axis=0).T
        return pd.DataFrame(ends, columns=["low", "median", "high"])

    def summary(self) -> pd.Series:
        """Return what the curve says in numbers.

        Returns
        -------
        Series
            ``specifications``, ``different estimates`` (how many are not the same to ten digits),
            ``lowest``, ``median``, ``highest``, ``the row's own``, ``share above zero``; with
            placebo dates ``share with p below 5%``; with a joint null ``median under the null,
            low`` and ``high`` (middle 95%) and ``p of the median`` (two-sided).
        """
        estimate = self.table["estimate"]
        own = estimate.get(0, np.nan)
        found = {
            "specifications": len(estimate),
            "different estimates": estimate.round(10).nunique(),
            "lowest": estimate.min(),
            "median": estimate.median(),
            "highest": estimate.max(),
            "the row's own": own,
            "share above zero": (estimate > 0).mean(),
        }
        if self.table["p"].notna().any():
            found["share with p below 5%"] = (self.table["p"].dropna() < 0.05).mean()
        if self.drawn is not None:
            medians = np.nanmedian(self.drawn[:, self.table.index], axis=1)
            low, high = np.quantile(medians, [0.025, 0.975])
            found |= {"median under the null, low": low, "median under the null, high": high}
            found["p of the median"] = nulls.placebo_test(estimate.median(), medians)["p"]
        return pd.Series(found)


def curve(
    family: Family, market: Market, draws: int = 0, histories: int = 0, seed: int = 0
) -> Curve:
    """Compute every specification, and set it against chance.

    Parameters
    ----------
    family : Family
    market : Market
        Cut at the day whose data the estimates may use.
    draws : int
        Placebo draws for each specification; none if 0, or if the family's events could not have
        come at other dates.
    histories : int
        Resampled histories for the joint null; none if 0, or if the family has no such null.
    seed : int

    Raises
    ------
    InputError
        If no specification finds anything to look at.
    """
    history = History(market)
    samples = list(_samples(family, history))
    table = combinations(family).copy()
    table["estimate"] = _summed(family, samples)
    if not table["estimate"].notna().any():
        raise InputError(f"{family.name}: expected at least one specification with data; none has")
    _, groups, statistics = _plan(family)
    intervals = [
        _interval(samples[group], statistic) if samples[group] else None
        for group, statistic in zip(groups, statistics, strict=True)
    ]
    table["low"] = [one.low if one else np.nan for one in intervals]
    table["high"] = [one.high if one else np.nan for one in intervals]
    table["n"] = [len(samples[group].full) if samples[group] else 0 for group in groups]
    table["p"] = np.nan
    if draws and family.placebo:
        table["p"] = _placebo(family, samples, table["estimate"].to_numpy(), draws, seed)
    kept = table.dropna(subset="estimate").sort_values("estimate", kind="stable")
    drawn = None
    if histories and family.resampled:
        drawn = null(family, history, histories, seed)
        # A history without any event has no curve.
        drawn = drawn[np.isfinite(drawn[:, kept.index]).any(axis=1)]
    return Curve(
        family, kept, len(table) - len(kept), drawn if drawn is not None and len(drawn) else None
    )


def null(family: Family, history: History, histories: int, seed: int) -> np.ndarray:
    """Return the estimates of every specification on resampled histories.

    Blocks are as long on average as the monthly leads of the two indexes ask for.

    Source: Politis and White (2004).

    Returns
    -------
    ndarray of shape (histories, n_specifications), columns as in :func:`combinations`.
    """
    months = max(1.0, block_length(returns.lead(returns.calendar_returns(history.market.closes))))
    rng = np.random.default_rng(seed)
    return np.array([estimates(family, history.resampled(months, rng)) for _ in range(histories)])


def _placebo(
    family: Family, samples: Sequence[Sample | None], observed: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Return each specification's two-sided p-value against as many events at other dates."""
    _, groups, statistics = _plan(family)
    p = np.full(len(groups), np.nan)
    specs = pd.Series(range(len(groups))).groupby(groups).indices
    known: dict[tuple[int, int], _Dates] = {}
    for number, sample in enumerate(samples):
        if sample is None or not len(sample.full):
            continue
        key = id(sample.outcomes), sample.first  # many samples share one array of outcomes
        dates = known[key] = known.get(key) or _Dates(sample)
        events = np.searchsorted(dates.open, sample.full)
        gap = int(np.diff(events).min()) if len(events) > 1 else 1
        rng = np.random.default_rng([seed, number])
        sets = nulls.placebo_dates(len(dates.open), len(events), gap, draws, rng)
        for spec in specs[number]:
            drawn = dates.summed(sets, statistics[spec])
            p[spec] = nulls.placebo_test(observed[spec], drawn)["p"]
    return p


class _Dates:
    """The dates at which a sample's events could have been, and what followed each, sorted too."""

    def __init__(self, sample: Sample) -> None:
        open_ = np.flatnonzero(np.isfinite(sample.outcomes))
        self.open = open_[open_ >= sample.first]
        self.outcomes = sample.outcomes[self.open]
        order = np.argsort(self.outcomes)
        self.ordered = self.outcomes[order]
        self.rank = np.empty(len(order), np.int32)  # sorted several times as fast as outcomes
        self.rank[order] = np.arange(len(order))

    def summed(self, sets: np.ndarray, statistic: str) -> np.ndarray:
        """Return mean, share or median of the outcomes of each row of dates."""
        n = sets.shape[1]
        if statistic != "median":
            return self.outcomes[sets].sum(axis=1) / n
        ranks = np.sort(self.rank[sets], axis=1)
        return (self.ordered[ranks[:, (n - 1) // 2]] + self.ordered[ranks[:, n // 2]]) / 2


def own_sample(family: Family, market: Market) -> Sample | None:
    """Return the sample of the claim's own reading; None where there is nothing to look at."""
    return next(_samples(_own(family), History(market)))


def _own(family: Family) -> Family:
    return replace(family, choices=tuple(replace(c, options=c.options[:1]) for c in family.choices))


def own_p(family: Family, market: Market, draws: int, seed: int) -> float:
    """Return the two-sided p-value of the claim's own reading.

    Parameters
    ----------
    family : Family
    market : Market
    draws : int
        Sets of placebo dates.
    seed : int

    Returns
    -------
    float
        Against as many events at other dates; where there could have been none, Student's t
        test of a mean outcome of zero. NaN for fewer than two outcomes, or a single number.
    """
    own = _own(family)
    samples = list(_samples(own, History(market)))
    outcomes = samples[0].outcomes[samples[0].full] if samples[0] else np.empty(0)
    if len(outcomes) < 2:
        return float("nan")
    if family.placebo:
        return float(_placebo(own, samples, _summed(own, samples), draws, seed)[0])
    from scipy import stats

    return float(stats.ttest_1samp(outcomes, 0).pvalue)


def influence(curve: Curve) -> pd.DataFrame:
    """Return which choice moves the estimate most.

    Returns
    -------
    DataFrame indexed by choice, the most influential first
        ``spread``: highest less lowest mean estimate of an option, family's unit; ``explained``:
        share of the variance between specifications that lies between its options; ``lowest``
        and ``highest``: the options with these means.
    """
    titles = {choice.name: choice.title for choice in curve.family.choices}
    return movers(curve.table, titles).rename_axis("choice")


def movers(table: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return which column moves the column ``estimate`` most, as :func:`influence` does.

    Parameters
    ----------
    table : DataFrame
        A row an estimate; without NaN.
    titles : dict
        Name of a column → what it is called.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1, 1, 2, 2], "b": [0, 1, 0, 1], "estimate": [0.0, 1, 10, 11]})
    >>> movers(table, {"a": "a", "b": "b"})["spread"].to_dict()
    {'a': 10.0, 'b': 1.0}
    """
    rows, estimate = {}, table["estimate"]
    total = ((estimate - estimate.mean()) ** 2).sum()
    for name, title in titles.items():
        means = table.groupby(name, sort=False)["estimate"].mean()
        if len(means) > 1:
            between = ((table[name].map(means) - estimate.mean()) ** 2).sum()
            rows[title] = {
                "spread": means.max() - means.min(),
                "explained": between / total if total else np.nan,
                "lowest": means.idxmin(),
                "highest": means.idxmax(),
            }
    columns = ["spread", "explained", "lowest", "highest"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return frame.sort_values("spread", ascending=False, kind="stable")
