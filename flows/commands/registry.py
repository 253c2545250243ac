"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, close_dead_runs, reported
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
