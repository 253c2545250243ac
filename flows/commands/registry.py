"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.home import open_home
from flows.terminal import print_json


@app.command()
@reported
def evidence(
    model: Annotated[str, typer.Argument(metavar="URI", help="models:/gpt@champion, models:/gpt/3 or a model folder")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="New or empty folder, or an earlier evidence to replace")],
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Date of issue; default: today"),
    ] = None,
    without_reports: Annotated[
        bool, typer.Option("--without-reports", help="Leave out the two reports, which hold scrubbed or generated text")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one folder for the auditor: a page, the same as data, and the digests of everything."""
    from flows.evidence import write_evidence

    issued = as_of.date() if as_of else date.today()
    told = write_evidence(open_home(), model, output, issued, with_reports=not without_reports)
    for line in told.lines:
        terminal.current().line(line)
    if as_json:
        print_json(told.record)
