"""Commands that prepare, forecast and run the pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import (
    AnywayOption,
    ConfigOption,
    ForceOption,
    JsonOption,
    SetOption,
    SourceOption,
    UntilOption,
    app,
    reported,
)
from flows.home import open_home
from flows.terminal import print_json
from gptmodel.config_file import load_config


@app.command()
@reported
def init(
    file: Annotated[Path, typer.Argument(help="TOML file to write")],
    source: Annotated[str, typer.Option("--source", metavar="DIR", help="Folder or file with your text")],
) -> None:
    """Look at a folder and write a short commented config for it."""
    from flows.starter import write_starter

    for line in write_starter(file, source):
        terminal.current().line(line)


@app.command()
@reported
def run(
    config: ConfigOption = "tiny",
    source: SourceOption = None,
    settings: SetOption = None,
    until: UntilOption = None,
    force: ForceOption = None,
    anyway: AnywayOption = False,
    as_json: JsonOption = False,
) -> int:
    """Run the pipeline: what is finished already is not computed again."""
    from flows.launch import launch

    resolved = load_config(config, settings or (), source or ())
    return launch(resolved, until=until, force=force or [], anyway=anyway)


@app.command()
@reported
def plan(
    config: ConfigOption = "tiny",
    source: SourceOption = None,
    settings: SetOption = None,
    until: UntilOption = None,
    force: ForceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a run would do and why, without doing it."""
    from flows.forecast import forecast

    resolved = load_config(config, settings or (), source or ())
    view = forecast(open_home(), resolved, until=until, force=force or [])
    for line in view.lines:
        terminal.current().line(line)
    if as_json:
        print_json(view.record)
