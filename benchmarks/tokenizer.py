"""`gptmodel bench tokenizer`: encoding beside the tokenizers library, and what vocabularies of several sizes give.

    python -m benchmarks.tokenizer [--data PATH ...] [--sizes N,N,...] [--rounds N]

Both sides encode the same texts with the same vocabulary, one thread, in bursts of half a million characters, and all
ids are compared. Progress goes to standard error; the last line of standard output is one JSON object.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import ProgramError, measure, own
from benchmarks.program import Answer, print_answer, say
from gptmodel.tokenizer.compression import num_embedding_parameters

SIZES = "1024,4096,16384,32768,65536"
ENCODED_WITH = 8192
EMBEDDING_DIM = 768
"""Width that parameters are counted at: that of GPT-2 124M."""
ONE_THREAD = {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--sizes", default=SIZES, help="vocabularies, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    print_answer(lambda work: _measured(asked.data, sizes, asked.rounds, work), {})


def _measured(data: Sequence[str], sizes: Sequence[int], rounds: int, work: Path) -> Answer:
    say("reading the data")
    files = [_exported(path, work) for path in data or [""]]
    say(f"encoding, {rounds} rounds")
    _learn(work / "encoding", ENCODED_WITH, files)
    figures, ratios = _encoding(work / "encoding", files, rounds)
    figures["memory"] = _memory(work / "encoding", files)
    vocabularies: dict[str, Any] = {}
    for size in sizes:
        say(f"a vocabulary of {size:,}")
        vocabularies[f"{size:,}"] = row = _vocabulary(work / str(size), size, files)
        say(_line(row))
    return {**figures, "vocabularies": vocabularies}, ratios


def _exported(path: str, work: Path) -> Path:
    """Read a source as `ingest` does and write its documents as JSON lines; without a path, the preset's sources."""
    name = Path(path).name or "preset"
    folder = work / "ingested" / name
    measure(own("stages", folder, "ingest", *(["--source", path] if path else [])))
    file = work / "texts" / f"{name}.jsonl"
    measure(own("documents", folder / "ingest", file))
    return file


def _learn(folder: Path, size: int, files: Sequence[Path]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    usage = measure(own("tokenizer_texts", "learn", folder, size, *files))
    return usage.said | {"learning_peak_mb": round(usage.peak_bytes / 1e6)}


def _encoding(folder: Path, files: Sequence[Path], rounds: int) -> Answer:
    said = [measure(own("tokenizer_texts", "turns", folder, *files), ONE_THREAD).said for _ in range(rounds)]
    figures: dict[str, Any] = {file.stem: _figure([one[file.stem] for one in said]) for file in files}
    whole = [{key: sum(row[key] for row in one.values()) for key in ("ours", "theirs", "num_bytes")} for one in said]
    figures["all"] = _figure([total | {"equal": True} for total in whole])
    unequal = [name for one in said for name, row in one.items() if not row["equal"]]
    if unequal:
        raise ProgramError(f"the ids differ in {', '.join(sorted(set(unequal)))}")
    ratios = {f"encoding {name} vs tokenizers": row["ratio"] for name, row in figures.items()}
    return {"encoding": figures, "identical": True}, ratios


def _figure(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ratios = [row["theirs"] / row["ours"] for row in rounds]
    speeds = {f"{side}_mb_per_cpu_second": round(row["num_bytes"] / 1e6 / row[side], 2)
              for row in rounds[-1:] for side in ("ours", "theirs")}  # fmt: skip
    return {
        "num_bytes": rounds[-1]["num_bytes"],
        **speeds,
        "ratio": round(statistics.median(ratios), 2),
        "ratio_by_round": [round(one, 2) for one in ratios],
    }


def _memory(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Give the peak of our side alone, at a tenth of the documents and at all."""
    total = sum(file.read_bytes().count(b"\n") for file in files)
    peaks = [measure(own("tokenizer_texts", "encode", folder, num, *files)).peak_bytes for num in (total // 10, total)]
    return {"peak_mb_at_a_tenth": round(peaks[0] / 1e6), "peak_mb": round(peaks[1] / 1e6)}


def _vocabulary(folder: Path, size: int, files: Sequence[Path]) -> dict[str, Any]:
    row = _learn(folder, size, files)
    spent = {name: num_embedding_parameters(row["vocab_size"], EMBEDDING_DIM, tied)
             for name, tied in (("tied", True), ("untied", False))}  # fmt: skip
    return row | {"num_parameters": spent | {"embedding_dim": EMBEDDING_DIM}}


def _line(row: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{lang} {share:.2f}" for lang, share in row["tokens_per_character_by_language"].items())
    return (
        f"  {row['vocab_size']:>6,} tokens  {row['bytes_per_token']:.2f} bytes a token  "
        f"{row['num_parameters']['tied'] / 1e6:6.1f} M parameters  {row['learning_cpu_seconds']:6.1f} s  "
        f"{row['learning_peak_mb']:5} MB  tokens a character: {shares}"
    )


if __name__ == "__main__":
    main()
