"""The site's roster (`scrubbing.known_values`): names and other values that are always replaced, kept as keyed hashes.

Values are matched in any case: as whole words with white space, a hyphen, a point or a comma between them, or anywhere
in a text where the script puts no space between words. Only hashes stay, in memory as in the home, so that the file may
be deleted once a run has read it.

A text's words are looked up by the hash of a value's first word (of its first two characters in such a script), each
word of a text once; only where one of these stands is the whole value hashed.
"""

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

from gptmodel.corpus.letters import DENSE, HANGUL
from gptmodel.corpus.scrubbing.finders.passage import Passage, fold
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding
from gptmodel.corpus.scrubbing.site.value_files import read_values
from gptmodel.errors import ConfigError
from gptmodel.keys import Keys, key_id, keyed_hash

SETTING = "scrubbing.known_values"
RULE = "known"

_UNSPACED = f"{DENSE}{HANGUL}"
_ANY_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\W{_UNSPACED}]+")
_GAP = re.compile(r"\s{1,3}")
# What may stand between the words of a value: white space, and the marks that join or part names.
_BETWEEN = re.compile(r"[\s.,'’\-]{1,4}")
_ASCII_GAPS = {code: " " for code in range(128) if not _WORD.fullmatch(chr(code))}
_KIND = re.compile("[A-Z][A-Z0-9_]{1,31}")
_BEGINNING = 2
"""Characters of a value's beginning in a script without spaces."""


@dataclass(frozen=True, order=True)
class Entry:
    """One value of the roster, as it is kept.

    Attributes:
        kind: Its kind.
        value: Keyed hash of the value's normal form.
        beginning: Keyed hash of its first word, or of its first two characters.
        length: Its words; its characters in a script without spaces.
        spaced: Whether it is made of words with spaces between them.
    """

    kind: str
    value: str = field(repr=False)
    beginning: str = field(repr=False)
    length: int
    spaced: bool


