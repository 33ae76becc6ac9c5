"""Disks that are full or read-only, damaged vintages, kernels that die, two starts at once.

Whatever happens, the last good report stays whole and the next start needs no help.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import data, vintages
from helpers.errors import Exit, InputError
from rotation.refresh import refresh
from rotation.run import pool
from rotation.unattended import config, drift, history, home, schedule, session
from support.source_server import Sources
from support.toy import Toy, instantly, tree, write

FULL = os.environ.get("ROTATION_PROOF") == "full"
CASES = 30 if FULL else 3
NOW = pd.Timestamp("2026-11-21 12:00", tz="UTC")
QUIET = config.Config(refresh=config.Refresh(enabled=False))
MEGABYTE = 1_000_000
_EXECUTE = pool.execute


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A toy with one published report and a refreshed vintage, and what is published from it."""
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        toy = Toy(folder / "clone").use(patch)
        patch.setattr(pool, "execute", instantly)
        patch.setattr(refresh, "refresh", functools.partial(refresh.refresh, now=NOW))
        with Sources() as sources:
            for name, value in sources.environment.items():
                patch.setenv(name, value)
            old = schedule.run(QUIET)
            assert old.exit == Exit.DONE
            shutil.copytree(toy.home, folder / "before", symlinks=True)
            new = schedule.run(config.Config())
            assert new.exit == Exit.VERDICTS_CHANGED
            shutil.copytree(toy.home, folder / "after", symlinks=True)
            yield SimpleNamespace(toy=toy, folder=folder, old=old, new=new, report=tree(old.folder))


@pytest.fixture
def toy(base):
    """The toy as it was before the refresh."""
    shutil.rmtree(base.toy.home, ignore_errors=True)
    shutil.copytree(base.folder / "before", base.toy.home, symlinks=True)
    return base.toy


def run(settings=None):
    """Run the schedule; return its exit code, also where it cannot even begin."""
    try:
        return schedule.run(settings or config.Config()).exit
    except InputError as error:
        return error.code


def check_old(base):
    assert tree(home.current()) == base.report
    assert [line["run"] for line in history.read()] == [base.old.run]


def check_new(base):
    assert drift.read(home.current())["run"]["id"] == base.new.run
    assert [line["run"] for line in history.read()] == [base.old.run, base.new.run]
    for name in vintages.names():
        data.load(vintage=name)
    assert not list(base.toy.home.rglob(".scheduled-*"))


# Disks


@contextlib.contextmanager
def mounted(folder: Path, *words: str) -> Iterator[None]:
    """Mount something at a folder, or skip the test and say why that cannot be done."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a file system")
    made = subprocess.run(["mount", *words, folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"this machine does not let root mount: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, left: int) -> Path:
    """Write a file that leaves so many bytes of a file system free."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    filler = folder / "filler"
    filler.write_bytes(b"x" * max(0, free - left))
    return filler


