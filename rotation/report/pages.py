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
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from helpers import claims, scorecard, words
from helpers.claims import grading
from helpers.errors import InputError
from rotation.report import cells

# Cell of the scorecard notebook with the picture of the whole story.
OVERVIEW = "overview"
BEGIN, END = "<!-- scorecard:begin -->", "<!-- scorecard:end -->"
FOUND_BEGIN, FOUND_END = "<!-- found:begin -->", "<!-- found:end -->"
# Tolerances that the dot plot shows; what lies farther out is an arrow with its distance.
FARTHEST = 8


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
    """

    name: str
    title: str
    body: str
    parameters: Mapping[str, Any]
    changed: frozenset[str] = frozenset()
    as_of: str = ""
    failure: str = ""
    lost: tuple[str, ...] = ()

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

    def show(claim_id: str) -> str:
        check = own.get(claim_id)
        return card.render(run=results["run"], check=check, claim_id=claim_id, dates=dates)

    return template("report.html.j2").render(
        **dress("report"),
        run=results["run"],
        articles={name: known[name] for name in dates if name in known},
        report=report,
        body=Markup(cells.fill(report.body, show)),
        contents=cells.headings(report.body),
        before=before,
        after=after,
        verdicts=by_outcome(own.values()),
    )


def index(results: Mapping[str, Any], reports: Sequence[Report], articles: pd.DataFrame) -> str:
    """Return the scorecard: every claim, with links to where it was measured."""
    checks = results["checks"]
    table = scorecard.frame(checks)
    return template("index.html.j2").render(
        **dress("index"),
        run=results["run"],
        checks=[check for group in families(checks).values() for check in group],
        counts=counts(checks),
        total=len(checks),
        found=_with_links(cells.markdown(what_we_found(checks)), checks) if checks else "",
        dots=dots(table),
        untested=_groups(scorecard.untested(table), "reason"),
        pending=scorecard.pending(table).reset_index().to_dict("records"),
        pages={report.name: report for report in reports},
        articles=_sources(articles),
        options={
            name: _options(checks, name) for name in ("article", "family", "outcome", "fidelity")
        },
    )


def _sources(articles: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return title, publisher and date of each article as text."""
    return {
        name: {
            "title": row["title"],
            "publisher": row["publisher"] or "",
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


def _with_links(text: str, checks: Iterable[Mapping[str, Any]]) -> Markup:
    """Make each claim that a text names a link to its row."""
    known = {check["claim_id"] for check in checks}

    def one(found: re.Match[str]) -> str:
        return f'<a href="#{found[0]}">{found[0]}</a>' if found[0] in known else found[0]

    return Markup(re.sub(r"\b[A-Z]{2}-\d+\b", one, text))


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
    found = scorecard.distances(table).dropna(subset="distance").sort_values("distance")
    if found.empty:
        return None
    groups = {
        article: [
            {
                "claim": claim,
                "distance": row["distance"],
                "text": f"{words.value(row['stated'])} → {words.value(row['measured'])}",
                "outcome": row["outcome"],
            }
            for claim, row in own.iterrows()
        ]
        for article, own in found.groupby("article", sort=False)
    }
    far = found["distance"].abs().idxmax()
    return {
        "groups": dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))),
        "n": len(found),
        "within": int((found["distance"].abs() <= 1).sum()),
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
        interval=claims.show_interval,
        note=note,
        parameter=parameter,
        quantity=words.quantity,
        rule=claims.rule_text,
        robustness=claims.show_robustness,
        turned=turned,
        words=words.named,
    )
    return environment


def template(name: str) -> jinja2.Template:
    """Return one of the package's page templates."""
    return _environment().get_template(name)


@lru_cache(maxsize=3)
def dress(kind: str, scripted: bool = True) -> dict[str, Any]:
    """Return style and script of a kind of page, and the digest that lets the script run."""
    styles = [(cells.TEMPLATES / f"{name}.css").read_text("utf-8") for name in ("page", kind)]
    script = (cells.TEMPLATES / f"{kind}.js").read_text("utf-8") if scripted else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "style": Markup("".join(styles)),
        "script": {"text": Markup(script), "digest": digest},
    }


# What pages and README say of checks ------------------------------------------------------------


