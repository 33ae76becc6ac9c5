from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

import exchange_calendars
import pandas as pd
import pytest
from frictionless import validate
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import data
from helpers.errors import DataError, InputError
from helpers.market import TABLES
from helpers.sessions import ends_month
from support.data import DATA, Package, raw

LAST = len(raw("index_closes"))
HEADER = b"date,russell_2000,sp_500"

# Each: a change of row 5 of index_closes.csv (1979-01-05), and what the refusal says.
BAD_ROWS = {
    "weekend": ("1979-01-06,41.5,98", "is no New York session"),
    "holiday": ("1979-01-01,41.5,98", "dates must increase"),
    "missing session": (None, "the session 1979-01-05 before it is missing"),
    "duplicate day": ("1979-01-04,41.5,98", "expected each value once"),
    "jump": ("1979-01-05,61.5,98", "moved by"),
    "fall": ("1979-01-05,41.5,48", "moved by"),
    "extra field": ("1979-01-05,41.5,98,1", "expected 3 fields; got 4"),
    "missing field": ("1979-01-05,41.5", "expected 3 fields; got 2"),
    "blank line": ("", "expected 3 fields; got 0"),
    "junk in a number": ("1979-01-05,41.5x,98", "expected a number"),
    "digits beyond a float": (f"1979-01-05,{'9' * 400},98", "expected a number"),
    "exponent": ("1979-01-05,4e1,98", "expected a number"),
    "comma for a point": ('1979-01-05,"41,5",98', "expected a number"),
    "not a number": ("1979-01-05,nan,98", "expected a number"),
    "digits of another script": ("1979-01-05,٤١,98", "expected a number"),
    "line break in a number": ('1979-01-05,"4\n1",98', "expected a number"),
    "empty number": ("1979-01-05,,98", "expected a value"),
    "zero": ("1979-01-05,0,98", "expected at least 1"),
    "US date": ("01/05/1979,41.5,98", "expected a date"),
    "date with a time": ("1979-01-05 00:00,41.5,98", "expected a date"),
    "date that is none": ("1979-02-30,41.5,98", "expected a date"),
    "date without zeros": ("1979-1-5,41.5,98", "expected a date"),
}

# Each: a change of the whole file and what the refusal says; these name no row.
BAD_FILES = {
    "empty": (lambda _: b"", "header: expected date, russell_2000, sp_500; found nothing"),
    "header alone": (lambda _: HEADER + b"\n", "no rows"),
    "wrong header": (lambda b: b.replace(b"sp_500", b"spx", 1), "header: expected"),
    "columns swapped": (
        lambda b: b.replace(HEADER, b"date,sp_500,russell_2000", 1),
        "header: expected",
    ),
    "no header": (lambda b: b.split(b"\n", 1)[1], "header: expected"),
    "line break in the header": (lambda b: b'"a\nb"' + b[4:], "header: expected"),
    "byte order mark": (lambda b: b"\xef\xbb\xbf" + b, "header: expected"),
    "Latin-1": (lambda b: b[:200] + b"\xe9" + b[200:], "not UTF-8"),
    "open quote": (lambda b: b[:40] + b'"' + b[40:], "CSV|expected"),
}


def refusal(package: Package) -> str:
    with pytest.raises(DataError) as caught:
        package.load()
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value._render_traceback_() == [f"DataError: {message}"]
    return message


DESCRIPTOR = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
SEALED = [r for r in DESCRIPTOR["resources"] if "hash" in r]


class TestShippedPackage:
    @pytest.mark.parametrize("resource", SEALED, ids=lambda r: r["name"])
    def test_hash_size_and_rows_are_those_recorded(self, resource):
        content = (DATA / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        assert resource["rows"] == len(raw(resource["path"].removesuffix(".csv")))

    def test_every_csv_file_is_described(self):
        assert {r["path"] for r in DESCRIPTOR["resources"]} == {f.name for f in DATA.glob("*.csv")}

    def test_frictionless_finds_it_valid(self):
        report = validate(str(DATA / "datapackage.json"))
        assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])
        assert len(report.tasks) == len(DESCRIPTOR["resources"])

    def test_frictionless_refuses_what_loading_refuses(self, package):
        package.line("index_closes", 5, "1979-01-05,junk,98", seal=True)
        assert not validate(str(package.descriptor)).valid

    def test_market_holds_what_the_files_say(self, market):
        first, last = raw("index_closes")[0], raw("index_closes")[-1]
        for row in (first, last):
            day = market.closes.loc[row["date"]]
            assert [day["russell_2000"], day["sp_500"]] == [
                float(row["russell_2000"]),
                float(row["sp_500"]),
            ]
        assert str(market.first.date()) == first["date"]
        assert str(market.last.date()) == last["date"]
        month = raw("size_portfolios_monthly")[-1]
        got = market.portfolios.loc[month["month"]]
        assert got["small"] == pytest.approx(float(month["small_percent"]) / 100)
        assert market.readings["value"].isna().sum() == sum(
            row["value"] == "negative" for row in raw("valuation_readings")
        )
        assert market.hashes == {
            r["path"].removesuffix(".csv"): r["hash"].removeprefix("sha256:") for r in SEALED
        }

    def test_closes_fall_on_every_session_of_the_exchange(self, market):
        calendar = exchange_calendars.get_calendar("XNYS", start="1978-12-01", end="2026-12-01")
        expected = calendar.sessions_in_range(market.first, market.last)
        assert list(market.closes.index) == list(expected)

    def test_a_copy_loads_to_the_same_market(self, package, market):
        pd.testing.assert_frame_equal(package.load().closes, market.closes)


