"""HTML pages of a run, readable offline and on a phone, and the README's scorecard.

The index is the scorecard of all claims; each notebook has a page, made of its cells (see
:mod:`rotation.report.cells`)
with a card for each claim where it was measured. Pages load nothing from
anywhere: style, script and images are inside, and all but sorting and filtering works without
the script. What a page may do is closed off by its content security policy, so that no text from
the data can run, whatever it holds.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from helpers import claims, findings, palette, scorecard, words
from helpers.claims import grading
from rotation.report import cells, glossary

# Tolerances that the dot plot shows; what lies farther out is an arrow with its distance.
FARTHEST = 8
# Width of a figure beside the name of its report, in pixels; drawn at half of it.
THUMBNAIL = 320

_FIGURE = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"')


@dataclass(frozen=True)
class Report:
    """One notebook's page before it gets its frame.

    Attributes
    ----------
    name : str
        Name of the notebook, and of its files.
    title : str
    body : str
        HTML as :func:`rotation.report.cells.body` gives it.
    parameters : dict
        Effective parameters.
    changed : frozenset of str
        Names of those that differ from the defaults.
    as_of : str
        Last day whose data it used, ISO date; empty if it was not cut.
    failure : str
        The one line of why the notebook failed; empty if it did not. It has no body then.
    lost : tuple of str
        Claims that have no result because it failed.
    edited : dict
        Defaults that were edited in the notebook, with the value they came with.
    """

    name: str
    title: str
    body: str
    parameters: Mapping[str, Any]
    changed: frozenset[str] = frozenset()
    as_of: str = ""
    failure: str = ""
    lost: tuple[str, ...] = ()
    edited: Mapping[str, Any] = field(default_factory=dict)

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
    found = findings.found(results["checks"])
    texts = {
        "index.html": index(results, reports, articles, found),
        "brief.html": brief(results, reports, found),
        glossary.PAGE: judging(results, reports, articles),
    }
    neighbours = [None, *reports, None]
    for before, report, after in zip(neighbours, reports, neighbours[2:], strict=False):
        texts[report.file] = page(results, report, articles, before, after)
    return texts


def page(
    results: Mapping[str, Any],
    report: Report,
    articles: pd.DataFrame,
    before: Report | None = None,
    after: Report | None = None,
) -> str:
    """Return the page of one notebook, its claims' cards in the cells that measured them."""
    own = {c["claim_id"]: c for c in results["checks"] if c["notebook"] == report.name}
    known = _sources(articles)
    dates = {name: known[name]["date"] if name in known else "" for name in _articles(own.values())}
    card = template("card.html.j2")

    def show(claim_id: str, folded: bool) -> str:
        check = own.get(claim_id)
        return card.render(
            run=results["run"], check=check, claim_id=claim_id, dates=dates, folded=folded
        )

    return template("report.html.j2").render(
        **dress("report"),
        run=results["run"],
        articles={name: known[name] for name in dates if name in known},
        report=report,
        body=Markup(glossary.explain(cells.fill(report.body, show))),
        contents=cells.headings(report.body),
        before=before,
        after=after,
        verdicts=by_outcome(own.values()),
        line=scorecard.count_line(list(own.values())),
    )


def index(
    results: Mapping[str, Any],
    reports: Sequence[Report],
    articles: pd.DataFrame,
    found: Sequence[findings.Finding],
) -> str:
    """Return the scorecard: every claim, with links to where it was measured."""
    checks = results["checks"]
    table = scorecard.frame(checks)
    return template("index.html.j2").render(
        **dress("index"),
        run=results["run"],
        checks=[check for group in scorecard.families(checks).values() for check in group],
        counts=scorecard.counts(checks),
        total=len(checks),
        found=found,
        where={check["claim_id"]: check["notebook"] for check in checks},
        said=[story["says"] for story in findings.stories() if "says" in story],
        last=max((report.as_of for report in reports), default=""),
        dots=dots(table),
        untested=_groups(scorecard.untested(table), "reason"),
        pending=scorecard.pending(table).reset_index().to_dict("records"),
        pages={report.name: report for report in reports},
        thumbnails={report.name: thumbnail(report.body) for report in reports},
        articles=_sources(articles),
        options={
            name: _options(checks, name) for name in ("article", "family", "outcome", "fidelity")
        },
    )


def brief(
    results: Mapping[str, Any], reports: Sequence[Report], found: Sequence[findings.Finding]
) -> str:
    """Return the page that a desk would mail: question, answers, counts, how it was judged."""
    checks = results["checks"]
    counted = scorecard.count(scorecard.frame(checks), "article")
    return template("brief.html.j2").render(
        **dress("brief", scripted=False),
        run=results["run"],
        said=[story["says"] for story in findings.stories() if "says" in story],
        found=found,
        outcomes=list(scorecard.counts(checks)),
        rows=counted.rename(index={scorecard.BETWEEN: "between articles"}).to_dict("index"),
        last=max((report.as_of for report in reports), default=""),
        total=len(checks),
    )


def judging(results: Mapping[str, Any], reports: Sequence[Report], articles: pd.DataFrame) -> str:
    """Return the page on how claims are judged: one followed to its verdict, verdicts, terms."""
    known = {check["claim_id"]: check for check in results["checks"]}
    wanted = (story.get("follow") for story in findings.stories())
    check = next((known[name] for name in wanted if name in known), None)
    return template("judging.html.j2").render(
        **dress("report", scripted=False),
        run=results["run"],
        check=check if check and check["measured"] is not None else None,
        article=_sources(articles).get(check["article"]) if check else None,
        pages={report.name: report for report in reports},
        terms={term: (glossary.anchor(term), says) for term, says in glossary.terms().items()},
    )


