"""Numbers, units and missing values in readers' form."""

import doctest
import math
import re

import pandas as pd
import pytest

from helpers import notebook, words


def test_the_examples_are_true():
    assert doctest.testmod(words).attempted > 5
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.5, "percent", "12.5 percent"),
        (["2019-01", "2020-01"], "month", "January 2019, January 2020"),
        ({"mean": 1, "median": 2}, "percent", "mean 1; median 2 percent"),
        ("2019-01", "month", "January 2019"),
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
        ("2026-01-14", "14 January 2026"),
    ],
)
def test_values_as_people_write_them(value, text):
    assert words.value(value) == text


@pytest.mark.parametrize(
    ("stated", "found", "unit", "text"),
    [
        (4.2, -0.3850511, "percentage points", "−0.39 percentage points"),
        (12, -0.74069, "percent", "−0.7 percent"),
        (6, 4, "streaks", "4 streaks"),
        (2, 1, "streaks", "1 streak"),
        (2669.1, 2645.3599, "index level", "2,645.36 index level"),
        (2850, 3024.37, "index level", "3,024.4 index level"),
        ("more", {"hit rate": 1 / 3, "mean": -0.80861}, "percentage points",
         "hit rate 33%; mean −0.809 percentage points"),
        (2019, {"as long": ["2022"]}, "year", "as long 2022"),
        (1, None, "percent", words.MISSING),
    ],
)  # fmt: skip
def test_what_was_measured_has_one_decimal_more_than_was_stated(stated, found, unit, text):
    check = {"stated": stated, "measured": found, "unit": unit}
    assert words.measured(check) == text


def test_years_are_not_grouped_as_thousands():
    assert words.quantity(2019, "year") == "2019 year"
    assert words.quantity(2850, "index level") == "2,850 index level"
    assert words.quantity(0.12345, "percent") == "0.1235 percent"


def test_a_table_shows_no_machine_words():
    frame = pd.DataFrame(
        {"sp_500": [1.0, float("nan")], "running": [True, False], "hit_low": [float("inf"), 0.1]},
        index=pd.Index(["a", "base_mean"], name="min_length"),
    )
    page = notebook.table(frame).data
    shown = re.sub(r"<[^>]+>", "|", page)
    assert not re.search(r"_|\bnan\b|\binf\b|True|False", shown)
    for text in ("S&amp;P 500", "hit rate, low", "shortest streak", "mean, all days", "|yes|"):
        assert text in shown
