"""Commands for fresh data and unattended runs: thin, no logic of their own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from helpers.errors import Exit, InputError

if TYPE_CHECKING:
    from rotation.unattended.schedule import Summary


@contextmanager
def terminable() -> Iterator[None]:
    """Let a request to terminate end a run as Ctrl-C does, so that no kernel stays behind."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command()
@click.option("--only", multiple=True, metavar="SOURCE", help="Ask this source; may be repeated.")
@click.option("--base", default="latest", metavar="NAME", help="Vintage to build on.")
@click.option("--until", metavar="DATE", help="Take nothing later than that day.")
@click.option(
    "--accept-revisions",
    "revisions",
    multiple=True,
    metavar="TABLE[:DAYS]",
    help="Take what the source changed in that table, or in days (2026-06-10, or two with ..) "
    "or an edition of it; may be repeated.",
)
@click.option(
    "--accept-closure",
    "closures",
    multiple=True,
    metavar="DATE",
    help="The exchange stayed closed on that session; may be repeated.",
)
@click.option(
    "--accept-move",
    "moves",
    multiple=True,
    metavar="DATE",
    help="That day's closes look wrong and are right; may be repeated.",
)
def refresh(
    only: tuple[str, ...],
    base: str,
    until: str | None,
    revisions: tuple[str, ...],
    closures: tuple[str, ...],
    moves: tuple[str, ...],
) -> None:
    """Bring the data up to date from their public sources, into a new vintage.

    The frozen data and earlier vintages stay as they are. docs/refreshing.md says what is
    checked, and what to do when a source is refused. The exit code is 20 if a table is not fresh.
    """
    from rotation.refresh import refresh as refreshing
    from rotation.unattended import config
    from rotation.unattended import today as now

    options = config.load().refresh.options(revisions, closures, moves)
    made = refreshing.refresh(only=only, base=base, until=until, options=options)
    if made.changed:
        now.gather(date.today())  # so that it is at hand
    click.echo("\n".join(made.told()))
    for status in made.wrong:
        click.echo(f"rotation: {status}", err=True)
    sys.exit(Exit.SOURCE_FAILED if made.wrong else Exit.DONE)


@click.command("vintages")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Remove all but the N newest, the latest, and those that published reports are made from.",
)
def list_vintages(keep: int | None) -> None:
    """List the vintages of the data and what they take on the disk."""
    from helpers import vintages
    from rotation.unattended import home

    for name in home.prune_vintages(keep) if keep else ():
        click.echo(f"removed {name}", err=True)
    latest = vintages.resolve(vintages.LATEST)
    for name in (vintages.FROZEN, *vintages.names()):
        size = f"{home.size(vintages.path(name)) / 1e6:.1f} MB"
        click.echo(f"{name:<20} {size:>8}{'  (latest)' if name == latest else ''}")
    click.echo(f"in {vintages.folder()}", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def today(as_json: bool) -> None:
    """Say which claims' conditions hold on the latest data, and what followed earlier cases."""
    from rotation.unattended import today as now

    found = now.gather(date.today())
    click.echo(json.dumps(found, indent=1) if as_json else "\n".join(now.text(found)))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="Settings.")
def status(as_json: bool, file: Path | None) -> None:
    """Say whether all is well with the data and the scheduled runs, and what to do if not.

    The exit code is 0 if all is well, 20 if data are not current, 1 if runs fail or do not happen.
    """
    from rotation.unattended import config
    from rotation.unattended import status as duty

    found = duty.gather(config.load(file))
    click.echo(json.dumps(found, indent=1) if as_json else "\n".join(duty.text(found)))
    sys.exit(found["exit"])


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--no-refresh", is_flag=True, help="Take the data as they are.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings; docs/scheduling.md describes them.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time the whole run may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing if no claim changed and all is well.")
@click.option(
    "--until", metavar="DATE", help="Make up for missed sessions to that day, one by one."
)
@click.option("--test-notice", is_flag=True, help="Send a notice that says it is a test.")
def schedule(
    dry_run: bool,
    no_refresh: bool,
    file: Path | None,
    max_time: float | None,
    as_json: bool,
    quiet: bool,
    until: str | None,
    test_notice: bool,
) -> None:
    """Refresh, run, compare, publish: for cron, systemd and CI; docs/scheduling.md has it all."""
    from rotation.unattended import config, drift, notices
    from rotation.unattended import schedule as scheduled

    settings = config.load(file).override(refresh=not no_refresh, max_time=max_time)
    if dry_run:
        would = scheduled.preview(settings)
        click.echo(json.dumps({"would": would}, indent=1) if as_json else "\n".join(would))
        return
    if test_notice:
        notices.test(settings.notices)
        click.echo("sent")
        return
    if until:
        worst = [Exit.DONE]

        def done(day: str, summary: Summary) -> None:
            click.echo(f"{day}: {summary.message}")
            worst.append(summary.exit)

        with terminable():
            scheduled.backfill(settings, until, done)
        sys.exit(max(worst) if Exit.FAILED not in worst else Exit.FAILED)
    with terminable():
        summary = scheduled.run(settings)
    told = summary.plain() | {"folder": summary.folder and str(summary.folder)}
    if as_json:
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    elif summary.exit not in (Exit.FAILED, Exit.OUT_OF_TIME) and (summary.news or not quiet):
        click.echo(drift.text(summary.changes) if summary.changes else summary.message)
        if summary.folder:
            click.echo(summary.folder / "index.html")
    sys.exit(summary.exit)


@click.command()
@click.argument("old")
@click.argument("new", default="current")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--page", type=click.Path(path_type=Path), metavar="FILE", help="Write it as HTML.")
def diff(old: str, new: str, as_json: bool, page: Path | None) -> None:
    """Compare two runs: folders, their results.json, or names of published ones.

    Without NEW, with the report published last. The exit code is 10 if verdicts differ.
    """
    from rotation.unattended import drift, home

    results = [drift.read(home.published(name)) for name in (old, new)]
    found = drift.compare(*results)
    if page is not None:
        drift.write_page(page, found, results[1])
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else drift.text(found))
    sys.exit(Exit.VERDICTS_CHANGED if drift.changed_verdicts(found) else Exit.DONE)


@click.command()
@click.argument("claim_id", default="")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def history(claim_id: str, as_json: bool) -> None:
    """Tell how one claim's measured value evolved over the published runs.

    Without a claim, tell of every scheduled run, those that failed or were refused too.
    """
    from helpers import claims, data
    from rotation import terminal
    from rotation.unattended import attempts
    from rotation.unattended import history as past

    if not claim_id:
        tried = attempts.read()
        text = json.dumps(tried, indent=1, ensure_ascii=False) if as_json else None
        click.echo(text or "\n".join(attempts.table(tried) or ["no scheduled run yet"]))
        return
    runs = past.read()
    claim = claims.load(data.load()).get(claim_id.upper())
    lines = past.of_claim(claim.claim_id, runs)
    if as_json:
        click.echo(json.dumps(lines, indent=1, ensure_ascii=False))
        return
    if not lines:
        raise InputError(f"claim {claim.claim_id}: in no published run ({past.file()})")
    told = terminal.wrapped(f"{claim.claim_id}  {claim.statement}", terminal.width())
    click.echo("\n".join([*told, "", *past.table(lines, claim.unit)]))


COMMANDS = (refresh, list_vintages, today, status, schedule, diff, history)
