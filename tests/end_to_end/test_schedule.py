"""Unattended runs of a toy clone; what the killing and the full disk do is in proof/."""

import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import nbclient
import nbformat
import psutil
import pytest
from click.testing import CliRunner

from helpers import vintages
from helpers.errors import Exit, InputError
from rotation import atomic, cli
from rotation.refresh import refresh
from rotation.refresh.status import Status
from rotation.refresh.web import SourceError
from rotation.run import pool
from rotation.unattended import config, drift, history, home, schedule, session
from support import schemas
from support.toy import Toy, instantly, tree, write

QUIET = config.Config(refresh=config.Refresh(enabled=False))


def scheduled(**sections):
    """Settings without a refresh, but for these fields of sections."""
    changed = {n: config.dataclasses.replace(getattr(QUIET, n), **v) for n, v in sections.items()}
    return config.dataclasses.replace(QUIET, **changed)


def rotation(*words):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "100"})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A toy clone with one published report, on the frozen vintage."""
    with pytest.MonkeyPatch.context() as patch:
        toy = Toy(tmp_path_factory.mktemp("base") / "clone").use(patch)
        summary = schedule.run(QUIET)
    assert summary.exit == Exit.DONE, summary
    return SimpleNamespace(toy=toy, summary=summary)


@pytest.fixture
def toy(base, tmp_path, monkeypatch):
    """A copy of it that a test may change."""
    folder = Path(shutil.copytree(base.toy.folder, tmp_path / "clone", symlinks=True))
    copy = object.__new__(Toy)
    copy.__dict__.update(base.toy.__dict__)
    for name in ("notebooks", "data", "home"):
        setattr(copy, name, folder / name)
    copy.folder, copy.notebook = folder, folder / "notebooks" / "01_toy.ipynb"
    return copy.use(monkeypatch)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A toy clone that never ran."""
    return Toy(tmp_path / "clone").use(monkeypatch)


@pytest.fixture
def instant(monkeypatch):
    """Execute notebooks in this process: what is tested is what happens around them."""
    monkeypatch.setattr(pool, "execute", instantly)


@pytest.fixture
def never(monkeypatch):
    """Fail if a notebook is executed."""
    monkeypatch.setattr(pool, "execute", lambda *_: pytest.fail("a notebook was executed"))


# Publishing


def test_the_first_run_is_published_whole(base):
    home, folder = base.toy.home, base.summary.folder
    assert (home / "current").resolve() == folder.resolve()
    assert (home / "current").readlink() == folder.relative_to(home)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{12}", folder.name)
    assert {"index.html", "results.json", "manifest.json", "01_toy.html", "01_toy.ipynb"} < {
        path.name for path in folder.iterdir()
    }
    assert not (folder / "drift.html").exists()
    schemas.hold_run(folder)
    for line in history.read():
        schemas.hold("history", line)
    assert base.summary.message == (
        f"run {base.summary.run} published: 3 claims: 2 supported, 1 pending"
    )
    assert not list(home.rglob(".scheduled-*"))


def test_the_summary_in_the_folder_tells_no_time_and_no_place(base):
    text = (base.summary.folder / "summary.json").read_text("utf-8")
    assert json.loads(text) == {
        "exit": 0,
        "message": base.summary.message,
        "run": base.summary.run,
        "vintage": "frozen",
        "last_close": "2026-08-07",
        "stale": [],
        "status": [],
        "notes": [],
        "failures": {},
        "changes": None,
    }
    assert str(base.toy.folder) not in text


def test_unchanged_inputs_are_skipped(toy, never):
    before = tree(toy.home, ("logs", "lock", "state"))
    summary = schedule.run(QUIET)
    assert (summary.exit, summary.folder) == (Exit.DONE, None)
    assert summary.message.endswith("nothing changed since it was published")
    assert tree(toy.home, ("logs", "lock", "state")) == before


