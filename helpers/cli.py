"""The ``rotation`` command: thin, no logic of its own."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from helpers.errors import InputError, listing

if TYPE_CHECKING:
    from helpers.runner import Outcome, Report

TIME_LIMIT = 300.0
# Below so many columns the table of claims leaves its figures out; a column takes at most so many.
_NARROW = 80
_COLUMN = 18


class _Group(click.Group):
    """Commands whose user's mistakes are one line and exit code 2, and whose Ctrl-C is quiet."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"rotation: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rotation-claims", prog_name="rotation")
def main() -> None:
    """Market claims about US small caps, put to the test in notebooks."""


_names = click.argument("names", nargs=-1)
_jobs = click.option(
    "--jobs", type=click.IntRange(min=1), help="Notebooks at a time; default: one a processor."
)
_timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=TIME_LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="Wall-clock time one notebook may take.",
)


@main.command()
@_names
@click.option(
    "-p", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter; may be repeated."
)
@click.option(
    "--tables",
    type=click.Path(),
    default="",
    metavar="FOLDER",
    help="Folder with your own licensed tables; docs/own-data.md describes them.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder in the place of reports/.")
@_jobs
@_timeout
def run(
    names: tuple[str, ...],
    settings: tuple[str, ...],
    tables: str,
    out: Path | None,
    jobs: int | None,
    timeout: float,
) -> None:
    """Run notebooks (all, or those named like 04 or post_streak_outcomes) and make reports.

    All of them with default parameters make the full report in reports/; anything else goes to
    a folder of its own below it.
    """
    _warm_up()
    from helpers import runner

    if not names:
        runner.require_notebooks()
    settings = (*settings, f"tables={tables}") if tables else settings
    with _progress(len(runner.find(names))) as done:
        report = runner.run(names, settings, out, jobs, timeout, done)
    _conclude(report, "index.html")


@main.command()
@_names
@_jobs
@_timeout
def notebooks(names: tuple[str, ...], jobs: int | None, timeout: float) -> None:
    """Run notebooks with their defaults and rewrite their files, and what shows their results.

    That is the scorecard notebook and the README.
    """
    _warm_up()
    from helpers import pages, runner

    if not names:
        runner.require_notebooks()
    with _progress(len(runner.find(runner.with_scorecard(names)))) as done:
        report = runner.rewrite(names, jobs, timeout, done)
    readme = runner.folder().parent / "README.md"
    if not report.failures and readme.exists():
        pages.update_readme(readme, runner.committed_results())
    _conclude(report, "")


@main.command()
@click.option("--family", help="Only this family.")
@click.option("--article", help="Only this article.")
@click.option("--outcome", help="Only this outcome, such as 'contradicted'.")
def claims(family: str | None, article: str | None, outcome: str | None) -> None:
    """List claims and verdicts."""
    from helpers import pages

    source, checks = _checks()
    for name, wanted in (("family", family), ("article", article), ("outcome", outcome)):
        known = sorted({check[name] for check in checks})
        if wanted is not None and wanted not in known:
            raise InputError(f"{name} {wanted!r}: expected one of {listing(known)}")
        checks = [check for check in checks if wanted in (None, check[name])]
    click.echo("\n".join(_table(checks, shutil.get_terminal_size((100, 24)).columns)))
    click.echo(f"\n{pages.count_line(checks)}; from {source}")


@main.command()
@click.argument("claim_id")
def show(claim_id: str) -> None:
    """Explain one claim, such as HR-42."""
    from helpers import claims, data

    registry = claims.load(data.load())
    claim = registry.get(claim_id.upper())
    source, checks = _checks()
    found = [check for check in checks if check["claim_id"] == claim.claim_id]
    if not found:
        raise InputError(f"claim {claim.claim_id}: no notebook checks it yet ({source})")
    article = registry.articles.loc[claim.article]
    click.echo(
        "\n".join(_explained(found[0], article, shutil.get_terminal_size((100, 24)).columns))
    )
    click.echo(f"\nfrom {source}")


_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Folder of a report, such as that of --out; default: the full report.",
)


@main.command()
@_folder
@click.option("--pdf", is_flag=True, help="Print every page to a PDF file beside it (Chromium).")
def report(folder: Path | None, pdf: bool) -> None:
    """Say where the report lies, or print it as PDF."""
    from helpers import deliver, runner

    folder = folder or runner.reports()
    index = deliver.pages(folder)[0]
    if pdf:
        deliver.print_pdf(folder, lambda path: click.echo(path))
    else:
        click.echo(f"{index}\nrotation serve shows it, rotation report --pdf prints it")


