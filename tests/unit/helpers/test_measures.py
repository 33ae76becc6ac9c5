"""Claims measured a second time from the CSV files alone, in plain Python.

Nothing here is computed by the package under test: ``csv`` reads, loops and ``statistics`` do
the rest. Each golden value is compared with the measurement that the claim's row calls.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from statistics import mean, median, quantiles, stdev

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import measures
from helpers.errors import InputError
from support.data import FIRST_CUTS, claim_rows, raw

CLOSES = raw("index_closes")
DATES = [row["date"] for row in CLOSES]
SMALL = [float(row["russell_2000"]) for row in CLOSES]
LARGE = [float(row["sp_500"]) for row in CLOSES]
LEADS = [None] + [SMALL[i] / SMALL[i - 1] - LARGE[i] / LARGE[i - 1] for i in range(1, len(CLOSES))]
MONTHS = {row["month"]: row for row in raw("size_portfolios_monthly")}
VALUE = {row["month"]: row for row in raw("size_value_portfolios_monthly")}
BOOK = {row["june"]: row for row in raw("size_price_to_book")}
TARGET = [(row["announced"], float(row["upper_percent"])) for row in raw("fed_target_changes")]
READINGS = [r for r in raw("valuation_readings") if r["confidence"] in ("high", "medium")]

# One bank's Russell 2000 over Russell 1000 by the end of 2025, in order of time.
RELATIVE = [
    float(r["value"])
    for r in sorted(READINGS, key=lambda r: r["as_of"])
    if r["index"] == "Russell 2000 over Russell 1000" and r["as_of"] <= "2025-12-31"
]


def at(day: str) -> int:
    """Position of the last close on or before a day."""
    return bisect_right(DATES, day) - 1


def gain(levels: list[float], start: int, end: int) -> float:
    return 100 * (levels[end] / levels[start] - 1)


def led(start: int, end: int) -> float:
    return gain(SMALL, start, end) - gain(LARGE, start, end)


def year_before(day: str) -> str:
    return f"{int(day[:4]) - 1}{day[4:]}"


def runs(as_of: str, shortest: int = 1) -> list[tuple[int, int]]:
    """First and last position of every daily streak, the one running on as_of last."""
    found, start, last = [], None, at(as_of)
    for i in range(1, last + 2):
        if i <= last and LEADS[i] > 0:
            start = start or i
        elif start:
            found.append((start, i - 1))
            start = None
    return [(a, b) for a, b in found if b - a + 1 >= shortest]


def earlier(as_of: str, shortest: int) -> list[tuple[int, int]]:
    return [(a, b) for a, b in runs(as_of, shortest) if b < at(as_of)]


def running(as_of: str) -> tuple[int, int]:
    (first, last) = runs(as_of)[-1]
    assert last == at(as_of)
    return first, last


def length(as_of: str) -> int:
    first, last = running(as_of)
    return last - first + 1


def last_as_long(as_of: str, digits: int) -> dict[str, str]:
    now = length(as_of)
    longer = [b for a, b in earlier(as_of, now + 1)]
    as_long = [b for a, b in earlier(as_of, now)]
    return {"longer": DATES[longer[-1]][:digits], "as long": DATES[as_long[-1]][:digits]}


def before_streaks(as_of: str) -> dict[str, int]:
    """Position of the close before the longest streak of January 2019 and the running one."""
    january = [(b - a, b, a) for a, b in runs(as_of) if DATES[b][:7] == "2019-01"]
    return {"2019": max(january)[2] - 1, "2026": running(as_of)[0] - 1}


def rate(day: str) -> float:
    return [upper for announced, upper in TARGET if announced <= day][-1]


def moved(start: str, end: str) -> float:
    return 100 * (rate(end) - rate(start))


def ratios(as_of: str, last: int | None = None) -> list[float]:
    known = [row for june, row in BOOK.items() if f"{june}-30" <= as_of]
    found = [float(row["quintile_2"]) / float(row["quintile_5"]) for row in known]
    return found[-last:] if last else found


def rank_from_lowest(as_of: str) -> int:
    window = ratios(as_of, 25)
    return sorted(window).index(window[-1]) + 1


@cache
def month_ends() -> dict[str, int]:
    return {day[:7]: i for i, day in enumerate(DATES)}


def month_lead(month: str) -> float:
    ends = month_ends()
    months = sorted(ends)
    return led(ends[months[months.index(month) - 1]], ends[month])


def compound(rows: dict, column: str, after: str, months: int) -> float:
    """Total return over the months that follow one, percent."""
    wealth = 1.0
    for month in sorted(m for m in rows if m > after)[:months]:
        wealth *= 1 + float(rows[month][column]) / 100
    return 100 * (wealth - 1)


def yearly(rows: dict, column: str, after: str, months: int) -> float:
    return 100 * ((1 + compound(rows, column, after, months) / 100) ** (12 / months) - 1)


def recession_leads(as_of: str) -> list[float]:
    found = []
    for spell in raw("recessions"):
        if spell["peak"] in MONTHS and spell["trough"] < as_of[:7]:
            months = sum(spell["peak"] < m <= spell["trough"] for m in MONTHS)
            found.append(
                compound(MONTHS, "small_percent", spell["peak"], months)
                - compound(MONTHS, "large_percent", spell["peak"], months)
            )
    return found


def after_first_cuts(as_of: str) -> list[float]:
    starts = [at(day) for day in FIRST_CUTS]
    return [led(i, i + 252) for i in starts if i + 252 <= at(as_of)]


@cache
def starts(as_of: str) -> dict[int, float]:
    """Small caps' return of every year over as many sessions as the year of as_of had."""
    sessions = sum(day[:4] == as_of[:4] for day in DATES[: at(as_of) + 1])
    ends = month_ends()
    before = {year: ends[f"{year - 1}-12"] for year in range(1979, 2027)}
    return {year: gain(SMALL, i, i + sessions) for year, i in before.items()}