def test_new_data_that_move_values_are_published_and_linked(toy):
    name = toy.vintage(3)
    summary = schedule.run(QUIET)
    assert summary.exit == Exit.DONE
    assert summary.vintage == name
    assert summary.plain()["changes"] == {
        "flipped": [],
        "due": [],
        "moved": ["TY-01", "TY-03"],
        "added": [],
        "removed": [],
    }
    folder = (toy.home / "current").resolve()
    assert 'href="drift.html"' in (folder / "index.html").read_text("utf-8")
    assert "Values that moved" in (folder / "drift.html").read_text("utf-8")
    found = json.loads((folder / "drift.json").read_text("utf-8"))
    assert found["tables"][0]["rows"]["added"] == 3
    assert found["tables"][0]["rows"]["changed"] == 0
    results = drift.read(folder)["run"]
    assert results["vintage"] == name
    assert results["parameters"] == {"01_toy": {"vintage": name}}


def test_changed_verdicts_give_their_exit_code(toy, instant):
    toy.vintage(5, rise=100)
    summary = schedule.run(QUIET)
    assert summary.exit == Exit.VERDICTS_CHANGED
    assert summary.plain()["changes"]["flipped"] == ["TY-01"]
    assert summary.plain()["changes"]["due"] == ["TY-03"]
    told = json.loads((toy.home / "current" / "summary.json").read_text("utf-8"))
    assert told == summary.plain()
    assert told["exit"] == 10


def test_old_reports_are_removed_but_for_the_current_one(toy, instant):
    runs = toy.home / "runs"
    for day in range(1, 6):
        shutil.copytree(toy.home / "current", runs / f"2025010{day}T000000Z-0123456789ab")
    (runs / "kept by hand").mkdir()
    toy.vintage(1)
    schedule.run(scheduled(schedule={"keep_runs": 3}))
    left = sorted(path.name for path in runs.iterdir())
    assert len(left) == 4
    assert left[0] == "20250105T000000Z-0123456789ab"
    assert "kept by hand" in left
    assert (toy.home / "current").resolve().name in left


def test_the_current_report_is_never_removed(toy):
    current = (toy.home / "current").resolve()
    old = current.rename(current.with_name("20200101T000000Z-0123456789ab"))
    (toy.home / "current").unlink()
    (toy.home / "current").symlink_to(f"runs/{old.name}")
    for day in range(1, 4):
        shutil.copytree(old, old.with_name(f"2025010{day}T000000Z-0123456789ab"))
    home.prune(2)
    assert old.is_dir()


def test_a_damaged_current_report_is_made_anew(toy, instant):
    (toy.home / "current" / "results.json").write_text("{")
    summary = schedule.run(QUIET)
    assert (summary.exit, summary.changes) == (Exit.DONE, None)
    assert drift.read(toy.home / "current")["run"]["id"] == summary.run


def test_a_current_that_points_nowhere_is_no_report(toy, instant):
    shutil.rmtree(toy.home / "runs")
    assert schedule.run(QUIET).folder is not None
    assert (toy.home / "current" / "index.html").exists()


def test_what_a_killed_run_left_is_swept(toy, never):
    left = toy.home / "runs" / ".scheduled-20260101T000000Z-0123456789ab"
    shutil.copytree(toy.home / "current", left)
    (toy.home / ".current").symlink_to("runs/nowhere")
    assert schedule.run(QUIET).exit == Exit.DONE
    assert not [path for path in toy.home.rglob(".*") if path.name != ".lock"]


def test_a_reader_finds_a_whole_report_at_any_moment(toy, instant):
    """Someone reads ``current`` all the while; two reports are published meanwhile."""
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            found = json.loads((toy.home / "current" / "results.json").read_text("utf-8"))
            assert (toy.home / "current" / "summary.json").exists()
            seen.add(found["run"]["id"])

    failed = []
    reader = threading.Thread(target=lambda: _caught(read, failed))
    reader.start()
    try:
        runs = [schedule.run(QUIET).run]
        for days in (1, 2):
            toy.vintage(days)
            runs.append(schedule.run(QUIET).run)
            time.sleep(0.1)
    finally:
        stop.set()
        reader.join()
    assert failed == []
    assert seen == set(runs)


