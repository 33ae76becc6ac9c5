"""Notebooks, checks and reports without what POSIX alone has: as on Windows, on this machine."""

import os
import subprocess
import sys

import pytest

from helpers.errors import Exit
from support.data import ROOT

# Read by every interpreter that starts with its folder on the path.
HIDING = """import importlib.abc, multiprocessing.reduction, os, signal, sys

import psutil  # which needs on each system what that system has


class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def refuse(*_, **__):
    raise OSError(1314, "A required privilege is not held by the client")


for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hidden())
multiprocessing.reduction.HAVE_SEND_HANDLE = False
os.symlink = refuse
del os.fork, signal.SIGALRM, signal.setitimer
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """What to run a command with, so that it finds nothing of POSIX."""
    folder = tmp_path_factory.mktemp("hiding")
    (folder / "sitecustomize.py").write_text(HIDING)
    return os.environ | {
        "PYTHONPATH": str(folder),
        "ROTATION_HOME": str(folder / "home"),
        # Windows has locks of its own, where this machine now has the plainest ones.
        "PYTHONWARNINGS": "ignore:only soft file lock:UserWarning",
    }


def run(elsewhere, *words, cwd=None):
    return subprocess.run(
        [sys.executable, *words], env=elsewhere, cwd=cwd, capture_output=True, text=True
    )


def test_what_is_hidden_is_not_there(elsewhere):
    asked = "import multiprocessing, os; print(hasattr(os, 'fork'), "
    asked += "'forkserver' in multiprocessing.get_all_start_methods())"
    assert run(elsewhere, "-c", asked).stdout.split() == ["False", "False"]
    assert "ModuleNotFoundError" in run(elsewhere, "-c", "import fcntl").stderr


def test_a_run_gives_the_committed_bytes(elsewhere, tmp_path):
    name = "07_economy_and_flows.ipynb"
    done = run(elsewhere, "-m", "rotation", "run", "07", "10", "--out", str(tmp_path / "out"))
    assert done.returncode == Exit.DONE, done.stderr
    assert (tmp_path / "out" / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    assert (tmp_path / "out" / "07_economy_and_flows.html").is_file()


def test_a_claim_is_checked(elsewhere):
    done = run(elsewhere, "-m", "rotation", "check", "SA-07")
    assert done.returncode == Exit.DONE, done.stderr
    assert "SA-07" in done.stdout


def test_plain_papermill_runs_a_notebook(elsewhere, tmp_path):
    notebook = ROOT / "notebooks" / "07_economy_and_flows.ipynb"
    words = ("-m", "papermill", str(notebook), "made.ipynb", "-k", "python3")
    done = run(elsewhere, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made.ipynb").is_file()


def test_what_cannot_work_there_says_so_in_a_line(elsewhere):
    done = run(elsewhere, "-m", "rotation", "schedule")
    assert done.returncode == Exit.MISTAKE
    assert done.stderr.count("\n") == 1
    assert "expected Linux or macOS" in done.stderr
