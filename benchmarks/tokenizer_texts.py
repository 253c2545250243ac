"""The program that `benchmarks.tokenizer` measures: learn a vocabulary, or encode text by both sides in turns.

    python -m benchmarks.tokenizer_texts learn FOLDER SIZE FILE ...
    python -m benchmarks.tokenizer_texts turns FOLDER FILE ...
    python -m benchmarks.tokenizer_texts encode FOLDER NUM_DOCUMENTS FILE ...

FILEs are JSON lines with `text`; FOLDER holds tokenizer.json. The last line of output is one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.language import detect_language
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.tokenizer.codec import encodable
from gptmodel.tokenizer.compression import measure_compression

PLACEHOLDERS = ("<EMAIL>", "<PHONE>")
# One burst of each side: the library holds 0.7 GB for 10 MB of text.
BATCH_CHARS = 500_000
REPORT_CHARS = 4_000_000


def learned(folder: Path, size: int, files: Sequence[Path]) -> dict[str, Any]:
    """Learn from all texts, save, and count what a sample of them takes."""
    started = time.process_time()
    tokenizer = learn((text for file in files for text in texts(file)), TokenizerConfig(vocab_size=size), PLACEHOLDERS,
                      sum(file.stat().st_size for file in files))  # fmt: skip
    cpu_seconds = time.process_time() - started
    tokenizer.save(folder)
    counted = measure_compression(tokenizer, [*_sample(files)])
    return {
        "vocab_size": tokenizer.vocab_size,
        "learning_cpu_seconds": round(cpu_seconds, 1),
        "bytes_per_token": counted.bytes_per_token,
        "tokens_per_character_by_language": counted.tokens_per_character_by_language,
    }


def turns(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Encode all texts by both sides in bursts, compare all ids, and give the CPU seconds of each side by file."""
    ours, theirs = Tokenizer.load(folder), library(folder)
    return {file.stem: _turns(ours, theirs, file) for file in files}


def encoded(folder: Path, num_documents: int, files: Sequence[Path]) -> dict[str, Any]:
    """Encode the first texts by our side alone, to see what memory it takes."""
    tokenizer = Tokenizer.load(folder)
    some = islice((text for file in files for text in texts(file)), num_documents)
    return {"num_tokens": sum(len(ids) // 2 for ids in tokenizer.encode_to_bytes(some))}


def texts(file: Path) -> Iterator[str]:
    """Read the texts of a file."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield encodable(json.loads(line)["text"])


def library(folder: Path) -> Callable[[list[str]], list[list[int]]]:
    """Give the library's own `encode_batch`, with special tokens in text left alone as on our side."""
    import tokenizers

    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.encode_special_tokens = True
    return lambda batch: [encoding.ids for encoding in backend.encode_batch(batch, add_special_tokens=False)]


def _turns(ours: Tokenizer, theirs: Callable[[list[str]], list[list[int]]], file: Path) -> dict[str, Any]:
    taken, num_bytes, num_tokens, equal = [0.0, 0.0], 0, 0, True
    for number, batch in enumerate(_batches(texts(file))):
        made: list[Any] = [None, None]
        sides = (lambda some=batch: [*ours.encode_to_bytes(some)], lambda some=batch: theirs(some))
        for side in (0, 1) if number % 2 else (1, 0):
            started = time.process_time()
            made[side] = sides[side]()
            taken[side] += time.process_time() - started
        num_bytes += sum(len(text.encode()) for text in batch)
        num_tokens += sum(map(len, made[1]))
        equal = equal and made[0] == [_bytes_of(ids) for ids in made[1]]
    return {"ours": taken[0], "theirs": taken[1], "num_bytes": num_bytes, "num_tokens": num_tokens, "equal": equal}


def _bytes_of(ids: list[int]) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in ids)


def _batches(some: Iterator[str]) -> Iterator[list[str]]:
    batch, num_chars = list[str](), 0
    for text in some:
        batch.append(text)
        num_chars += len(text)
        if num_chars >= BATCH_CHARS:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch


def _sample(files: Sequence[Path]) -> Iterator[Document]:
    """Give the same share of each file, with the language of each text."""
    for file in files:
        num_chars = 0
        for number, text in enumerate(texts(file)):
            if text.strip() and num_chars < REPORT_CHARS / len(files):
                num_chars += len(text)
                yield Document(str(number), file.stem, file.name, text, detect_language(text))


def main() -> None:
    """Do what is asked for and print one JSON object."""
    what, folder, *rest = sys.argv[1:]
    if what == "turns":
        said = turns(Path(folder), [*map(Path, rest)])
    else:
        run = learned if what == "learn" else encoded
        said = run(Path(folder), int(rest[0]), [*map(Path, rest[1:])])
    print(json.dumps(said))


if __name__ == "__main__":
    main()