def _caught(function, failed):
    try:
        function()
    except Exception as error:
        failed.append(error)


# Refreshing


def test_new_data_are_asked_for_as_the_settings_say(toy, monkeypatch, instant):
    asked = []

    def fake(**options):
        asked.append(options)
        return refresh.Refreshed(toy.vintage(2), "frozen", "2026-08-11", {"index_closes": 2}, ())

    monkeypatch.setattr(refresh, "refresh", fake)
    settings = config.Config(
        refresh=config.Refresh(
            off=("size",), accept_revisions=("recessions",), accept_closures=("2026-10-29",)
        )
    )
    summary = schedule.run(settings)
    assert asked == [
        {"options": refresh.Options(("recessions",), ("2026-10-29",), (), ("size",), {})}
    ]
    assert (summary.exit, summary.last_close) == (Exit.DONE, "2026-08-11")


@pytest.mark.parametrize(
    "error",
    [
        SourceError("FRED: no answer in 10 s"),
        vintages.VintageError("vintages: cannot write there (Read-only file system)"),
    ],
)
def test_a_source_that_fails_leaves_the_old_data_in_use(toy, monkeypatch, capsys, error, instant):
    def fails(**_):
        raise error

    monkeypatch.setattr(refresh, "refresh", fails)
    summary = schedule.run(config.Config())
    assert summary.exit == Exit.SOURCE_FAILED
    assert summary.stale[0] == str(error)
    assert f"rotation: {error}\n" in capsys.readouterr().err


def refreshed(*states, notes=()):
    """What a refresh came to that made nothing new, with these states of tables."""
    name = vintages.resolve("latest")
    return refresh.Refreshed(name, name, "2026-08-07", {}, (), (), states, notes)


def test_a_table_that_is_refused_is_told_and_the_others_are_used(toy, monkeypatch, capsys, instant):
    refused = Status("index_closes", "refused", "2026-08-07", "2026-08-10", "the source changed")
    late = Status("macro_readings", "fresh", "2026-07-31")
    monkeypatch.setattr(refresh, "refresh", lambda **_: refreshed(refused, late, notes=("a",)))
    summary = schedule.run(config.Config())
    assert summary.exit == Exit.SOURCE_FAILED
    assert summary.stale == [
        "index_closes: refused since 2026-08-10, data to 2026-08-07: the source changed"
    ]
    assert summary.status == [refused.plain(), late.plain()]
    assert summary.notes == ["a"]
    assert summary.stale[0] in capsys.readouterr().err
    assert summary.message.endswith("nothing new, and not all data are current")


def test_a_verdict_that_changed_is_told_before_a_source_that_failed(toy, monkeypatch, instant):
    def fails(**_):
        raise SourceError("no network")

    monkeypatch.setattr(refresh, "refresh", fails)
    toy.vintage(5, rise=100)
    summary = schedule.run(config.Config())
    assert (summary.exit, summary.stale) == (Exit.VERDICTS_CHANGED, ["no network"])


def test_settings_that_cannot_be_are_a_mistake(toy, monkeypatch, never):
    def fails(**_):
        raise refresh.RefreshError("--accept-closure 2020-01-01: expected a session")

    monkeypatch.setattr(refresh, "refresh", fails)
    assert schedule.run(config.Config()).exit == Exit.MISTAKE


def test_a_damaged_vintage_is_passed_over(toy, capsys, instant):
    sound, damaged = toy.vintage(2), toy.vintage(3)
    table = toy.home / "vintages" / damaged / "index_closes.csv"
    table.write_bytes(table.read_bytes()[:-3])
    summary = schedule.run(QUIET)
    assert (summary.exit, summary.vintage) == (Exit.SOURCE_FAILED, sound)
    assert damaged in summary.stale[0]
    assert damaged in capsys.readouterr().err


