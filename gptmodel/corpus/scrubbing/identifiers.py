"""National identifiers of other countries, by python-stdnum's checksums.

Most are short strings of digits that a checksum alone can't tell from others, so their name must stand before them;
those of a shape of their own are taken without.
"""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding
from gptmodel.corpus.scrubbing.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.sieve import linear

# Label (lower case) -> python-stdnum module. The value's shape is left to the module.
_LABELLED: dict[str, tuple[str, ...]] = {
    "nhs": ("gb.nhs",),
    "cpf": ("br.cpf",),
    "dni": ("es.dni", "ar.dni"),
    "nie": ("es.nie",),
    "nif": ("es.nif", "pt.nif"),
    "codice fiscale": ("it.codicefiscale",),
    "pesel": ("pl.pesel",),
    "bsn": ("nl.bsn",),
    "burgerservicenummer": ("nl.bsn",),
    "personnummer": ("se.personnummer",),
    "fodselsnummer": ("no.fodselsnummer",),
    "cpr": ("dk.cpr",),
    "hetu": ("fi.hetu",),
    "henkilotunnus": ("fi.hetu",),
    "steuer-id": ("de.idnr",),
    "steueridentifikationsnummer": ("de.idnr",),
    "steuernummer": ("de.stnr",),
    "insee": ("fr.nir",),
    "nir": ("fr.nir",),
    "aadhaar": ("in_.aadhaar",),
    "aadhar": ("in_.aadhaar",),
    "pan": ("in_.pan",),
    "tfn": ("au.tfn",),
    "tax file number": ("au.tfn",),
    "sin": ("ca.sin",),
    "social insurance": ("ca.sin",),
    "curp": ("mx.curp",),
    "rut": ("cl.rut",),
    "ahv": ("ch.ssn",),
    "avs": ("ch.ssn",),
    "rrn": ("kr.rrn",),
    "resident registration": ("kr.rrn",),
    "my number": ("jp.in_",),
    "cnp": ("ro.cnp",),
    "rodne cislo": ("cz.rc",),
    "egn": ("bg.egn",),
    "kimlik": ("tr.tckimlik",),
    "niss": ("be.nn",),
    "itin": ("us.itin",),
}
_LABEL = rf"(?:^|[^a-z0-9_])({'|'.join(_LABELLED)})(?:[^a-z0-9_]|$)"
_VALUE = re.compile(r"[A-Za-z0-9](?:[ .\-/+]?[A-Za-z0-9]){6,19}", re.ASCII)
_ITALIAN = re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])", re.ASCII)
_MEXICAN = re.compile(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d(?![A-Za-z0-9])", re.ASCII)
_BRAZILIAN = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", re.ASCII)
_SWISS = re.compile(r"756\.\d{4}\.\d{4}\.\d{2}(?!\d)", re.ASCII)
_SHAPED = ((_BRAZILIAN, "br.cpf"), (_SWISS, "ch.ssn"), (_ITALIAN, "it.codicefiscale"), (_MEXICAN, "mx.curp"))


def find_identifiers(passage: Passage) -> Iterator[Finding]:
    """Find national identifiers whose checksum is right."""
    for match in linear(_LABEL).finditer(passage.ascii_lower):
        finding = _labelled(passage, match.group(1).decode(), match.end())
        if finding:
            yield finding
    for pattern, module in _SHAPED:
        for found in passage.matches(pattern, passage.codes):
            if not is_ascii_word(passage.char_at(found.start() - 1)) and _is_valid(module, found.group()):
                yield Finding(found.start(), found.end(), "OTHER_ID", f"id.{module}", RANK_CHECKSUM)


def _labelled(passage: Passage, label: str, at: int) -> Finding | None:
    for match in _VALUE.finditer(passage.text, at, min(len(passage.text), at + 48)):
        if sum(char.isdigit() for char in match.group()) < 4 or is_ascii_word(passage.char_at(match.start() - 1)):
            continue
        for start, end in _cuts(match):
            if is_ascii_word(passage.char_at(end)):
                continue
            for module in _LABELLED[label]:
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
