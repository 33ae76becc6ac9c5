"""The published descriptions of what a run leaves, docs/schemas/, and how to hold files to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from support.data import ROOT

FOLDER = ROOT / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))


def hold(name: str, content: Any) -> None:
    """Raise what is wrong first with a file's content."""
    jsonschema.Draft202012Validator(schema(name)).validate(content)


def hold_run(folder: Path) -> None:
    """Hold the files of a run's folder to their schemas."""
    for name in ("results", "manifest"):
        hold(name, json.loads((folder / f"{name}.json").read_text("utf-8")))
