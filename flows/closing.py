"""The closing lines of a run: what happened, the figures, where to look, what to type next."""

import math
import textwrap
from collections.abc import Iterator
from typing import Any

from flows.stack import Addresses
from flows.summary import counted


def closing_lines(
    end: str, message: str, summary: dict[str, Any], seconds: float, addresses: Addresses
) -> Iterator[str]:
    """Give the lines a person reads when a run is over.

    Args:
        end: Name of the run's end state.
        message: The deciding sentence.
        summary: The run's record, as `--json` prints it.
        seconds: What the run took.
        addresses: Where the servers answer.
    """
    yield ""
    for label, text in (*_documents(summary), *_findings(summary), *_training(summary)):
        yield from _wrapped(label, text)
    yield ""
    yield f"{end} in {_duration(seconds)}. {message}".rstrip()
    yield from _links(summary, addresses)
    yield from _next(summary)


Row = tuple[str, str]


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent=f"{label:<11}", subsequent_indent=" " * 11)


def _documents(summary: dict[str, Any]) -> Iterator[Row]:
    if corpus := summary.get("corpus"):
        why = f" ({counted(corpus['dropped_by_reason'])})" if corpus["dropped_by_reason"] else ""
        counts = f"{corpus['num_read']:,} read, {corpus['num_kept']:,} kept, {corpus['num_dropped']:,} dropped{why}"
        yield "documents", f"{counts}, {corpus['num_quarantined']:,} set aside"


def _findings(summary: dict[str, Any]) -> Iterator[Row]:
    if summary.get("findings") is not None:
        yield "findings", counted(summary["findings"], 12) or "none"
        yield "", f"not searched: {', '.join(summary['not_searched']) or 'nothing left out'}"
    if tokenizer := summary.get("tokenizer"):
        yield "tokenizer", f"{tokenizer['vocab_size']:,} tokens, {tokenizer['bytes_per_token']:.2f} bytes a token"


def _training(summary: dict[str, Any]) -> Iterator[Row]:
    if curve := summary.get("curve"):
        yield "loss", f"{_sparkline([row['train_loss'] for row in curve])}  {_ends(curve)}"
    for sample in summary.get("samples") or []:
        yield "", f'step {sample["step"]:>5}  "{sample["prompt"]}" {" ".join(sample["text"].split())[:70]}'
    if score := summary.get("evaluation"):
        base = ", ".join(f"{name} {value:.2f}" for name, value in (score.get("baselines") or {}).items())
        yield (
            "test",
            (
                f"loss {score['loss']:.3f}, perplexity {score['perplexity']:.1f}, "
                f"{score['bits_per_byte']:.3f} bits per byte (same text: {base}; lower is better)"
            ),
        )
    if privacy := summary.get("privacy"):
        yield "leak test", privacy["reason"]


def _ends(curve: list[dict[str, Any]]) -> str:
    return f"{curve[0]['train_loss']:.2f} -> {curve[-1]['train_loss']:.2f}"


def _sparkline(values: list[float], width: int = 48) -> str:
    marks = "▁▂▃▄▅▆▇█"
    step = max(1, math.ceil(len(values) / width))
    means = [sum(part) / len(part) for part in (values[at : at + step] for at in range(0, len(values), step))]
    low, high = min(means), max(means)
    return "".join(marks[round((value - low) / ((high - low) or 1) * (len(marks) - 1))] for value in means)


def _links(summary: dict[str, Any], addresses: Addresses) -> Iterator[str]:
    for name, url in (summary.get("links") or {}).items():
        yield f"  {name:<13} {url}"
    yield f"  {'run page':<13} {addresses.prefect_ui}/runs/flow-run/{summary['flow_run_id']}"


def _next(summary: dict[str, Any]) -> Iterator[str]:
    model = summary.get("model")
    if not model:
        return
    yield "Try next"
    prompt = (summary.get("samples") or [{"prompt": "The"}])[0]["prompt"]
    yield f'  gptmodel generate --model models:/{model["name"]}/{model["version"]} --prompt "{prompt}"'
    yield '  echo "call 138 0013 8000" | gptmodel scrub -'
    yield "  gptmodel run --source ~/my-texts"
    yield "Stop the servers: gptmodel down"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
