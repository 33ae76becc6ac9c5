"""Time whole runs against papermill and nbconvert, as ratios of one session on one machine.

``python bench/runs.py`` takes all notebooks, ``python bench/runs.py 06 08`` some of them. It prints
a table and, for all notebooks, writes it to docs/benchmarks.md. Seconds by the clock, and those of
all processors summed, which say the same on a busy machine. Linux alone counts all of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from rotation.run import planning

ROOT = Path(__file__).resolve().parents[1]
# Has the system hand over processes whose parent has ended: PR_SET_CHILD_SUBREAPER.
_ADOPT = 36
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Times of whole runs, in one session on one machine; `python bench/runs.py` renews this table. The
ratio is that of the summed processor time to papermill's and nbconvert's commands in a row.

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
    return time.perf_counter() - began, worked


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

    return {
        "papermill and nbconvert, commands in a row": timed(plain),
        "rotation run --fresh, kernels cold": rotation("--fresh", ROTATION_KERNELS="cold"),
        "rotation run --fresh": rotation("--fresh"),
        "rotation run, another folder, nothing changed": rotation("--out", str(folder / "other")),
        "rotation run, nothing changed": rotation(),
    }


def table(found: dict[str, tuple[float, float]]) -> str:
    """Return what was measured as a table in Markdown."""
    base = next(iter(found.values()))[1]
    rows = ["| | seconds | processor seconds | ratio |", "|---|---:|---:|---:|"]
    rows += [f"| {n} | {w:.1f} | {p:.1f} | {p / base:.2f} |" for n, (w, p) in found.items()]
    return "\n".join(rows)


def main(names: Sequence[str]) -> None:
    """Measure, print, and renew the page if all notebooks were run."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        shown = table(measured(names, Path(folder)))
    click.echo(shown)
    if not names:
        machine = (
            f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
        )
        PAGE.write_text(f"{HEAD}{shown}\n\nMachine: {machine}, {platform.system()}.\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