def _sources(articles: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return title, publisher and date of each article as text."""
    return {
        name: {
            "title": row["title"],
            "publisher": row["publisher"] or "",
            "address": row.get("address") or "",
            "date": "" if pd.isna(row["published"]) else str(row["published"])[:10],
        }
        for name, row in articles.to_dict("index").items()
    }


def _articles(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the articles that made claims, in the order of their first."""
    return list(dict.fromkeys(check["article"] for check in checks))


def _options(checks: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """Return the values of a field to filter by: outcomes in their order, else as they come."""
    known = dict.fromkeys(check[name] for check in checks)
    return [o for o in grading.OUTCOMES if o in known] if name == "outcome" else list(known)


def _groups(table: pd.DataFrame, by: str) -> dict[str, list[dict[str, Any]]]:
    rows = table.reset_index()
    return {name: own.to_dict("records") for name, own in rows.groupby(by, sort=False)}


def thumbnail(body: str) -> str:
    """Return the first figure of a body in small, as the address of a picture; ``""`` if none."""
    found = _FIGURE.search(body)
    if not found:
        return ""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
        small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    small.quantize(32).save(made, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()


def far_off(distance: float) -> str:
    """Return what is written beside a dot too far out to draw; ``""`` for the others."""
    if abs(distance) <= FARTHEST:
        return ""
    return words.signed(distance, 0) if np.isfinite(distance) else "not equal"


def dots(table: pd.DataFrame) -> dict[str, Any] | None:
    """Return what the dot plot of the index draws: stated against measured, in tolerances.

    Parameters
    ----------
    table : DataFrame
        As :func:`helpers.scorecard.frame` gives it.

    Returns
    -------
    dict or None
        ``groups`` (article → list of ``claim``, ``distance``, ``text`` and ``outcome``, the
        lowest first; the article with most claims first), ``n``, how many are ``within`` one
        tolerance and how many ``low``, the ``farthest`` and its ``distance``; None if no claim
        has a distance.
    """
    found = scorecard.distances(table).sort_values("distance", kind="stable")
    if found.empty:
        return None
    groups = {
        article: [
            {
                "claim": claim,
                "distance": row["distance"],
                "far": far_off(row["distance"]),
                "text": f"{words.value(row['stated'])} → {words.measured({**row, 'unit': ''})}",
                "outcome": row["outcome"],
            }
            for claim, row in own.iterrows()
        ]
        for article, own in found.groupby("article", sort=False)
    }
    far = found["distance"].abs().where(lambda one: one < np.inf).idxmax()
    return {
        "groups": dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))),
        "n": len(found),
        "within": int((found["outcome"] == grading.SUPPORTED).sum()),
        "low": int((found["distance"] < -1).sum()),
        "farthest": far,
        "distance": abs(found.loc[far, "distance"]),
    }


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(cells.TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(marks=claims.MARKS, farthest=FARTHEST)
    environment.filters.update(
        evidence=claims.show_evidence,
        forecast=claims.show_forecast,
        interval=claims.show_interval,
        margins=claims.show_margins,
        marked=marked,
        note=note,
        parameter=parameter,
        quantity=words.quantity,
        capitalize_first=lambda text: text[:1].upper() + text[1:],
        day=words.day,
        measured=words.measured,
        prose=words.prose,
        rule=claims.rule_text,
        robustness=claims.show_robustness,
        turned=turned,
        words=words.named,
        worded=lambda text: bool(re.search(r"[^\W\d]", text)),
    )
    return environment


def template(name: str) -> jinja2.Template:
    """Return one of the package's page templates."""
    return _environment().get_template(name)


@lru_cache(maxsize=4)
def dress(kind: str, scripted: bool = True) -> dict[str, Any]:
    """Return style and script of a kind of page, and the digest that lets the script run."""
    styles = [(cells.TEMPLATES / f"{name}.css").read_text("utf-8") for name in ("page", kind)]
    styles += [
        f".{outcome.replace(' ', '-')} {{ --chip: {color}; --on: {palette.ink_on(color)}; }}\n"
        for outcome, color in palette.OUTCOMES.items()
    ]
    script = (cells.TEMPLATES / f"{kind}.js").read_text("utf-8") if scripted else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "style": Markup("".join(styles)),
        "script": {"text": Markup(script), "digest": digest},
    }


# What pages and README say of checks ------------------------------------------------------------


def by_outcome(checks: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the claims that had each outcome, in the order of ``grading.OUTCOMES``."""
    found: dict[str, list[str]] = {outcome: [] for outcome in grading.OUTCOMES}
    for check in checks:
        found[check["outcome"]].append(check["claim_id"])
    return {outcome: own for outcome, own in found.items() if own}


def marked(text: str) -> Markup:
    """Return a finding as HTML: ``**`` is bold, and the id of a claim is never broken."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))
    return Markup(re.sub(r"\b[A-Z]{2}-\d{2,3}\b", r'<span class="id">\g<0></span>', bold))


def parameter(name: str, value: Any) -> str:
    """Return a parameter as it would be assigned: ``min_length = 8``."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def turned(check: Mapping[str, Any]) -> list[str]:
    """Return the outcomes, other than a check's own, that its other readings would give."""
    others = {one["outcome"] for one in check.get("others") or ()}
    others -= {check["outcome"], grading.PENDING}
    return [outcome for outcome in grading.OUTCOMES if outcome in others]


def note(check: Mapping[str, Any]) -> str:
    """Return a check's note without the other readings, which its card lists one by one."""
    own, _, _ = check["note"].partition("read otherwise the outcome changes: ")
    return own.rstrip("; ") if check.get("others") else check["note"]
