"""Spoiled tables: each is refused in one clear line, or loads as what its bytes say.

Every table, cut to 300 rows, and the registry are spoiled at random, and the recorded sha256 is
brought up to date each time, so that only the schema and the rules can notice. What is accepted is
read a second time here, by nothing but the standard library, and must be the same.

``ROTATION_PROOF=full`` tries 10,000 cases, otherwise it is a tenth.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import tomllib
from collections import Counter
from datetime import date
from itertools import pairwise

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import data
from helpers.claims import registry
from helpers.errors import InputError
from support.data import DATA, Package

FULL = os.environ.get("ROTATION_PROOF") == "full"
CASES = {"tables": 7000, "registry": 3000} if FULL else {"tables": 700, "registry": 300}
ROWS = 300
RESOURCES = {
    r["path"].removesuffix(".csv"): r
    for r in json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))["resources"]
}
TABLES = [*RESOURCES]

# What stands in a cell in the place of what should.
CELLS = [
    *("", " ", "  5", "5 ", "\t", "nan", "NaN", "inf", "-inf", "Infinity", "NULL", "None", "true"),
    *("1e5", "1E-5", "1_000", "1,000", "0x10", "1.", ".5", "+5", "--5", "-", "-0", "00012.50"),
    *("9" * 30, "9" * 400, "1" + "0" * 308, "0." + "0" * 400 + "1", "-99.99", "-999", "0", "1/2"),
    *(
        "٣",
        "１２",
        "²",
        "5٫0",
        "2026-02-30",
        "2026-1-5",
        "2026-13",
        "2026-00",
        "0000-01",
        "20260122",
    ),
    *("1582-10-10", "9999-12-31", "0001-01-01", "2026-01-22T00:00", "22.01.2026", "２０２６-01-22"),
    *(
        '"',
        '""',
        "a\nb",
        "a\r\nb",
        "\u2028",
        "\x85",
        "\x00",
        "\x1c",
        "=1+1",
        "é",
        "\ufeff",
        "\ud7ff",
    ),
    *("{}", "[]", "[1,", '{"a": 1, "a": 2}', '{"measure": NaN}', "-Infinity", '{"measure": []}'),
    *(
        "null",
        "1e999",
        '{"measure": "price_return"}',
        '{"low": 1, "high": 0}',
        "[[[[]]]]",
        "[" * 5000,
    ),
    *("12 to 15", "at least 5", "5;6", "within", "forecast", "ainvest", "x" * 5000),
]
# What Python reads as a number, or nearly, and a table must not.
NUMBERS = [
    "nan",
    "inf",
    "-Infinity",
    "1e5",
    "1_000",
    "٣",
    "１２",
    "+5",
    " 5",
    "9" * 400,
    ".5",
    "5.",
]
BYTES = [
    b"\x00",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\x85",
    b";",
]

step = st.tuples(st.integers(0, 17), *(st.integers(0, 2**32) for _ in range(3)))
steps = st.lists(step, min_size=1, max_size=3)


# Spoiling ---------------------------------------------------------------------------------------


def spoil(content: bytes, kind: int, a: int, b: int, c: int) -> bytes:
    """Change bytes in one of eighteen ways; the numbers say where and into what."""
    if kind < 12:
        try:
            rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        except (UnicodeDecodeError, csv.Error):
            rows = []
        if len(rows) > 1 and all(rows):
            return _text(_spoiled_rows(rows, kind, a, b, c))
        kind = 12 + kind % 6
    where = a % (len(content) + 1)
    return {
        12: lambda: content[:where] + BYTES[b % len(BYTES)] + content[where:],
        13: lambda: content[:where] + bytes([b % 256]) + content[where + 1 :],
        14: lambda: content[:where],
        15: lambda: content[:where] + content[where + 1 + b % 50 :],
        16: lambda: content.replace(b"\n", [b"\r\n", b"\r", b"\n\n", b""][b % 4]),
        17: lambda: [
            b"\xef\xbb\xbf" + content,
            b"",
            content + content,
            content.decode("utf-8", "replace").encode(["utf-16", "utf-32", "utf-8-sig"][c % 3]),
        ][b % 4],
    }[kind]()


def _spoiled_rows(rows: list[list[str]], kind: int, a: int, b: int, c: int) -> list[list[str]]:
    row, other = 1 + a % (len(rows) - 1), 1 + b % (len(rows) - 1)
    column, second = b % len(rows[row]), c % len(rows[row])
    if kind in (0, 1):
        rows[row][column] = CELLS[c % len(CELLS)]
    elif kind == 2:
        numbers = [n for n, text in enumerate(rows[row]) if re.fullmatch("-?[0-9.]+", text)]
        if numbers:
            rows[row][numbers[b % len(numbers)]] = NUMBERS[c % len(NUMBERS)]
    elif kind == 3:
        rows[row][column], rows[row][second] = rows[row][second], rows[row][column]
    elif kind == 4:
        rows[row], rows[other] = rows[other], rows[row]
    elif kind == 5:
        rows.insert(other, list(rows[row]))
    elif kind == 6:
        del rows[row]
    elif kind == 7:
        (rows[row].append if c % 2 else rows[row].pop)(*(["1"] if c % 2 else []))
    elif kind == 8:  # a column more, less, or twice in the header and all rows
        for line in rows:
            if c % 2:
                line.insert(column, line[min(second, len(line) - 1)])
            elif line[column:]:
                del line[column]
    elif kind == 9:  # two columns change places, the header stays or moves with them
        for line in rows[c % 2 :]:
            if max(column, second) < len(line):
                line[column], line[second] = line[second], line[column]
    elif kind == 10:
        text = rows[row][column]
        rows[row][column] = [f"{text}0", f"-{text}", f"1{text}", text[:-1], text.upper()][c % 5]
    elif kind == 11:
        rows[row:other] = rows[row:other][::-1]
    return rows


def _text(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


# A second reading -------------------------------------------------------------------------------


def read_again(name: str, content: bytes) -> list[list[object]]:
    """Read a table by its schema with the standard library alone.

    Raises
    ------
    ValueError
        If the content is not what the schema says.
    """
    fields = RESOURCES[name]["schema"]["fields"]
    missing = RESOURCES[name]["schema"].get("missingValues", [""])
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    assert rows[0] == [one["name"] for one in fields]
    assert len(rows) > 1
    assert all(len(row) == len(fields) for row in rows)
    found = [
        [_value(f, text, missing) for f, text in zip(fields, row, strict=True)] for row in rows[1:]
    ]
    for number, one in enumerate(fields):
        rules, values = one.get("constraints", {}), [row[number] for row in found]
        given_values = [v for v in values if v is not None]
        assert not rules.get("required") or None not in values
        assert not rules.get("unique") or max(Counter(given_values).values()) == 1
        assert all(v in rules["enum"] for v in given_values if "enum" in rules)
        assert all(re.fullmatch(rules["pattern"], v) for v in given_values if "pattern" in rules)
        assert all(v >= rules["minimum"] for v in given_values if "minimum" in rules)
        assert all(v <= rules["maximum"] for v in given_values if "maximum" in rules)
    key = RESOURCES[name]["schema"].get("primaryKey", [])
    where = [
        n for n, one in enumerate(fields) if one["name"] in ([key] if isinstance(key, str) else key)
    ]
    assert not where or max(Counter(tuple(row[n] for n in where) for row in found).values()) == 1
    return found


def _value(one: dict, text: str, missing: list[str]) -> object:
    if text in missing:
        return None
    if one["type"] == "number":
        assert re.fullmatch("-?[0-9]+([.][0-9]+)?", text)
        assert math.isfinite(float(text))
        return float(text)
    if one["type"] == "date":
        assert re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
        return date.fromisoformat(text)
    if one["type"] == "yearmonth":
        assert re.fullmatch("[0-9]{4}-[0-9]{2}", text)
        date.fromisoformat(f"{text}-01")
    return text


def same(loaded: object, again: object) -> bool:
    """Tell whether a loaded value is the one that was read again."""
    if again is None:
        return loaded == "" or loaded != loaded
    return loaded == again if isinstance(again, str | float) else loaded.date() == again


def rules_hold(name: str, rows: list[list[object]]) -> None:
    """Check what the schemas cannot say, by hand."""
    days = [row[0] for row in rows]
    if name == "index_closes":
        # Sessions in the span, from the calendar of the exchange itself.
        assert {str(day) for day in days} == {
            s for s in SESSIONS if str(days[0]) <= s <= str(days[-1])
        }
        for before, after in pairwise(rows):
            assert all(abs(b / a - 1) <= 0.25 for a, b in zip(before[1:], after[1:], strict=True))
    if name in ("index_closes", "fed_target_changes", "recessions", "discount_rate_first_cuts"):
        assert days == sorted(set(days))
    if name in ("size_portfolios_monthly", "size_value_portfolios_monthly", "size_price_to_book"):
        months = [12 * int(day[:4]) + int(day[5:]) for day in days]
        step = 12 if name == "size_price_to_book" else 1
        assert all(b - a == step for a, b in pairwise(months))
        assert step == 1 or {day[5:] for day in days} == {"06"}


# The trials -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """The shipped package, no table of more than 300 rows."""
    package = Package(tmp_path_factory.mktemp("fuzz"))
    for name in RESOURCES:
        package.edit(
            name, lambda content: b"".join(content.splitlines(True)[: ROWS + 1]), seal=True
        )
    global SESSIONS
    calendar = exchange_calendars.get_calendar("XNYS", start="1970-01-01", end="2026-12-31")
    SESSIONS = [str(day.date()) for day in calendar.sessions]
    return package


def spoiled(name: str, changes: list[tuple[int, int, int, int]]) -> bytes:
    content = WHOLE[name]
    for change in changes:
        content = spoil(content, *change)
    return content


def sealed(package: Package, name: str, content: bytes) -> None:
    """Put content in place with its sha256; how many rows it should have is not said."""
    (package.folder / f"{name}.csv").write_bytes(content)

    def reseal(descriptor: dict) -> None:
        for resource in descriptor["resources"]:
            if resource["path"] == f"{name}.csv" and "hash" in resource:
                resource["hash"] = f"sha256:{data.sha256(content)}"
                resource.pop("rows", None)

    package.describe(reseal)


def refused(error: InputError, name: str) -> None:
    """Check that a refusal is one clear line."""
    message = str(error)
    assert message.startswith(f"{name}.csv")
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    assert len(message) < 1000


WHOLE: dict[str, bytes] = {}
SESSIONS: list[str] = []
seen: Counter = Counter()


@pytest.fixture(autouse=True)
def originals(cut):
    if not WHOLE:
        WHOLE.update({name: (cut.folder / f"{name}.csv").read_bytes() for name in RESOURCES})
    seen.clear()
    yield
    for name, content in WHOLE.items():
        sealed(cut, name, content)


def test_tables(cut, monkeypatch):
    # A table that was not touched is what it was: read once.
    package = data.descriptor(cut.folder)
    untouched = {name: data.table(package, name) for name in TABLES}
    read, target = data.table, {}

    def one_table(package, resource):
        name = (resource if isinstance(resource, str) else resource["path"]).removesuffix(".csv")
        if name != target["name"]:
            return untouched[name].copy()
        target["frame"] = read(package, resource)
        return target["frame"]

    monkeypatch.setattr(data, "table", one_table)

    @settings(max_examples=CASES["tables"])
    @given(st.sampled_from(TABLES), steps)
    def trial(name, changes):
        content = spoiled(name, changes)
        sealed(cut, name, content)
        target["name"] = name
        try:
            data.load(cut.folder)
        except InputError as error:
            seen["refused"] += 1
            refused(error, name)
        else:
            seen["loaded"] += 1
            rows = read_again(name, content)
            rules_hold(name, rows)
            loaded = target["frame"].to_numpy(dtype=object).tolist()
            assert len(loaded) == len(rows)
            for one, again in zip(loaded, rows, strict=True):
                pairs = zip(one, again, strict=True)
                assert all(same(str(a) if hasattr(a, "ordinal") else a, b) for a, b in pairs)
        finally:
            sealed(cut, name, WHOLE[name])

    trial()
    assert seen["refused"] > CASES["tables"] / 2
    assert seen["loaded"] > CASES["tables"] / 50


def test_registry(cut):
    """A spoiled article costs what was spoiled: the rest of its claims are what the bytes say."""
    articles = {file.stem: file for file in sorted((cut.folder / "articles").glob("*.toml"))}
    whole = {name: file.read_bytes() for name, file in articles.items()}

    @settings(max_examples=CASES["registry"])
    @given(st.sampled_from(sorted(whole)), steps)
    def trial(name, changes):
        content = whole[name]
        for kind, *numbers in changes:
            content = spoil(content, 12 + kind % 6, *numbers)
        articles[name].write_bytes(content)
        try:
            found = registry.read(cut.folder)
        finally:
            articles[name].write_bytes(whole[name])
        for error in found.refused.values():
            seen["refused"] += 1
            line = str(error)
            assert line.startswith(f"articles/{name}.toml") or "rests_on" in line
            assert "\n" not in line
            assert len(line) < 1500
        try:
            again = tomllib.loads(content.decode("utf-8-sig"))["claim"]
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
            return
        for claim in found.claims.values():
            if claim.article == name:
                seen["loaded"] += 1
                written = again[claim.claim_id]
                assert claim.statement == " ".join(written["says"].split())
                assert str(claim.as_of.date()) == str(written["as_of"])
                assert claim.kind == written["kind"]

    trial()
    assert seen["refused"] > CASES["registry"] / 4
    assert seen["loaded"] > CASES["registry"]
