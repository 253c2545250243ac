"""`gptmodel bench scrub`: how exact and how fast sensitive data is found, beside Presidio where it is named.

    python -m benchmarks.scrub [--gold FILE ...] [--data PATH ...] [--peer presidio=PYTHON] [--sample MB] [--rounds N]

Progress goes to standard error; the last line of standard output is one JSON object: figures, ratios, machine.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.processes import CHECKOUT, Usage, in_turns, measure, own
from benchmarks.program import peer_among, print_answer, say
from benchmarks.scrub_score import KINDS, NAMED_KINDS, read_records, score

PEER_PROGRAM = CHECKOUT / "benchmarks" / "presidio_texts.py"
PASSES = 5
"""How often ours reads the sample in one round: once is too short a time to measure."""

Figures = dict[str, Any]


def main() -> None:
    """Measure what was asked for."""
    asked = _asked()
    print_answer(lambda work: _measure(asked, work), {"presidio-analyzer": asked.peer} if asked.peer else {})


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gold", action="append", type=Path, default=[])
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--peer", type=peer_among("presidio"))
    parser.add_argument("--sample", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _measure(asked: argparse.Namespace, work: Path) -> tuple[Figures, dict[str, float]]:
    figures: Figures = {}
    ratios: dict[str, float] = {}
    for number, gold in enumerate(asked.gold):
        say(f"scores on {gold.name}")
        figures[gold.name], more = scores(gold, work / f"gold-{number}", asked.peer)
        ratios |= more
    say("reading the data")
    texts = work / "texts.jsonl"
    _read(asked.data, work, texts)
    say("all the text, once")
    figures["text"] = alarms(texts, work)
    say(f"speed, {asked.rounds} rounds")
    figures["speed"], more = speeds(_sample(texts, asked.sample), work, asked.peer, asked.rounds)
    return figures, ratios | more


def scores(gold: Path, work: Path, peer: Path | None) -> tuple[Figures, dict[str, float]]:
    """Score both sides on a gold file; names and addresses beside the rest."""
    work.mkdir()
    records = read_records(gold)
    texts = _write(work / "texts.jsonl", [record["text"] for record in records])
    figures: Figures = {}
    for name, run in _sides(texts, work, peer, passes=1).items():
        run()
        found = [row["spans"] for row in read_records(work / f"{name}.jsonl")]
        figures[name] = score(records, found) | {"names": score(records, found, NAMED_KINDS)["by_kind"]}
    if peer is None:
        return figures, {}
    ratio = figures["ours"]["f1"] / max(figures["presidio"]["f1"], 0.0001)
    return figures, {f"ours vs presidio, micro-F1 on {gold.name}": round(ratio, 2)}


def alarms(texts: Path, work: Path) -> Figures:
    """Search all the text once: findings of each kind a MB, and the speed."""
    said = measure(_own(texts, work / "all.jsonl", 1)).said
    size = said["num_bytes"] / 1e6
    return {
        "megabytes": round(size, 2),
        "mb_per_cpu_second": round(size / said["cpu_seconds"], 2),
        "findings_per_mb": {kind: round(count / size, 2) for kind, count in said["findings"].items() if kind in KINDS},
    }


def speeds(texts: Path, work: Path, peer: Path | None, rounds: int) -> tuple[Figures, dict[str, float]]:
    """Measure both sides in turns on the same text: MB a CPU second of searching, start and reading left out."""
    usages = in_turns(_sides(texts, work, peer, PASSES), rounds)
    figures = {name: _speed(took) for name, took in usages.items()}
    if peer is None:
        return figures, {}
    pairs = zip(usages["ours"], usages["presidio"], strict=True)
    ratio = statistics.median(their.said["cpu_seconds"] / our.said["cpu_seconds"] for our, their in pairs)
    return figures, {"ours vs presidio, speed": round(ratio, 1)}


def _speed(usages: Sequence[Usage]) -> Figures:
    speed_by_round = [usage.said["num_bytes"] / 1e6 / usage.said["cpu_seconds"] for usage in usages]
    return {
        "mb_per_cpu_second": round(statistics.median(speed_by_round), 3),
        "mb_per_cpu_second_by_round": [round(speed, 3) for speed in speed_by_round],
        "megabytes": round(usages[0].said["num_bytes"] / 1e6, 2),
        "peak_mb": round(max(usage.peak_bytes for usage in usages) / 1e6, 1),
    }


def _sides(texts: Path, work: Path, peer: Path | None, passes: int) -> Mapping[str, Callable[[], Usage]]:
    sides: dict[str, Callable[[], Usage]] = {"ours": partial(measure, _own(texts, work / "ours.jsonl", passes))}
    if peer:
        command = [str(peer), "-I", str(PEER_PROGRAM), str(texts), str(work / "presidio.jsonl")]
        sides["presidio"] = partial(measure, command)
    return sides


def _own(texts: Path, output: Path, passes: int) -> list[str]:
    return own("scrub_texts", texts, output, passes)


def _read(data: Sequence[str], work: Path, file: Path) -> None:
    """Read files and folders as the pipeline does; without any, the preset's own text."""
    sources = [argument for path in data for argument in ("--source", path)]
    measure(own("stages", work / "prepared", "ingest", *sources))
    measure(own("documents", work / "prepared" / "ingest", file))


def _sample(texts: Path, megabytes: float) -> Path:
    """Take documents from all over the file until there is as much text as asked for."""
    rows = [json.loads(line)["text"] for line in texts.open(encoding="utf-8")]
    total = sum(map(len, rows))
    step = max(1, int(total / 1e6 / megabytes))
    return _write(texts.with_name("sample.jsonl"), rows[::step])


def _write(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
