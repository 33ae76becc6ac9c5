"""Pictures compared by what is seen, not by their bytes."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image, ImageOps

from helpers import pictures


def drawn(path: Path) -> list[pictures.Picture]:
    """Return the pictures of an executed notebook."""
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", ())]
    return [found for o in outputs if (found := pictures.read(o.get("data", {})))]


def opened(png: str) -> Image.Image:
    """Return a PNG in base64 as levels of grey."""
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("L")


def apart(first: str, second: str) -> float:
    """Return by how many of 255 levels two pictures differ, a mean over their points."""
    one, other = opened(first), opened(second)
    if abs(one.height - other.height) > 0.02 * one.height or one.width != other.width:
        return 255.0
    return float(np.abs(np.asarray(one, float) - np.asarray(other.resize(one.size), float)).mean())


def inverted(png: str) -> str:
    """Return the same picture, white on black."""
    made = io.BytesIO()
    ImageOps.invert(opened(png)).save(made, "PNG")
    return base64.b64encode(made.getvalue()).decode()