@main.command()
@_folder
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 for any that is free.",
)
def serve(folder: Path | None, port: int) -> None:
    """Show the report on this machine, until Ctrl-C."""
    from helpers import deliver, runner

    with deliver.server(folder or runner.reports(), port) as server:
        click.echo(f"http://{deliver.HOST}:{server.server_port}/ (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


# What the commands say --------------------------------------------------------------------------


def _warm_up() -> None:
    """Have the workers' slow imports begin while this process does its own.

    The names are those of ``runner.PRELOAD``, which cannot be read before importing it.
    """
    forkserver.set_forkserver_preload(["papermill", "nbconvert.exporters.html", "helpers.runner"])
    forkserver.ensure_running()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """Yield what to call as notebooks finish: a bar on a terminal, else a line each.

    A request to terminate ends the run as Ctrl-C does, so that no kernel stays behind.
    """
    from tqdm import tqdm

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    quiet = not sys.stderr.isatty()
    try:
        with tqdm(total=total, unit="notebook", disable=quiet, file=sys.stderr) as bar:

            def done(outcome: Outcome) -> None:
                word = "failed" if outcome.failed else "done"
                if quiet:
                    click.echo(f"{outcome.name}: {word} in {outcome.seconds:.1f} s", err=True)
                bar.set_postfix_str(f"{outcome.name} {word}", refresh=False)
                bar.update()

            yield done
    finally:
        signal.signal(signal.SIGTERM, before)


def _conclude(report: Report, page: str) -> None:
    """Say what came of a run; exit with 1 if a notebook failed."""
    from helpers import pages

    for failure in report.failures:
        kept = report.failed_folder / f"{failure.name}.ipynb"
        where = f" (see {kept})" if kept.exists() else ""
        click.echo(f"rotation: {failure.name} failed: {failure.message}{where}", err=True)
    if report.folder is not None:
        click.echo(f"{pages.count_line(report.results['checks'])}\n{report.folder / page}")
    if report.failures:
        sys.exit(1)


def _checks() -> tuple[str, list[dict[str, Any]]]:
    """Return the checks of the last full run, or of the committed notebooks, and which it is."""
    from helpers import runner

    path = runner.reports() / "results.json"
    if not path.exists():
        return f"the notebooks in {runner.folder()}", runner.committed_results()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"run {found['run']['id']} in {path}", found["checks"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{path}: not the results of a run; expected those of rotation run"
        ) from None


def _table(checks: Sequence[dict[str, Any]], width: int) -> list[str]:
    """Return checks as lines of text no wider than the terminal; what is cut ends in ``…``."""
    from helpers.claims import MARKS
    from helpers.claims import show as shown

    rows = [("claim", "verdict", "stated", "measured", "statement")]
    for check in checks:
        verdict = f"{MARKS[check['outcome']]} {check['outcome']}"
        values = shown(check["stated"]), shown(check["measured"])
        rows.append((check["claim_id"], verdict, *values, check["statement"]))
    if width < _NARROW:
        rows = [(row[0], row[1], row[-1]) for row in rows]
    widths = [min(_COLUMN, max(map(len, column))) for column in zip(*rows, strict=True)]
    widths[-1] = max(8, width - sum(widths[:-1]) - 2 * len(widths[:-1]))
    return [
        "  ".join(_cut(text, n).ljust(n) for text, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def _explained(check: dict[str, Any], article: Any, width: int) -> list[str]:  # noqa: ANN401
    """Return one check in plain lines."""
    from helpers import claims
    from helpers.pages import quantity

    published = str(article["published"])[:10]
    facts = {
        "article": ", ".join(filter(None, (article["title"], article["publisher"], published))),
        "stated": quantity(check["stated"], check["unit"]),
        "measured": quantity(check["measured"], check["unit"]),
        "as of": check["as_of"],
        "interval, n": claims.show_interval(check),
        "judged by": f"{claims.rule_text(check)}, read as a {check['reading']}",
        "tolerance": check["tolerance"],
        "measure": check["measure"],
        "data": check["fidelity"],
        "beside": check["beside"],
        "note": check["note"],
        "notebook": check["notebook"],
    }
    verdict = (
        f"{claims.MARKS[check['outcome']]} The claim is {check['outcome']}: {check['reason']}."
    )
    lines = [*_wrapped(f"{check['claim_id']}  {check['statement']}", width), "", verdict, ""]
    for name, text in facts.items():
        if text and text != "–":
            lines += _wrapped(f"{name:<12} {text}", width, 13)
    return lines


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    return textwrap.wrap(
        text, max(40, width), subsequent_indent=" " * indent, drop_whitespace=True
    ) or [text]