def test_a_full_disk_leaves_the_old_state_whole(base, toy, monkeypatch):
    """Free space from nothing to almost enough; the tables and a report take about 1.5 MB.

    The look at the free space before a run is left out: a disk may fill up after it.
    """
    monkeypatch.setattr(session, "NEEDED", 0)
    chance = random.Random(6)
    shutil.rmtree(toy.home)
    toy.home.mkdir()
    codes = []
    with mounted(toy.home, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        for case in range(CASES):
            for left in toy.home.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            shutil.copytree(base.folder / "before", toy.home, symlinks=True, dirs_exist_ok=True)
            left = 0 if case == 0 else chance.randrange(0, MEGABYTE)
            filler = fill(toy.home, left)
            codes.append(run())
            if codes[-1] == Exit.VERDICTS_CHANGED:  # it was enough after all
                check_new(base)
                continue
            assert codes[-1] in (Exit.FAILED, Exit.MISTAKE, Exit.SOURCE_FAILED), left
            check_old(base)
            filler.unlink()
            assert run() == Exit.VERDICTS_CHANGED, left
            check_new(base)
    assert codes[0] != Exit.VERDICTS_CHANGED
    assert len(codes) == CASES


@pytest.mark.parametrize("name", ["", "runs", "vintages", "logs"])
def test_a_folder_that_cannot_be_written_leaves_the_old_state_whole(base, toy, name):
    folder = toy.home / name
    folder.mkdir(exist_ok=True)
    if os.geteuid() != 0:  # root may write whatever the permissions say
        folder.chmod(0o500)
        code = run()
        folder.chmod(0o700)
        check_old(base)
    else:
        with mounted(folder, "--bind", folder):
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            code = run()
            check_old(base)
    assert code in (Exit.FAILED, Exit.MISTAKE, Exit.SOURCE_FAILED)
    assert run() == Exit.VERDICTS_CHANGED
    check_new(base)


# Damaged vintages


def damage(folder: Path, chance: random.Random) -> str:
    """Damage one file of a vintage in one of four ways."""
    file = chance.choice(sorted(folder.glob("*.csv")) + [folder / "datapackage.json"] * 3)
    content = file.read_bytes()
    way = chance.choice(["cut", "flip", "empty", "gone"])
    place = chance.randrange(len(content))
    if way == "cut":
        file.write_bytes(content[:place])
    elif way == "flip":
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif way == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    return f"{way} {file.name} at {place}"


def test_a_damaged_vintage_is_made_anew_or_passed_over(base, toy):
    chance = random.Random(7)
    for case in range(CASES):
        shutil.rmtree(toy.home)
        shutil.copytree(base.folder / "after", toy.home, symlinks=True)
        expected = data.load(vintage=base.new.vintage).closes
        what = damage(toy.home / "vintages" / base.new.vintage, chance)
        refreshed = case % 2 == 0
        summary = schedule.run(config.Config() if refreshed else QUIET)
        assert summary.exit in (Exit.DONE, Exit.VERDICTS_CHANGED, Exit.SOURCE_FAILED), what
        found = drift.read(home.current())
        market = data.load(vintage=found["run"]["vintage"])
        if refreshed or found["run"]["vintage"] == base.new.vintage:
            assert market.closes.equals(expected), what
        else:
            assert found["run"]["vintage"] == vintages.FROZEN, what
            assert summary.stale, what
        assert found["checks"][0]["measured"] == float(market.closes["sp_500"].iloc[-1]), what


# Kernels and starts


def test_kernels_that_die_or_hang_leave_the_old_state_whole(base, toy):
    """One dies for good, one once, one hangs; then they are mended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "execute", _EXECUTE)
        try:
            lives = base.folder / "lives"
            once = f"import os, pathlib\nlives = pathlib.Path({str(lives)!r})\n"
            once += "lives.exists() or (lives.write_text(''), os.kill(os.getpid(), 9))"
            write(toy.notebooks, "02_once", once)
            write(toy.notebooks, "03_dies", "import os\nos.kill(os.getpid(), 11)")
            write(toy.notebooks, "04_hangs", "import time\nwhile True:\n    time.sleep(1)")
            limits = config.Run(notebook_time_limit=15.0)
            summary = schedule.run(config.dataclasses.replace(QUIET, run=limits))
            assert summary.exit == Exit.FAILED
            assert summary.failures == {
                "03_dies": "DeadKernelError: Kernel died",
                "04_hangs": "took longer than 15 s and was stopped",
            }
            check_old(base)
        finally:
            for name in ("02_once", "03_dies", "04_hangs"):
                (toy.notebooks / f"{name}.ipynb").unlink()
        assert run(QUIET) == Exit.DONE


def test_of_several_starts_at_once_one_runs_and_the_others_leave(base, toy):
    toy.vintage(5, rise=100)
    command = [Path(sys.executable).with_name("rotation"), "schedule", "--no-refresh"]
    starts = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(5 if FULL else 2)
    ]
    said = [start.communicate(timeout=300) for start in starts]
    codes = sorted(start.returncode for start in starts)
    assert codes.count(Exit.VERDICTS_CHANGED) == 1
    # One that started when the first had ended finds nothing to do.
    assert set(codes) <= {Exit.DONE, Exit.LOCKED, Exit.VERDICTS_CHANGED}
    for start, (_, errors) in zip(starts, said, strict=True):
        if start.returncode == Exit.LOCKED:
            assert "is running; expected one run at a time" in errors
    assert len(history.read()) == 2
