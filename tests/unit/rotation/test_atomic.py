import json
import os
import socket
import subprocess
import sys

import pytest

from helpers.errors import Exit
from rotation import atomic

HOLDS = """import sys, time
from pathlib import Path
from rotation import atomic
with atomic.locked(Path(sys.argv[1]), "run"):
    print("in", flush=True)
    time.sleep(60)
"""


def test_json_is_readable_ends_with_a_line_and_has_no_nan(tmp_path):
    atomic.write_json(tmp_path / "a.json", {"ä": [1, None]})
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n "ä": [\n  1,\n  null\n ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.json_text(float("nan"))


def test_what_is_built_and_not_published_leaves_nothing(tmp_path):
    with pytest.raises(IsADirectoryError), atomic.building(tmp_path / "new" / "root") as build:
        build.write_text("it is a folder")
    assert not (tmp_path / "new" / "root").exists()
    (tmp_path / "old").mkdir()
    with atomic.building(tmp_path / "old", ".made-") as build:
        assert build.name.startswith(".made-")
    assert list((tmp_path / "old").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "below"
    with (
        pytest.raises(atomic.UnwritableError, match=f"{below}: cannot write there"),
        atomic.building(below),
    ):
        pass
    with (
        pytest.raises(atomic.UnwritableError, match=f"{below}: cannot write there"),
        atomic.locked(below / "lock", "run"),
    ):
        pass


def test_a_folder_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    build, to = tmp_path / ".build", tmp_path / "made"
    (build / "sub").mkdir(parents=True)
    (build / "sub" / "file").write_text("whole")
    seen = []
    monkeypatch.setattr(atomic, "sync", lambda path: seen.append((path.name, to.exists())))
    atomic.publish(build, to)
    assert seen == [
        ("sub", False),
        ("file", False),
        (".build", False),
        (tmp_path.name, True),
    ]
    assert (to / "sub" / "file").read_text() == "whole"


def test_a_link_is_switched_over_what_a_killed_process_left(tmp_path):
    link = tmp_path / "current"
    for name in ("one", "two"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        atomic.hidden(link).symlink_to("nowhere")
        atomic.switch(link, tmp_path / "runs" / name)
        assert link.resolve() == tmp_path / "runs" / name
        assert os.readlink(link) == f"runs/{name}"  # it may be moved with its folder  # noqa: PTH115
        assert not atomic.hidden(link).is_symlink()


def test_a_file_is_replaced_by_a_copy(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    new.write_text("new")
    atomic.replace(old, new)
    assert (old.read_text(), new.read_text()) == ("new", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_a_lock_names_its_holder_and_is_freed_however_that_ends(tmp_path):
    file = tmp_path / "home" / "lock"
    command = [sys.executable, "-c", HOLDS, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        who = f"process {process.pid} on {socket.gethostname()} since "
        assert atomic.holder(file).startswith(who)
        with pytest.raises(atomic.LockedError) as caught, atomic.locked(file, "refresh"):
            pass
        assert str(caught.value).startswith(f"{file.parent}: {who}")
        assert str(caught.value).endswith(" is running; expected one refresh at a time")
        assert caught.value.code == Exit.LOCKED
        process.kill()
    assert atomic.holder(file) == ""
    with atomic.locked(file, "run"):
        named = file.with_name("lock.holder")
        assert json.loads(named.read_text())["pid"] == os.getpid()
        named.write_text("not by us")
        assert atomic.holder(file) == "another process"
    assert atomic.holder(file) == ""
    assert not named.exists()


def test_a_full_disk_holds_the_lock_without_a_name(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = tmp_path / "lock"
    monkeypatch.setattr(atomic, "_myself", full)
    with atomic.locked(file, "run"):
        assert atomic.holder(file) == "another process"


def test_where_there_are_no_locks_one_line_tells(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(atomic.filelock.FileLock, "acquire", none)
    with (
        pytest.raises(atomic.UnwritableError, match=r"cannot be locked \(No locks available\)"),
        atomic.locked(tmp_path / "lock", "run"),
    ):
        pass


def test_what_a_killed_process_left_goes_after_a_day(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    kept = {"alive": os.getpid(), "fresh": ended.pid, "old": ended.pid}
    folders = {name: tmp_path / f".building-{pid}-{name}" for name, pid in kept.items()}
    folders["foreign"] = tmp_path / ".building-of-mine"
    for name, folder in folders.items():
        folder.mkdir()
        (folder / "left.txt").write_text("left")
        if name != "fresh":
            os.utime(folder, (0, 0))
    with atomic.building(tmp_path) as build:
        assert build.name.startswith(f".building-{os.getpid()}-")
        assert {name for name, folder in folders.items() if folder.exists()} == {
            "alive",
            "fresh",
            "foreign",
        }
    assert not build.exists()
