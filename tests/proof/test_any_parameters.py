"""None is an answer: every notebook runs to its end for any parameters within their ranges."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys

import pytest

from rotation.run import results
from support import any_parameters, price_files
from support.data import ROOT, claim_rows

DRAWS = 20 if os.environ.get("ROTATION_PROOF") == "full" else 2
OWN = (ROOT / "docs" / "own-data.md").read_text("utf-8")
NAMES = ("01", "02", "03", "04", "05", "06", "07", "08", "09")
# What was once an error, "nan" in a sentence, or a sentence about what was not measured.
FOUND = {
    "01": [
        {"window_before": 1, "window_after": 0},
        {"horizons": 1},
        {"as_of": "2019-06-28"},
        {"as_of": "2026-01-02"},
        {"history_start": "2020-01-02"},
    ],
    "02": [
        {"first_cut_min_bp": 75},
        {"first_cut_min_bp": 300},
        {"first_cut_quiet_months": 120},
        {"window_after": 0},
        {"as_of": "1986-06-30"},
        {"horizons": "2520"},
    ],
    "03": [{"as_of": "1985-03-01"}, {"percentile_years": "200"}, {"small_quintile": 1}],
    "04": [
        {"min_length": 15},
        {"min_length": 17},
        {"min_length": 60},
        {"compare_lengths": "8,20"},
        {"history_start": "2009-01-02"},
        {"as_of": "1985-01-02"},
        {"as_of": "1992-03-02"},
    ],
    "05": [{"history_start": "2025-06-02"}, {"lead_sessions": 1}, {"as_of": "1980-02-01"}],
    "06": [{"quiet_sessions": 1}, {"horizons": 1}, {"quiet_sessions": "5040"}],
    "07": [{"as_of": "2011-11-12"}, {"recent_months": 60}],
    "08": [
        {"months": "1,600"},
        {"start_months": 120},
        {"months": "1,304", "start_months": 1},
        {"start_months": 2},
        {"as_of": "1988-12-10"},
        {"pivot_month": "1964-01"},
    ],
    "09": [{"as_of": "2025-12-31"}, {"as_of": "2026-01-12"}, {"history_start": "2026-01-02"}],
}


def shown(name, cases):
    """What a notebook shows for each case, all in one process of its own."""
    command = [sys.executable, "-m", "support.any_parameters", name, *map(json.dumps, cases)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def assert_answers(name, cases):
    committed = {one["claim_id"]: one["outcome"] for one in results.committed_results()}
    found = shown(name, cases)
    assert len(found) == len(cases)
    for case, one in zip(cases, found, strict=True):
        assert one["error"] == "", case
        assert one["unreadable"] == [], case
        assert one["checks"], case
        if "as_of" not in case:
            assert one["checks"] == {claim: committed[claim] for claim in one["checks"]}, case


@pytest.mark.parametrize("name", NAMES)
def test_any_parameters_give_an_answer(name):
    assert_answers(name, [any_parameters.drawn(name, seed) for seed in range(DRAWS)])


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_of_a_day_depend_on_that_day_alone(name):
    drawn = (any_parameters.drawn(name, seed) for seed in range(10 * DRAWS))
    dated = [case for case in drawn if "as_of" in case][: DRAWS // 2]
    bare = [any_parameters.quick(name) | {"as_of": case["as_of"]} for case in dated]
    for case, one, other in zip(dated, shown(name, dated), shown(name, bare), strict=True):
        assert one["checks"] == other["checks"], case


@pytest.mark.parametrize("name", NAMES if DRAWS == 20 else ("03", "07"))
def test_own_tables_decide_the_claims_that_ask_them_and_no_others(name, tmp_path):
    for table, text in re.findall(r"^## `(\w+)\.csv`\n\n```csv\n(.*?)^```", OWN, re.S | re.M):
        (tmp_path / f"{table}.csv").write_text(text)
    (tmp_path / "source.txt").write_text("Made-up Data\n")
    asking = {row["claim_id"] for row in claim_rows() if row["own"]}
    cases = [any_parameters.drawn(name, seed) for seed in range(DRAWS // 2)]
    with_tables = [case | {"tables": str(tmp_path)} for case in cases]
    for case, own, open_ in zip(cases, shown(name, with_tables), shown(name, cases), strict=True):
        assert own["error"] == "", case
        assert own["unreadable"] == [], case
        changed = {one for one in own["checks"] if own["checks"][one] != open_["checks"][one]}
        assert changed <= asking, case


@pytest.mark.parametrize("name", ["01", "02", "04", "08"])
def test_any_pair_gives_an_answer_and_no_verdict(name, tmp_path):
    cases = []
    for seed in range(DRAWS):
        chance = random.Random(f"pair {name} {seed}")
        first, end = f"{chance.randint(1981, 2020)}-02-01", f"{chance.randint(2022, 2026)}-06-30"
        files = [tmp_path / f"{seed}-{side}.csv" for side in ("small", "large")]
        for number, file in enumerate(files):
            price_files.yahoo(file, price_files.closes("XNYS", first, end, 2 * seed + number))
        case = any_parameters.drawn(name, seed)
        if not first < case.get("as_of", first) <= end:  # refused with the reason, as it should be
            case.pop("as_of", None)
        if case.get("history_start", first) >= case.get("as_of", end):
            case.pop("history_start")
        kinds = {"names": "One,Other", "prices": chance.choice(["price", "total return"])}
        cases.append(case | kinds | {"pair": ",".join(map(str, files))})
    for case, one in zip(cases, shown(name, cases), strict=True):
        assert one["error"] == "", case
        assert one["unreadable"] == [], case
        assert one["checks"] == {}, case


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name):
    # A tenth takes every third case and the first.
    cases = [any_parameters.quick(name) | case for case in FOUND[name]]
    assert_answers(name, cases if DRAWS == 20 else cases[::3])


def test_the_scan_sees_what_is_no_number():
    seen = any_parameters.Shown(["after nan of 0 cuts", "in 1 sessions", "anything to +inf"])
    assert len(seen.unreadable()) == 3