class TestBadInput:
    @pytest.mark.parametrize(("row", "rule"), BAD_ROWS.values(), ids=BAD_ROWS)
    def test_bad_row_is_named(self, package, row, rule):
        # Sealed: whoever edits may also record the new hash, and the rules must hold then.
        package.line("index_closes", 5, row, seal=True)
        message = refusal(package)
        assert rule in message
        assert message.startswith("index_closes.csv row 5: ")

    @pytest.mark.parametrize("seal", [True, False])
    @pytest.mark.parametrize(("change", "rule"), BAD_FILES.values(), ids=BAD_FILES)
    def test_bad_file_is_named(self, package, change, rule, seal):
        package.edit("index_closes", change, seal)
        message = refusal(package)
        assert message.startswith("index_closes.csv")
        assert any(word in message for word in rule.split("|"))

    def test_edited_value(self, package):
        package.edit("index_closes", lambda b: b.replace(b"40.5231", b"40.5232"))
        assert "index_closes.csv: sha256 " in refusal(package)

    @pytest.mark.parametrize("table", [r["path"].removesuffix(".csv") for r in SEALED])
    def test_any_table_edited_by_one_byte(self, package, table):
        package.edit(table, lambda b: b.replace(b"\n", b"\r\n", 1))
        assert f"{table}.csv: sha256 " in refusal(package)

    @pytest.mark.parametrize("table", [r["path"].removesuffix(".csv") for r in SEALED])
    def test_missing_file(self, package, table):
        (package.folder / f"{table}.csv").unlink()
        assert f"{table}.csv: cannot be read" in refusal(package)

    @pytest.mark.parametrize("share", [0.25, 0.5, 0.9999])
    def test_truncated_file(self, package, share):
        package.edit("index_closes", lambda b: b[: int(share * len(b))])
        assert refusal(package).startswith("index_closes.csv")

    def test_cut_in_a_line(self, package):
        package.edit(
            "index_closes", lambda b: b[:5000].rsplit(b"\n", 1)[0] + b"\n1979-10", seal=True
        )
        assert "expected 3 fields; got 1" in refusal(package)

    def test_cut_at_a_line(self, package):
        package.line("index_closes", LAST, None)
        assert f"expected {LAST} rows; found {LAST - 1}" in refusal(package)

    def test_reordered_rows(self, package):
        def swap(content: bytes) -> bytes:
            lines = content.split(b"\n")
            lines[7], lines[8] = lines[8], lines[7]
            return b"\n".join(lines)

        assert "index_closes.csv: sha256" in refusal(package.edit("index_closes", swap))
        package.edit("index_closes", lambda b: b, seal=True)
        assert "index_closes.csv row 8: 1979-01-09: dates must increase" in refusal(package)

    def test_holiday_in_place_of_a_session(self, package):
        # Christmas 1979 after Christmas Eve: in order, but no session.
        row = [r["date"] for r in raw("index_closes")].index("1979-12-26") + 1
        package.line("index_closes", row, "1979-12-25,41,98", seal=True)
        assert f"row {row}: 1979-12-25 is no New York session" in refusal(package)

    @pytest.mark.parametrize("date", ["2199-01-04", "2262-05-05", "9999-12-31"])
    def test_last_row_beyond_the_calendar(self, package, date):
        package.line("index_closes", LAST, f"{date},3000,7600", seal=True)
        assert f"index_closes.csv row {LAST}: " in refusal(package)

    @pytest.mark.parametrize("date", ["0001-01-02", "1600-01-04", "1700-01-04", "1850-01-04"])
    def test_first_row_beyond_the_calendar(self, package, date):
        package.line("index_closes", 1, f"{date},40,96", seal=True)
        assert refusal(package).startswith("index_closes.csv row ")

    def test_year_2199_in_the_first_row(self, package):
        package.line("index_closes", 1, "2199-01-04,40,96", seal=True)
        assert "row 2: 1979-01-02: dates must increase" in refusal(package)

    @pytest.mark.parametrize(
        ("table", "row", "new", "rule"),
        [
            ("size_portfolios_monthly", 3, None, "row 3: 1926-10: expected 1926-09 (no gap)"),
            ("size_portfolios_monthly", 3, "1926-13,1,1", "expected a yearmonth"),
            ("size_portfolios_monthly", 3, "1926-09,-101,1", "expected at least -100"),
            ("size_price_to_book", 3, None, "row 3: 1929-06: expected 1928-06 (no gap)"),
            ("size_price_to_book", 3, "1928-07,1,1,1,1,1", "row 3: 1928-07: expected a June"),
            ("fed_target_changes", 3, "1982-09-30,9.5,9.5,-50", "row 3: 1982-09-30: dates must"),
            ("recessions", 1, "0000-01,1927-11,,", "expected a yearmonth"),
            ("recessions", 3, "1929-08,1938-06,,", "row 3: peak '1929-08': expected each value"),
            ("macro_readings", 1, "2025-09-30,gdp,1,1,percent,x,,", "expected one of"),
        ],
    )
    def test_other_tables_have_rules_too(self, package, table, row, new, rule):
        package.line(table, row, new, seal=True)
        message = refusal(package)
        assert message.startswith(f"{table}.csv row {row}: ")
        assert rule in f"row {row}{message.split(f'row {row}', 1)[1]}"

    def test_repeated_key(self, package):
        line = (DATA / "macro_readings.csv").read_text(encoding="utf-8").split("\n")[1]
        package.edit("macro_readings", lambda b: b + line.encode() + b"\n", seal=True)
        assert "macro_readings.csv row 15: expected one row for each" in refusal(package)


