"""The command that runs the benchmarks."""

from typing import Annotated

import typer

from flows import terminal
from flows.commands.base import JsonOption, app, reported
from flows.terminal import print_json


@app.command()
@reported
def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="corpus, scrub, leak, lineage or resume")],
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
        str | None,
        typer.Option(
            metavar="N,N,...",
            help="corpus: MB of the grown corpora, default 10,100,1000; lineage: documents, default 1000000",
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1, help="How often each side is measured, in turns, default 3; resume: trainings killed, default 50"
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="leak: an SVG picture of what both twins say")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this checkout beside a peer (corpus, scrub) or an unscrubbed twin (leak), or its look-ups (lineage).

    resume kills a training at random points, goes on, and compares it with an undisturbed one bit for bit.
    """
    from flows import benchmarks

    given = {"data": data, "gold": gold, "part": part, "sizes": sizes, "rounds": rounds, "output": output}
    options = {name: value if isinstance(value, list) else [str(value)] for name, value in given.items() if value}
    record = benchmarks.run_benchmark(name, peer or [], options)
    for line in benchmarks.lines(record):
        terminal.current().line(line)
    if as_json:
        print_json(record)
