"""What is generated in README.md and docs/scorecard.md, from the checks of the notebooks."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import claims, findings, pictures, scorecard, words
from helpers.claims import grading
from helpers.errors import InputError


class MarkdownError(InputError):
    """A file that cannot take what is to be written into it."""


def counts(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return how many claims had each outcome: a line, then a table with a row an article."""
    table = scorecard.count(scorecard.frame(checks), "article").rename(
        index={scorecard.BETWEEN: "between articles"}
    )
    outcomes = [name for name in grading.OUTCOMES if table[name].any()]
    marked = [f"{claims.MARKS[name]} {name}" for name in outcomes]
    rows = [[name, *map(str, row[outcomes]), str(row["all"])] for name, row in table.iterrows()]
    head = ["article", *marked, "claims"]
    return "\n".join(
        [f"**{scorecard.count_line(checks)}.**", "", _row(head), _line(head, right=True)]
        + [_row(map(escaped, row)) for row in rows]
    )


def found(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the stories' answers as a Markdown list, each with the verdicts it rests on."""
    lines = []
    for one in findings.found(checks):
        verdicts = ", ".join(f"{claim}: {outcome}" for claim, outcome in one.verdicts.items())
        lines.append(f"- **{one.title}.** {one.text}" + (f" ({verdicts})" if verdicts else ""))
    return "\n".join(lines)


def rows(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return every claim, a table for each family, with a link to its notebook."""
    head = ["claim", "what the article said", "stated", "measured", "verdict"]
    lines = [f"**{scorecard.count_line(checks)}.**"]
    for family, group in scorecard.families(checks).items():
        title = f"### [{words.named(family)}](../notebooks/{group[0]['notebook']}.ipynb)"
        lines += ["", title, "", _row(head), _line(head)]
        for check in group:
            cells = (
                check["claim_id"],
                words.prose(check["statement"]),
                words.quantity(check["stated"], check["unit"]),
                words.measured(check),
                f"{claims.MARKS[check['outcome']]} {check['outcome']}: {check['reason']}",
            )
            lines.append(_row(map(escaped, cells)))
    return "\n".join(lines)


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _line(head: Sequence[str], right: bool = False) -> str:
    return "|---" + ("|--:" if right else "|---") * (len(head) - 1) + "|"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, also within a table."""
    text = re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")


# What each file holds between lines <!-- name:begin --> and <!-- name:end -->.
BLOCKS = {
    "README.md": {"counts": counts, "found": found},
    "docs/scorecard.md": {"scorecard": rows},
}


def update(home: Path, checks: Sequence[Mapping[str, Any]]) -> None:
    """Write the generated blocks of the files that there are.

    Parameters
    ----------
    home : Path
        The folder above the notebooks.
    checks : list of dict

    Raises
    ------
    MarkdownError
        If a file cannot be read or lacks the marks of a block.
    """
    for path, text in _files(home).items():
        for name, block in _blocks(path, home).items():
            before, _, after = _parts(path, text, name)
            text = f"{before}{_mark(name, 'begin')}\n{block(checks)}\n{_mark(name, 'end')}{after}"
        path.write_text(text, encoding="utf-8")


def _files(home: Path) -> dict[Path, str]:
    try:
        paths = [home / name for name in BLOCKS if (home / name).exists()]
        return {path: path.read_text(encoding="utf-8") for path in paths}
    except OSError as error:
        raise MarkdownError(f"{error.filename}: cannot be read ({error.strerror})") from None


def _blocks(path: Path, home: Path) -> Mapping[str, Any]:
    return BLOCKS[path.relative_to(home).as_posix()]


def _mark(name: str, end: str) -> str:
    return f"<!-- {name}:{end} -->"


def _parts(path: Path, text: str, name: str) -> tuple[str, str, str]:
    """Split a text into what stands before, between and after the two marks of a block."""
    begin, end = _mark(name, "begin"), _mark(name, "end")
    before, began, rest = text.partition(begin)
    between, ended, after = rest.partition(end)
    if not began or not ended:
        raise MarkdownError(f"{path}: expected a line {begin} and, below it, a line {end}")
    return before, between, after


def update_overview(path: Path, nb: Mapping[str, Any], cell_id: str = "overview") -> None:
    """Write the picture of an executed notebook's cell to a PNG file.

    A notebook without that picture leaves the file as it is.
    """
    for cell in nb["cells"]:
        for output in cell.get("outputs", ()) if cell.get("id") == cell_id else ():
            if picture := pictures.read(output.get("data", {})):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(base64.b64decode(picture.png))