def episodes(points: float, sessions: int, gap: int, end: str) -> int:
    """Groups of days, at most ``gap`` apart, whose trailing lead reached the points."""
    days = [i for i in range(sessions, at(end) + 1) if led(i - sessions, i) >= points]
    return sum(k == 0 or day - days[k - 1] > gap for k, day in enumerate(days))


def tightenings(months: int) -> list[float]:
    """Largest rise of the target within so many months, before each first cut since 1983."""
    bounds = ["1983-01-01", *FIRST_CUTS]
    found = []
    for begin, end in zip(bounds, FIRST_CUTS, strict=False):
        rises = []
        for day, level in [(d, u) for d, u in TARGET if begin < d <= end]:
            since = str(date.fromisoformat(day) - timedelta(days=round(months * 365.25 / 12) - 1))
            since = max(since, begin)
            rises.append(level - min([rate(since)] + [u for d, u in TARGET if since < d < day]))
        found.append(max(rises))
    return found


def nearest(index: str, day: str) -> dict[str, float]:
    """The sure forward P/E nearest a day by each of the two nearest providers, the later on a tie.

    Two weeks are added for medium confidence, two for a page that names no provider.
    """
    target, found = date.fromisoformat(day), {}
    for r in READINGS:
        if r["index"] == index and r["metric"] == "P/E forward" and r["value"]:
            unnamed = r["provider_basis"].startswith("not stated")
            name = "not stated" if unnamed else re.split("[ /]", r["provider_basis"])[0]
            read = date.fromisoformat(r["as_of"])
            far = abs((read - target).days) + 14 * (r["confidence"] == "medium") + 14 * unnamed
            best = (far, -read.toordinal(), float(r["value"]))
            found[name] = min(found.get(name, best), best)
    return {name: value for name, (*_, value) in sorted(found.items(), key=lambda x: x[1])[:2]}


