"""The ``rotation`` command: thin, no logic of its own."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from helpers.errors import Exit, InputError
from rotation.duty import COMMANDS, terminable
from rotation.run import TIME_LIMIT, server

if TYPE_CHECKING:
    from rotation.run.pool import Outcome
    from rotation.run.runner import Report


class _Group(click.Group):
    """Commands whose user's mistakes are one line and an exit code, and whose Ctrl-C is quiet."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; a terminal without a sign shows "?", a full device is one line."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno != errno.ENOSPC or error.filename:
                raise
            with suppress(OSError):
                click.echo(f"rotation: output: {error.strerror}", err=True)
            # What is left unwritten would be tried, and told, once more at the end.
            os._exit(Exit.FAILED)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"rotation: {error}", err=True)
            ctx.exit(error.code)
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


class _Seconds(click.FloatRange):
    """A time of at most a week, which is a number."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return seconds


_timeout = click.option(
    "--timeout",
    type=_Seconds(min=0, min_open=True, max=7 * 24 * 3600),
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
@click.option(
    "--as-of",
    metavar="DATE",
    help="Use only what was known at the close of that day, such as 2026-01-22.",
)
@click.option(
    "--vintage",
    metavar="NAME",
    help="Data to measure on: frozen (default), latest, or one that rotation vintages lists.",
)
@click.option(
    "--pair",
    default="",
    metavar="FILES",
    help="Another pair of price series, such as small.csv,large.csv; docs/own-pair.md.",
)
@click.option("--names", "called", default="", metavar="NAMES", help="Its names: IWM,SPY.")
@click.option(
    "--prices",
    type=click.Choice(("price", "total return")),
    help="What its closes are; price takes Close, total return Adj Close.",
)
@click.option("--out", metavar="FOLDER", help="New or own folder in the place of reports/.")
@click.option("--fresh", is_flag=True, help="Run notebooks even if nothing they need changed.")
@_jobs
@_timeout
def run(
    names: tuple[str, ...],
    settings: tuple[str, ...],
    tables: str,
    as_of: str | None,
    vintage: str | None,
    pair: str,
    called: str,
    prices: str | None,
    out: str | None,
    fresh: bool,
    jobs: int | None,
    timeout: float,
) -> None:
    """Run notebooks (all, or those named like 04 or post_streak_outcomes) and make reports.

    All of them with default parameters make the full report in reports/; anything else goes to
    a folder of its own below it. A notebook that would give what it gave before is not run again.
    """
    from helpers import vintages
    from rotation.run import unchanged

    given = {"tables": tables, "as_of": as_of, "vintage": vintage}
    given |= {"pair": pair, "names": called, "prices": prices}
    settings = (*settings, *(f"{name}={value}" for name, value in given.items() if value))
    request = unchanged.Request(names, settings, out)
    if not fresh and (answer := request.answered()):
        click.echo("rotation: nothing has changed since the last run", err=True)
        click.echo(f"{answer[0]}\n{answer[1] / 'index.html'}")
        return
    server.start()  # its imports go on while this process does its own
    from rotation.run import planning, runner

    if pair and not names:
        names = tuple(planning.taking_pairs())
    if not names:
        planning.require_notebooks()
    if vintage == vintages.LATEST:
        click.echo(f"rotation: the latest vintage is {vintages.resolve(vintage)}", err=True)
    for path in planning.find(names):
        one = planning.read(path)
        for name, shipped in one.edited.items():
            click.echo(
                f"rotation: {one.name}: default edited: {name} = {one.defaults[name]!r}, "
                f"it came with {shipped!r}",
                err=True,
            )
    with _progress(len(planning.find(names))) as done:
        report = runner.run(names, settings, out, jobs, timeout, done, fresh=fresh)
    said = _conclude(report, "index.html")
    if report.folder is not None and report.files is not None:
        request.remember(said, report.folder, report.files)


@main.command()
@click.argument("name")
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="Values of a parameter: 5..20, 0..12..3 or a,b,c (a|b where values hold commas).",
)
@click.option(
    "-p", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter for all runs."
)
@click.option("--sample", type=click.IntRange(min=0), default=0, help="Draw so many of the grid.")
@click.option("--seed", type=int, default=0, help="Seed of that draw.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="A Dask cluster: tcp://host:8786.")
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Times that a run whose process died is tried again.",
)
@click.option(
    "--answer",
    "cell",
    default="",
    metavar="CELL",
    help="Cell whose table answers; default: the first with a mean and an interval.",
)
@click.option("--out", metavar="FOLDER", help="New folder, or that of the sweep to go on with.")
@_jobs
@_timeout
def sweep(
    name: str,
    over: tuple[str, ...],
    settings: tuple[str, ...],
    sample: int,
    seed: int,
    scheduler: str,
    retries: int,
    cell: str,
    out: str | None,
    jobs: int | None,
    timeout: float,
) -> None:
    """Run a notebook over a grid of parameters: one table, one page; a second call goes on."""
    server.start()
    from rotation.run import sweep as sweeping

    points = sweeping.grid(name, over, settings, sample, seed)
    folder = sweeping.own_folder(out) if out else None
    with _progress(len(points)) as done:
        found = sweeping.run(points, folder, jobs, scheduler, retries, timeout, done, cell=cell)
    for message in dict.fromkeys(found.failures.values()):
        many = list(found.failures.values()).count(message)
        click.echo(f"rotation: {many} of {len(points)} runs failed: {message}", err=True)
    click.echo(
        f"{len(points) - len(found.failures)} of {len(points)} runs\n{found.folder / 'index.html'}"
    )
    if found.failures:
        sys.exit(1)


@main.command()
@_names
@click.option(
    "-p", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter; may be repeated."
)
def plan(names: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Say which notebooks rotation run would run, and why; run nothing."""
    from rotation.run import runner

    for name, why in runner.preview(names, settings).items():
        click.echo(f"{name}: {f'runs ({why})' if why else 'kept'}")


