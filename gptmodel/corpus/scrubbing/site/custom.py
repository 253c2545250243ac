"""Finders of the site's own: patterns and lists of words from `[[scrubbing.custom]]`, tried before anything starts.

Patterns are RE2's, which scan in linear time whatever they say; they see full-width forms folded to ASCII. A value that
would hold a placeholder, or part of one, is none, so that scrubbed text stays as it is.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gptmodel.config import CustomFinderConfig, fingerprint_section
from gptmodel.corpus.letters import DENSE, HANGUL
from gptmodel.corpus.scrubbing.finders.passage import Passage, fold_all, linear
from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, RANK_KEYWORD, Finding
from gptmodel.errors import ConfigError

CONTEXT_CHARS = 60
"""How near to the value a word of its context must stand, on either side."""

_UNSPACED = re.compile(f"[{DENSE}{HANGUL}]")
_NOT_DIGITS = re.compile(r"\D", re.ASCII)
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True)
class CustomFinder:
    """One entry of `[[scrubbing.custom]]`, ready to search.

    Attributes:
        kind: Kind of what it finds.
        pattern: RE2 pattern of a value; its first group, if there is one, is the value.
        whole_words: Values stand as whole words only, where their script has spaces between words.
        context: Words in lower case, one of which must stand nearby; empty asks for none.
        checksum: Name of the check that a value must pass; None for none.
    """

    kind: str
    pattern: str
    whole_words: bool = False
    context: tuple[str, ...] = ()
    checksum: str | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The one kind that it yields."""
        return frozenset({self.kind})

    def find(self, passage: Passage) -> Iterator[Finding]:
        """Find the values of this kind."""
        text = fold_all(passage.text)
        rank = RANK_CHECKSUM if self.checksum else RANK_KEYWORD
        for start, end in _spans(self.pattern, text):
            if self._is_value(text, start, end):
                yield Finding(start, end, self.kind, f"custom.{self.kind}", rank)

    def _is_value(self, text: str, start: int, end: int) -> bool:
        if self.whole_words and not stands_alone(text, start, end):
            return False
        if self.checksum and not _CHECKS[self.checksum](text[start:end]):
            return False
        nearby = text[max(0, start - CONTEXT_CHARS) : start] + "\n" + text[end : end + CONTEXT_CHARS]
        return not self.context or any(word in nearby.lower() for word in self.context)


def custom_finders(configs: Sequence[CustomFinderConfig]) -> tuple[CustomFinder, ...]:
    """Make the site's finders ready, each tried on its own examples.

    Raises:
        ConfigError: A pattern that RE2 does not take or that matches nothing at all, or an example that comes out
            otherwise; it names the finder and the example by number, never the example.
    """
    finders = tuple(_compiled(config, number) for number, config in enumerate(configs, 1))
    for number, (config, finder) in enumerate(zip(configs, finders, strict=True), 1):
        _try_examples(config, finder, _name(config, number))
    return finders


def digest_of_settings(configs: Sequence[CustomFinderConfig]) -> str:
    """Give the digest of all that shapes what the finders find; their examples do not."""
    settings = [fingerprint_section(config.model_copy(update={"must_match": ()})) for config in configs]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether no letter or digit of a script with spaces between words touches a stretch of text."""
    return not (_touches(text, start - 1, start) or _touches(text, end, end - 1))


def _touches(text: str, outside: int, inside: int) -> bool:
    if not 0 <= outside < len(text):
        return False
    return all(text[at].isalnum() and not _UNSPACED.match(text[at]) for at in (outside, inside))


def _compiled(config: CustomFinderConfig, number: int) -> CustomFinder:
    pattern = _folded(config.pattern) if config.pattern else _any_of(config.words)
    name = _name(config, number)
    try:
        matches_nothing = linear(pattern).search(b"") is not None
    except Exception as error:  # re2.error, which only its own module names
        raise ConfigError(
            expected=f"a regular expression that RE2 takes in {name}", actual=_words_of(error),
            mend="RE2 knows no lookaround and no backreferences; say what stands beside a value with context.",
        ) from None  # fmt: skip
    if matches_nothing:
        raise ConfigError(
            expected=f"a pattern of at least one character in {name}", actual="one that matches an empty text",
            mend="Ask for at least one character, as in [0-9]+ instead of [0-9]*.",
        )  # fmt: skip
    context = tuple(fold_all(word).lower() for word in config.context)
    return CustomFinder(config.kind, pattern, bool(config.words), context, config.checksum)


def _name(config: CustomFinderConfig, number: int) -> str:
    return f"scrubbing.custom {number} ({config.kind})"


def _words_of(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason) or type(error).__name__


def _any_of(words: Sequence[str]) -> str:
    """Give a pattern of literal words in any case, the longest first, and of any white space between their parts."""
    by_length = sorted({fold_all(word.strip()) for word in words}, key=lambda word: (-len(word), word))
    parts = (r"\s+".join(re.escape(part) for part in word.split()) for word in by_length)
    return f"(?i:{'|'.join(parts)})"


def _folded(pattern: str) -> str:
    """Fold a pattern as texts are folded, so that a full-width colon means itself and a bracket groups nothing."""
    return "".join(_literal(char) for char in pattern)


def _literal(char: str) -> str:
    folded = fold_all(char)
    return re.escape(folded) if folded != char else char


def _spans(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    """Give the values a pattern matches, as offsets of characters."""
    raw = text.encode("utf-8", "replace")  # a lone surrogate becomes one byte, and stays one character
    is_ascii, seen, at = len(raw) == len(text), 0, 0
    for match in linear(pattern).finditer(raw):
        start, end = match.span(1) if match.re.groups and match.span(1)[0] >= 0 else match.span()
        if start == end or match.start() < seen:
            continue
        if is_ascii:
            yield start, end
            continue
        at += len(raw[seen:start].decode())
        length = len(raw[start:end].decode())
        yield at, at + length
        at, seen = at + length, end


def _try_examples(config: CustomFinderConfig, finder: CustomFinder, name: str) -> None:
    for wanted, examples in (("must_match", config.must_match), ("must_not_match", config.must_not_match)):
        for number, example in enumerate(examples, 1):
            if bool(list(finder.find(Passage(example)))) != (wanted == "must_match"):
                raise ConfigError(
                    expected=f"{wanted} {number} of {name} to hold {'a' if wanted == 'must_match' else 'no'} value",
                    actual="no value" if wanted == "must_match" else "one",
                    mend="Mend the pattern, its context or its checksum, or the example.",
                )


def _luhn(value: str) -> bool:
    from stdnum import luhn

    return bool(luhn.is_valid(_NOT_DIGITS.sub("", value)))


def _mod97(value: str) -> bool:
    from stdnum.iso7064 import mod_97_10

    return bool(mod_97_10.is_valid(_NOT_ALNUM.sub("", value).upper()))


def _mod11(value: str) -> bool:
    from stdnum.iso7064 import mod_11_2

    return bool(mod_11_2.is_valid(re.sub("[^0-9X]", "", value.upper())))


def _verhoeff(value: str) -> bool:
    from stdnum import verhoeff

    return bool(verhoeff.is_valid(_NOT_DIGITS.sub("", value)))


# ISO/IEC 7812 (Luhn); ISO/IEC 7064 mod 97-10, with letters as 10 to 35; ISO/IEC 7064 mod 11-2, X for 10; Verhoeff 1969.
_CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": _luhn, "mod97": _mod97, "mod11": _mod11, "verhoeff": _verhoeff,
}  # fmt: skip
