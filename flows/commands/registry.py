"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""

from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.home import open_home
from flows.terminal import print_json

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands on the version")]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who wants it; it stands in the events")]


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