@main.command()
@_names
@_jobs
@_timeout
def notebooks(names: tuple[str, ...], jobs: int | None, timeout: float) -> None:
    """Run notebooks with their defaults and rewrite their files, and what shows their results.

    That is the scorecard notebook and the README.
    """
    server.start()  # its imports go on while this process does its own
    from rotation.run import planning, publishing, runner

    if not names:
        planning.require_notebooks()
    with _progress(len(planning.find(planning.with_scorecard(names)))) as done:
        report = runner.rewrite(names, jobs, timeout, done)
    if not report.failures:
        planning.record_defaults()
        publishing.renew_front(planning.folder())
    _conclude(report, "")


@main.command()
@click.option("--family", help="Only this family.")
@click.option("--article", help="Only this article.")
@click.option("--outcome", help="Only this outcome, such as 'contradicted'.")
@click.option("--csv", "as_csv", is_flag=True, help="Print what the articles' files hold as CSV.")
def claims(family: str | None, article: str | None, outcome: str | None, as_csv: bool) -> None:
    """List claims and verdicts."""
    if as_csv:
        from helpers.claims import registry

        click.echo(registry.read().table().to_csv(index=False), nl=False)
        return
    from helpers import scorecard
    from rotation import terminal
    from rotation.run import results

    source, checks = results.last()
    news = results.news(checks)
    checks = results.chosen(checks, family=family, article=article, outcome=outcome)
    click.echo("\n".join(terminal.table(checks, terminal.width())))
    click.echo(f"\n{scorecard.count_line(checks)}; from {source}{news}")


@main.command()
@click.argument("claim_id")
def show(claim_id: str) -> None:
    """Explain one claim, such as HR-42."""
    from helpers.claims import registry
    from rotation import terminal
    from rotation.run import results

    known = registry.read()
    claim = known.get(claim_id.upper())
    source, checks = results.last()
    found = [check for check in checks if check["claim_id"] == claim.claim_id]
    if not found:
        raise InputError(f"claim {claim.claim_id}: no notebook checks it yet ({source})")
    article = known.articles.loc[claim.article]
    click.echo("\n".join(terminal.explained(found[0], article, terminal.width())))
    click.echo(f"\nfrom {source}{results.news(checks)}")


