"""Kernels forked from a warm process: as good as new interpreters, and killed like them."""

import json
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest

from helpers import vintages
from rotation.run import preload, server, warm
from support.toy import write

# What a kernel finds around itself goes to a file: it must be no part of the outputs.
PROBE = """
import json, multiprocessing, os, pathlib, random, sys, threading
import numpy as np
import matplotlib.pyplot as plt

def work(queue):
    queue.put(multiprocessing.current_process().name)

context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=work, args=(queue,))
child.start()
me = multiprocessing.current_process()
found = dict(
    preloaded="rotation.run.preload" in sys.modules,
    absent=getattr(sys.modules.get("rotation.run.preload"), "ABSENT", None),
    hash=hash("rotation"),
    drawn=[float(np.random.rand()), random.random()],
    backend=plt.get_backend(),
    folder=os.getcwd(),
    path=sys.path,
    environment={k: v for k, v in os.environ.items() if k != "JPY_PARENT_PID"},
    process=[me.name, me.daemon, list(me._identity), multiprocessing.parent_process() is None],
    method=multiprocessing.get_start_method(),
    child=queue.get(),
    leads=os.getpgid(0) == os.getsid(0) == os.getpid(),
    open=sorted(os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2)),
    parent=os.getppid(),
    pid=os.getpid(),
)
child.join()
written = pathlib.Path(os.environ["PROBE"]).joinpath(NAME + ".json").write_text(json.dumps(found))
"""
# The bytes that differ first if anything does: a figure, a frame, a set in its own order, a hash.
SHOWS = """
import matplotlib.pyplot as plt, pandas as pd, warnings
print({"small", "large", "b", "c"}, hash("x"))
fig, ax = plt.subplots(); ax.plot([1, 3, 2]); plt.show()
pd.DataFrame({"a": [1, 2.5]})
"""
HANGS = """
import ctypes, os, pathlib, signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(os.environ["PROBE"]).joinpath("hangs.json").write_text(str(os.getpid()))
ctypes.PyDLL(None).sleep(600)  # in C, holding the interpreter
"""
# Fresh: else the second run would take what was kept of the first.
RUN = (
    "import sys; from rotation.run import runner; "
    "runner.run(out=sys.argv[1], timeout=20, fresh=True)"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two runs of the same notebooks, warm and cold, each by a process of its own."""
    home = tmp_path_factory.mktemp("warm")
    (home / "notebooks").mkdir()
    for name in ("01_one", "02_two"):
        write(home / "notebooks", name, PROBE.replace("NAME", repr(name)), SHOWS)
    write(home / "notebooks", "03_hangs", HANGS)
    found = {}
    for kind in ("warm", "cold"):
        (home / kind).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ROTATION_NOTEBOOKS", str(home / "notebooks"))
            patch.setenv("PROBE", str(home / kind))
            patch.setenv(warm.SWITCH, kind)
            patch.setenv("MPLBACKEND", "agg")
            subprocess.run(
                [sys.executable, "-c", RUN, str(home / kind / "reports")], check=True, timeout=240
            )
        probes = [json.loads((home / kind / f"{n}.json").read_text()) for n in ("01_one", "02_two")]
        # The run is not complete, so it went to a folder of its own.
        [results] = (home / kind / "reports").glob("*/results.json")
        found[kind] = SimpleNamespace(
            home=home / kind, folder=results.parent, one=probes[0], two=probes[1]
        )
    return SimpleNamespace(**found)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernels start cold there")


@linux
def test_the_preload_happened_and_only_where_it_was_asked_for(made):
    assert (made.warm.one["preloaded"], made.warm.one["absent"]) == (True, [])
    assert (made.cold.one["preloaded"], made.cold.one["absent"]) == (False, None)


def test_cold_and_warm_give_the_same_bytes(made):
    for name in ("01_one.ipynb", "02_two.ipynb", "results.json", "01_one.html", "index.html"):
        warmly, coldly = ((run.folder / name).read_bytes() for run in (made.warm, made.cold))
        assert warmly == coldly, name
    assert b"image/png" in (made.warm.folder / "01_one.ipynb").read_bytes()


@pytest.mark.parametrize(
    "what", ["hash", "backend", "folder", "path", "process", "method", "child", "leads"]
)
def test_a_warm_kernel_is_as_a_new_interpreter(made, what):
    assert made.warm.one[what] == made.cold.one[what]


def test_a_warm_kernel_has_the_environment_of_a_cold_one(made):
    def told(run):
        own = (warm.SWITCH, "PROBE", "IPYTHONDIR")
        return {k: v for k, v in run.one["environment"].items() if k not in own}

    assert told(made.warm) == told(made.cold)
    assert told(made.warm)["PYTHONHASHSEED"] == "0"
    assert told(made.warm)["OMP_NUM_THREADS"] == "1"
    assert told(made.warm)["MPLBACKEND"].startswith("module://")  # not the caller's


def test_no_two_kernels_draw_the_same_without_a_seed(made):
    for generator in (0, 1):
        assert len({probe["drawn"][generator] for probe in probes(made)}) == 4


def probes(made):
    return made.warm.one, made.warm.two, made.cold.one, made.cold.two


def test_a_kernel_is_a_process_of_its_own_whose_files_are_its_own(made):
    assert made.warm.one["process"] == ["MainProcess", False, [], True]
    assert made.warm.one["leads"]
    assert len({probe["pid"] for probe in probes(made)}) == 4
    nothing, *printed = made.warm.one["open"]
    assert nothing == "/dev/null"
    assert {name.rsplit("/", 1)[-1] for name in printed} == {"01_one.log"}


def test_a_cell_that_hangs_in_c_and_ignores_signals_is_killed(made):
    for run in (made.warm, made.cold):
        manifest = json.loads((run.folder / "manifest.json").read_text())
        assert manifest["notebooks"]["03_hangs"]["message"] == (
            "took longer than 20 s and was stopped"
        )
        assert not psutil.pid_exists(int((run.home / "hangs.json").read_text()))


# What speaks against it


@pytest.fixture
def ready(monkeypatch):
    """A process that could fork a kernel, but for its threads."""
    for name, value in server.SERVER_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(warm.sys, "flags", SimpleNamespace(hash_randomization=0))
    monkeypatch.setattr(warm.threading, "active_count", lambda: 1)
    monkeypatch.setattr(warm.Path, "iterdir", lambda _: iter(["one"]))
    monkeypatch.setattr(preload, "ABSENT", [])
    monkeypatch.setattr(preload, "IMPORTED", server.imported())


@linux
def test_nothing_speaks_against_a_ready_process(ready):
    assert warm.objection({}) == ""


@linux
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: p.setattr(preload, "ABSENT", ["helpers.plots"]), "helpers.plots"),
        (lambda p: p.delitem(sys.modules, "rotation.run.preload"), "anything"),
        (lambda p: p.setenv("OMP_NUM_THREADS", "2"), "OMP_NUM_THREADS"),
        (lambda p: p.setenv("MPLBACKEND", "agg"), "MPLBACKEND"),
        (lambda p: p.delenv("PYTHONHASHSEED"), "PYTHONHASHSEED"),
        (lambda p: p.setattr(warm.sys, "flags", SimpleNamespace(hash_randomization=1)), "HASHSEED"),
        (lambda p: p.setattr(warm.threading, "active_count", lambda: 2), "more than one thread"),
        (lambda p: p.setattr(warm.Path, "iterdir", lambda _: iter("ab")), "more than one thread"),
        (lambda p: p.setattr(warm.sys, "platform", "darwin"), "Linux alone"),
        (lambda p: p.setattr(preload, "IMPORTED", {}), "changed since"),
    ],
)
def test_each_danger_makes_kernels_start_cold(ready, monkeypatch, spoil, reason):
    spoil(monkeypatch)
    assert reason in warm.objection({})
    assert warm.spare({}) is None


@linux
def test_the_switch_makes_kernels_start_cold(ready):
    assert warm.SWITCH in warm.objection({warm.SWITCH: warm.COLD})


@linux
def test_threads_are_counted(ready, monkeypatch):
    monkeypatch.undo()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert warm.objection({}) != ""
    finally:
        stop.set()
        thread.join()


def test_a_module_that_cannot_be_imported_is_named(monkeypatch):
    modules = ("json", "no_such_module", "antigravity_not")
    monkeypatch.setattr(preload, "MODULES", modules)
    assert preload._absent() == ["no_such_module", "antigravity_not"]


def test_changed_code_or_data_is_noticed(tmp_path, monkeypatch):
    before = server.imported()
    assert server.imported() == before
    (tmp_path / vintages.DESCRIPTOR).write_text("{}")
    (tmp_path / "specifications.toml").write_text("")
    monkeypatch.setenv("ROTATION_DATA", str(tmp_path))
    other = server.imported()
    assert other != before
    (tmp_path / "specifications.toml").write_text("a = 1")
    assert server.imported() != other


@linux
def test_a_child_that_is_not_needed_ends(monkeypatch):
    child = warm.Spare()
    assert psutil.Process(child.pid).is_running()
    child.dismiss()
    limit = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    assert child.returncode == 0