def widest_gaps_narrowed() -> float:
    series = ratios("2025-12-31")
    tenth = quantiles(series, n=10, method="inclusive")[0]
    after = [series[i + 5] > series[i] for i in range(len(series) - 5) if series[i] <= tenth]
    return sum(after) / len(after)


def returns_after_breakouts(as_of: str) -> float:
    """Mean return over the year after records that followed 756 sessions without one, less all."""
    last = at(as_of)
    best, since, breakouts = SMALL[0], 0, []
    for i in range(1, last + 1):
        if SMALL[i] > best:
            if i - since - 1 >= 756:
                breakouts.append(i)
            best, since = SMALL[i], i
    after = [gain(SMALL, i, i + 252) for i in breakouts if i + 252 <= last]
    return mean(after) - mean(gain(SMALL, i, i + 252) for i in range(last - 252 + 1))


def depth(close: int) -> float:
    """Lowest S&P 500 close of 21 sessions against the high of the 252 up to it, percent."""
    low = min(range(close - 20, close + 1), key=LARGE.__getitem__)
    return 100 * (LARGE[low] / max(LARGE[low - 251 : low + 1]) - 1)


def article_streaks() -> list[str]:
    return ["2008-06-06", "2010-10-29", "2013-05-31", "2016-03-31", "2020-06-30", "2021-02-26"]


PUBLISHED = [r for r in raw("valuation_averages") if r["stated"] <= "2026-01-16"]

