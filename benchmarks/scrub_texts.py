"""The program that is measured on our side: find sensitive data in the texts of a file, in one process.

    python -m benchmarks.scrub_texts INPUT OUTPUT [PASSES]

INPUT holds JSON lines with `text`; OUTPUT gets one line a text: {"spans": [{"start", "end", "type"}]}. The last line
of output is one JSON object; its CPU seconds are those of one pass of searching, without reading and writing.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber


def main(source: str, output: str, passes: int = 1) -> None:
    """Search all texts, several times over if asked, and write what was found."""
    texts = [json.loads(line)["text"] for line in Path(source).open(encoding="utf-8")]
    scrubber = Scrubber(ScrubbingConfig())
    scrubber.find("warm@example.com 123456789012")
    started = time.process_time()
    for _ in range(passes):
        found = [scrubber.find(text) for text in texts]
    cpu_seconds = (time.process_time() - started) / passes
    with Path(output).open("w", encoding="utf-8") as file:
        for findings in found:
            spans = [{"start": one.start, "end": one.end, "type": one.kind} for one in findings]
            file.write(json.dumps({"spans": spans}) + "\n")
    counts = Counter(one.kind for findings in found for one in findings)
    num_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
    print(json.dumps({"cpu_seconds": cpu_seconds, "num_bytes": num_bytes, "findings": dict(sorted(counts.items()))}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
