"""Lines that a source repeats over and over: menus, footers, licence notices.

What counts as boilerplate is known only of the whole source, so cleaning reads the documents twice and once more: first
lines are counted by hash in a table of fixed size, then the few that may be frequent are counted exactly, then they are
removed. The result depends on the set of documents alone. Of documents that are boilerplate for the most part (form
letters, copies) one stays whole, so that no text is lost. Called by cleaning; planted test phrases never come here.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xxhash

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document

Reader = Callable[[], Iterable[Document]]

# Four words, or eight characters of a script without spaces. Shorter lines ("Returns:", "Reference Implementation") are
# headings and code rather than boilerplate.
_LONG = re.compile(r"\b(?:\w++\W++){3}\w|(?:[\u3040-\u30ff\u3400-\u9fff]\W*+){8}")
_MIN_CHARS = 8
_BUCKETS = 1 << 22
_MOSTLY = 0.5


@dataclass
class Boilerplate:
    """The frequent lines of a corpus, and the documents that keep theirs.

    Attributes:
        lines: Hashes of source and line.
        keepers: For each template (hash of its frequent lines in order) the id of the document that stays whole.
    """

    lines: frozenset[int] = frozenset()
    keepers: dict[int, str] = field(default_factory=dict)

    def strip(self, document: Document) -> tuple[str, int]:
        """Give a document's text without its frequent lines, and the number of lines removed."""
        found = self._found_in(document)
        if not found or self.keepers.get(_template(found)) == document.id:
            return document.text, 0
        kept = [line for line in document.text.split("\n") if line_hash(document.source, line) not in self.lines]
        return "\n".join(kept), len(found)

    def _found_in(self, document: Document) -> list[int]:
        hashes = (line_hash(document.source, line) for line in document.text.split("\n")) if self.lines else ()
        return [key for key in hashes if key in self.lines]


def find_boilerplate(documents: Reader, config: CleaningConfig) -> Boilerplate:
    """Find the lines that occur in many documents of a source.

    Args:
        documents: Gives the same documents, in any order, each time it is called (three times here).
        config: `boilerplate_min_documents` (0 finds nothing) and `boilerplate_min_ratio`.
    """
    if config.boilerplate_min_documents == 0:
        return Boilerplate()
    sizes: Counter[str] = Counter()
    buckets = np.zeros(_BUCKETS, dtype=np.uint32)
    for document in documents():
        sizes[document.source] += 1
        keys = np.fromiter(_distinct_lines(document), dtype=np.uint64)
        buckets[np.unique(keys % _BUCKETS)] += 1
    limits = {source: _limit(size, config) for source, size in sizes.items()}
    if all(size < limits[source] for source, size in sizes.items()):
        return Boilerplate()
    lines = _frequent_lines(documents, limits, buckets)
    return Boilerplate(lines, _keepers(documents, Boilerplate(lines)) if lines else {})


def line_hash(source: str, line: str) -> int:
    """Hash a line within its source (64 bits), white space around it aside."""
    return xxhash.xxh3_64_intdigest(f"{source}\0{line.strip()}".encode())


def _limit(num_documents: int, config: CleaningConfig) -> int:
    return max(config.boilerplate_min_documents, int(np.ceil(config.boilerplate_min_ratio * num_documents)))


def _distinct_lines(document: Document) -> dict[int, str]:
    lines = {line.strip() for line in document.text.split("\n")}
    return {line_hash(document.source, line): line for line in lines if len(line) >= _MIN_CHARS}


def _frequent_lines(documents: Reader, limits: dict[str, int], buckets: np.ndarray) -> frozenset[int]:
    """Count exactly the lines whose bucket, which several lines may share, is full enough."""
    counts: Counter[tuple[str, int]] = Counter()
    for document in documents():
        lines, limit = _distinct_lines(document), limits[document.source]
        keys = np.fromiter(lines, dtype=np.uint64)
        candidates = keys[buckets[keys % _BUCKETS] >= limit].tolist()
        counts.update((document.source, key) for key in candidates if _LONG.search(lines[key]))
    return frozenset(key for (source, key), count in counts.items() if count >= limits[source])


def _keepers(documents: Reader, boilerplate: Boilerplate) -> dict[int, str]:
    keepers: dict[int, str] = {}
    for document, found in _mostly_boilerplate(documents, boilerplate):
        key = _template(found)
        keepers[key] = min(keepers.get(key, document.id), document.id)
    return keepers


def _mostly_boilerplate(documents: Reader, boilerplate: Boilerplate) -> Iterator[tuple[Document, list[int]]]:
    for document in documents():
        lines = [(line_hash(document.source, line), len(line)) for line in document.text.split("\n")]
        found = [key for key, _ in lines if key in boilerplate.lines]
        if sum(size for key, size in lines if key in boilerplate.lines) > _MOSTLY * sum(size for _, size in lines):
            yield document, found


def _template(hashes: list[int]) -> int:
    return xxhash.xxh3_64_intdigest(np.array(hashes, dtype=np.uint64).tobytes())
