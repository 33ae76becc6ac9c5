"""Shares by hand, their reference by construction, and the size and power of the median's test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import multiverse, robustness
from helpers.errors import InputError
from helpers.multiverse import STATISTIC, Choice, Curve, Family, Option
from helpers.specifications import POST_STREAK
from support import measure_null

MEAN = Choice(STATISTIC, "statistic", (Option("mean", "mean", ""),))


def choice(name: str, *labels: str) -> Choice:
    return Choice(name, name, tuple(Option(label, label, "") for label in labels))


def curve_of(estimates: list[float], labels: dict[str, list[str]], drawn=None) -> Curve:
    choices = tuple(choice(name, *dict.fromkeys(one)) for name, one in labels.items())
    family = Family("toy", (), "", "points", (*choices, MEAN), lambda *_: None)
    table = pd.DataFrame(labels | {STATISTIC: "mean", "estimate": estimates})
    table[["low", "high", "n"]] = [estimates[0] - 6, estimates[0] + 6, 5]
    return Curve(family, table, drawn=drawn)


def above(x: np.ndarray) -> np.ndarray:
    return x > 0


def test_shares_by_hand():
    """Three options of one choice, one of them holding half of the readings."""
    labels = {"a": ["x", "x", "y", "z"], "b": ["l", "r", "l", "l"]}
    found = robustness.robustness(curve_of([1.0, 1.0, -2.0, -4.0], labels), above)
    assert (found.readings, found.distinct) == (4, 3)
    assert found.share == 0.5
    assert found.share_distinct == pytest.approx(1 / 3)
    # a: (1 + 0 + 0) / 3; b: l one of three, r one of one
    assert found.share_by_choice == pytest.approx(np.mean([1 / 3, (1 / 3 + 1) / 2]))
    assert found.spread == pytest.approx(np.std([1, 1, -2, -4], ddof=1))
    assert found.error == pytest.approx(6 / stats.t.ppf(0.975, 4))
    assert found.if_true is None
    assert not found.speaks_against


def test_the_reference_of_independent_readings_is_binomial():
    rng = np.random.default_rng(4)
    drawn = rng.standard_normal((4_000, 10))
    labels = {"a": list("abcdefghij")}
    curve = curve_of([-1.0] * 10, labels, drawn)
    found = robustness.robustness(curve, above, 1.0)
    assert found.if_nothing == pytest.approx(0.5, abs=0.01)
    assert found.if_true == pytest.approx(stats.norm.cdf(1), abs=0.01)
    assert found.p_true == pytest.approx(1 / 4_001)  # none of ten: never in 4,000
    assert found.speaks_against
    assert found.found_in_nothing == pytest.approx(1 - 0.95**10, abs=0.03)


def test_readings_that_are_one_reading_do_not_speak_against_a_claim():
    """If all move together, none agreeing is as likely as the one reading not agreeing."""
    rng = np.random.default_rng(5)
    drawn = np.repeat(rng.standard_normal((4_000, 1)), 10, axis=1)
    curve = curve_of([-1.0] * 10, {"a": list("abcdefghij")}, drawn)
    found = robustness.robustness(curve, above, 1.0)
    assert found.p_true == pytest.approx(stats.norm.cdf(-1), abs=0.02)
    assert not found.speaks_against
    assert found.found_in_nothing == pytest.approx(0.05, abs=0.01)


def test_missing_estimates_of_a_history_do_not_count():
    drawn = np.array([[1.0, np.nan], [-1.0, -1.0], [np.nan, 3.0]])
    found = robustness.robustness(curve_of([1.0, 2.0], {"a": ["x", "y"]}, drawn), above, 0.0)
    assert found.if_nothing == pytest.approx(2 / 3)


def test_the_medians_test_has_its_size_and_the_normal_power():
    rng = np.random.default_rng(6)
    drawn = np.repeat(4 * rng.standard_normal((8_000, 1)), 3, axis=1)
    found = measure_null.median_power(drawn, (0.0, 4.0, 8.0))
    edge = stats.norm.ppf(0.975)
    expected = [stats.norm.sf(edge - x) + stats.norm.cdf(-edge - x) for x in (0, 1, 2)]
    assert found.to_list() == pytest.approx(expected, abs=0.02)
    with pytest.raises(InputError, match="3 histories: expected at least 40"):
        measure_null.median_power(drawn[:3], (0.0,))


def test_most_true_claims_of_a_narrow_bound_would_fail_a_rule_of_one_half(market):
    """A recomputation found: 10% agree if nothing follows, 17% if the lead is exactly 4.2."""
    curve = multiverse.curve(POST_STREAK, market.until("2026-01-20"), histories=60, seed=1)
    found = robustness.robustness(curve, lambda x: np.abs(x - 4.2) <= 1, 4.2)
    assert found.share == pytest.approx(0.105, abs=0.001)
    assert found.if_nothing == pytest.approx(0.104, abs=0.05)
    assert found.if_true == pytest.approx(0.174, abs=0.06)
    assert not found.speaks_against
    assert "504 readings" in found.sentence()
