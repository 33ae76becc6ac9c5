"""Time whole runs and sweeps, as ratios to named alternatives of one session on one machine.

``python bench/runs.py`` takes all notebooks, ``python bench/runs.py 06 08`` some of them. It prints
two tables and, for all notebooks, writes docs/benchmarks.md. Seconds by the clock, and those
of all processors summed, which say the same on a busy machine. Linux alone counts all of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from rotation.run import planning

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the copy of the data that tests may change

from support.data import Package  # noqa: E402

TOOLS = {"papermill": "papermill", "nbclient": "nbclient", "ploomber-engine": "ploomber_engine"}
# Has the system hand over processes whose parent has ended: PR_SET_CHILD_SUBREAPER.
_ADOPT = 36
PAGE = ROOT / "docs" / "benchmarks.md"
# The plain ways to the same pages from Python, one notebook after the other.
LIBRARY = """import sys
from nbconvert import HTMLExporter
import nbformat
folder, tool, *paths = sys.argv[1:]
for path in paths:
    made = f"{folder}/{path}"
    if tool == "papermill":
        import papermill
        papermill.execute_notebook(path, made, kernel_name="python3", progress_bar=False)
        book = nbformat.read(made, 4)
    elif tool == "ploomber-engine":
        from ploomber_engine import execute_notebook
        book = execute_notebook(path, made)
    else:
        from nbclient import NotebookClient
        book = nbformat.read(path, 4)
        NotebookClient(book, kernel_name="python3").execute()
    page, _ = HTMLExporter().from_notebook_node(book)
    with open(f"{made}.html", "w", encoding="utf-8") as file:
        file.write(page)
"""
# A hundred runs of one notebook.
GRID = {
    "min_length": "3..12",
    "window_from": "last win,first loss",
    "history_start": "1979-01-02,1984-01-03,1988-01-04,1994-01-03,2000-01-03",
}
HEAD = """# Benchmarks

Times of whole runs, in one session on one machine; `make bench` renews this page. The ratio is that
of the summed processor time to papermill's and nbconvert's commands in a row.

"""
SWEEPS = """

A sweep of 100 runs of `04_post_streak_outcomes`; the ratio is that of the seconds by the clock to
those of one worker.

"""


def timed(commands: Sequence[Sequence[str]], **environment: str) -> tuple[float, float]:
    """Run commands one after the other; return wall-clock and summed processor seconds."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(
            command,
            env=os.environ | environment,
            cwd=planning.folder(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    with contextlib.suppress(ChildProcessError):
        while True:  # what the commands left behind: their fork servers
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    passed = time.perf_counter() - began
    click.echo(
        f"{passed:.1f} s, {worked:.1f} s of processor time: {Path(commands[-1][0]).name}", err=True
    )
    return passed, worked


def measured(names: Sequence[str], folder: Path) -> dict[str, tuple[float, float]]:
    """Time each way to the same pages."""
    tools = Path(sys.executable).parent
    paths = planning.find(names)
    plain: list[list[str]] = []
    for path in paths:
        made = str(folder / path.name)
        plain.append([str(tools / "papermill"), "-k", "python3", path.name, made])
        plain.append([str(tools / "jupyter"), "nbconvert", "--to", "html", made])

    def rotation(*words: str, **environment: str) -> tuple[float, float]:
        command = [str(tools / "rotation"), "run", *names, "--out", str(folder / "out"), *words]
        return timed([command], **environment)

    def library(tool: str) -> tuple[float, float]:
        files = [path.name for path in paths]
        return timed([[sys.executable, "-c", LIBRARY, str(folder), tool, *files]])

    found = {"papermill and nbconvert, commands in a row": timed(plain)}
    for tool, module in TOOLS.items():
        if importlib.util.find_spec(module):
            found[f"{tool} and nbconvert, from Python in a row"] = library(tool)
        else:
            click.echo(f"{tool} is not installed: left out", err=True)
    return found | {
        "rotation run --fresh, kernels cold": rotation("--fresh", ROTATION_KERNELS="cold"),
        "rotation run --fresh": rotation("--fresh"),
        "rotation run, another folder, nothing changed": rotation("--out", str(folder / "other")),
        "rotation run, nothing changed": rotation(),
        "rotation run, one close changed": _one_close(rotation, folder),
    }


def _one_close(rotation: Callable[..., tuple[float, float]], folder: Path) -> tuple[float, float]:
    """Time a run after the last close of a copy of the data became another."""
    copy = Package(folder)
    rotation(ROTATION_DATA=str(copy.folder))

    def moved(content: bytes) -> bytes:
        lines = content.rstrip(b"\n").split(b"\n")
        day, small, rest = lines[-1].split(b",", 2)
        lines[-1] = b",".join([day, b"%.2f" % (float(small) + 0.01), rest])
        return b"\n".join([*lines, b""])

    copy.edit("index_closes", moved, seal=True)
    return rotation(ROTATION_DATA=str(copy.folder))


def swept(folder: Path) -> dict[str, tuple[float, float]]:
    """Time a sweep of a hundred runs on one worker and on two."""
    tool = str(Path(sys.executable).parent / "rotation")
    over = [word for name, values in GRID.items() for word in ("--over", f"{name}={values}")]
    for name in ("draws", "histories", "placebo_draws"):
        over += ["-p", f"{name}=100"]  # so that a hundred runs take minutes
    found = {}
    for jobs, name in ((1, "one worker"), (2, "two workers")):
        to = str(folder / f"sweep-{jobs}")
        found[name] = timed([[tool, "sweep", "04", *over, "--jobs", str(jobs), "--out", to]])
    return found


def table(found: dict[str, tuple[float, float]], by: int) -> str:
    """Return what was measured as a table in Markdown; 0 compares seconds, 1 processor seconds."""
    base = next(iter(found.values()))[by]
    rows = ["| | seconds | processor seconds | ratio |", "|---|---:|---:|---:|"]
    for name, both in found.items():
        rows.append(f"| {name} | {both[0]:.1f} | {both[1]:.1f} | {both[by] / base:.2f} |")
    return "\n".join(rows)


def main(names: Sequence[str]) -> None:
    """Measure, print, and renew the page if all notebooks were run."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        shown = table(measured(names, Path(folder)), 1)
        shown += SWEEPS + table(swept(Path(folder)), 0)
    click.echo(shown)
    if not names:
        machine = (
            f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
        )
        PAGE.write_text(f"{HEAD}{shown}\n\nMachine: {machine}, {platform.system()}.\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
