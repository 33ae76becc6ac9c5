"""None is an answer: every notebook runs to its end for any parameters within their ranges."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rotation.run import results
from support import any_parameters
from support.data import ROOT

DRAWS = 20 if os.environ.get("ROTATION_PROOF") == "full" else 2
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


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name):
    # A tenth takes every third case and the first.
    cases = [any_parameters.quick(name) | case for case in FOUND[name]]
    assert_answers(name, cases if DRAWS == 20 else cases[::3])


def test_the_scan_sees_what_is_no_number():
    seen = any_parameters.Shown(["after nan of 0 cuts", "in 1 sessions", "anything to +inf"])
    assert len(seen.unreadable()) == 3
