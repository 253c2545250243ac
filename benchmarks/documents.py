"""Write a stage's documents as JSON lines, the form that every side can read.

python -m benchmarks.documents STAGE_FOLDER FILE
"""

import json
import sys
from pathlib import Path

from gptmodel.corpus.documents import read_documents


def export(folder: Path, file: Path) -> dict[str, int]:
    """Write `id`, `text`, `lang` and `path` of each document, in order; return how many, and their UTF-8 bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    num_documents = num_bytes = 0
    with file.open("w", encoding="utf-8") as output:
        for document in read_documents(folder):
            row = {"id": document.id, "text": document.text, "lang": document.lang, "path": document.path}
            output.write(json.dumps(row, ensure_ascii=False) + "\n")
            num_documents += 1
            num_bytes += len(document.text.encode())
    return {"num_documents": num_documents, "num_bytes": num_bytes}


if __name__ == "__main__":
    print(json.dumps(export(Path(sys.argv[1]), Path(sys.argv[2]))))