class TestDescriptor:
    def test_missing(self, package):
        package.descriptor.unlink()
        assert "datapackage.json: missing" in refusal(package)

    @pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}", b"\xff", b'{"resources": null}'])
    def test_no_json_package(self, package, content):
        package.descriptor.write_bytes(content)
        assert "datapackage.json: not a data package" in refusal(package)

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            (lambda p: p["resources"].pop(0), "expected index_closes listed"),
            (lambda p: p["resources"][0].pop("hash"), "expected index_closes listed"),
            (lambda p: p["resources"][0].pop("schema"), "not a data package"),
            (lambda p: p.pop("vintage"), "not a data package"),
            (lambda p: p["resources"][0].pop("complete_through"), "complete_through None"),
            (lambda p: p["resources"][0].update(complete_through="21.8.2026"), "an ISO date"),
            (lambda p: p["resources"][0].update(dated_by="day"), "dated_by 'day'"),
            (lambda p: p["resources"][0].update(known_after_days=-1), "known_after_days -1"),
            (
                lambda p: p["resources"][0]["schema"]["fields"][1].update(type="colour"),
                "russell_2000: type 'colour': expected string",
            ),
        ],
    )
    def test_incomplete(self, package, change, rule):
        assert rule in refusal(package.describe(change))

    def test_folder_without_a_package(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ROTATION_DATA", str(tmp_path))
        with pytest.raises(DataError, match=r"no datapackage\.json there"):
            data.load()

    def test_folder_named_by_the_environment(self, package, monkeypatch):
        monkeypatch.setenv("ROTATION_DATA", str(package.folder))
        monkeypatch.chdir(package.folder.parent)
        assert data.folder() == package.folder

    def test_working_directory_does_not_matter(self, tmp_path, monkeypatch):
        monkeypatch.delenv("ROTATION_DATA", raising=False)
        monkeypatch.chdir(tmp_path)
        assert data.folder() == DATA


class TestUntil:
    def test_nothing_later_is_left(self, market):
        cut = market.until("2026-01-18")  # a Sunday
        assert str(cut.last.date()) == "2026-01-16"
        assert str(cut.portfolios.index[-1]) == "2025-12"
        assert str(cut.price_to_book.index[-1]) == "2025-06"
        assert cut.readings["as_of"].max() <= pd.Timestamp("2026-01-18")
        assert cut.target_checked == pd.Timestamp("2026-01-18")

    def test_a_month_counts_from_its_last_day(self, market):
        assert str(market.until("2026-01-30").portfolios.index[-1]) == "2025-12"
        assert str(market.until("2026-01-31").portfolios.index[-1]) == "2026-01"

    def test_a_recession_counts_from_its_trough(self, market):
        assert len(market.until("2020-04-29").recessions) == 15
        assert len(market.until("2020-04-30").recessions) == 16


SPECIAL = {  # as the releases themselves say
    ("macro_readings", "2025-11-30", "unemployment_rate"): "2025-12-16",
    ("macro_readings", "2025-12-31", "cpi_12_month_change"): "2026-01-13",
    ("recessions", "2020-02", "2020-04"): "2021-07-19",
    ("recessions", "1973-11", "1975-03"): "1976-03-30",  # not announced on a day
    ("size_portfolios_monthly", "2025-12"): "2026-03-01",
}


def rows_known(day: str) -> dict[str, int]:
    """Rows of each table known by a day, from the descriptor and the bytes alone."""
    found = {}
    for resource in SEALED:
        column, name = resource["dated_by"], resource["path"].removesuffix(".csv")
        known = []
        for row in raw(name):
            dated = date.fromisoformat(row[column] if len(row[column]) > 7 else f"{row[column]}-01")
            if len(row[column]) == 7:
                dated = (dated.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(1)
            later = dated + timedelta(days=resource["known_after_days"])
            known.append(row.get("known_from") or later.isoformat())
        found[name] = sum(one <= day for one in known)
    return found


class TestKnown:
    @settings(max_examples=60, deadline=None)
    @given(st.dates(date(1927, 1, 1), date(2026, 12, 31)))
    @example(date(2026, 1, 9))
    @example(date(2025, 12, 16))
    def test_a_run_as_of_a_day_sees_nothing_known_later(self, market, day):
        cut = market.until(str(day), known=True)
        held = {table: len(getattr(cut, name)) for name, table in TABLES.items()}
        assert held | {name: len(frame) for name, frame in cut.more.items()} == rows_known(str(day))
        # What was known later is no more than what is dated by then.
        dated = market.until(str(day))
        assert all(len(getattr(cut, name)) <= len(getattr(dated, name)) for name in TABLES)

    @pytest.mark.parametrize(("row", "day"), SPECIAL.items())
    def test_from_the_day_of_its_release(self, market, row, day):
        table = row[0]
        before = rows_known(str(date.fromisoformat(day) - timedelta(days=1)))[table]
        assert rows_known(day)[table] > before
        name = next(attribute for attribute, one in TABLES.items() if one == table)
        eve = pd.Timestamp(day) - pd.Timedelta(days=1)
        assert len(getattr(market.until(eve, known=True), name)) == before

    @pytest.mark.parametrize(
        ("day", "rate"), [("2025-12-15", None), ("2026-01-08", 4.6), ("2026-01-09", 4.5)]
    )
    def test_unemployment_of_november_as_it_stood(self, market, day, rate):
        macro = market.until(day, known=True).macro
        november = macro[
            (macro["series"] == "unemployment_rate") & (macro["as_of"] == "2025-11-30")
        ]
        assert november["latest"].tolist() == ([] if rate is None else [rate])
        assert market.until(day).macro["latest"].isin([4.5]).any()  # the default is as it is now

    def test_a_table_refuses_days_beyond_what_it_covers(self, market):
        market.require("fed_target_changes", "2026-08-21")
        with pytest.raises(InputError, match=r"^fed_target_changes\.csv is complete through 2026"):
            market.require("fed_target_changes", market.target_checked + pd.Timedelta(days=1))
        with pytest.raises(InputError, match="through 2026-01-18; expected a day by then"):
            market.until("2026-01-18").require("fed_target_changes", "2026-01-20")

    @pytest.mark.parametrize("resource", SEALED, ids=lambda r: r["name"])
    def test_nothing_lies_beyond_what_a_table_covers(self, resource):
        rows = raw(resource["path"].removesuffix(".csv"))
        last = max(row[resource["dated_by"]] for row in rows)
        assert last <= resource["complete_through"]
        for row in rows:
            if row.get("known_from"):
                assert row["known_from"] >= row[resource["dated_by"]]


def test_sessions_are_those_of_the_exchange_calendar():
    # Saturdays until 1952, the closures of September 2001, Juneteenth since 2022.
    expected = exchange_calendars.get_calendar("XNYS", start="1950-01-01", end="2035-12-31")
    whole = expected.sessions
    assert list(data.sessions("1950-01-03", "2035-12-31")) == list(whole[whole >= "1950-01-03"])
    later = whole[(whole >= "1970-01-01") & (whole <= "2035-06-30")]
    assert list(data.sessions("1970-01-01", "2035-06-30")) == list(later)


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        ("2026-01-30", True),
        ("2026-01-29", False),
        ("2021-02-26", True),
        # Good Friday: the month's last weekday, but no session.
        ("2018-03-29", True),
        ("2024-03-28", True),
        ("2018-03-28", False),
    ],
)
def test_ends_month(day, ends):
    assert ends_month(pd.Timestamp(day)) == ends