# Failures


@pytest.fixture
def broken(toy):
    """The toy with a second notebook that raises an error."""
    write(toy.notebooks, "02_bad", "1 + 1", "1 / 0")
    return toy


def test_a_failed_run_leaves_the_last_good_report(broken, capsys):
    before = tree(broken.home, ("logs", "lock", "state"))
    summary = schedule.run(QUIET)
    assert (summary.exit, summary.folder) == (Exit.FAILED, None)
    assert summary.failures == {"02_bad": "ZeroDivisionError: division by zero"}
    assert "02_bad failed: ZeroDivisionError" in capsys.readouterr().err
    assert tree(broken.home, ("logs", "lock", "state", "failed")) == before
    assert {path.name for path in (broken.home / "failed").iterdir()} == {
        "02_bad.ipynb",
        "02_bad.log",
    }


def test_a_success_clears_what_failed_before(broken, instant):
    schedule.run(QUIET)
    write(broken.notebooks, "02_bad", "1 / 1")
    assert schedule.run(QUIET).exit == Exit.DONE
    assert not (broken.home / "failed").exists()


def test_a_hung_notebook_is_stopped(toy):
    write(toy.notebooks, "02_hangs", "import time; time.sleep(600)")
    summary = schedule.run(scheduled(run={"notebook_time_limit": 8.0}))
    assert summary.exit == Exit.FAILED
    assert summary.failures == {"02_hangs": "took longer than 8 s and was stopped"}


def test_the_whole_run_is_stopped_in_time(toy, capsys):
    note = toy.folder / "pid"
    source = f"import os, pathlib, time\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))"
    write(toy.notebooks, "02_hangs", source + "\ntime.sleep(600)")
    before, started = tree(toy.home, ("logs", "lock", "state")), time.monotonic()
    summary = schedule.run(scheduled(schedule={"max_time": 6.0}))
    assert time.monotonic() - started < 30
    assert (summary.exit, summary.folder) == (Exit.OUT_OF_TIME, None)
    assert summary.message == "took longer than 6 s and was stopped"
    assert capsys.readouterr().err.count("\n") == 1
    assert tree(toy.home, ("logs", "lock", "state")) == before
    if note.exists() and psutil.pid_exists(pid := int(note.read_text())):
        assert psutil.wait_procs([psutil.Process(pid)], timeout=5)[1] == []
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_kernel_that_dies_is_tried_again(toy):
    lives = toy.folder / "lives"
    source = (
        f"import os, pathlib\nlives = pathlib.Path({str(lives)!r})\nfirst = not lives.exists()\n"
        "lives.write_text('')\nif first:\n    os._exit(3)"
    )
    write(toy.notebooks, "02_dies", source)
    assert schedule.run(QUIET).exit == Exit.DONE
    log = sorted((toy.home / "logs").iterdir())[-1].read_text()
    assert "02_dies: DeadKernelError: Kernel died; trying it again" in log


def test_what_nobody_foresaw_is_told_in_a_line_and_logged_whole(toy, monkeypatch, capsys, instant):
    def fails(*_):
        raise KeyError("unforeseen\nlines")

    monkeypatch.setattr(schedule, "_compare", fails)
    toy.vintage(1)
    summary = schedule.run(QUIET)
    assert (summary.exit, summary.folder) == (Exit.FAILED, None)
    assert capsys.readouterr().err.count("\n") == 1
    log = sorted((toy.home / "logs").iterdir())[-1].read_text()
    assert "Traceback" in log
    assert not list(toy.home.rglob(".scheduled-*"))


def test_a_claim_left_out_stops_before_anything_is_published(toy, instant):
    write(toy.notebooks, "01_toy", "1")
    before = tree(toy.home, ("logs", "lock", "state"))
    summary = schedule.run(QUIET)
    assert summary.exit == Exit.MISTAKE
    assert summary.message == "claim TY-01: not checked in 01_toy; expected once"
    assert tree(toy.home, ("logs", "lock", "state")) == before


