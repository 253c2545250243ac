"""What the commands share: the application, common options, and how whatever goes wrong is told.

Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 a gate said no, 130 interrupted.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from flows import terminal
from flows.failure import unexpected
from flows.home import Home
from flows.terminal import Terminal
from gptmodel import __version__
from gptmodel.errors import GPTModelError

INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False,
    help="Train a GPT on your own text, again and again, and say for every version where it came from.",
)  # fmt: skip

P = ParamSpec("P")

ConfigOption = Annotated[
    str, typer.Option("--config", metavar="PRESET|FILE", help="smoke, tiny, small, or a TOML file")
]
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", metavar="DIR", help="Text to train on instead of the config's sources")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; may be repeated")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="STAGE", help="Last stage to run")]
ForceOption = Annotated[
    list[str] | None, typer.Option("--force", metavar="STAGE", help="Compute this stage again; may be repeated")
]
AnywayOption = Annotated[bool, typer.Option("--anyway", help="Start even if the forecast says it will take too long")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object as the last line of standard output")]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="URI", help="models:/gpt@champion, models:/gpt/3, runs:/ID/model or a folder")
]


def reported(command: Callable[P, int | None]) -> Callable[P, None]:
    """Run a command so that whatever goes wrong is one clear message and the right exit code, never a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        watch = Terminal(sys.stderr if as_json else sys.stdout, as_json=as_json)
        terminal.watch(watch)
        try:
            code = command(*args, **kwargs) or 0
        except GPTModelError as error:
            watch.error(error)
            code = error.exit_code
        except KeyboardInterrupt:
            watch.line("Interrupted. What was finished is kept; the same command goes on from there.")
            code = INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except Exception as error:
            watch.error(unexpected(error))
            code = 1
        raise typer.Exit(code)

    return run


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gptmodel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit")
    ] = False,
) -> None:
    pass


def close_dead_runs(home: Home) -> None:
    """Close the runs of this home whose process is gone, and say so."""
    from flows import ledger

    if closed := ledger.close_dead_runs(home):
        terminal.current().line(f"Closed {closed} interrupted run{'s' * (closed > 1)} in Prefect and MLflow.")
