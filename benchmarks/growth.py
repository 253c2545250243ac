"""Grow a corpus to any size without repeating it: made-up documents with the shape of real ones.

    python -m benchmarks.growth FILE FOLDER --bytes N [--seed N]

A made-up document has the lines, indentation, punctuation and length of a real one. Each of its words is drawn from the
words of that document, so that language and frequencies stay, and one in ten is the head of one word and the tail of
another, so that the vocabulary grows with the text. A number becomes another one with as many digits. Order is gone, so
two documents of one shape share hardly any run of words: neither exact nor near duplicates grow with the corpus.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TextIO

FILE_BYTES = 5_000_000
"""UTF-8 bytes of text in one file, about."""
# Of a shorter document so few texts can be made that they would repeat: it draws from its neighbours in the file too.
_MIN_WORDS = 200
_BLEND = 0.1

# Scripts without spaces, in which a character counts as a word.
_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"([{_DENSE}]|\d+|[^\W\d_{_DENSE}]+)")


def main() -> None:
    """Grow the documents of FILE into JSON lines under FOLDER."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", dest="num_bytes", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(json.dumps({"num_bytes": grow(asked.file, asked.folder, asked.num_bytes, asked.seed)}))


def grow(file: Path, folder: Path, num_bytes: int, seed: int) -> int:
    """Write made-up documents until there are so many bytes of text; return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(len(text.encode()) for _, text in _rows(file))
    written = 0
    texts = _many(file, total, num_bytes, random.Random(seed))
    for number in count():
        with (folder / f"part-{number:05d}.jsonl").open("w", encoding="utf-8") as output:
            wrote = _fill(output, texts)
        written += wrote
        if not wrote:
            break
    return written


def _fill(output: TextIO, texts: Iterator[str]) -> int:
    wrote = 0
    while wrote < FILE_BYTES and (text := next(texts, None)) is not None:
        output.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        wrote += len(text.encode())
    return wrote


def _many(file: Path, total: int, wanted: int, draw: random.Random) -> Iterator[str]:
    """Give made-up documents, one round over the real ones after the other; in the last round a sample of them."""
    made = 0
    while wanted - made > 0.001 * wanted:
        share = (wanted - made) / total
        neighbours: dict[str, list[str]] = {}
        for path, text in _rows(file):
            if share >= 1 or draw.random() < share:
                made_up = make_up(text, neighbours.setdefault(path, []), draw)
                made += len(made_up.encode())
                yield made_up


def make_up(text: str, neighbours: list[str], draw: random.Random) -> str:
    """Make up a document with the shape of a real one.

    Args:
        text: The real one.
        neighbours: Words to draw from besides its own, if those are few; the document's words are left there.
        draw: Source of chance.
    """
    pieces = _TOKEN.split(text)  # what stands between tokens, a token, what stands between, ...
    words = [piece for piece in pieces[1::2] if not piece.isdecimal()]
    if len(words) < _MIN_WORDS:
        neighbours[:] = [*neighbours, *words][-_MIN_WORDS:]
        words = neighbours
    drawn = iter(draw.choices(words, k=len(pieces))) if words else iter(())
    for place in range(1, len(pieces), 2):
        piece = pieces[place]
        if piece.isdecimal():
            pieces[place] = f"{draw.randrange(10 ** len(piece)):0{len(piece)}d}"
        else:
            word = next(drawn)
            pieces[place] = word if draw.random() > _BLEND else _blend(word, next(drawn))
    return "".join(pieces)


def _blend(first: str, second: str) -> str:
    """Give a word that need not be in the text; a single character, such as a Han one, stays as it is."""
    return first[: (len(first) + 1) // 2] + second[len(second) // 2 :] if min(len(first), len(second)) > 1 else first


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["path"], row["text"]


if __name__ == "__main__":
    main()
