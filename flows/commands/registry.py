"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.home import open_home
from flows.terminal import print_json


@app.command()
@reported
def lineage(
    uri: Annotated[
        str | None,
        typer.Argument(metavar="URI", help="models:/gpt@champion, models:/gpt/3, runs:/ID/model or a folder"),
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="With URI: draw it, too")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say where a version came from."""
    from flows.lineage import tell_lineage

    watch = terminal.current()
    record = tell_lineage(open_home(), uri or "", picture, watch.line, watch.red)
    if as_json:
        print_json(record)