def test_a_home_that_cannot_be_made_is_a_mistake(toy, monkeypatch):
    (toy.folder / "file").write_text("")
    monkeypatch.setenv("ROTATION_HOME", str(toy.folder / "file" / "home"))
    with pytest.raises(InputError, match=r"file/home: cannot write there \(Not a directory\)"):
        schedule.run(QUIET)


# Lock


def test_a_second_start_says_who_holds_the_lock(toy, never):
    with atomic.locked(session.lock(), "run"):
        result = rotation("schedule", "--no-refresh")
        preview = rotation("schedule", "--no-refresh", "--dry-run")
    assert result.exit_code == 3
    assert result.stdout == ""
    holder = f"process {os.getpid()} on {socket.gethostname()} since "
    assert result.stderr.startswith(f"rotation: {toy.home}: {holder}")
    assert result.stderr.endswith(" is running; expected one run at a time\n")
    assert holder in preview.stdout
    assert rotation("schedule", "--no-refresh").exit_code == 0


def test_a_holder_that_was_killed_frees_the_lock(toy):
    source = (
        "import time\nfrom rotation import atomic\nfrom rotation.unattended import session\n"
        "with atomic.locked(session.lock(), 'run'):\n    print('held', flush=True)\n"
        "    time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"process {holder.pid} on"):
        schedule.run(QUIET)
    holder.kill()
    holder.communicate()
    assert schedule.run(QUIET).exit == Exit.DONE


# Logs and secrets


def test_each_run_has_its_log_and_old_ones_go(toy):
    logs = toy.home / "logs"
    for day in range(1, 6):
        (logs / f"2025010{day}T000000Z.log").write_text("")
    toy.vintage(1)
    schedule.run(scheduled(log={"keep": 3}))
    left = sorted(logs.iterdir())
    assert len(left) == 3
    lines = left[-1].read_text().splitlines()
    assert re.match(r"2026|20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d+ INFO helpers\.schedule: ", lines[0])
    assert "01_toy done in" in "".join(lines)
    assert "exit 0: published: " in lines[-1]


def test_the_level_of_the_log_is_a_setting(toy, instant):
    toy.vintage(1)
    schedule.run(scheduled(log={"level": "error"}))
    assert sorted((toy.home / "logs").iterdir())[-1].read_text() == ""
    assert logging.getLogger("helpers").handlers == []


def test_no_secret_of_the_environment_is_written(toy, monkeypatch, capsys):
    secret = "s3cr3t-0123456789"
    monkeypatch.setenv("ROTATION_API_KEY", secret)
    monkeypatch.setenv("ROTATION_OPEN", "no-secret-0123456789")
    monkeypatch.setattr(
        refresh, "refresh", lambda **_: (_ for _ in ()).throw(SourceError(f"asked ?key={secret}"))
    )
    show = "import os, sys\nprint(sorted(os.environ.items()))\nprint(os.environ, file=sys.stderr)"
    write(toy.notebooks, "02_shows", show)
    good = schedule.run(config.Config())
    write(toy.notebooks, "02_shows", f"raise ValueError('{secret}')")
    bad = schedule.run(config.Config())
    assert [good.exit, bad.exit] == [Exit.SOURCE_FAILED, Exit.FAILED]
    written = [f for f in toy.home.rglob("*") if f.is_file() and f.parent.name != "failed"]
    texts = [file.read_text("utf-8") for file in written]
    texts += [capsys.readouterr().err, json.dumps(good.plain()), json.dumps(bad.plain())]
    assert not [text for text in texts if secret in text]
    assert any("no-secret-0123456789" in text for text in texts)
    assert any("[ROTATION_API_KEY]" in text for text in texts)
    assert os.environ["ROTATION_API_KEY"] == secret


# History


def test_every_published_run_is_in_the_history_once(toy, instant):
    first = history.read()
    assert [line["vintage"] for line in first] == ["frozen"]
    toy.vintage(1)
    schedule.run(QUIET)
    schedule.run(QUIET)
    lines = history.read()
    assert lines[0] == first[0]
    assert len(lines) == 2
    assert lines[1]["folder"] == (toy.home / "current").resolve().name
    assert lines[1]["claims"]["TY-02"] == {"measured": 1, "outcome": "supported"}
    assert lines[1]["last_close"] == "2026-08-10"


def test_a_published_run_that_was_not_noted_is_noted_at_the_next_start(toy):
    whole = history.file().read_bytes()
    history.file().write_bytes(b"")
    schedule.run(QUIET)
    assert history.file().read_bytes() == whole
    history.file().write_bytes(whole[:-20])
    assert history.read() == []
    schedule.run(QUIET)
    assert history.file().read_bytes() == whole


def test_a_spoilt_history_stops_no_run(toy, capsys, instant):
    history.file().write_text("nonsense\n")
    toy.vintage(1)
    assert schedule.run(QUIET).exit == Exit.DONE
    assert "history.jsonl line 1: not a run" in capsys.readouterr().err
    assert rotation("history", "TY-01").exit_code == 2


def test_history_tells_how_a_claim_evolved(toy, instant):
    toy.vintage(5, rise=100)
    schedule.run(QUIET)
    result = rotation("history", "ty-01")
    assert result.exit_code == 0
    claim, blank, header, *rows = result.stdout.splitlines()
    assert (claim, blank) == ("TY-01  What TY-01", "")
    assert header.split() == ["last", "close", "vintage", "run", "verdict", "measured"]
    assert [row.split()[0] for row in rows] == ["2026-08-07", "2026-08-14"]
    assert "✓ supported" in rows[0]
    assert "✗ contradicted" in rows[1]
    lines = json.loads(rotation("history", "TY-01", "--json").stdout)
    assert [line["outcome"] for line in lines] == ["supported", "contradicted"]


def test_history_of_a_claim_that_is_not_there(fresh):
    assert "in no published run" in rotation("history", "TY-01").stderr
    assert "claim 'ZZ-9' is in no article" in rotation("history", "ZZ-9").stderr
    assert json.loads(rotation("history", "TY-01", "--json").stdout) == []


# The commands


def test_dry_run_writes_nothing_and_tells_what_it_would_do(fresh, never, monkeypatch):
    monkeypatch.setattr(refresh, "refresh", lambda **_: pytest.fail("a source was asked"))
    result = rotation("schedule", "--dry-run")
    assert result.exit_code == 0
    assert not fresh.home.exists()
    lines = result.stdout.splitlines()
    assert lines[0] == "refresh the data, which end with the close of 2026-08-07"
    assert re.fullmatch(
        r"run 01_toy on vintage frozen \(run [0-9a-f]{12} without new data\)", lines[1]
    )
    assert lines[2] == "compare with nothing: no report is there"
    assert lines[3] == f"publish in {fresh.home / 'runs'} and switch {fresh.home / 'current'}"
    assert json.loads(rotation("schedule", "--dry-run", "--json").stdout) == {"would": lines}


def test_dry_run_knows_what_is_published_already(toy, never):
    before = tree(toy.home)
    lines = rotation("schedule", "--dry-run", "--no-refresh").stdout.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"run nothing: run [0-9a-f]{12} is published already", lines[0])
    toy.vintage(1)
    lines = rotation("schedule", "--dry-run").stdout.splitlines()
    assert re.fullmatch("compare with run [0-9a-f]{12}", lines[2])
    assert tree(toy.home, ("vintages",)) == before


