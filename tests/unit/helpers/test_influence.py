"""Leave-one-out by hand and by loops, stratified differences by every relabelling."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import events, influence, regressions
from helpers.errors import InputError
from helpers.multiverse import own_sample
from helpers.specifications import BY_CLAIM

RNG = np.random.default_rng(12)


def groups(n: int, m: int) -> tuple[pd.Series, pd.Series]:
    values = RNG.normal(0, 10, n + m)
    values[n:] += 15
    names = [f"e{k}" for k in range(n + m)]
    return pd.Series(values[:n], names[:n]), pd.Series(values[n:], names[n:])


def test_without_each_by_hand():
    table = influence.without_each(pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 14.0}))
    assert list(table.index) == ["d", "a", "b", "c"]
    assert table["mean"].to_list() == pytest.approx([2, 19 / 3, 6, 17 / 3])
    assert table["change"].to_list() == pytest.approx([-3, 4 / 3, 1, 2 / 3])
    assert table.loc["d", "median"] == 2
    low, high = stats.t.interval(0.95, 2, 2, stats.sem([1, 2, 3]))
    assert table.loc["d", ["low", "high"]].to_list() == pytest.approx([low, high])


def test_without_each_needs_three():
    with pytest.raises(InputError, match="2 events: expected at least three"):
        influence.without_each(pd.Series([1.0, 2.0, np.nan]))


def test_difference_without_each_agrees_with_another_library():
    early, late = groups(4, 5)
    table = influence.difference_without_each(early, late)
    assert list(table.index) == [*early.index, *late.index]
    for event in table.index:
        one, other = (g.drop(event, errors="ignore").to_numpy() for g in (early, late))
        p = stats.permutation_test(
            (other, one), lambda a, b: a.mean() - b.mean(), n_resamples=np.inf
        ).pvalue
        assert table.loc[event, "difference"] == pytest.approx(other.mean() - one.mean())
        assert table.loc[event, "p"] == pytest.approx(p)


def stratified_by_loop(early: pd.Series, late: pd.Series, strata: pd.Series):
    """Every relabelling within the strata, one after another."""
    both = pd.concat([early, late])

    def statistic(chosen: set[str]) -> float:
        total, weights = 0.0, 0.0
        for stratum in sorted(set(strata)):
            inside = [name for name in both.index if strata[name] == stratum]
            a = [both[name] for name in inside if name in chosen]
            b = [both[name] for name in inside if name not in chosen]
            if a and b:
                weight = 1 / (1 / len(a) + 1 / len(b))
                total, weights = total + weight * (np.mean(a) - np.mean(b)), weights + weight
        return total / weights

    first, second = ([n for n in both.index if strata[n] == s] for s in sorted(set(strata)))
    sizes = [sum(name in late.index for name in names) for names in (first, second)]
    drawn = [
        statistic({*one, *other})
        for one in combinations(first, sizes[0])
        for other in combinations(second, sizes[1])
    ]
    own = statistic(set(late.index))
    above, below = ([x >= own - 1e-9 for x in drawn], [x <= own + 1e-9 for x in drawn])
    return own, min(1, 2 * min(np.mean(above), np.mean(below)))


@pytest.mark.parametrize(("n", "m"), [(3, 4), (5, 3)])
def test_stratified_difference_agrees_with_a_loop(n, m):
    early, late = groups(n, m)
    strata = pd.Series([k % 2 for k in range(n + m)], [*early.index, *late.index])
    found = influence.stratified_difference(early, late, strata)
    own, p = stratified_by_loop(early, late, strata)
    assert found["difference"] == pytest.approx(own)
    assert found["p"] == pytest.approx(p)
    assert found["events"] == n + m


def test_one_stratum_is_the_plain_permutation():
    early, late = groups(6, 6)
    strata = pd.Series("all", [*early.index, *late.index])
    found = influence.stratified_difference(early, late, strata)
    p = stats.permutation_test(
        (late, early), lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=np.inf
    ).pvalue
    assert found["p"] == pytest.approx(p)


def test_many_labellings_are_drawn():
    early, late = groups(14, 14)
    strata = pd.Series("all", [*early.index, *late.index])
    found = influence.stratified_difference(early, late, strata, draws=4_000, seed=3)
    p = stats.ttest_ind(late, early).pvalue
    assert found["p"] == pytest.approx(p, abs=0.01)


def test_a_stratum_of_one_group_is_left_out():
    early, late = groups(3, 3)
    strata = pd.Series([0, 0, 1, 0, 0, 0], [*early.index, *late.index])
    assert influence.stratified_difference(early, late, strata)["events"] == 5
    nothing = pd.Series([0, 0, 0, 1, 1, 1], strata.index)
    assert influence.stratified_difference(early, late, nothing)["events"] == 0


def test_the_changed_response_by_the_referees_figures(market):
    """A recomputation found: -15 net of the size premium; p 0.005 to 0.098 without one cut;
    -25 and p 0.038 like with like."""
    early = market.discount_cuts.index.to_period("M")
    late = events.first_cuts(market.target).to_period("M")
    table = regressions.event_leads(market.portfolios, early, late)
    one, other = (table[table["group"] == name] for name in ("early", "late"))
    without = influence.difference_without_each(one["net"], other["net"])
    assert other["net"].mean() - one["net"].mean() == pytest.approx(-14.94, abs=0.01)
    assert (without["p"].min(), without["p"].max()) == pytest.approx((0.005, 0.098), abs=0.0006)
    assert (without["p"] > 0.0505).sum() == 12
    near = events.near_recession(table.index, market.recessions)
    found = influence.stratified_difference(one["lead"], other["lead"], near)
    assert found["difference"] == pytest.approx(-24.76, abs=0.01)
    assert found["p"] == pytest.approx(0.038, abs=0.002)


@pytest.mark.parametrize(
    ("claim_id", "day", "n"),
    [("AI-10", "2026-01-12", 9), ("HR-42", "2026-01-20", 4), ("HR-70", "2026-01-22", 16)],
)
def test_what_one_event_carries(market, claim_id, day, n):
    sample = own_sample(BY_CLAIM[claim_id], market.until(day))
    values = pd.Series(sample.outcomes[sample.full])
    table = influence.without_each(values)
    assert len(table) == n
    # Leaving out x moves the mean by (mean - x) / (n - 1).
    expected = (values.mean() - table["outcome"]) / (n - 1)
    assert table["change"].to_numpy() == pytest.approx(expected.to_numpy())