GOLDEN = {
    "AI-01": lambda: last_as_long("2026-01-12", 7),
    "AI-06": lambda: {
        name: led(at(year_before(DATES[i])), i) for name, i in before_streaks("2026-01-12").items()
    },
    "AI-07": lambda: {name: depth(i) for name, i in before_streaks("2026-01-12").items()},
    "AI-08": lambda: {
        name: moved(year_before(DATES[i]), DATES[i])
        for name, i in before_streaks("2026-01-12").items()
    },
    "AI-10": lambda: {
        "mean": mean(after_first_cuts("2026-01-12")),
        "median": median(after_first_cuts("2026-01-12")),
        "hit rate": mean(x > 0 for x in after_first_cuts("2026-01-12")),
    },
    "AI-12": lambda: (mean(ratios("2025-12-31", 5)) - median(ratios("2025-12-31")))
    / stdev(ratios("2025-12-31")),
    "AI-13": lambda: {
        year: ratios("2025-12-31")[-1] - ratios(f"{year}-12-31")[-1]
        for year in ("1998", "1999", "2000")
    },
    "AI-17": lambda: (
        float(BOOK["2025-06"]["quintile_2"]) / max(float(r["quintile_2"]) for r in BOOK.values())
    ),
    "AI-19": lambda: (
        led(running("2026-01-12")[0] - 1, at("2026-01-12"))
        - led(at("2018-12-31"), at("2019-01-31"))
    ),
    "AI-20": lambda: led(at("2024-09-18"), at("2024-09-18") + 252),
    "SA-02": lambda: sum(month_lead(f"2025-{m:02}") > 0 for m in range(2, 13)),
    "SA-07": lambda: [
        day[:7]
        for (_, before), (day, upper) in pairwise(TARGET)
        if day.startswith("2025") and upper - before == -0.25
    ],
    "SA-11": lambda: {
        "price-to-book": rank_from_lowest("2025-12-31"),
        "forward P/E, BofA": 1 + sum(x < RELATIVE[-1] for x in RELATIVE),
    },
    "SA-12": lambda: {
        f"{n} months": yearly(VALUE, "me2_bm5_percent", "2000-03", n)
        - yearly(MONTHS, "large_percent", "2000-03", n)
        for n in (36, 60, 84)
    },
    "SA-13": lambda: {
        "120 months": yearly(MONTHS, "small_percent", "1990-03", 120)
        - yearly(MONTHS, "large_percent", "1990-03", 120)
    },
    "SA-18": lambda: 1 + len(earlier("2026-01-12", length("2026-01-12") + 1)),
    "HR-04": lambda: length("2026-01-20"),
    "HR-05": lambda: last_as_long("2026-01-20", 4),
    "HR-06": lambda: max(
        str(year)
        for year, start in starts("2026-01-20").items()
        if year < 2026 and start >= starts("2026-01-20")[2026]
    ),
    "HR-07": lambda: stdev(
        gain(SMALL, i - 1, i) for i in range(at("2025-12-31") + 1, at("2026-01-20") + 1)
    ),
    "HR-13": lambda: episodes(7.8, 12, 12, "2025-12-31"),
    "HR-20": lambda: mean(100 * (x > ratios("2026-01-22")[-1]) for x in ratios("2026-01-22", 40)),
    "HR-21": lambda: nearest("Russell 2000", "2026-01-22"),
    "HR-28": lambda: [DATES[b][:7] for _, b in earlier("2026-01-20", 12)],
    "HR-29": lambda: gain(SMALL, at("2008-06-06"), at("2008-06-06") + 252),
    "HR-41": lambda: sum(led(at(day), at(day) + 252) > 0 for day in article_streaks()),
    "HR-42": lambda: mean(led(b, b + 252) for _, b in earlier("2026-01-20", 12)),
    "HR-55": lambda: 2026 - int(last_as_long("2026-01-20", 4)["as long"]),
    "HR-57": lambda: mean(
        100 * (start < starts("2026-01-20")[2026])
        for year, start in starts("2026-01-20").items()
        if year < 2026
    ),
    "HR-61": lambda: len(earlier("2026-01-20", 12)),
    "HR-67": lambda: returns_after_breakouts("2026-01-22"),
    "HR-68": lambda: [
        day[:7] for day in article_streaks()[-1:] if rate(f"{day[:7]}-31") <= 0.25
    ],
    "HR-70": lambda: {
        "mean": mean(recession_leads("2026-01-22")),
        "share below zero": mean(x < 0 for x in recession_leads("2026-01-22")),
    },
    "NX-04": lambda: SMALL[at("2026-01-15")] - max(SMALL[: at("2026-01-15")]),
    "NX-10": lambda: 1 + sum(x > tightenings(24)[-1] for x in tightenings(24)),
    "NX-12": lambda: sum(
        led(month_ends()[f"{y - 1}-12"], month_ends()[f"{y}-12"]) < 0 for y in (2023, 2024, 2025)
    ),
    "NX-15": lambda: gain(SMALL, at("2025-10-15"), at("2026-01-15")),
    "NX-16": lambda: max(
        DATES[i][:4] for i in range(10, at("2025-12-31") + 1)
        if led(i - 10, i) >= led(at("2025-12-31"), at("2026-01-15"))
    ),
    "CS-03": lambda: length("2026-01-16"),
    "CS-04": lambda: 1 + sum(
        gain(SMALL, month_ends()[f"{y - 1}-12"], month_ends()[f"{y}-01"])
        > gain(SMALL, month_ends()["2025-12"], at("2026-01-16"))
        for y in range(2016, 2026)
    ),
    "CS-09": lambda: {
        r["stated"]: 100 * (1 - float(r["average"]))
        for r in PUBLISHED
        if r["measure_of"] == "Russell 2000 over Russell 1000"
    },
    "CS-16": lambda: nearest("S&P 500", "2026-01-05"),
    "CS-17": lambda: {
        r["stated"]: float(r["average"]) for r in PUBLISHED if r["measure_of"] == "Russell 2000"
    },
    "CS-18": lambda: (
        float(VALUE["2026-01"]["me2_bm5_percent"]) - float(MONTHS["2026-01"]["small_percent"])
    ),
    "CS-22": lambda: widest_gaps_narrowed(),
    "CS-25": lambda: [3.5, 3.75],
    "XA-04": lambda: gain(SMALL, at("2025-12-31"), at("2026-01-16"))
    - gain(SMALL, at("2025-12-31"), at("2026-01-15")),
}  # fmt: skip


