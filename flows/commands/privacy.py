"""Commands about sensitive data: scrubbing, looking up, erasure requests, a person's check."""

from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.home import open_home
from flows.terminal import print_json
from gptmodel.config import ScrubbingConfig
from gptmodel.config_file import load_config


@app.command()
@reported
def scrub(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT|-", help="Files, folders, or - for standard input")],
    output: Annotated[str | None, typer.Option(metavar="OUT|-", help="Where the scrubbed text goes")] = None,
    spans: Annotated[Path | None, typer.Option(help="Write {'spans': [...]} for each document, one a line")] = None,
    config: Annotated[
        str | None, typer.Option(metavar="PRESET|FILE", help="Take its section scrubbing; default: the defaults")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Scrub sensitive data from files or standard input, without a pipeline."""
    from flows.scrubber import scrub_inputs

    scrubbing = load_config(config).scrubbing if config else ScrubbingConfig()
    record = scrub_inputs(inputs, output, spans, scrubbing, as_json=as_json)
    if as_json:
        print_json(record)


@app.command(context_settings={"allow_extra_args": True})
@reported
def find(
    context: typer.Context,
    values: Annotated[
        str, typer.Option("--values", metavar="FILE|-", help="One value a line, from a file or standard input")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Say which documents, splits and versions held some values, also after the raw text is gone.

    Values never stand on the command line. The index holds keyed hashes of what the finders found; case, spaces and
    separators make no difference, and telephone numbers of China and North America are found with and without prefix.
    """
    from flows.find import find_values, refuse_arguments

    refuse_arguments(context.args)
    record = find_values(open_home(), values, terminal.current().line)
    if as_json:
        print_json(record)


@app.command(context_settings={"allow_extra_args": True})
@reported
def forget(
    context: typer.Context,
    document: Annotated[str | None, typer.Option(metavar="ID", help="A document, by its id")] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="URI", help="A source by name, path or URL, or a file or folder in one; also what comes"),
    ] = None,
    text_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A document by what it says, under whatever name it lies")
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Every document in which a finder found one of these values, one a line"),
    ] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Delete what is stored of the documents")] = False,
    retire: Annotated[bool, typer.Option("--retire", help="Take the versions that saw them out of service")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Open a request for a source or text that nothing matches yet")
    ] = False,
    request: Annotated[
        str | None, typer.Option(metavar="REQUEST", help="A request that is there: tell its state, purge or retire")
    ] = None,
    close: Annotated[str | None, typer.Option(metavar="REQUEST", help="Close a request that is answered")] = None,
    as_json: JsonOption = False,
) -> int:
    """Does not change a trained model; retire and retrain do.

    Opens an erasure request: every later run leaves the documents out, with all their duplicates. Tells which versions
    saw them, which is in service, and what is still on disk. Exit code 1 if nothing matched, was retired or was closed.
    """
    from flows.find import refuse_arguments
    from flows.forgetting import Asked, Options, answer

    refuse_arguments(context.args, "Say what it is: --document ID, --source URI, --text-file FILE or --values FILE|-")
    told = answer(
        open_home(), Asked(document, source, text_file, values), Options(purge, retire, anyway), request, close
    )
    for line in told.lines:
        terminal.current().line(line)
    if as_json:
        print_json(told.record)
    return told.code


@app.command()
@reported
def review(
    size: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Passages on the sheet")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other passages")] = 0,
    result: Annotated[Path | None, typer.Option(metavar="FILE", help="What the sheet's page saved")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a sheet of scrubbed passages for a person's check, or take its result into the evidence."""
    from flows.review import sheet_of_latest, take

    record = take(open_home(), result) if result else sheet_of_latest(open_home(), size, seed)
    if as_json:
        print_json(record)
