"""Lay out the records of a file as one text file each, in a folder for each group, so that the path says the group.

    python -m benchmarks.pages FILE FOLDER

FILE holds JSON lines with `text` and `source`; two records whose source differs in `@COMMIT` alone are versions of one
page and form a group.
"""

import json
import re
import sys
from pathlib import Path

_COMMIT = re.compile(r"@[0-9a-f]{7,40}")


def lay_out(file: Path, folder: Path) -> int:
    """Write the files and return how many there are."""
    groups: dict[str, int] = {}
    number = 0
    for number, line in enumerate(file.open(encoding="utf-8"), 1):
        row = json.loads(line)
        group = groups.setdefault(_COMMIT.sub("", row["source"]), len(groups))
        path = folder / f"page-{group:04d}" / f"version-{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")
    return number


if __name__ == "__main__":
    print(json.dumps({"num_documents": lay_out(Path(sys.argv[1]), Path(sys.argv[2]))}))
