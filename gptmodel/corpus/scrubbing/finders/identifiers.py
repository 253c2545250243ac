"""National identifiers of other countries, by python-stdnum's checksums.

Most are short strings of digits that a checksum alone can't tell from others, so their name must stand before them;
those of a shape of their own are taken without.
"""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from gptmodel.corpus.scrubbing.finders.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.finders.sieve import IDENTIFIERS, linear
from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding

# python-stdnum module -> its labels in lower case, `?` for a letter that is not ASCII. Persons' numbers that a checksum
# or a date with its place decides; numbers of companies, and forms without a check, stay out.
_LABELS_OF: dict[str, str] = {
    "ar.cuit": "cuit, cuil",
    "ar.dni": "dni",
    "at.vnr": "svnr, sozialversicherungsnummer, sv-nummer",
    "au.tfn": "tfn, tax file number",
    "be.ssn": "niss, insz, rijksregisternummer, registre national",
    "bg.egn": "egn",
    "bg.pnf": "pnf, lnch",
    "br.cpf": "cpf",
    "ca.bc_phn": "phn, personal health number",
    "ca.sin": "sin, social insurance, social insurance number",
    "ch.ssn": "ahv, avs, ahv-nummer, sozialversicherungsnummer",
    "cl.rut": "rut, run",
    "cr.cpf": "cedula, c?dula",
    "cu.ni": "carnet de identidad",
    "cz.rc": "rodne cislo, rodn? ??slo, birth number",
    "de.idnr": "steuer-id, steuerid, idnr, steueridentifikationsnummer, steuerliche identifikationsnummer",
    "de.stnr": "steuernummer, st.-nr.",
    "dk.cpr": "cpr, cpr-nummer, cpr-nr",
    "do.cedula": "cedula, c?dula",
    "ec.ci": "cedula, c?dula, cedula de identidad, c?dula de identidad",
    "ee.ik": "isikukood",
    "es.dni": "dni",
    "es.nie": "nie",
    "es.nif": "nif",
    "fi.hetu": "hetu, henkilotunnus, henkil?tunnus",
    "fr.nif": "numero fiscal, num?ro fiscal, spi",
    "fr.nir": "nir, insee, numero de securite sociale, num?ro de s?curit? sociale",
    "gb.nhs": "nhs, nhs number, nhs no",
    "gb.upn": "upn, unique pupil number",
    "gb.utr": "utr, unique taxpayer reference",
    "gr.amka": "amka",
    "gr.vat": "afm",
    "hr.oib": "oib",
    "id.nik": "nik, no. ktp, nomor ktp",
    "ie.pps": "pps, ppsn, pps number, pps no",
    "il.idnr": "teudat zehut, mispar zehut, israeli id",
    "in_.aadhaar": "aadhaar, aadhar, aadhaar number, uidai",
    "in_.epic": "epic, voter id",
    "in_.pan": "pan, pan number",
    "in_.vid": "virtual id, aadhaar vid",
    "is_.kennitala": "kennitala",
    "it.codicefiscale": "codice fiscale",
    "jp.in_": "my number, individual number, kojin bango",
    "kr.rrn": "rrn, resident registration, resident registration number",
    "lt.asmens": "asmens kodas",
    "lv.pvn": "personas kods",
    "mx.curp": "curp",
    "mx.rfc": "rfc",
    "my.nric": "nric, mykad, no. kp",
    "nl.bsn": "bsn, burgerservicenummer",
    "nl.onderwijsnummer": "onderwijsnummer",
    "no.fodselsnummer": "fodselsnummer, f?dselsnummer, personnummer",
    "nz.ird": "ird, ird number",
    "pe.cui": "cui, dni",
    "pl.nip": "nip",
    "pl.pesel": "pesel",
    "pt.cc": "cartao de cidadao, cart?o de cidad?o",
    "pt.nif": "nif, contribuinte",
    "ro.cnp": "cnp, cod numeric personal",
    "ru.inn": "inn",
    "se.personnummer": "personnummer",
    "si.emso": "emso, em?o",
    "sk.rc": "rodne cislo, rodn? ??slo",
    "th.pin": "thai id, thai national id",
    "tr.tckimlik": "kimlik, kimlik no, t.c. kimlik no, tckn",
    "ua.rntrc": "rntrc, rnokpp",
    "us.atin": "atin",
    "us.itin": "itin",
    "ve.rif": "rif",
    "za.idnr": "id number, rsa id, south african id, identity number",
}
_LABELLED: dict[str, tuple[str, ...]] = {
    label: tuple(module for module, labels in _LABELS_OF.items() if label in labels.split(", "))
    for labels in _LABELS_OF.values()
    for label in labels.split(", ")
}
_ANY_LABEL = "|".join(re.sub(r"([?.])", r"\\\1", label) for label in sorted(_LABELLED, key=len, reverse=True))
_LABEL = rf"(?:^|[^a-z0-9_])({_ANY_LABEL})(?:[^a-z0-9_]|$)"
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
