"""Pictures as outputs of a notebook: HTML with an alt text and the finding as caption.

JupyterLab and nbconvert give a bare PNG no alt text; HTML they show as it is written.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

# Pixels that a picture is shown at on a page of its own width.
WIDTH = 880
# Turns a picture's light and dark, but not its hues, round where JupyterLab or VS Code are dark.
_DARK = (
    "<style>[data-jp-theme-light=false] figure img, .vscode-dark figure img "
    "{filter: invert(.89) hue-rotate(180deg)}</style>"
)
_PATTERN = re.compile(
    re.escape(_DARK) + r'<figure><figcaption style="[^"]*">(?P<finding>[^<]*)</figcaption>'
    r'<img width="\d+" alt="(?P<alt>[^"]*)" src="data:image/png;base64,(?P<png>[^"]*)"></figure>'
)


class Picture(NamedTuple):
    """A picture: what it shows in a sentence, for who cannot see it, and its PNG as base64."""

    finding: str
    alt: str
    png: str


def bundle(finding: str, alt: str, png: bytes, plotted: str) -> dict[str, str]:
    """Return a picture as the MIME bundle of an output; ``plotted`` tells what it draws."""
    caption, described = html.escape(finding, quote=False), html.escape(alt)
    text = base64.b64encode(png).decode()
    return {
        "text/html": (
            f'{_DARK}<figure><figcaption style="font-weight: bold">{caption}</figcaption>'
            f'<img width="{WIDTH}" alt="{described}" src="data:image/png;base64,{text}"></figure>'
        ),
        "text/plain": f"{finding}\n{plotted}",
    }


def read(data: Mapping[str, Any]) -> Picture | None:
    """Return the picture of an output's data, None if it has none.

    Data of a PNG alone, as a figure of somebody's own gives, make a picture without words.
    """
    if found := _PATTERN.fullmatch("".join(data.get("text/html", ""))):
        return Picture(html.unescape(found["finding"]), html.unescape(found["alt"]), found["png"])
    if "image/png" in data:
        return Picture("", "", "".join(data["image/png"]))
    return None
