"""The cells of an executed notebook as the body of an HTML page, and its tables as CSV files.

Made by nbconvert with the template ``templates/report``. A body holds nothing that depends on
the run as a whole: where a cell put out checks of claims, a mark stands that
:mod:`rotation.report.pages` fills with their cards.
"""

from __future__ import annotations

import base64
import binascii
import copy
import html
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers import claims, pictures

TEMPLATES = Path(__file__).parent / "templates"
# Folder of the tables within a report.
CSV = "csv"
# Cells that a page shows after everything else: it begins with the answer.
SETTING = (
    "parameters",
    "injected-parameters",
    "setup",
    "claims",
    "study",
    "leads",
    "overview-data",
    "source",
)
# How the output of a cell begins that a run left out, and of one that says what is missing.
LEFT_OUT, NOTHING = "*Left out: ", "**Nothing to show.**"
SET_UP = "## Parameters, data and set-up"
# Tables with more columns rarely fit a telephone: they say that they can be scrolled.
NARROW_COLUMNS = 3

# An output with more checks than this shows a row for each that unfolds to its card.
FEW_CHECKS = 3

_MARK = "<!--{} {}-->"
_PNG = b"\x89PNG\r\n\x1a\n"
# How the table of a notebook's claims begins: on a page the cards stand for it.
_LISTED = "claim,article,statement,stated,as of,judged by\n"
# Kinds of words in code that a page tells apart, and the element that stands for each.
_WORDS = {"k": "b", "kn": "b", "kc": "b", "ow": "b", "c1": "i"} | dict.fromkeys(
    ("s1", "s2", "sa", "sd"), "u"
)


def title(nb: Mapping[str, Any]) -> str:
    """Return the first level-one heading of a notebook as plain text, or ``""``."""
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown" and (found := _heading("".join(cell["source"]))):
            return re.sub(r"[*`]", "", found[1]).strip()
    return ""


def body(nb: Any, name: str = "") -> str:
    """Return an executed notebook's cells as HTML, without its title.

    What sets the notebook up comes last. Code is folded away; figures have their finding as
    caption, their alt text and the size of their picture; tables link to their CSV file; headings
    are anchors. A picture that is missing or damaged is said to be. The opening list of claims is
    a link: each has its card below.

    Parameters
    ----------
    nb : NotebookNode
        Not changed.
    name : str
        Name of the notebook, of which the names of its CSV files are made.
    """
    import nbformat

    shown = copy.deepcopy(nb)
    for cell in shown.cells:
        if cell.cell_type == "markdown" and (found := _heading(cell.source)):
            cell.source = cell.source[: found.start()] + cell.source[found.end() :]
            break
    shown.cells = _without_what_was_left_out(shown.cells)
    said = _absent(shown.cells)
    behind = [cell for cell in shown.cells if cell.get("id") in SETTING]
    if behind:
        heading = nbformat.v4.new_markdown_cell(SET_UP, id="set-up")
        ahead = [cell for cell in shown.cells if cell.get("id") not in SETTING]
        shown.cells = [*ahead, heading, *behind]
    for text in said:
        shown.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="nothing"))
    for cell, output, suffix in _outputs(shown):
        label = re.sub(r"[-_]+", " ", cell.get("id", "")) + suffix.replace("-", " ")
        output["metadata"] = {**output.get("metadata", {}), "label": label.strip()}
        if (picture := pictures.read(output["data"])) and picture.finding:
            output["data"] = {"image/png": picture.png}
            output["metadata"]["image/png"] = {"alt": picture.alt, "finding": picture.finding}
        if "text/csv" in output["data"]:
            output["metadata"]["file"] = f"{CSV}/{_file(name, cell, suffix)}"
            output["metadata"]["listed"] = output["data"]["text/csv"].startswith(_LISTED)
    return _with_anchors(_exporter().from_notebook_node(shown)[0])


def _without_what_was_left_out(every: list[Any]) -> list[Any]:
    """Return cells without those that the run left out, and sections of nothing else.

    A section is a cell of prose and the code below it. A run on another pair leaves out the cells
    about claims; one whose subject is not in the data nearly all, and says so at the top.
    """
    starts = [0, *(place for place, cell in enumerate(every) if cell.cell_type == "markdown")]
    kept: list[Any] = []
    for first, last in zip(starts, [*starts[1:], len(every)], strict=True):
        section = every[first:last]
        code = [cell for cell in section if cell.cell_type == "code"]
        if not code or not all(_begins(cell, LEFT_OUT) for cell in code):
            kept += [cell for cell in section if not _begins(cell, LEFT_OUT)]
    return kept


def _begins(cell: Any, text: str) -> bool:
    """Tell whether a cell's outputs are all Markdown that begins with a text."""
    outputs = cell.get("outputs", ())
    said = ["".join(output.get("data", {}).get("text/markdown", "")) for output in outputs]
    return bool(said) and all(one.startswith(text) for one in said)


def _absent(every: list[Any]) -> list[str]:
    """Return what a notebook says of a subject that is not in the data."""
    outputs = [output for cell in every for output in cell.get("outputs", ())]
    said = ["".join(output.get("data", {}).get("text/markdown", "")) for output in outputs]
    return [text for text in said if text.startswith(NOTHING)]


