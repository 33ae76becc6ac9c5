"""Check notebooks before they are committed: ``python -m tests.support.valid_notebooks FILE …``."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat


def fault(path: Path) -> str | None:
    """Return what is wrong with a notebook in one line; nothing if it may be committed.

    Notebooks are committed executed. Those whose name begins with an underscore are templates,
    which are committed without outputs.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # a broken file fails in as many ways as there are parsers
        return f"{path}: not a valid notebook: {' '.join(str(error).split())[:200]}"
    executed = any(cell.cell_type == "code" and cell.outputs for cell in notebook.cells)
    if path.name.startswith("_"):
        return f"{path}: a template with outputs: clear them" if executed else None
    return None if executed else f"{path}: no outputs: run make notebooks, and strip nothing"


def main(names: list[str]) -> int:
    """Report every notebook that may not be committed; 1 if there is one."""
    faults = [found for name in names if (found := fault(Path(name)))]
    sys.stderr.writelines(f"{line}\n" for line in faults)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
