"""The fork server of a run: it imports once what every worker and every kernel needs.

What a process can only be told when it starts (how it hashes, how many threads its linear algebra
has, how it draws) is set around the server's start, since its children inherit it.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any

from helpers import vintages
from helpers.errors import InputError

# What a kernel needs to give the same bytes every time, whatever the caller's environment.
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
# A kernel started cold sets the last one itself before anything imports matplotlib.
SERVER_ENVIRONMENT = KERNEL_ENVIRONMENT | {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
PRELOAD = ["rotation.run.preload"]


def imported() -> dict[str, tuple[int, int]]:
    """Return what imports depend on: the code and the data that modules read, time and size.

    A server that lives on while they change must not give kernels what was.
    """
    home = Path(__file__).resolve().parents[2]
    code = (path for room in ("helpers", "rotation") for path in (home / room).rglob("*.py"))
    files = [*code, *vintages.frozen().glob("*.toml")]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def context() -> Any:
    """Return how workers start: forked from the server or, where a system has none, anew."""
    return multiprocessing.get_context("forkserver" if _can_fork() else "spawn")


def _can_fork() -> bool:
    return "forkserver" in multiprocessing.get_all_start_methods()


def start() -> None:
    """Have the server begin its imports, if it is not running yet; they go on meanwhile.

    Where a system has no fork server, nothing happens.

    Raises
    ------
    InputError
        If the temporary folder's name is too long for a socket's.
    """
    if not _can_fork():
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(PRELOAD)
    before = {name: os.environ.get(name) for name in SERVER_ENVIRONMENT}
    os.environ.update(SERVER_ENVIRONMENT)
    try:
        forkserver.ensure_running()
    except OSError as error:
        if "AF_UNIX" not in str(error):
            raise
        folder = tempfile.gettempdir()
        raise InputError(
            f"TMPDIR {folder!r}: {len(folder)} characters are too many for the name of a socket "
            "below it; expected at most 70"
        ) from None
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
