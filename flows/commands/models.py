"""Commands that use or test a model."""

from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, ModelOption, app, reported
from flows.home import open_home
from flows.terminal import print_json
from gptmodel.errors import GateError


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