def same(measured, expected) -> bool:
    if isinstance(expected, dict):
        return set(measured) == set(expected) and all(
            same(measured[name], expected[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(measured) == len(expected) and all(map(same, measured, expected))
    if isinstance(expected, str):
        return measured == expected
    return measured == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("claim_id", "golden"), GOLDEN.items(), ids=GOLDEN)
def test_claim_agrees_with_plain_python(registry, claim_id, golden):
    measured = registry.measure(claim_id).value
    expected = golden()
    assert same(measured, expected), f"measured {measured}, expected {expected}"


# What the tables say at a glance; a change of any of these changes a published verdict.
@pytest.mark.parametrize(
    ("as_of", "sessions"),
    [
        ("2025-12-31", 0),
        ("2026-01-02", 1),
        ("2026-01-12", 7),
        ("2026-01-16", 11),
        ("2026-01-20", 12),
        ("2026-01-22", 14),
        ("2026-01-23", 0),
    ],
)
def test_length_of_the_streak_of_january_2026(market, as_of, sessions):
    found = measures.measure(market, pd.Timestamp(as_of), {"measure": "streak"})
    assert found.value == sessions
    ran = f"{sessions} sessions, 2026-01-02 to {as_of}"
    assert found.beside == (ran if sessions else "none running")


@pytest.mark.parametrize(
    ("claim_id", "value"),
    [
        ("HR-28", ["1991-02", "1996-05", "2001-12", "2008-06"]),
        ("HR-61", 4),
        ("SA-02", 3),
        ("AI-09", -75),
        ("NX-19", 20),
        ("SA-14", 2.7),
        ("SA-23", 32.0),
        ("CS-08", 18.834),
        ("HR-43", 4.2333),
        ("HR-27", 5.87),
        ("HR-52", 6.7776),
        ("XA-01", 3.9),
    ],
)
def test_value_that_can_be_read_off_the_tables(registry, claim_id, value):
    measured = registry.measure(claim_id).value
    assert measured == (pytest.approx(value, abs=1e-3) if isinstance(value, float) else value)


@pytest.mark.parametrize("claim_id", ["AI-10", "HR-70", "HR-42", "CS-22", "HR-67"])
def test_averages_and_shares_carry_an_interval_around_them(registry, claim_id):
    found = registry.measure(claim_id)
    values = found.value if isinstance(found.value, dict) else {"": found.value}
    intervals = found.interval if isinstance(found.interval, dict) else {"": found.interval}
    assert set(intervals) == set(values)
    for name, interval in intervals.items():
        assert interval.low <= values[name] <= interval.high
    assert found.n > 1


def test_events_without_a_full_window_are_counted(market):
    call = {"measure": "after_streaks", "min_length": 12, "sessions": 252}
    found = measures.measure(market, pd.Timestamp("2009-01-02"), call)
    assert found.n == 3
    assert found.beside.endswith("1 without a full window")


PRICE = {"measure": "price_return", "index": "sp_500", "start": "2019-01-02"}
LOWEST = {"measure": "extreme_close", "index": "sp_500", "side": "lowest"}
FORWARD = {"measure": "after_date", "date": "2015-12-01"}


class TestCalls:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ({"measure": "momentum"}, "measure 'momentum' is not known; expected one of after"),
            ({"measure": "price_retrun"}, "is not known; did you mean 'price_return'?"),
            ({}, "measure None is not known; expected one of"),
            ({"measure": "lead"}, "measure 'lead': expected start, day of the close before"),
            ({"measure": "streak", "x": 1}, "measure 'streak': no argument 'x'"),
            ({"measure": "lead", "begin": "2019-01-02"}, "'begin'; expected one of start, end"),
            (PRICE | {"index": "dow"}, "index: 'dow' is not known; expected one of russell_2000"),
            (PRICE | {"index": "sp500"}, "index: 'sp500' is not known; did you mean 'sp_500'?"),
            (PRICE | {"end": "2018-12-31"}, "start 2019-01-02: expected one by end, 2018-12-31"),
            ({"measure": "lead", "start": "1970-01-01"}, "expected a date on or after the first"),
            ({"measure": "lead", "start": 7.5}, "start: 7.5: expected a day such as 2018-12-31"),
            ({"measure": "lead", "start": "05/03/2024"}, "'05/03/2024': expected a day such as"),
            ({"measure": "lead", "start": "2024"}, "start: '2024': expected a day such as"),
            ({"measure": "lead", "start": "2019-02-29"}, "'2019-02-29': expected a day such as"),
            ({"measure": "lead", "start": date(2203, 1, 2)}, "in the years 1800 to 2199"),
            ({"measure": "after_date", "date": "2019-12-01", "sessions": 252}, "ends by"),
            (FORWARD | {"sessions": "252"}, "'252': expected a whole number"),
            (
                FORWARD | {"sessions": 0},
                "sessions: 0: expected a whole number",
            ),
            (
                FORWARD | {"sessions": 2.5},
                "sessions: 2.5: expected a whole number",
            ),
            ({"measure": "combined", "values": []}, "values: []: expected a list"),
            ({"measure": "combined", "values": [1, "2"]}, "values: '2': expected a number"),
            ({"measure": "combined", "values": [1, float("nan")]}, "nan: expected a number"),
            ({"measure": "compared", "first": True, "second": 2}, "first: True: expected a number"),
            ({"measure": "leads_by_period", "periods": {"a": ["2019-01-02"]}}, "a list of 2"),
            (LOWEST | {"start": "2030-01-01"}, "not enough data up to 2019-12-31"),
            (LOWEST | {"side": "low"}, "side: 'low' is not known; did you mean 'lowest'?"),
            ({"measure": "macro_reading", "series": "gdp", "date": "2019-01-02"}, "expected a row"),
            ({"measure": "policy_fact", "fact": "tariff"}, "expected one of"),
            (
                {
                    "measure": "portfolio_lead",
                    "long": "small",
                    "short": "large",
                    "month": "2030-01",
                },
                "2030-01: expected a month in the portfolio tables",
            ),
        ],
    )
    def test_that_cannot_be_carried_out_are_refused_in_one_line(self, market, call, message):
        with pytest.raises(InputError) as caught:
            measures.measure(market, pd.Timestamp("2019-12-31"), call)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_leave_the_row_as_it_was(self, market):
        call = {"measure": "streak"}
        measures.measure(market, market.last, call)
        assert call == {"measure": "streak"}

    def test_a_day_after_the_claims_own_is_refused_at_the_door(self):
        with pytest.raises(InputError, match="start 2019-01-02: expected a day by the claim's"):
            measures.require(PRICE, pd.Timestamp("2018-12-31"))
        periods = {"first": ["2018-12-31", "2019-03-29"]}
        call = {"measure": "leads_by_period", "periods": periods}
        with pytest.raises(InputError, match="periods 2019-03-29: expected a day by the claim's"):
            measures.require(call, pd.Timestamp("2019-01-31"))
        measures.require(call, pd.Timestamp("2019-03-29"))

    def test_bare_dates_of_toml_are_days(self, market):
        bare = PRICE | {"start": date(2019, 1, 2)}
        assert measures.measure(market, market.last, bare) == measures.measure(
            market, market.last, PRICE
        )

    def test_every_example_can_be_pasted_and_fits_its_measure(self):
        for name, one in measures.MEASURES.items():
            ((found, arguments),) = tomllib.loads(one.example())["measure"].items()
            assert found == name
            measures.require({"measure": name} | arguments)
            jsonschema.validate(json.loads(json.dumps(arguments, default=str)), one.schema())

    def test_every_measure_says_what_it_is(self):
        topics = {topic.__name__ for topic in measures.TOPICS}
        for one in measures.MEASURES.values():
            assert one.about.endswith(".")
            assert one.topic.__name__ in topics
            assert (one.basis == "arithmetic") == (not one.needs)


