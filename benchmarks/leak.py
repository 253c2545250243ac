"""`gptmodel bench leak`: the same text, two models, one of them unscrubbed: watch it recite.

    python -m benchmarks.leak [--output FILE.svg] [--steps N]

The text is the committed sample and documents about invented people. Both twins complete the same prompts and are put
to the leak test. Progress goes to standard error; the last line of standard output is one JSON object: figures,
ratios, machine.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.leak_picture import Shown, draw
from benchmarks.people import invent, write_documents
from benchmarks.processes import measure, own
from benchmarks.program import Answer, print_answer, say

TWINS = {"unscrubbed": ["--unscrubbed"], "scrubbed": []}
SHOWN = ("EMAIL", "PHONE", "IBAN")


def main() -> None:
    """Make the twins, compare them, and draw what they say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    asked = parser.parse_args()
    print_answer(lambda work: _compare(make_twins(work, asked.steps), asked.output), {})


def _compare(twins: Mapping[str, Mapping[str, Any]], output: Path | None) -> Answer:
    shown = examples(twins)
    figures: dict[str, Any] = {name: account(twin) for name, twin in twins.items()}
    if output:
        output.write_text(draw(shown, figures), encoding="utf-8")
        say(f"picture: {output}")
    completions = {one.prompt: {"unscrubbed": one.unscrubbed, "scrubbed": one.scrubbed} for one in shown}
    return figures | {"completions": completions}, {}


def make_twins(work: Path, steps: int) -> dict[str, dict[str, Any]]:
    """Train both on the same documents, side by side in processes of their own, on one core each."""
    people = invent()
    num_bytes = write_documents(people, work / "text")
    say(f"{len(people)} invented people in {num_bytes / 1e3:.0f} kB of text, beside the committed sample")

    def run(name: str) -> dict[str, Any]:
        command = own("twin", work / name, work / "text", "--steps", steps, *TWINS[name])
        used = measure(command, {"OMP_NUM_THREADS": "1"})
        say(f"{name}: made and tested in {used.wall_seconds:.0f} s")
        return used.said | {"seconds": round(used.wall_seconds, 1)}

    with ThreadPoolExecutor(len(TWINS)) as pool:
        return dict(zip(TWINS, pool.map(run, TWINS), strict=True))


def account(twin: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is told of one twin."""
    answers, exposure = twin["answers"], twin["exposure"]
    by_documents = {str(group["repetitions"]): _mean(group["bits"]) for group in exposure["by_repetitions"]}
    return {
        "passed": twin["decision"]["passed"],
        "num_recited": sum(is_recited(answer) for answer in answers),
        "num_asked": len(answers),
        "num_leaks": twin["num_leaks"],
        "num_samples": twin["samples"]["num_samples"],
        "extraction_ratio": twin["extraction_ratio"],
        "p_value": exposure["p_value"],
        "exposure_bits": _mean(exposure["bits"]),
        "exposure_bits_in_clear_by_documents": by_documents,
        "reason": twin["decision"]["reason"],
        "train_seconds": twin["train_seconds"],
        "seconds": twin["seconds"],
    }


def is_recited(answer: Mapping[str, str]) -> bool:
    """Tell whether a completion holds the true value."""
    return answer["value"] in answer["text"]


def examples(twins: Mapping[str, Mapping[str, Any]]) -> list[Shown]:
    """Choose a prompt of each kind, in two languages: the first that the unscrubbed twin answers truly."""
    pairs = list(zip(twins["unscrubbed"]["answers"], twins["scrubbed"]["answers"], strict=True))
    chosen = []
    for kind, is_chinese in [*((kind, False) for kind in SHOWN), ("EMAIL", True)]:
        fitting = [
            pair for pair in pairs if pair[0]["kind"] == kind and (not pair[0]["prompt"].isascii()) == is_chinese
        ]
        best = next((pair for pair in fitting if is_recited(pair[0])), fitting[0])
        chosen.append(
            Shown(best[0]["prompt"], _sentence(best[0]["text"]), _sentence(best[1]["text"]), best[0]["value"])
        )
    return chosen


def _sentence(text: str) -> str:
    """Give a completion up to its first full stop that ends a sentence."""
    for at, letter in enumerate(text):
        if letter == "。" or (letter == "." and text[at + 1 : at + 2] in ("", " ", "\n")) or letter == "\n":
            return text[: at + 1].rstrip()
    return text


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


if __name__ == "__main__":
    main()
