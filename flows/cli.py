"""The command `gptmodel`.

Each command reads its arguments, calls one function and prints. Heavy packages are imported by the command that needs
them, so that `--help` and `scrub` answer at once. Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 a gate said
no, 130 interrupted.
"""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from flows import terminal
from flows.failure import unexpected
from flows.home import Home, open_home, scrubber_of
from flows.terminal import Terminal, print_json
from gptmodel import __version__
from gptmodel.config import ScrubbingConfig
from gptmodel.config_file import load_config
from gptmodel.errors import GateError, GPTModelError

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


@app.command()
@reported
def up(as_json: JsonOption = False) -> None:
    """Start the local Prefect and MLflow servers and a process worker, on loopback."""
    from flows import stack

    home, watch = open_home(), terminal.current()
    addresses = stack.up(home, watch.line)
    _close_dead_runs(home)
    watch.line(f"servers  Prefect {addresses.prefect_ui}   MLflow {addresses.mlflow}")
    if as_json:
        print_json({"prefect_url": addresses.prefect_ui, "mlflow_url": addresses.mlflow})


@app.command()
@reported
def down() -> None:
    """Stop exactly what `up` started."""
    from flows import stack

    stopped = stack.down(open_home())
    terminal.current().line(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
@reported
def status(as_json: JsonOption = False) -> None:
    """Show servers, worker and champion, with a hint for what is missing."""
    from flows.health import check

    home = open_home()
    _close_dead_runs(home)
    health = check(home)
    for line in health.lines:
        terminal.current().line(line)
    if as_json:
        print_json(health.record)


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


@app.command()
@reported
def generate(
    model: ModelOption,
    prompt: Annotated[str | None, typer.Option(help="Without it: read prompts, one a line (--json: just one)")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens to generate, at most")] = 128,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 always takes the likeliest token")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Sample among the K likeliest tokens")] = None,
    top_p: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Sample within this probability mass")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same text")] = 0,
    no_filter: Annotated[
        bool, typer.Option("--no-filter", help="Show the text as it comes, not <EMAIL> for an e-mail address in it")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Continue a prompt with a registered model; what the finders see in the text is shown as <EMAIL> and the like."""
    from flows.speak import Sampling, speak

    sampling = Sampling(max_new_tokens, temperature, top_k, top_p, seed)
    record = speak(open_home(), model, prompt, sampling, filtered=not no_filter, as_json=as_json)
    if as_json and record:
        print_json(record)


@app.command()
@reported
def evaluate(
    model: ModelOption,
    data: Annotated[str | None, typer.Option(help="Text to score; without it the version's own test split")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on any text: loss, perplexity, bits per byte."""
    from flows.speak import score

    record = score(open_home(), model, data)
    for key, value in record.items():
        terminal.current().line(f"{key:<15} {value:,.4f}" if isinstance(value, float) else f"{key:<15} {value:,}")
    if as_json:
        print_json(record)


@app.command()
@reported
def audit(
    model: ModelOption,
    config: Annotated[
        str | None, typer.Option("--config", metavar="PRESET|FILE", help="Sizes and limits; default: the model's own")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Test a model for leaks, with its training text where this home has it; exit 3 if the answer is no."""
    from flows.audit import run_audit

    answer = run_audit(open_home(), model, config)
    for line in answer.lines:
        terminal.current().line(line)
    if as_json:
        print_json(answer.record)
    return 0 if answer.passed else GateError.exit_code


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


@app.command()
@reported
def deploy(config: ConfigOption = "tiny") -> None:
    """Create or update the deployment that the dashboard runs."""
    from flows import stack

    resolved = load_config(config)
    home, watch = open_home(), terminal.current()
    scrubber_of(home, resolved.scrubbing)  # a finder that does not hold is told here, not by the first run
    addresses = stack.up(home, watch.line)
    os.environ.update(stack.client_environment(home, addresses))
    from flows.deployments import deploy_all

    for line in deploy_all(resolved, addresses):
        watch.line(line)


@app.command()
@reported
def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="corpus, scrub or leak")],
    peer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="Measure a peer too; DIR is a virtual environment that has it"),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Text to measure on instead of the preset's; may be repeated"),
    ] = None,
    gold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="JSON lines for precision and recall: pages (corpus), texts with spans (scrub)"
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="corpus: filters, near-duplicates, scaling or run; default: all"),
    ] = None,
    sizes: Annotated[
        str | None, typer.Option(metavar="MB,MB,...", help="corpus: sizes of the grown corpora; default: 10,100,1000")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often each side is measured, in turns; default: 3")
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="leak: an SVG picture of what both twins say")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this checkout beside a peer (corpus, scrub), or beside a twin of the model left unscrubbed (leak)."""
    from flows import benchmarks

    given = {"data": data, "gold": gold, "part": part, "sizes": sizes, "rounds": rounds, "output": output}
    options = {name: value if isinstance(value, list) else [str(value)] for name, value in given.items() if value}
    record = benchmarks.run_benchmark(name, peer or [], options)
    for line in benchmarks.lines(record):
        terminal.current().line(line)
    if as_json:
        print_json(record)


def _close_dead_runs(home: Home) -> None:
    from flows import ledger, stack

    addresses = stack.addresses(home)
    if closed := ledger.close_dead_runs(home, addresses.prefect_api, addresses.mlflow):
        terminal.current().line(f"Closed {closed} interrupted run{'s' * (closed > 1)} in Prefect and MLflow.")


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the command; arguments default to the process's own."""
    return app(args=arguments, prog_name="gptmodel")


if __name__ == "__main__":
    main()
