"""National identifiers of other countries, by python-stdnum's checksums.

Most are short strings of digits that a checksum alone can't tell from others, so their name must stand before them;
those of a shape of their own are taken without.
"""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from gptmodel.corpus.scrubbing.finders.identifier_words import MODULES
from gptmodel.corpus.scrubbing.finders.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.finders.sieve import IDENTIFIERS
from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding

_VALUE = re.compile(r"[A-Za-z0-9](?:[ .\-/+]?[A-Za-z0-9]){6,19}", re.ASCII)
_ITALIAN = re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])", re.ASCII)
_MEXICAN = re.compile(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d(?![A-Za-z0-9])", re.ASCII)
_BRAZILIAN = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", re.ASCII)
_SWISS = re.compile(r"756\.\d{4}\.\d{4}\.\d{2}(?!\d)", re.ASCII)
_SHAPED = ((_BRAZILIAN, "br.cpf"), (_SWISS, "ch.ssn"), (_ITALIAN, "it.codicefiscale"), (_MEXICAN, "mx.curp"))


def find_identifiers(passage: Passage) -> Iterator[Finding]:
    """Find national identifiers whose checksum is right."""
    for start, end in passage.identifier_words:
        finding = _labelled(passage, passage.ascii_lower[start:end].decode(), end)
        if finding:
            yield finding
    likely = passage.codes_like(IDENTIFIERS)
    for pattern, module in _SHAPED:
        for found in passage.matches(pattern, likely):
            if not is_ascii_word(passage.char_at(found.start() - 1)) and _is_valid(module, found.group()):
                yield Finding(found.start(), found.end(), "OTHER_ID", f"id.{module}", RANK_CHECKSUM)


def _labelled(passage: Passage, label: str, at: int) -> Finding | None:
    for match in _VALUE.finditer(passage.text, at, min(len(passage.text), at + 48)):
        if sum(char.isdigit() for char in match.group()) < 4 or is_ascii_word(passage.char_at(match.start() - 1)):
            continue
        for start, end in _cuts(match):
            if is_ascii_word(passage.char_at(end)):
                continue
            for module in MODULES[label]:
                if _is_valid(module, passage.text[start:end]):
                    return Finding(start, end, "OTHER_ID", f"id.{module}", RANK_CHECKSUM)
    return None


def _cuts(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Give the value and what is left of it when leading or trailing words are cut off, longest first."""
    starts = [match.start(), *(match.start() + m.end() for m in re.finditer(" ", match.group()))]
    ends = [match.end(), *(match.start() + m.start() for m in reversed(list(re.finditer(" ", match.group()))))]
    yield from ((start, end) for start in starts for end in ends if end - start >= 7)


def _is_valid(module: str, value: str) -> bool:
    return bool(_module(module).is_valid(value))


@cache
def _module(name: str) -> Any:
    return importlib.import_module(f"stdnum.{name}")