def test_schedule_says_what_changed(toy, instant):
    toy.vintage(5, rise=100)
    result = rotation("schedule", "--no-refresh")
    assert result.exit_code == 10
    assert "TY-01  ✓ supported → ✗ contradicted: outside tolerance" in result.stdout
    assert result.stdout.endswith("/index.html\n")
    assert result.stderr == ""


def test_schedule_prints_its_summary_as_json(toy, instant):
    toy.vintage(1)
    result = rotation("schedule", "--no-refresh", "--json", "--max-time", "300")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["exit"]) == (0, 0)
    assert told["folder"] == str(toy.home / "runs" / (toy.home / "current").resolve().name)


def test_quiet_is_quiet_only_if_nothing_changed(toy, instant):
    same = rotation("schedule", "--no-refresh", "--quiet")
    assert (same.exit_code, same.output) == (0, "")
    toy.vintage(5, rise=100)
    assert "Verdicts that changed: 1" in rotation("schedule", "--no-refresh", "--quiet").stdout


def test_a_failure_is_told_on_stderr_alone(broken, instant):
    result = rotation("schedule", "--no-refresh")
    assert (result.exit_code, result.stdout) == (1, "")
    told = json.loads(rotation("schedule", "--no-refresh", "--json").stdout)
    assert (told["exit"], told["folder"]) == (1, None)


