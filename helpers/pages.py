"""HTML pages of a run, readable offline and on a phone, and the README's scorecard.

A notebook's body is made by nbconvert with the template ``templates/report``; the page around
it, and the index of all claims, are small Jinja templates of their own. Pages load nothing from
anywhere: style and images are inside, and there are no scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from helpers import claims, grading
from helpers.errors import InputError

TEMPLATES = Path(__file__).parent / "templates"
BEGIN, END = "<!-- scorecard:begin -->", "<!-- scorecard:end -->"


class PageError(InputError):
    """A file that cannot take what is to be written into it."""


@dataclass(frozen=True)
class Report:
    """One notebook's page before it gets its frame.

    Attributes
    ----------
    name : str
        Name of the notebook, and of its files.
    title : str
    body : str
        HTML as :func:`body` gives it.
    parameters : dict
        Effective parameters.
    changed : frozenset of str
        Names of those that differ from the defaults.
    """

    name: str
    title: str
    body: str
    parameters: Mapping[str, Any]
    changed: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        """Name of the page."""
        return f"{self.name}.html"


# Pages ------------------------------------------------------------------------------------------


def site(
    results: Mapping[str, Any], reports: Sequence[Report], articles: pd.DataFrame
) -> dict[str, str]:
    """Return every page of a run, its text by its file name.

    Parameters
    ----------
    results : dict
        What ``results.json`` holds.
    reports : list of Report
        In reading order.
    articles : DataFrame indexed by article
        With ``title``, ``publisher`` and ``published``.
    """
    texts = {"index.html": index(results, reports, articles)}
    neighbours = [None, *reports, None]
    for before, report, after in zip(neighbours, reports, neighbours[2:], strict=False):
        texts[report.file] = page(results, report, before, after)
    return texts


def page(
    results: Mapping[str, Any],
    report: Report,
    before: Report | None = None,
    after: Report | None = None,
) -> str:
    """Return the page of one notebook."""
    own = [check for check in results["checks"] if check["notebook"] == report.name]
    return _template("report.html.j2").render(
        run=results["run"], report=report, before=before, after=after, counts=counts(own)
    )


def index(results: Mapping[str, Any], reports: Sequence[Report], articles: pd.DataFrame) -> str:
    """Return the page that lists every claim by family, with links to where it was measured."""
    return _template("index.html.j2").render(
        run=results["run"],
        counts=counts(results["checks"]),
        total=len(results["checks"]),
        families=families(results["checks"]),
        pages={report.name: report for report in reports},
        articles=articles.to_dict("index"),
    )


def title(nb: Mapping[str, Any]) -> str:
    """Return the first level-one heading of a notebook as plain text, or ``""``."""
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown" and (found := _heading("".join(cell["source"]))):
            return re.sub(r"[*`]", "", found[1]).strip()
    return ""


def body(nb: Any) -> str:  # noqa: ANN401
    """Return an executed notebook's cells as HTML, without its title.

    Code is folded away; figures carry the alt text of their metadata; the output that carries a
    claim's check has the claim's id as an anchor.

    Parameters
    ----------
    nb : NotebookNode
        Not changed.
    """
    cells = [cell.copy() for cell in nb.cells]
    for cell in cells:
        if cell.cell_type == "markdown" and (found := _heading(cell.source)):
            cell.source = cell.source[: found.start()] + cell.source[found.end() :]
            break
    shown = nb.copy()
    shown.cells = cells
    return _exporter().from_notebook_node(shown)[0]


def _heading(source: str) -> re.Match[str] | None:
    return re.search(r"^# +(.+)$", source, re.MULTILINE)


@lru_cache(maxsize=1)
def _exporter() -> Any:  # noqa: ANN401
    """Return nbconvert's HTML exporter with the template for bodies."""
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.filters.markdown_mistune import (
        IPythonRenderer,
        MarkdownWithMath,
    )

    def escaped(source: str) -> str:
        """Turn Markdown that a cell put out into HTML; any HTML in it is shown as text."""
        renderer = IPythonRenderer(
            escape=True, allow_harmful_protocols=False, exclude_anchor_links=True
        )
        return MarkdownWithMath(renderer=renderer).render(source)

    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    exporter.register_filter("markdown_output", escaped)
    exporter.environment.globals["check_mimetype"] = claims.MIMETYPE
    return exporter


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(marks=claims.MARKS)
    environment.filters.update(
        counts=counts, quantity=quantity, interval=claims.show_interval, words=words
    )
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


# What pages and README say of checks ------------------------------------------------------------


def counts(checks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many checks had each outcome, in the order of ``grading.OUTCOMES``."""
    found = Counter(check["outcome"] for check in checks)
    return {outcome: found[outcome] for outcome in grading.OUTCOMES if found[outcome]}


def families(checks: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return checks by family, families in the order of their notebooks."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for check in sorted(checks, key=lambda check: check["notebook"]):
        grouped.setdefault(check["family"], []).append(check)
    return grouped


def quantity(value: Any, unit: str) -> str:  # noqa: ANN401
    """Return a stated or measured value, with its unit if it is one of numbers."""
    parts = value.values() if isinstance(value, Mapping) else value
    parts = list(parts) if isinstance(parts, Iterable) and not isinstance(parts, str) else [value]
    numbers = parts and all(isinstance(part, int | float) for part in parts)
    counted = numbers and unit not in ("sign", "rank")
    return (f"{claims.show(value)} {unit}" if counted else claims.show(value)).strip() or "–"


def words(name: str) -> str:
    """Return a name like ``rate_cut_response`` as words for people."""
    return name.replace("_", " ").capitalize()


def count_line(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return ``82 claims: 40 supported, 20 contradicted`` and so on."""
    parts = (f"{number} {outcome}" for outcome, number in counts(checks).items())
    return f"{len(checks)} claims: " + ", ".join(parts)


# README -----------------------------------------------------------------------------------------


def readme_scorecard(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the scorecard as Markdown: a line of counts, then a table for each family."""
    lines = [f"**{count_line(checks)}.**"]
    for family, group in families(checks).items():
        lines += [
            "",
            f"### [{words(family)}](notebooks/{group[0]['notebook']}.ipynb)",
            "",
            "| claim | what the article said | stated | measured | verdict |",
            "|---|---|---|---|---|",
        ]
        for check in group:
            verdict = f"{claims.MARKS[check['outcome']]} {check['outcome']}: {check['reason']}"
            cells = (
                check["claim_id"],
                check["statement"],
                quantity(check["stated"], check["unit"]),
                quantity(check["measured"], check["unit"]),
                verdict,
            )
            lines.append("| " + " | ".join(map(markdown_text, cells)) + " |")
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, also within a table."""
    text = re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")


def update_readme(path: Path, checks: Sequence[Mapping[str, Any]]) -> None:
    """Put the scorecard between its two marks in a README.

    Raises
    ------
    PageError
        If the file or its marks are missing.
    """
    before, _, after = _parts(path)
    text = f"{before}{BEGIN}\n{readme_scorecard(checks)}\n{END}{after}"
    path.write_text(text, encoding="utf-8")


def scorecard_is_current(path: Path, checks: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a README's scorecard is the one of these checks."""
    return _parts(path)[1].strip() == readme_scorecard(checks)


def _parts(path: Path) -> tuple[str, str, str]:
    """Split a README into what stands before, between and after its marks."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PageError(f"{path}: cannot be read ({error.strerror})") from None
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end:
        raise PageError(f"{path}: expected a line {BEGIN} and, below it, a line {END}")
    return before, between, after
