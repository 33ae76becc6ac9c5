"""Run a notebook's cells in one process, with any parameters, and read what it shows.

``python -m support.any_parameters 04 CASE …`` prints a line of JSON for each case, a JSON object of
parameters: what could not be read, the checks, and the error that ended it.
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
from bs4 import BeautifulSoup
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from helpers import plots
from helpers.claims import MIMETYPE
from support.data import ROOT

# Quick draws: chance is not what is tried.
QUICK = {"draws": 100, "placebo_draws": 100, "histories": 20}
UNREADABLE = re.compile(
    r"\b(?:nan|NaN|NaT|inf|None(?! of)|True|False)\b|\?%|\bnan\b"
    r"|(?<![\d.,])\b1 (?!is\b|was\b|has\b|as\b)[a-z]+s\b(?<!ss)"
)


@dataclass
class Shown:
    """What a notebook showed: its texts, its checks, and the line of the error that ended it."""

    texts: list[str] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def unreadable(self) -> list[str]:
        """Return what is no number, or a wrong plural, with what stands around it."""
        found = []
        for text in self.texts:
            for match in UNREADABLE.finditer(text):
                found.append(text[max(0, match.start() - 60) : match.end() + 40])
        return found


def run(name: str, **parameters: Any) -> Shown:
    """Run a notebook's cells with parameters, as papermill would, to the first error."""
    shell, shown = InteractiveShell.instance(), Shown()
    shell.reset(new_session=True)
    original = plots.show

    def show(fig: Any, title: str, alt: str, note: str = "") -> None:
        original(fig, title, alt, note)  # which lays it out and rewords what is written in it
        shown.texts += [text.get_text() for text in fig.findobj(plt.Text)]

    plots.show = show
    try:
        for cell in _code(name):
            with capture_output() as out:
                result = shell.run_cell("".join(cell["source"]), store_history=True)
            if "parameters" in cell["metadata"].get("tags", ()):
                given = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
                shell.run_cell(f"# Parameters\n{given}", store_history=True)
            if not result.success:
                error = result.error_in_exec or result.error_before_exec
                shown.error = f"{cell['id']}: {type(error).__name__}: {error}"
                break
            for one in out.outputs:
                _read(one.data, shown)
            if hasattr(result.result, "_repr_mimebundle_"):
                _read(result.result._repr_mimebundle_(), shown)
            elif result.result is not None:
                _read(shell.display_formatter.format(result.result)[0], shown)
    finally:
        plots.show = original
        plt.close("all")
    return shown


def _code(name: str) -> list[dict[str, Any]]:
    (path,) = (ROOT / "notebooks").glob(f"{name}*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _read(data: Any, shown: Shown) -> None:
    data = data[0] if isinstance(data, tuple) else data
    for payload in data.get(MIMETYPE, ()):
        shown.checks[payload["claim_id"]] = payload["outcome"]
    if "text/html" in data:
        soup = BeautifulSoup(data["text/html"], "html.parser")
        shown.texts += [" ".join(text.split()) for text in soup.find_all(string=True)]
        shown.texts += [image["alt"] for image in soup.find_all("img")]
    elif "text/markdown" in data:
        shown.texts.append(re.sub(r"`[^`]*`", "", data["text/markdown"]))


def quick(name: str) -> dict[str, Any]:
    """Return those of the quick draws that a notebook takes."""
    return {key: value for key, value in QUICK.items() if key in _names(name)}


def _names(name: str) -> list[str]:
    tagged = (c for c in _code(name) if "parameters" in c["metadata"].get("tags", ()))
    (own,) = ("".join(cell["source"]) for cell in tagged)
    return re.findall(r"^(\w+) =", own, re.MULTILINE)


def drawn(name: str, seed: int) -> dict[str, Any]:
    """Return random parameters of a notebook, each within its stated range."""
    chance = random.Random(f"{name}{seed}")
    known = quick(name)
    for key in _names(name):
        if key in DRAWS and chance.random() < 0.6:
            known[key] = DRAWS[key](chance)
    last = known.get("as_of", "2026-10-07")
    if known.get("history_start", "") >= last:  # refused with the reason, as it should be
        known["history_start"] = "1979-06-01"
    return known


def _wholes(low: int, high: int, most: int = 4) -> Any:
    def draw(chance: random.Random) -> str:
        found = {_whole(low, high)(chance) for _ in range(chance.randint(1, most))}
        return ",".join(map(str, sorted(found)))

    return draw


def _whole(low: int, high: int) -> Any:
    # Ends and small numbers more often than a uniform draw would.
    def draw(chance: random.Random) -> int:
        span = chance.choice([0, 3, 30, high - low, high - low])
        return min(high, low + chance.randint(0, max(0, span))) if chance.random() < 0.9 else high

    return draw


def _day(chance: random.Random, first: int = 1980, last: int = 2026) -> str:
    year = chance.randint(first, last)
    month = chance.randint(1, 9 if year == 2026 else 12)
    return f"{year}-{month:02}-{chance.randint(1, 28):02}"


DRAWS = {
    "as_of": _day,
    "history_start": lambda chance: _day(chance, 1979, 2025),
    "min_length": _whole(1, 60),
    "compare_lengths": _wholes(1, 60),
    "horizons": _wholes(1, 2520),
    "first_cut_min_bp": _whole(1, 300),
    "first_cut_quiet_months": _whole(0, 120),
    "window_before": _whole(1, 504),
    "window_after": _whole(0, 504),
    "closest": _whole(1, 50),
    "percentile_years": _wholes(5, 200),
    "small_quintile": _whole(1, 4),
    "lead_points": _whole(1, 100),
    "lead_sessions": _whole(1, 252),
    "episode_gap": _whole(1, 252),
    "pivot_month": lambda chance: f"{chance.randint(1965, 2024)}-{chance.randint(1, 12):02}",
    "quiet_sessions": _wholes(1, 5040),
    "months": _wholes(1, 600),
    "start_months": _whole(1, 120),
    "recent_months": _whole(2, 60),
    "window_from": lambda c: c.choice(["first loss", "length reached", "last win"]),
}


if __name__ == "__main__":
    for case in sys.argv[2:]:
        found = run(sys.argv[1], **json.loads(case))
        said = {"error": found.error, "unreadable": found.unreadable(), "checks": found.checks}
        sys.stdout.write(json.dumps(said) + "\n")
