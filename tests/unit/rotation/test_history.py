import errno
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.errors import InputError
from rotation.unattended import history

FIRST = {
    "schema": 1,
    "folder": "20260911T230000Z-aaaaaaaaaaaa",
    "run": "aaaaaaaaaaaa",
    "vintage": "frozen",
    "last_close": "2026-08-21",
    "claims": {"HR-42": {"measured": 12.5, "outcome": "supported"}},
}
SECOND = FIRST | {
    "folder": "20260912T230000Z-bbbbbbbbbbbb",
    "run": "bbbbbbbbbbbb",
    "vintage": "2026-09-11-1a2b3c4d",
    "last_close": "2026-09-11",
    "claims": {
        "HR-42": {"measured": None, "outcome": "not testable"},
        "NX-03": {"measured": {"ä": 1}, "outcome": "pending"},
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path))
    return tmp_path


def test_an_entry_holds_what_each_claim_came_to():
    check = {"claim_id": "HR-42", "measured": 12.5, "outcome": "supported", "unit": "percent"}
    results = {"run": {"id": "aaaaaaaaaaaa", "vintage": "frozen"}, "checks": [check]}
    assert history.entry(FIRST["folder"], "2026-08-21", results) == FIRST


def test_runs_are_read_in_the_order_they_were_added():
    assert history.read() == []
    for line in (FIRST, SECOND):
        history.append(line)
    assert history.read() == [FIRST, SECOND]
    assert history.file().read_bytes().count(b"\n") == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_a_line_torn_anywhere_costs_that_line_alone(place):
    history.file().unlink(missing_ok=True)
    history.append(FIRST)
    first = history.file().read_bytes()
    history.append(SECOND)
    whole = history.file().read_bytes()
    cut = len(first) + place % (len(whole) - len(first))
    history.file().write_bytes(whole[:cut])
    assert history.read() == [FIRST]
    history.append(SECOND)
    assert history.file().read_bytes() == whole


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"claims": 1}'])
def test_a_whole_line_that_is_no_run_is_named(line):
    history.append(FIRST)
    with history.file().open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"history\.jsonl line 2: not a run"):
        history.read()


def test_a_line_is_on_the_disk_when_adding_it_comes_back(monkeypatch):
    synced = []
    monkeypatch.setattr(
        history.os, "fsync", lambda _: synced.append(history.file().read_text("utf-8"))
    )
    history.append(FIRST)
    assert [json.loads(text) for text in synced] == [FIRST]


def test_a_disk_that_fails_leaves_what_was_there(monkeypatch):
    history.append(FIRST)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(history.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        history.append(SECOND)
    assert history.read()[0] == FIRST


def test_a_claims_own_line_of_each_run_that_had_it():
    assert history.of_claim("HR-42", [FIRST, SECOND]) == [
        {name: FIRST[name] for name in ("folder", "run", "vintage", "last_close")}
        | {"measured": 12.5, "outcome": "supported"},
        {name: SECOND[name] for name in ("folder", "run", "vintage", "last_close")}
        | {"measured": None, "outcome": "not testable"},
    ]
    assert len(history.of_claim("NX-03", [FIRST, SECOND])) == 1


def test_the_table_lines_up():
    lines = history.of_claim("HR-42", [FIRST, SECOND])
    assert history.table(lines, "percent") == [
        "last close  vintage              run           verdict         measured",
        "2026-08-21  frozen               aaaaaaaaaaaa  ✓ supported     12.5 percent",
        "2026-09-11  2026-09-11-1a2b3c4d  bbbbbbbbbbbb  – not testable  –",
    ]
