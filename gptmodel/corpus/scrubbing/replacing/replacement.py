"""What takes a finding's place: its placeholder, a consistent pseudonym, a mask, nothing; or the document is left out.

Stand-ins are never found again: placeholders and pseudonyms are exempt by their exact form, and what holds neither a
letter nor a digit, as a mask, is no value. Nothing here keeps, logs or shows a value.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from gptmodel.config import Replacement, ScrubbingConfig
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, UNSEARCHED, placeholder
from gptmodel.corpus.scrubbing.replacing.pseudonyms import HEX, kind_prefixes, pseudonym, pseudonym_pattern
from gptmodel.errors import ConfigError
from gptmodel.keys import NO_KEYS, PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, Keys, key_id

MASK = "*"
_LONGEST = 64  # longer than any stand-in with a form of its own: a kind's name has 32 characters at most
_LONGEST_ELEMENT = 400  # characters of an XML element that are looked through for its end
_SIEVE = re.compile(r"-[0-9a-f]{12}|<[A-Z]")
# One pattern each: both begin with a sign that the text is searched for at full speed.
_TAG, _HEX_TAIL = re.compile("<[A-Z]"), re.compile("-[0-9a-f]{12}")
# The signs of these are part of what must not be known.
_MASKED_WHOLE = frozenset({"SECRET", "URL_WITH_CREDENTIALS"})


@dataclass(frozen=True)
class Replacer:
    """Gives what takes a finding's place; a plain value that another process can be handed.

    Attributes:
        kinds: Kinds whose stand-ins are exempt from search: all that have a name here.
        ways: What is done with single kinds.
        otherwise: What is done with the others.
    """

    kinds: tuple[str, ...] = (*KINDS, *UNSEARCHED)
    ways: Mapping[str, Replacement] = field(default_factory=dict)
    otherwise: Replacement = "placeholder"
    _key: bytes | None = field(default=None, repr=False)

    @property
    def key_id(self) -> str:
        """Id of the pseudonym key, on which the replaced text depends; empty where no pseudonym is asked for."""
        return key_id(self._key) if self._key else ""

    def way_of(self, kind: str) -> Replacement:
        """Tell what is done with a kind."""
        return self.ways.get(kind, self.otherwise)

    def stand_in(self, kind: str, value: str) -> str:
        """Give what takes the place of a value; a placeholder too where the document is to be left out."""
        way = self.way_of(kind)
        if way == "pseudonym" and self._key:
            return pseudonym(kind, value, self._key)
        if way == "mask":
            return masked(value, whole=kind in _MASKED_WHOLE)
        return "" if way == "remove" else placeholder(kind)

    def left_out_for(self, findings: Sequence[Finding]) -> str:
        """Give the first kind for whose sake a document with these findings is left out; empty if it stays."""
        found = {one.kind for one in findings if self.way_of(one.kind) == "drop"}
        return min(found, key=self._order, default="")

    def is_stand_in(self, text: str) -> bool:
        """Tell whether a text as a whole is a placeholder or has the form of a pseudonym."""
        return _forms(self.kinds).fullmatch(text) is not None

    def hidden(self, text: str) -> str:
        """Give a text as the finders are to see it, at the same offsets: no stand-in is a label or context in it.

        Placeholders are blanked, of pseudonyms the name of the kind. An XML tag in capitals looks like a placeholder,
        but is closed soon, and says what it holds.
        """
        if _TAG.search(text):
            text = _placeholders(self.kinds).sub(_blanked, text)
        return _names(self.kinds).sub(_blanked, text) if _HEX_TAIL.search(text) else text

    def exempts(self, text: str, finding: Finding) -> bool:
        """Tell whether a finding is none: it lies within a stand-in, or holds neither a letter nor a digit."""
        start, end = finding.start, finding.end
        if end - start <= _LONGEST:
            low, high = max(0, start - _LONGEST), end + _LONGEST
            if _SIEVE.search(text, low, high):
                forms = _forms(self.kinds).finditer(text, low, high)
                if any(form.start() <= start and end <= form.end() for form in forms):
                    return True
        return not any(map(str.isalnum, text[start:end]))

    def _order(self, kind: str) -> tuple[int, str]:
        return (self.kinds.index(kind) if kind in self.kinds else len(self.kinds), kind)


PLACEHOLDERS_ONLY = Replacer()
"""Puts placeholders everywhere."""


def make_replacer(config: ScrubbingConfig, keys: Keys = NO_KEYS, searched: Collection[str] = KINDS) -> Replacer:
    """Give the replacer of a configuration.

    Args:
        config: What is asked for, by kind.
        keys: The keys at hand.
        searched: The kinds that are looked for.

    Raises:
        ConfigError: A pseudonym is asked for without a key, or a replacement for a kind that nobody knows.
    """
    kinds = tuple(dict.fromkeys([*KINDS, *UNSEARCHED, *(custom.kind for custom in config.custom), *searched]))
    if unknown := sorted(set(config.replacement_of) - set(kinds)):
        raise ConfigError(
            expected=f"scrubbing.replacement_of for kinds out of {', '.join(kinds)}",
            actual=", ".join(unknown),
            mend="Use one of these names, or define the kind with [[scrubbing.custom]].",
        )
    asked = [kind for kind in searched if config.replacement_of.get(kind, config.replacement) == "pseudonym"]
    if asked and keys.pseudonyms is None:
        raise ConfigError(
            expected=f"a key for the pseudonyms of {', '.join(asked)}",
            actual=f"neither {PSEUDONYM_KEY} nor {PSEUDONYM_KEY_FILE} in the environment",
            mend=f"Make one, (umask 077; head -c 32 /dev/urandom | base64 > FILE), and set {PSEUDONYM_KEY_FILE}=FILE; "
            "keep it, for with another key everybody gets another pseudonym.",
        )
    return Replacer(kinds, dict(config.replacement_of), config.replacement, keys.pseudonyms if asked else None)


def with_placeholders(config: ScrubbingConfig) -> ScrubbingConfig:
    """Give the same finders with placeholders for all they find: for whoever only looks, and has no pseudonym key."""
    return config.model_copy(update={"replacement": "placeholder", "replacement_of": {}})


def masked(value: str, *, whole: bool = False) -> str:
    """Give a value's mask: letters, digits and marks become `*`, so that shape and length stay.

    Args:
        value: The value.
        whole: Mask everything but white space.

    Example:
        >>> masked("ada@example.com")
        '***@*******.***'
    """
    return "".join(MASK if _is_masked(char, whole) else char for char in value)


def _is_masked(char: str, whole: bool) -> bool:
    return not char.isspace() if whole else char.isalnum() or unicodedata.category(char)[0] == "M"


def _blanked(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == "<" and f"</{found[1:]}" in match.string[match.end() : match.end() + _LONGEST_ELEMENT]:
        return found
    return "".join(MASK if char.isalnum() else char for char in found)


@cache
def _placeholders(kinds: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"<(?:{'|'.join(map(re.escape, kinds))})>")


@cache
def _names(kinds: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(re.escape(prefix) for prefix in kind_prefixes(kinds))})(?={HEX}(?![0-9A-Za-z]))")


@cache
def _forms(kinds: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"<(?:{'|'.join(map(re.escape, kinds))})>|{pseudonym_pattern(kinds)}")
