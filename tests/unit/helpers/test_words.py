"""Numbers, units and missing values in readers' form."""

import doctest
import math

import pytest

from helpers import words


def test_the_examples_are_true():
    assert doctest.testmod(words).attempted > 5
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.5, "percent", "12.5 percent"),
        (["2019-01", "2020-01"], "month", "2019-01, 2020-01"),
        ({"mean": 1, "median": 2}, "percent", "mean 1; median 2 percent"),
        ("2019-01", "month", "2019-01"),
        ({"a": -1}, "sign", "a −1"),
        ("", "percent", "–"),
        (None, "percent", "–"),
        ([], "month", "none"),
    ],
)
def test_a_unit_follows_numbers_only(value, unit, text):
    assert words.quantity(value, unit) == text


@pytest.mark.parametrize("value", [0, 0.00001, 0.99996, 123.456, 999.96, 1234.567, 8e9])
def test_a_number_reads_back_within_its_last_digit(value):
    for one in (value, -value):
        text = words.number(one)
        back = float(text.replace("−", "-"))
        assert math.isclose(back, one, rel_tol=5e-4, abs_tol=5e-5), text
        assert not text.startswith("−0") or back != 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_reaches_a_reader(value):
    assert words.fixed(value) == words.MISSING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (12, "12"),
        (100, "100"),
        (-18.2, "−18.2"),
        (0.33333, "0.3333"),
        (2669.1, "2669.1"),
        (2850, "2850"),
        (0.00012345, "0.0001"),
        (-0.00001, "0"),
        ([], "none"),
        (["2019", 3.5], "2019, 3.5"),
        ({"mean": -0.8086, "hit rate": 0.5}, "mean −0.8086; hit rate 0.5"),
        ("2026-01-14", "2026-01-14"),
    ],
)
def test_values_as_people_write_them(value, text):
    assert words.value(value) == text
