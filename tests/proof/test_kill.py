"""SIGKILL at random moments of refresh, run and publish: nothing is lost, and no help is needed.

The command runs in a process of its own, against sources on this machine. Each change that it
makes below the user's folder is counted; a first run that nobody kills tells how many there are.
Then it is killed at a chosen one, or a little later, so that every stretch of a run is met.
"""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from helpers import data, vintages
from helpers.errors import Exit
from rotation.refresh import refresh
from rotation.unattended import config, drift, history, schedule
from support.source_server import Sources
from support.toy import Toy, tree

KILLS = 30 if os.environ.get("ROTATION_PROOF") == "full" else 3
NOW = pd.Timestamp("2026-11-21 12:00", tz="UTC")
STAGES = ("refresh", "run", "publish")
# Longest wait after a chosen change of the run, so that executing notebooks are met too.
LATER = 2.0

COMMAND = """
import functools, os, signal, sys, threading, time

home, moment, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "shutil.rmtree"}
seen = 0


def die():
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGKILL)


def watch(event, args):
    global seen
    if event not in EVENTS or not str(args[0]).startswith(home):
        return
    seen += 1
    os.write(1, f"{event} {args[0]} {args[1]}\\n".encode())
    if seen == moment and delay:
        threading.Thread(target=die).start()
    elif seen == moment:
        die()


def main():
    import pandas as pd
    from rotation.refresh import refresh
    from rotation.unattended import config, schedule

    now = pd.Timestamp("2026-11-21 12:00", tz="UTC")
    refresh.refresh = functools.partial(refresh.refresh, now=now)
    sys.addaudithook(watch)
    sys.exit(schedule.run(config.load()).exit)


if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A toy with one published report; the sources have more data than it."""
    folder = tmp_path_factory.mktemp("kill")
    with pytest.MonkeyPatch.context() as patch:
        toy = Toy(folder / "clone").use(patch)
        quiet = config.Config(refresh=config.Refresh(enabled=False))
        old = schedule.run(quiet)
        assert old.exit == Exit.DONE
        shutil.copytree(toy.home, folder / "before", symlinks=True)
        (folder / "command.py").write_text(COMMAND)
        patch.setattr(refresh, "refresh", functools.partial(refresh.refresh, now=NOW))
        with Sources() as sources:
            for name, value in sources.environment.items():
                patch.setenv(name, value)
            yield SimpleNamespace(
                toy=toy,
                folder=folder,
                old=old,
                old_report=tree(old.folder),
                notebooks=tree(toy.notebooks),
            )


def restore(clone):
    shutil.rmtree(clone.toy.home)
    shutil.copytree(clone.folder / "before", clone.toy.home, symlinks=True)


def start(clone, moment=0, delay=0.0):
    """Run the command, killed at a change that it makes; return its exit code and its changes."""
    words = [sys.executable, clone.folder / "command.py", clone.toy.home, str(moment), str(delay)]
    with (clone.folder / "changes").open("w") as changes, (clone.folder / "said").open("w") as said:
        process = subprocess.Popen(words, stdout=changes, stderr=said)
        code = process.wait(timeout=300)
    return code, (clone.folder / "changes").read_text().splitlines()


@pytest.fixture(scope="module")
def whole(clone):
    """A run that nobody kills: its changes by stage, and what it published."""
    restore(clone)
    code, changes = start(clone)
    assert code == Exit.VERDICTS_CHANGED, (clone.folder / "said").read_text()
    staged = next(n for n, line in enumerate(changes) if ".scheduled-" in line)
    done = next(
        n for n, line in enumerate(changes) if line.startswith("os.rename") and "/.current" in line
    )
    # Publishing begins when the report is whole: with the summary that is written last.
    summed = next(n for n, line in enumerate(changes) if "summary.json" in line)
    assert staged < summed < done
    return SimpleNamespace(
        changes=changes,
        stages={
            "refresh": range(1, staged + 1),
            "run": range(staged + 1, summed + 1),
            "publish": range(summed + 1, len(changes) + 1),
        },
        run=drift.read(clone.toy.home / "current")["run"]["id"],
        vintage=vintages.resolve(vintages.LATEST),
    )


def moments(whole):
    """Return where to kill: each stage in turn, in the run sometimes while notebooks execute."""
    chance = random.Random(20261121)
    chosen = {s: chance.sample(whole.stages[s], KILLS // len(STAGES)) for s in STAGES}
    for number in range(KILLS):
        stage = STAGES[number % len(STAGES)]
        delay = chance.uniform(0, LATER) if stage == "run" and number % 2 else 0.0
        yield stage, chosen[stage].pop(), delay


def left_running(clone):
    """Return the processes that a killed run of this clone left behind."""
    found, own = [], psutil.Process().children(recursive=True)
    for process in psutil.process_iter():
        try:
            if process not in own and process.environ().get("ROTATION_HOME") == str(clone.toy.home):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def check_whole(clone, whole):
    """Find the old or the new state, whole; return which report and whether the vintage is new."""
    current = (clone.toy.home / "current").resolve()
    found = drift.read(current)["run"]["id"]
    if found == clone.old.run:
        assert tree(current) == clone.old_report
    else:
        assert found == whole.run
        check_report(current)
    for name in vintages.names():
        assert data.load(vintage=name).vintage == name
    assert vintages.resolve(vintages.LATEST) in (vintages.FROZEN, whole.vintage)
    assert [line["run"] for line in history.read()] in (
        [clone.old.run],
        [clone.old.run, whole.run],
    )
    assert tree(clone.toy.notebooks) == clone.notebooks
    return found


def check_report(folder):
    """Check that a report has all its files, and each its end."""
    names = {path.name for path in folder.iterdir()}
    assert {"01_toy.ipynb", "01_toy.html", "index.html", "drift.html", "logs"} <= names
    for name in ("results.json", "manifest.json", "summary.json", "drift.json"):
        json.loads((folder / name).read_text("utf-8"))
    for page in folder.glob("*.html"):
        assert page.read_text("utf-8").rstrip().endswith("</html>")


def test_killed_at_any_moment_the_old_or_the_new_state_is_whole(clone, whole):
    states = []
    for stage, moment, delay in moments(whole):
        restore(clone)
        code, changes = start(clone, moment, delay)
        assert code in (-9, Exit.VERDICTS_CHANGED), (clone.folder / "said").read_text()
        assert code == -9 or delay  # one that was to die later may have been faster
        before = check_whole(clone, whole)
        states.append((stage, before == whole.run, changes[-1]))
        limit = time.monotonic() + 20
        while left_running(clone) and time.monotonic() < limit:
            time.sleep(0.1)
        assert left_running(clone) == []

        again = schedule.run(config.load())
        published = before == whole.run
        assert again.exit == (Exit.DONE if published else Exit.VERDICTS_CHANGED), again
        assert check_whole(clone, whole) == whole.run
        assert vintages.resolve(vintages.LATEST) == whole.vintage
        assert [line["run"] for line in history.read()] == [clone.old.run, whole.run]
        hidden = [p for p in clone.toy.home.rglob(".*") if p.name != ".lock"]
        assert hidden == [], states[-1]
    assert [stage for stage, *_ in states] == [STAGES[n % 3] for n in range(KILLS)]


def test_the_moments_are_spread_over_all_that_is_written(whole):
    sizes = {stage: len(whole.stages[stage]) for stage in STAGES}
    assert min(sizes.values()) > 15, sizes


def test_a_path_outside_is_not_counted(clone, whole):
    assert whole.changes
    assert all(str(clone.toy.home) in line for line in whole.changes)
    assert Path(clone.toy.home).is_dir()