def test_a_bad_setting_is_told_before_anything_happens(toy, never):
    toy.config.write_text("[run]\njob = 2\n")
    result = rotation("schedule")
    assert result.exit_code == 2
    assert "unknown key 'run.job'" in result.stderr
    assert rotation("schedule", "--config", str(toy.folder / "none.toml")).exit_code == 2


def test_own_tables_are_a_setting(toy):
    toy.config.write_text('[run]\ntables = "nowhere"\n')
    result = rotation("schedule", "--no-refresh")
    assert result.exit_code == 2
    assert "unknown parameter 'tables'" in result.stderr


def test_diff_compares_published_runs_by_name(toy, instant):
    first = (toy.home / "current").resolve().name
    toy.vintage(5, rise=100)
    schedule.run(QUIET)
    result = rotation("diff", first)
    assert result.exit_code == 10
    assert "Verdicts that changed: 1" in result.stdout
    folder = str(toy.home / "runs" / first)
    page = toy.folder / "page.html"
    found = rotation("diff", "current", f"{folder}/results.json", "--json", "--page", str(page))
    assert found.exit_code == 10
    assert json.loads(found.stdout)["flipped"][0]["new"]["outcome"] == "supported"
    assert "What changed between two runs" in page.read_text("utf-8")
    same = rotation("diff", folder)
    assert same.exit_code == 10
    assert rotation("diff", "current").exit_code == 0


def test_diff_refuses_what_is_no_run(toy):
    result = rotation("diff", "gone")
    assert result.exit_code == 2
    assert result.stderr.startswith("rotation: gone: cannot be read")
    assert rotation("diff", "current", "--page", "/nowhere/page.html").exit_code == 2


# Interactive editors


def test_a_run_leaves_the_notebooks_alone_while_one_is_open_in_an_editor(toy):
    """An editor's kernel executes the same notebook, and saves it, while the schedule runs it."""
    before = tree(toy.notebooks)
    nb = nbformat.read(toy.notebook, 4)
    client = nbclient.NotebookClient(nb, resources={"metadata": {"path": str(toy.notebooks)}})
    toy.vintage(1)
    with client.setup_kernel():
        client.execute_cell(nb.cells[1], 1)
        summary = schedule.run(QUIET)
        assert tree(toy.notebooks) == before
        client.execute_cell(nb.cells[2], 2)
    assert summary.exit == Exit.DONE
    checks = nb.cells[2].outputs[0].data["application/vnd.rotation.check+json"]
    assert [check["claim_id"] for check in checks] == ["TY-01", "TY-02", "TY-03"]
    assert checks[0]["measured"] == 7757.64  # the frozen vintage: the editor's own parameters
    results = drift.read(toy.home / "current")
    assert results["checks"][0]["measured"] != 7757.64
    nbformat.write(nb, toy.notebook)
    assert schedule.run(QUIET).message.endswith("nothing changed since it was published")
