"""The program that is measured on datatrove's side; its own environment's interpreter runs it, as a file.

    VENV/bin/python -I benchmarks/datatrove_steps.py filters|near-duplicates INPUT OUTPUT

INPUT is a folder of JSON lines with `text` and `id`; OUTPUT gets the documents that stay, and for near duplicates those
removed beside them. One task, one worker, the defaults of datatrove 0.10.1 everywhere but for the writer, which does
not compress here. Only datatrove's public classes are called; nothing of this project is imported.
"""

import sys
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


def main(what: str, source: str, output: str) -> None:
    """Run one of the two chains."""
    if what == "filters":
        filters(source, Path(output))
    else:
        near_duplicates(source, Path(output))


def filters(source: str, output: Path) -> None:
    """Repetition, quality, C4, e-mail and IP addresses, writing."""
    steps = [
        JsonlReader(source), GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), PIIFormatter(),
        _writer(output / "kept"),
    ]  # fmt: skip
    _run(steps, output / "logs")


def near_duplicates(source: str, output: Path) -> None:
    """MinHash in its four steps, with FineWeb's setting."""
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    signatures, buckets, found = (str(output / name) for name in ("signatures", "buckets", "found"))
    _run([JsonlReader(source), MinhashDedupSignature(signatures, config=config)], output / "logs-1")
    _run([MinhashDedupBuckets(signatures, buckets, config=config)], output / "logs-2", tasks=config.num_buckets)
    _run([MinhashDedupCluster(buckets, found, config=config, save_cluster_id=True)], output / "logs-3")
    keep = MinhashDedupFilter(found, exclusion_writer=_writer(output / "removed"), load_cluster_ids=True)
    _run([JsonlReader(source), keep, _writer(output / "kept")], output / "logs-4")


def _writer(folder: Path) -> JsonlWriter:
    return JsonlWriter(str(folder), compression=None)


def _run(steps: list[Any], logs: Path, tasks: int = 1) -> None:
    LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=str(logs)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
