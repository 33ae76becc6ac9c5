"""Whether the generated blocks of a folder's Markdown files are those of some checks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rotation.report import markdown


def is_current(home: Path, checks: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether writing the blocks anew, in a copy, would change no file."""
    there = [name for name in markdown.BLOCKS if (home / name).exists()]
    with tempfile.TemporaryDirectory() as folder:
        for name in there:
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            shutil.copy(home / name, Path(folder) / name)
        markdown.update(Path(folder), checks)
        return all((Path(folder) / n).read_bytes() == (home / n).read_bytes() for n in there)
