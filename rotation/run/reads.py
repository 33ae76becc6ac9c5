"""What a kernel reads of the data, written down while it reads.

The authors' room tells it through Python's audit events, which cost nothing where nobody
listens: which table, claims, articles and measures a notebook asked for. Files that a notebook
opens itself are seen too; what the loading of a whole vintage or registry opens is left out, since
a notebook that loads everything reads but a part of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

# In the environment of a kernel: the file to write to.
FILE = "ROTATION_READS"
EVENT, LOADING = "helpers.read", "helpers.loading"
_HOME = Path(__file__).resolve().parents[2]


def listen() -> None:
    """Write down what this process reads from here on, if it was asked to; a line each, once."""
    file = os.environ.pop(FILE, "")
    if not file:
        return
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    seen: set[str] = set()
    loading = 0

    def hear(event: str, told: tuple[Any, ...]) -> None:
        nonlocal loading
        if event == EVENT and (not loading or told[0] == "file"):
            line = f"{told[0]}:{told[1]}"
        elif event == "open" and not loading:
            line = _opened(*told)
        elif event == LOADING:
            loading += told[0]
            return
        else:
            return
        if line and line not in seen:
            seen.add(line)
            os.write(handle, f"{line}\n".encode())

    sys.addaudithook(hear)


def _opened(path: Any, _mode: Any, flags: Any) -> str:
    """Return how the opening of a file is written down, ``""`` for one that is no input."""
    if not isinstance(path, str | os.PathLike) or flags & os.O_ACCMODE != os.O_RDONLY:
        return ""
    place = os.path.abspath(path)  # noqa: PTH100, which would follow links
    return "" if place.startswith(_OTHERS) else f"file:{place}"


# The interpreter, the system, this package's code (its closure is known), caches and settings.
_CODE = [_HOME / room for room in ("helpers", "rotation", ".git", ".venv")]
_SYSTEM = ["/proc", "/dev", "/sys", "/etc", "/usr", "/lib", "/var/lib", "/run"]
_SETTINGS = [Path.home() / room for room in (".cache", ".config", ".ipython", ".jupyter", ".local")]
_OTHERS = (
    *(f"{one}/" for one in (sys.prefix, sys.base_prefix, *_SYSTEM, *_CODE, *_SETTINGS)),
    f"{tempfile.gettempdir()}/tmp",
    f"{tempfile.gettempdir()}/ipykernel_",
)


def read(file: Path) -> list[str] | None:
    """Return what was written down, sorted; None if nothing was, so that nothing is known.

    A module's compiled file stands for its source; what is gone by now was no input.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    found = set()
    for line in lines:
        kind, _, name = line.partition(":")
        if kind == "file":
            path = _source(Path(name))
            if not path.is_file():
                continue
            name = str(path)
        found.add(f"{kind}:{name}")
    return sorted(found)


def _source(path: Path) -> Path:
    """Return the source of a compiled module, any other file as it is."""
    if path.parent.name != "__pycache__":
        return path
    return path.parent.parent / f"{path.name.split('.')[0]}.py"