def counts(checks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many checks had each outcome, in the order of ``grading.OUTCOMES``."""
    found = Counter(check["outcome"] for check in checks)
    return {outcome: found[outcome] for outcome in grading.OUTCOMES if found[outcome]}


def by_outcome(checks: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the claims that had each outcome, in the order of ``grading.OUTCOMES``."""
    found: dict[str, list[str]] = {outcome: [] for outcome in grading.OUTCOMES}
    for check in checks:
        found[check["outcome"]].append(check["claim_id"])
    return {outcome: own for outcome, own in found.items() if own}


def families(checks: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return checks by family, families in the order of their notebooks."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for check in sorted(checks, key=lambda check: check["notebook"]):
        grouped.setdefault(check["family"], []).append(check)
    return grouped


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


def count_line(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return ``82 claims: 40 supported, 20 contradicted`` and so on."""
    parts = (f"{number} {outcome}" for outcome, number in counts(checks).items())
    return f"{len(checks)} claims: {', '.join(parts)}" if checks else "no claims"


# README -----------------------------------------------------------------------------------------


def readme_scorecard(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the scorecard as Markdown: a line of counts, then a table for each family."""
    lines = [f"**{count_line(checks)}.**"]
    for family, group in families(checks).items():
        lines += [
            "",
            f"### [{words.named(family)}](notebooks/{group[0]['notebook']}.ipynb)",
            "",
            "| claim | what the article said | stated | measured | verdict |",
            "|---|---|---|---|---|",
        ]
        for check in group:
            verdict = f"{claims.MARKS[check['outcome']]} {check['outcome']}: {check['reason']}"
            cells = (
                check["claim_id"],
                check["statement"],
                words.quantity(check["stated"], check["unit"]),
                words.quantity(check["measured"], check["unit"]),
                verdict,
            )
            lines.append("| " + " | ".join(map(markdown_text, cells)) + " |")
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, also within a table."""
    text = re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")


def what_we_found(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the main findings as a Markdown list, each number from the checks.

    A line whose claims are not among the checks, or were not measured, is left out.
    """
    table = scorecard.frame(checks)
    waiting = table["outcome"].isin(scorecard.OPEN)
    tested = counts(check for check in checks if check["outcome"] not in scorecard.OPEN)
    said = ", ".join(f"{number} {outcome}" for outcome, number in tested.items())
    lines = [
        f"{(~waiting).sum()} of {len(table)} claims could be tested and were due: {said}. "
        f"{(table['outcome'] == grading.NOT_TESTABLE).sum()} cannot be tested on open data or at "
        f"all, {(table['outcome'] == grading.PENDING).sum()} are not due.",
        scorecard.ranking_words(scorecard.by_article(table)),
    ]
    known = {c["claim_id"]: c for c in checks if c["measured"] is not None}
    for needed, line in _FINDINGS:
        if all(claim in known for claim in needed):
            verdicts = ", ".join(f"{claim}: {known[claim]['outcome']}" for claim in needed)
            lines.append(f"{line(*(known[claim] for claim in needed))} ({verdicts}).")
    lines += _inconsistencies(table)
    if len(due := scorecard.pending(table)):
        first = due[due["due"] == due["due"].iloc[0]]
        lines.append(f"Next due: {first['due'].iloc[0]} ({', '.join(first.index)}).")
    return "\n".join(f"- {line}" for line in lines)


def _inconsistencies(table: pd.DataFrame) -> list[str]:
    """Return what became of comparisons of the articles' own figures, and of other readings."""
    lines = []
    inside, between = (scorecard.contradictions(table, between=one) for one in (False, True))
    if len(inside) or len(between):
        lines.append(
            f"Figures of one article that do not fit together: {len(inside)} "
            f"({', '.join(inside.index) or 'none'}); of different articles: {len(between)} "
            f"({', '.join(between.index) or 'none'})."
        )
    if turned := scorecard.turns(table).index.nunique():
        lines.append(
            f"{turned} verdicts would turn under another reading that their row names, such as "
            "another day; the scorecard notebook lists them."
        )
    return lines


def _streaks(count: Mapping[str, Any], months: Mapping[str, Any]) -> str:
    common = [month for month in months["measured"] if month in months["stated"]]
    return (
        "Earlier streaks of twelve or more sessions since 1979: "
        f"stated {words.value(count['stated'])}, found {words.value(count['measured'])}, in "
        f"{words.value(months['measured'])}; of the months listed, {len(common)} of "
        f"{len(months['stated'])} is among them"
    )


def _after_streaks(mean: Mapping[str, Any]) -> str:
    return (
        "Mean lead of small caps over the twelve months after them, in percentage points: stated "
        f"{words.value(mean['stated'])}, measured {words.value(round(mean['measured'], 1))}, "
        f"{_span(mean)}"
    )


def _after_cuts(lead: Mapping[str, Any]) -> str:
    found = lead["measured"]
    return (
        "Twelve months after the first cut of an easing cycle small caps were ahead in "
        f"{found['hit rate']:.0%} of cases; mean lead {words.value(round(found['mean'], 1))} "
        f"percentage points, {_span(lead)}"
    )


def _cheap(rank: Mapping[str, Any], percentile: Mapping[str, Any]) -> str:
    return (
        "How cheap small caps were against large caps: rank "
        f"{words.value(rank['measured'])} of the last {rank['n']} yearly readings of relative "
        f"price-to-book, {words.value(percentile['measured'])}th percentile of {percentile['n']}"
    )


def _level(level: Mapping[str, Any]) -> str:
    text = (
        f"Level of the Russell 2000 in one article: stated {level['stated']:,.2f}, closing level "
        f"{level['measured']:,.2f}"
    )
    for other in level.get("others", ()):
        if other["outcome"] == grading.SUPPORTED and other["outcome"] != level["outcome"]:
            text += f"; {markdown_text(other['reading'])}: {other['measured']:,.2f}"
    return text


def _span(check: Mapping[str, Any]) -> str:
    """Return a check's headline interval without decimals, its events and its robustness."""
    interval, text = check["interval"], f"n = {check['n']}"
    if interval:
        low, high = (words.value(round(interval[end])) for end in ("low", "high"))
        text = f"{interval['level']:.0%} interval {low} to {high}, {text}"
    if check.get("robustness") is not None:
        text += (
            f"; {check['robustness']:.0%} of {check['specifications']} reasonable readings agree "
            "with the claim"
        )
    return text


_FINDINGS = (
    (("HR-61", "HR-28"), _streaks),
    (("HR-42",), _after_streaks),
    (("AI-10",), _after_cuts),
    (("SA-11", "HR-20"), _cheap),
    (("HR-25",), _level),
)


def update_overview(path: Path, nb: Mapping[str, Any]) -> None:
    """Write the overview picture of an executed scorecard notebook to a PNG file.

    A notebook without that picture leaves the file as it is.
    """
    for cell in nb["cells"]:
        for output in cell.get("outputs", ()) if cell.get("id") == OVERVIEW else ():
            if picture := output.get("data", {}).get("image/png"):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(base64.b64decode("".join(picture)))


def update_readme(path: Path, checks: Sequence[Mapping[str, Any]]) -> None:
    """Put the scorecard and what was found between their marks in a README.

    A README without the marks of what was found gets the scorecard alone.

    Raises
    ------
    PageError
        If the file or the scorecard's marks are missing.
    """
    text = _text(path)
    for begin, end, block in _blocks(text, checks):
        before, _, after = _parts(path, text, begin, end)
        text = f"{before}{begin}\n{block}\n{end}{after}"
    path.write_text(text, encoding="utf-8")


def scorecard_is_current(path: Path, checks: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a README's scorecard, and what it says was found, are those of these checks."""
    text = _text(path)
    return all(
        _parts(path, text, begin, end)[1].strip() == block
        for begin, end, block in _blocks(text, checks)
    )


def _blocks(text: str, checks: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return begin mark, end mark and content of each block that a README is to hold."""
    blocks = [(BEGIN, END, readme_scorecard(checks))]
    if FOUND_BEGIN in text or FOUND_END in text:
        blocks.append((FOUND_BEGIN, FOUND_END, what_we_found(checks)))
    return blocks


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PageError(f"{path}: cannot be read ({error.strerror})") from None


def _parts(path: Path, text: str, begin: str, end: str) -> tuple[str, str, str]:
    """Split a README into what stands before, between and after two marks."""
    before, began, rest = text.partition(begin)
    between, ended, after = rest.partition(end)
    if not began or not ended:
        raise PageError(f"{path}: expected a line {begin} and, below it, a line {end}")
    return before, between, after
