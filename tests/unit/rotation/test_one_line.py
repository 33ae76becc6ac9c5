"""What a user's hands can get wrong around a command ends in one line and the documented code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.errors import InputError
from rotation import cli
from rotation.run import planning, results
from rotation.unattended import history


def rotation(*words, **settings):
    command = [sys.executable, "-m", "rotation", *words]
    stdout = settings.pop("stdout", subprocess.PIPE)
    return subprocess.run(
        command, env=os.environ | settings, stdout=stdout, stderr=subprocess.PIPE, timeout=60
    )


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e30", "-1", "soon"])
def test_a_time_limit_is_a_number_of_at_most_a_week(seconds):
    done = CliRunner().invoke(cli.main, ["run", "99", "--timeout", seconds])
    assert done.exit_code == 2
    assert "Invalid value for '--timeout'" in done.output.splitlines()[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["claims"], ["--help"]])
def test_output_to_a_full_device(words):
    with Path("/dev/full").open("w") as full:
        done = rotation(*words, stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"rotation: output: No space left on device\n"


def test_a_terminal_without_a_sign_shows_a_question_mark():
    done = rotation("claims", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? supported" in done.stdout


def test_a_temporary_folder_with_a_long_name(tmp_path):
    folder = tmp_path / ("x" * 76)
    folder.mkdir()
    done = rotation("run", "07", "--fresh", "--out", str(tmp_path / "out"), TMPDIR=str(folder))
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("rotation: TMPDIR ")
    assert line.endswith("expected at most 70")
    assert not (tmp_path / "out").exists()


RUN = {"id": "a", "hashes": {}}
CHECK = {"claim_id": "HR-1", "outcome": "supported"}
FOREIGN = {
    "no JSON": "{",
    "nested without end": "[" * 100_000,
    "a list": "[]",
    "a run that is none": json.dumps({"run": 1, "checks": []}),
    "hashes that are none": json.dumps({"run": RUN | {"hashes": 1}, "checks": []}),
    "checks that are none": json.dumps({"run": RUN, "checks": 3}),
    "a check that is none": json.dumps({"run": RUN, "checks": [3]}),
    "half a check": json.dumps({"run": RUN, "checks": [CHECK]}),
    "another outcome": json.dumps(
        {"run": RUN, "checks": [dict.fromkeys(results._READ, "") | {"outcome": "odd"}]}
    ),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("words", [["claims"], ["show", "HR-42"]])
def test_results_that_no_run_wrote(tmp_path, monkeypatch, content, words):
    monkeypatch.setattr(planning, "reports", lambda: tmp_path)
    (tmp_path / "results.json").write_text(content)
    done = CliRunner().invoke(cli.main, words)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert line.startswith("rotation: ")
    assert line.endswith("results.json: not the results of a run; expected those of rotation run")


def test_a_run_in_the_history_whose_claims_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "file", lambda: tmp_path / "history.jsonl")
    line = {"folder": "f", "run": "a", "vintage": "frozen", "last_close": "2026-01-22"}
    (tmp_path / "history.jsonl").write_text(json.dumps(line | {"claims": {"HR-1": 5}}) + "\n")
    with pytest.raises(InputError, match="line 1: not a run"):
        history.read()
