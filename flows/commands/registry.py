"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, UntilOption, app, close_dead_runs, reported
from flows.home import open_home
from flows.terminal import print_json
from gptmodel.errors import ConfigError


def _readable(text: str) -> str:
    """Refuse what no server and no log could store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("it is not UTF-8; type it in a terminal that is") from None
    return text


ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", callback=_readable, help="Why; it stands on the version")
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", callback=_readable, help="Who wants it; it stands in the events")
]


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


@app.command()
@reported
def promote(
    model: Annotated[
        str, typer.Argument(metavar="URI|NAME", help="A version, or a model: its challenger, else its newest version")
    ],
    reason: ReasonOption = "",
    by: ByOption = "",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Whatever the comparison says; also one that was retired or rolled back")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Make a registered version the champion, if it is better than the present one.

    Compares as the pipeline does. A version whose leak test said no is never promoted.
    """
    from flows.champion import Person, promote

    answer = promote(open_home(), model, Person(reason, by, anyway))
    for line in answer.lines:
        terminal.current().line(line)
    if as_json:
        print_json(answer.record)
    return answer.code


@app.command()
@reported
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The registered model")],
    reason: ReasonOption = "",
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Return to the champion before; no run promotes the present one again."""
    from flows.champion import Person, roll_back

    done = roll_back(open_home(), name, Person(reason, by))
    terminal.current().line(done.sentence)
    if as_json:
        model = {"name": done.name, "version": done.champion, "uri": f"models:/{done.name}/{done.champion}"}
        print_json({"passed": True, "reason": done.sentence, "model": model, "rolled_back": done.version})


@app.command()
@reported
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


@app.command()
@reported
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, by size, and delete nothing")] = False,
    keep_versions: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Of all but the N newest versions without an alias delete text and tokens too; tables and notes stay",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what no version in the registry, alias, run or open erasure request needs.

    A registered version keeps all that it came from. What an interrupted run left stays for a week.
    """
    from flows.collection import collect

    home = open_home()
    if not dry_run:
        close_dead_runs(home)
    told = collect(home, dry_run=dry_run, keep_versions=keep_versions)
    for line in told.lines:
        terminal.current().line(line)
    if as_json:
        print_json(told.record)