# No measurement sees anything later than its day --------------------------------------------

CALLS = [json.loads(row["call"]) for row in claim_rows() if row["call"]]
AS_OF = [pd.Timestamp(row["as_of"]) for row in claim_rows() if row["call"]]


def spoiled(market, day: pd.Timestamp):
    """The same market with garbage in every row dated after a day."""
    rng = np.random.default_rng(0)

    def garble(frame: pd.DataFrame, dated: pd.DatetimeIndex) -> pd.DataFrame:
        later = np.asarray(pd.DatetimeIndex(dated) > day)
        frame = frame.copy()
        for column in frame.select_dtypes("number"):
            frame.loc[later, column] = rng.uniform(1, 20, later.sum())
        return frame

    def month_end(periods) -> pd.DatetimeIndex:
        return pd.PeriodIndex(periods).to_timestamp(how="end").normalize()

    later = month_end(market.recessions["trough"]) > day
    recessions = market.recessions.copy()
    recessions.loc[later, "peak"] = recessions.loc[later, "trough"] - 1
    return replace(
        market,
        closes=garble(market.closes, market.closes.index),
        portfolios=garble(market.portfolios, month_end(market.portfolios.index)),
        value_portfolios=garble(market.value_portfolios, month_end(market.value_portfolios.index)),
        price_to_book=garble(market.price_to_book, month_end(market.price_to_book.index)),
        readings=garble(market.readings, market.readings["as_of"]),
        averages=garble(market.averages, market.averages["stated"]),
        macro=garble(market.macro, market.macro["as_of"]),
        policy=garble(market.policy, market.policy["enacted"]),
        target=garble(market.target, market.target.index),
        discount_cuts=garble(market.discount_cuts, market.discount_cuts.index),
        recessions=recessions,
        more={
            name: garble(frame, frame[market.coverage[name].dated_by])
            for name, frame in market.more.items()
        },
    )


