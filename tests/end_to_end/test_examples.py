"""The examples parse, do what they say, and the page about them states what the code does."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from helpers.errors import Exit
from rotation import cli, duty
from rotation.unattended import config
from support.data import ROOT

EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
ROTATION = Path(sys.executable).with_name("rotation")
CLONE = "rotation-claims/.venv/bin/rotation"
UNITS = ("rotation.service", "rotation-alarm.service", "rotation.timer")


def options(command):
    """Return the options of a command line that calls ``rotation schedule``."""
    words = command.split()
    place = words.index("schedule")
    assert words[place - 1].endswith(CLONE)
    return words[place + 1 :]


def known(words):
    known = {name for one in duty.schedule.params for name in one.opts}
    return {word for word in words if word.startswith("--")} <= known


# cron


def test_the_crontab_has_five_fields_and_a_command():
    lines = (EXAMPLES / "crontab").read_text().splitlines()
    jobs = [line for line in lines if line and not line.startswith("#")]
    assert len(jobs) == 1
    *fields, command = jobs[0].split(maxsplit=5)
    for field, (low, high) in zip(
        fields, [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)], strict=True
    ):
        for part in field.replace("-", ",").split(","):
            assert part == "*" or low <= int(part) <= high, field
    assert "%" not in command  # cron takes it for the end of the line
    assert command.startswith("$HOME/")
    assert options(command) == ["--quiet"]
    assert known(options(command))


# systemd


def unit(name):
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read(EXAMPLES / name, encoding="utf-8")
    return parser


def test_the_service_takes_news_for_success_and_alarms_on_the_rest():
    service = unit("rotation.service")
    codes = {int(code) for code in service["Service"]["SuccessExitStatus"].split()}
    assert codes == {Exit.VERDICTS_CHANGED}
    assert service["Service"]["Type"] == "oneshot"
    assert known(options(service["Service"]["ExecStart"]))
    assert f'"$EXIT_STATUS" = {Exit.VERDICTS_CHANGED}' in service["Service"]["ExecStopPost"]
    alarm = service["Unit"]["OnFailure"]
    assert f"{CLONE} status" in unit(alarm)["Service"]["ExecStart"]


def test_the_timer_is_of_that_service():
    timer = unit("rotation.timer")
    assert timer["Timer"]["OnCalendar"] == "Mon..Fri 18:30 America/New_York"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    for name in UNITS:
        text = (EXAMPLES / name).read_text().replace(f"%h/{CLONE}", str(ROTATION))
        (tmp_path / name).write_text(text)
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    units = [tmp_path / name for name in UNITS]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", *units],
        capture_output=True,
        text=True,
        env=environment,
    )
    ours = [line for line in checked.stderr.splitlines() if "rotation." in line]
    assert (checked.returncode, ours) == (0, [])
    when = unit("rotation.timer")["Timer"]["OnCalendar"]
    subprocess.run(["systemd-analyze", "calendar", when], check=True, capture_output=True)


# CI


@pytest.fixture
def steps():
    workflow = yaml.safe_load((EXAMPLES / "workflow.yml").read_text())
    # YAML 1.1 reads the key ``on`` as true.
    assert re.fullmatch(r"[\d*]+ [\d*]+ \* \* 1-5", workflow[True]["schedule"][0]["cron"])
    return workflow["jobs"]["schedule"]["steps"]


def test_the_workflow_caches_the_users_folder(steps):
    workflow = yaml.safe_load((EXAMPLES / "workflow.yml").read_text())
    home = workflow["jobs"]["schedule"]["env"]["ROTATION_HOME"]
    assert home in [step.get("with", {}).get("path") for step in steps]
    assert {"make .venv/ready"} <= {step.get("run", "").strip() for step in steps}
    assert ".venv)/ready:" in (ROOT / "Makefile").read_text().replace("$(VENV", ".venv")


@pytest.mark.parametrize(("code", "fails"), [(0, 0), (10, 0), (20, 20), (1, 1), (3, 3), (4, 4)])
def test_the_step_of_the_workflow_fails_when_the_run_does(steps, tmp_path, code, fails):
    (script,) = [step["run"] for step in steps if step.get("id") == "schedule"]
    rotation = tmp_path / ".venv" / "bin" / "rotation"
    rotation.parent.mkdir(parents=True)
    rotation.write_text(f"#!/bin/sh\necho \"$@\" > asked\necho '{{}}'\nexit {code}\n")
    rotation.chmod(0o755)
    (tmp_path / "home" / "runs" / "one").mkdir(parents=True)
    (tmp_path / "home" / "current").symlink_to("runs/one")
    outputs = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env=os.environ | outputs | {"ROTATION_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == fails
    report = (tmp_path / "home" / "runs" / "one").resolve()
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == f"code={code}\nreport={report}\n"
    assert (tmp_path / "asked").read_text() == "schedule --json\n"


def test_news_is_uploaded_and_so_is_what_failed(steps):
    news, failure = (step for step in steps if "upload" in step.get("uses", ""))
    assert news["if"] == f"steps.schedule.outputs.code == '{Exit.VERDICTS_CHANGED:d}'"
    assert failure["if"] == "failure()"
    assert failure["with"]["path"].split() == [
        "/tmp/rotation/failed",
        "/tmp/rotation/logs",
        "summary.json",
    ]


def test_what_a_failed_run_left_is_kept_for_the_next(steps):
    (save,) = [step for step in steps if "cache/save" in step.get("uses", "")]
    (restore,) = [step for step in steps if "cache/restore" in step.get("uses", "")]
    assert save["if"] == "always()"
    assert save["with"]["path"] == restore["with"]["path"]
    assert save["with"]["key"] == restore["with"]["key"]


# Containers


def test_the_container_runs_the_command():
    lines = (EXAMPLES / "Containerfile").read_text().splitlines()
    words = dict(line.split(maxsplit=1) for line in lines if re.match("[A-Z]+ ", line))
    assert words["ENTRYPOINT"] == '[".venv/bin/rotation"]'
    assert words["CMD"] == '["schedule"]'
    assert words["VOLUME"] == words["ENV"].removeprefix("ROTATION_HOME=")


# Settings


def test_the_example_of_settings_has_every_one_at_its_default():
    listed = tomllib.loads((EXAMPLES / "config.toml").read_text())
    flat = {f"{name}.{key}": value for name, keys in listed.items() for key, value in keys.items()}
    defaults = {name: default for name, (default, _) in config.settings().items()}
    assert flat == {n: list(v) if isinstance(v, tuple) else v for n, v in defaults.items()}
    assert config.load(EXAMPLES / "config.toml") == config.Config()


def test_the_page_states_every_setting():
    rows = re.findall(r"^\| `(\w+\.\w+)` \| `(.+?)` \| (.+?) \| .+ \|$", PAGE, flags=re.MULTILINE)
    stated = {name: (tomllib.loads(f"x = {value}")["x"], text) for name, value, text in rows}
    expected = {
        name: (list(default) if isinstance(default, tuple) else default, text)
        for name, (default, text) in config.settings().items()
    }
    assert stated == expected


def test_the_page_states_every_exit_code():
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| ", PAGE, flags=re.MULTILINE)]
    assert codes == sorted(Exit)


def test_the_page_lists_every_example():
    articles = {path for path in EXAMPLES.glob("*.toml") if path.name != "config.toml"}
    for path in {*EXAMPLES.iterdir()} - articles:
        assert f"../examples/{path.name}" in PAGE, path.name


@pytest.mark.parametrize(
    "command", ["schedule", "diff", "history", "status", "vintages", "refresh"]
)
def test_every_option_that_the_page_names_exists(command):
    said = CliRunner().invoke(cli.main, [command, "--help"]).stdout
    for line in PAGE.splitlines():
        if line.startswith(f"rotation {command}"):
            for word in re.findall(r"--[a-z-]+", line.split("#")[0]):
                assert word in said