@main.command()
@click.argument("ids", nargs=-1)
@click.option("--article", help="All claims of this article.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="All claims of an article's file anywhere."
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def check(ids: tuple[str, ...], article: str | None, file: Path | None, as_json: bool) -> None:
    """Validate and measure claims at once, without a notebook: IDs, an article, or all."""
    from rotation import articles, terminal

    known, found = articles.checked(ids, article, file)
    payloads, bad = [], 0
    for one in found:
        if isinstance(one, InputError):
            click.echo(f"rotation: {one}", err=True)
            bad += 1
        elif as_json:
            payloads.append(one)
        else:
            row = known.articles.loc[one["article"]]
            click.echo("\n".join(terminal.explained(one, row, terminal.width())) + "\n")
    if as_json:
        click.echo(json.dumps(payloads, indent=1, ensure_ascii=False))
    if bad:
        sys.exit(1)


@main.command("new-article")
@click.argument("name")
def new_article(name: str) -> None:
    """Write a commented file for a new article."""
    from rotation import articles

    click.echo(f"{articles.create(name)}\nrotation check --article {name} checks it")


@main.command()
@click.argument("name", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of articles' files.")
def measures(name: str | None, schema: bool) -> None:
    """List what can be measured, or explain one: arguments, units, an example to paste."""
    from rotation import articles

    if schema:
        click.echo(json.dumps(articles.schema(), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(articles.described(name) if name else articles.listed()))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--story", default="", help="Story that the articles belong to.")
def convert(folder: Path, story: str) -> None:
    """Bring a folder of an older version into the present form, or say what to do."""
    from rotation import convert as converting

    click.echo("\n".join(converting.convert(folder, story)))


_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Folder of a report, such as that of --out; default: the full report.",
)


@main.command()
@_folder
@click.option("--pdf", is_flag=True, help="Print report.pdf and brief.pdf there (Chromium).")
@click.option(
    "--paper",
    type=click.Choice(("A4", "Letter")),
    help="Paper of the PDF files; default: A4.",
)
def report(folder: Path | None, pdf: bool, paper: str | None) -> None:
    """Say where the report lies, or print it as PDF: all of it, and the brief on one sheet."""
    from rotation.report import deliver
    from rotation.run import planning

    folder = folder or planning.reports()
    index = deliver.pages(folder)[0]
    if paper and not pdf:
        raise click.UsageError("--paper: expected --pdf beside it")
    if pdf:
        deliver.print_pdf(folder, paper or "A4", click.echo)
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
    from rotation.report import deliver
    from rotation.run import planning

    with deliver.server(folder or planning.reports(), port) as server:
        click.echo(f"http://{deliver.HOST}:{server.server_port}/ (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


for _command in COMMANDS:
    main.add_command(_command)


# What the commands say --------------------------------------------------------------------------


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """Yield what to call as notebooks finish: a bar on a terminal, else a line each."""
    from tqdm import tqdm

    quiet = not sys.stderr.isatty()
    bar = tqdm(total=total, unit="notebook", disable=quiet, file=sys.stderr)
    with terminable(), bar:

        def done(outcome: Outcome) -> None:
            word = "failed" if outcome.failed else "kept" if outcome.kept else "done"
            if quiet:
                took = "" if outcome.kept else f" in {outcome.seconds:.1f} s"
                click.echo(f"{outcome.name}: {word}{took}", err=True)
            bar.set_postfix_str(f"{outcome.name} {word}", refresh=False)
            bar.update()

        yield done


def _conclude(report: Report, page: str) -> str:
    """Say what came of a run, and return its first line; exit with 1 if a notebook failed."""
    from helpers import scorecard
    from helpers.claims import registry

    for failure in report.failures:
        kept = report.failed_folder / f"{failure.name}.ipynb"
        where = f" (see {kept})" if kept.exists() else ""
        click.echo(f"rotation: {failure.name} failed: {failure.message}{where}", err=True)
    said = ""
    if report.folder is not None:
        said = scorecard.count_line(report.results["checks"])
        click.echo(f"{said}\n{report.folder / page}")
    refused = registry.read().refused
    for error in refused.values():
        click.echo(f"rotation: {error}", err=True)
    if report.failures or refused:
        sys.exit(1)
    return said
