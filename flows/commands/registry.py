"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.home import open_home
from flows.terminal import print_json
from gptmodel.errors import ConfigError


@app.command()
@reported
def lineage(
    uri: Annotated[
        str | None,
        typer.Argument(metavar="URI", help="models:/gpt@champion, models:/gpt/3, runs:/ID/model or a folder"),
    ] = None,
    document: Annotated[
        str | None, typer.Option(metavar="ID", help="Instead of URI: what became of a document, by its id")
    ] = None,
    text_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of URI: of the documents that say what this file says")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Instead of URI: of what came from a source, or a file or folder in one"),
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="With URI: draw it, too")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say where a version came from, or which versions read a document, at which steps, and why others did not."""
    _refuse_all_but_one(uri, document, text_file, source)
    watch = terminal.current()
    if uri:
        from flows.lineage import tell_lineage

        record = tell_lineage(open_home(), uri, picture, watch.line, watch.red)
    else:
        from flows.document_lineage import Question, tell_documents

        record = tell_documents(open_home(), Question(document, source, text_file), watch.line)
    if as_json:
        print_json(record)


@app.command()
@reported
def diff(
    old: Annotated[str, typer.Argument(metavar="V1", help="A version by its number or URI")],
    new: Annotated[str, typer.Argument(metavar="V2", help="Another")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The model that numbers are versions of")] = "gpt",
    as_json: JsonOption = False,
) -> None:
    """Say what differs between two versions: config, code, sources, documents, metrics."""
    from flows.diff import tell_difference

    record = tell_difference(open_home(), old, new, name, terminal.current().line)
    if as_json:
        print_json(record)


def _refuse_all_but_one(*asked: object) -> None:
    given = sum(bool(value) for value in asked)
    if given != 1:
        raise ConfigError(
            expected="a model URI, or one of --document ID, --text-file FILE, --source URI",
            actual=f"{given} of them" if given else "none of them",
            mend="For example: gptmodel lineage models:/gpt@champion",
        )