def outcome(market, day: pd.Timestamp, call: dict):
    try:
        return measures.measure(market, day, call)
    except InputError as error:
        return str(error)


LOOKS_BOTH_WAYS = ("nearest_readings", "nearest_multiples")  # before or after the day


@pytest.fixture(scope="module")
def spoiled_on(market):
    return cache(lambda day: spoiled(market, day))


def test_no_measurement_of_a_claim_sees_past_its_day(market, spoiled_on):
    alike = {(call["measure"], day): call for call, day in zip(CALLS, AS_OF, strict=True)}
    for (name, day), call in alike.items():
        if day < market.last and name not in LOOKS_BOTH_WAYS:
            assert repr(outcome(market, day, call)) == repr(outcome(spoiled_on(day), day, call)), (
                call
            )


def test_garbage_would_be_noticed(market, spoiled_on):
    """The test above can fail: on a later day the same garbage changes most measurements."""
    bad, later = spoiled_on(pd.Timestamp("2015-06-30")), pd.Timestamp("2026-01-22")
    data_calls = [call for call in CALLS if len({"values", "terms", "first"} & set(call)) == 0]
    some = data_calls[::5]
    changed = [repr(outcome(market, later, c)) != repr(outcome(bad, later, c)) for c in some]
    assert np.mean(changed) > 0.6


@settings(max_examples=25)
@given(
    st.dates(date(1985, 1, 1), date(2026, 8, 20)).map(pd.Timestamp),
    st.sampled_from([c for c in CALLS if c["measure"] not in LOOKS_BOTH_WAYS]),
)
def test_no_measurement_sees_past_a_random_day(market, spoiled_on, day, call):
    assert repr(outcome(market, day, call)) == repr(outcome(spoiled_on(day), day, call))
