"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, close_dead_runs, reported
from flows.commands.base import JsonOption, UntilOption, app, reported
from flows.home import open_home
from flows.terminal import print_json


@app.command()
@reported
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, by size, and delete nothing")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete what no version in the registry, alias, run or open erasure request needs.

    A registered version keeps all that it came from. What an interrupted run left stays for a week.
    """
    from flows.collection import collect

    home = open_home()
    if not dry_run:
        close_dead_runs(home)
    told = collect(home, dry_run=dry_run)
    for line in told.lines:
        terminal.current().line(line)
    if as_json:
        print_json(told.record)
def reproduce(
    model: Annotated[str, typer.Argument(metavar="URI", help="models:/NAME/VERSION, models:/NAME@ALIAS, or a folder")],
    until: UntilOption = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep what was rebuilt there, raw text too; without it, nothing")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Relative difference up to which figures count as equal")
    ] = 0.001,
    as_json: JsonOption = False,
) -> int:
    """Rebuild a registered version from its manifests in a clean store, and compare it stage by stage.

    Registers nothing. Exit code 1 if a stage diverged, or if the version cannot be rebuilt, because documents were
    erased since or a source is gone.
    """
    from flows.reproduce import Options, reproduce

    answer = reproduce(open_home(), model, Options(until, keep, tolerance))
    if as_json:
        print_json(answer.record)
    return answer.code