@dataclass(frozen=True)
class Roster:
    """The values, ready to be found.

    Attributes:
        entries: What is known of each.
        key: The key of the hashes.
    """

    entries: tuple[Entry, ...] = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of its values."""
        return frozenset(entry.kind for entry in self.entries)

    @property
    def digest(self) -> str:
        """Keyed digest of the set, which tells it from another and nothing of its values."""
        return keyed_hash(self.key, "roster", *(f"{entry.kind} {entry.value}" for entry in sorted(self.entries)))

    def find(self, passage: Passage) -> Iterator[Finding]:
        """Find the values of the roster."""
        text = _lower(passage.text)
        if self._of_words.lengths:
            yield from self._find_words(text)
        if self._unspaced.lengths and _ANY_UNSPACED.search(text):
            yield from self._find_unspaced(text)

    def __getstate__(self) -> dict[str, object]:
        """Hand to another process what was given, not what was worked out on the way."""
        return {"entries": self.entries, "key": self.key}

    @cached_property
    def _kinds_by_value(self) -> dict[str, str]:
        return {entry.value: entry.kind for entry in reversed(self.entries)}

    @cached_property
    def _of_words(self) -> "_Beginnings":
        return _Beginnings((entry for entry in self.entries if entry.spaced), self.key)

    @cached_property
    def _unspaced(self) -> "_Beginnings":
        return _Beginnings((entry for entry in self.entries if not entry.spaced), self.key)

    def _find_words(self, text: str) -> Iterator[Finding]:
        words = _words(text)
        first = self._of_words.among(set(words))
        if not first:
            return
        hits = [
            (at, length, kind)
            for at, word in enumerate(words) if word in first
            for length in self._of_words.lengths_of(word)
            if (kind := self._kind(" ".join(words[at : at + length])))
        ]  # fmt: skip
        spans = [match.span() for match in _WORD.finditer(text)] if hits else []
        for at, length, kind in hits:
            inside = spans[at : at + length]
            if all(_BETWEEN.fullmatch(text, one[1], two[0]) for one, two in pairwise(inside)):
                yield Finding(inside[0][0], inside[-1][1], kind, RULE, RANK_KEYWORD)

    def _find_unspaced(self, text: str) -> Iterator[Finding]:
        squeezed = _Squeezed(text)
        tight = squeezed.text
        for pair in sorted(self._unspaced.among(set(map(str.__add__, tight, tight[1:])))):
            start = tight.find(pair)
            while start >= 0:
                for length in self._unspaced.lengths_of(pair):
                    if kind := self._kind(tight[start : start + length]):
                        end = squeezed.back(start + length - 1) + 1
                        yield Finding(squeezed.back(start), end, kind, RULE, RANK_KEYWORD)
                start = tight.find(pair, start + 1)

    def _kind(self, normal: str) -> str | None:
        return self._kinds_by_value.get(_value_hash(self.key, normal))


class _Beginnings:
    """The beginnings of values, known by their hashes; what a text holds of them is asked for many words at a time."""

    _MOST_REMEMBERED = 1 << 20

    def __init__(self, entries: Iterable[Entry], key: bytes) -> None:
        found: dict[str, set[int]] = {}
        for entry in entries:
            found.setdefault(entry.beginning, set()).add(entry.length)
        self.lengths = {beginning: tuple(sorted(lengths)) for beginning, lengths in found.items()}
        self._key = key
        self._asked: set[str] = set()
        self._lengths_of: dict[str, tuple[int, ...]] = {}

    def among(self, words: set[str]) -> set[str]:
        """Give those words that a value begins with."""
        if len(self._asked) > self._MOST_REMEMBERED:
            self._asked, self._lengths_of = set(), {}
        fresh = words - self._asked
        for word in fresh:
            if lengths := self.lengths.get(_beginning_hash(self._key, word)):
                self._lengths_of[word] = lengths
        self._asked |= fresh
        return words & self._lengths_of.keys()

    def lengths_of(self, word: str) -> tuple[int, ...]:
        """Give the lengths of the values that begin with a word that `among` gave."""
        return self._lengths_of[word]


def load_roster(path: Path, keys: Keys, kept_dir: Path | None = None) -> Roster:
    """Read the roster, and keep its hashes in the home; without the file take those that were kept.

    Args:
        path: The file: a value a line, of the kind PERSON; `KIND<TAB>value` for another kind.
        keys: Key of the hashes; without a home a key of this process alone.
        kept_dir: Folder of the home's keys; None keeps nothing.

    Raises:
        ConfigError: The file can't be read and nothing was kept of it, it holds no value, or a line of it is none.
    """
    key = keys.home or _process_key()
    kept = kept_dir / f"roster-{keyed_hash(key, 'roster file', str(path))[:12]}.json" if kept_dir else None
    if kept and kept.exists() and not path.expanduser().exists():
        return _kept_roster(kept, key)
    entries = {_entry(*_kind_and_value(line, number), key, number) for number, line in read_values(path, SETTING)}
    if not entries:
        # What was kept of it stays: an export that failed leaves such a file, and nobody's name would be found.
        raise ConfigError(
            expected=f"at least one value in {path} ({SETTING})", actual="none",
            mend="Write one value a line, or leave the setting out.",
        )  # fmt: skip
    roster = Roster(tuple(sorted(entries)), key)
    if kept:
        _keep(roster, kept)
    return roster


def _kind_and_value(line: str, number: int) -> tuple[str, str]:
    before, tab, after = line.partition("\t")
    if not tab:
        return "PERSON", line
    if _KIND.fullmatch(before.strip()):
        return before.strip(), after
    raise ConfigError(
        expected=f"a value, or KIND<TAB>value, on line {number} of {SETTING}",
        actual="a tab after what is no kind",
        mend="Write kinds in capitals, as in ADDRESS; a value itself holds no tab.",
    )


def _entry(kind: str, value: str, key: bytes, number: int) -> Entry:
    normal = _lower(fold(unicodedata.normalize("NFC", value)))
    words = _WORD.findall(normal)
    tight = _Squeezed(normal.strip()).text
    if len("".join(words)) + len(_ANY_UNSPACED.findall(normal)) < _BEGINNING:
        raise ConfigError(
            expected=f"a value of at least {_BEGINNING} letters or digits on line {number} of {SETTING}",
            actual="fewer", mend="Leave it out: it would be replaced wherever it stands.",
        )  # fmt: skip
    if _ANY_UNSPACED.search(normal):
        return Entry(kind, _value_hash(key, tight), _beginning_hash(key, tight[:_BEGINNING]), len(tight), spaced=False)
    return Entry(kind, _value_hash(key, " ".join(words)), _beginning_hash(key, words[0]), len(words), spaced=True)


def _keep(roster: Roster, path: Path) -> None:
    from gptmodel.store import write_synced  # the preview runs before the store's packages are installed

    rows = [[entry.kind, entry.value, entry.beginning, entry.length, entry.spaced] for entry in roster.entries]
    text = json.dumps({"key": key_id(roster.key), "entries": rows})
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_synced(path, text)


def _kept_roster(path: Path, key: bytes) -> Roster:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Entry(*row) for row in data["entries"]) if data["key"] == key_id(key) else None
    except (OSError, ValueError, KeyError, TypeError):
        entries = None
    if entries is None:
        raise ConfigError(
            expected=f"the roster that {SETTING} names, or its hashes at {path}",
            actual="no such file, and hashes that are damaged or of another key",
            mend="Put the roster back for one run.",
        )
    return Roster(entries, key)


@cache
def _process_key() -> bytes:
    import secrets

    return secrets.token_bytes(32)


def _beginning_hash(key: bytes, beginning: str) -> str:
    return keyed_hash(key, "roster beginning", beginning)


def _value_hash(key: bytes, normal: str) -> str:
    return keyed_hash(key, "roster value", normal)


def _words(text: str) -> list[str]:
    """Give the words of a text, as `_WORD` has them; of ASCII several times faster."""
    return text.translate(_ASCII_GAPS).split() if text.isascii() else _WORD.findall(text)


def _lower(text: str) -> str:
    """Lower a text's case and keep every offset."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


class _Squeezed:
    """A text without the space beside characters of scripts that need none.

    Attributes:
        text: What is left.
    """

    def __init__(self, text: str) -> None:
        self._places, self._removed = [0], [0]
        pieces, done = [], 0
        for gap in _GAP.finditer(text):
            if not _ANY_UNSPACED.match(text, gap.end()) and not _ANY_UNSPACED.match(text, gap.start() - 1):
                continue
            pieces.append(text[done : gap.start()])
            done = gap.end()
            self._removed.append(self._removed[-1] + done - gap.start())
            self._places.append(gap.end() - self._removed[-1])
        self.text = "".join([*pieces, text[done:]])

    def back(self, offset: int) -> int:
        """Give an offset of the text that was given for one of what is left."""
        return offset + self._removed[bisect_right(self._places, offset) - 1]