def tables(nb: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the tables that a notebook put out, CSV text by the name of its file."""
    return {
        _file(name, cell, suffix): "".join(output["data"]["text/csv"])
        for cell, output, suffix in _outputs(nb)
        if "text/csv" in output["data"]
    }


def headings(text: str) -> list[tuple[str, str]]:
    """Return anchor and words of each level-two heading of a body."""
    return [
        (anchor, html.unescape(re.sub(r"<[^>]+>", "", words)))
        for anchor, words in re.findall(r'<h2 id="([\w-]+)">(.*?)</h2>', text, re.DOTALL)
    ]


def fill(text: str, card: Callable[[str, bool], str]) -> str:
    """Put a claim's card where the body has the mark of its check.

    ``card`` makes it of the claim's id and whether it is a row that unfolds.
    """
    mark = re.compile(_MARK.format("(check|row)", "(.*?)"))
    return mark.sub(lambda found: card(html.unescape(found[2]), found[1] == "row"), text)


def markdown(source: str) -> str:
    """Turn Markdown into HTML; any HTML in it is shown as text."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(
        escape=True, allow_harmful_protocols=False, exclude_anchor_links=True
    )
    return MarkdownWithMath(renderer=renderer).render(source)


def _heading(source: str) -> re.Match[str] | None:
    return re.search(r"^# +(.+)$", source, re.MULTILINE)


def _outputs(nb: Mapping[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Yield cell, output and a suffix that tells it from others of its cell, if it has data."""
    for cell in nb["cells"]:
        for number, output in enumerate(cell.get("outputs", []), start=1):
            if "data" in output:
                yield cell, output, f"-{number}" if number > 1 else ""


def _file(name: str, cell: Mapping[str, Any], suffix: str) -> str:
    return re.sub(r"[^\w-]", "_", f"{name}-{cell.get('id', '')}{suffix}") + ".csv"


def _with_anchors(text: str) -> str:
    """Give every heading of a body an id of its own."""
    seen: Counter[str] = Counter()

    def one(found: re.Match[str]) -> str:
        words = html.unescape(re.sub(r"<[^>]+>", "", found[2]))
        slug = "at-" + re.sub(r"\W+", "-", words.lower()).strip("-")
        seen[slug] += 1
        again = f"-{seen[slug]}" if seen[slug] > 1 else ""
        return f'<h{found[1]} id="{slug}{again}">{found[2]}</h{found[1]}>'

    return re.sub(r"<h([2-6])>(.*?)</h\1>", one, text, flags=re.DOTALL)


# What the template asks for ---------------------------------------------------------------------


@lru_cache(maxsize=1)
def _exporter() -> Any:
    """Return nbconvert's HTML exporter with the template for bodies."""
    from nbconvert.exporters.html import HTMLExporter

    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    for one in (_code, _picture, _wide, _check_marks):
        exporter.register_filter(one.__name__.strip("_"), one)
    exporter.register_filter("markdown_output", markdown)
    exporter.environment.globals.update(check_mimetype=claims.MIMETYPE)
    return exporter


def _code(source: str) -> str:
    """Return Python source as HTML that marks keywords, texts and comments, and nothing else.

    The usual mark-up of each token would take several times the room of the code.
    """
    from nbconvert.filters.highlight import Highlight2HTML

    marked = Highlight2HTML(pygments_lexer="python")(source)
    inside = marked[marked.index("<pre>") : marked.rindex("</pre>")].removeprefix("<pre>")

    def one(found: re.Match[str]) -> str:
        element = _WORDS.get(found[1])
        return f"<{element}>{found[2]}</{element}>" if element else found[2]

    plain = re.sub(r'<span class="(\w+)">([^<]*)</span>', one, inside.replace("<span></span>", ""))
    # Neighbours of one kind, such as the parts of a text, need one element only.
    return re.sub(r"</([biu])><\1>", "", plain).rstrip("\n")


def _picture(content: str) -> dict[str, Any] | None:
    """Return source, width and height of a PNG given as base64, None if it is none."""
    text = "".join(content.split())
    try:
        head = base64.b64decode(text, validate=True)[:24]
    except (ValueError, binascii.Error):
        return None
    if len(head) < 24 or not head.startswith(_PNG):
        return None
    width, height = struct.unpack(">II", head[16:])
    return {"source": f"data:image/png;base64,{text}", "width": width, "height": height}


def _wide(content: str) -> bool:
    """Tell whether an output's table may need to be scrolled on a telephone."""
    return len(re.findall("<t[hd] ", content.partition("</tr>")[0])) > NARROW_COLUMNS


def _check_marks(payloads: list[Mapping[str, Any]]) -> str:
    """Return a mark for each check of an output, for :func:`fill` to find."""
    kind = "check" if len(payloads) <= FEW_CHECKS else "row"
    marks = "".join(_MARK.format(kind, html.escape(str(one["claim_id"]))) for one in payloads)
    return f'<div class="rows">{marks}</div>' if kind == "row" else marks
