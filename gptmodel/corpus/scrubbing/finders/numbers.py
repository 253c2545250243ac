"""Numbers with a checksum: payment cards, IBAN, Chinese identity numbers, US social security numbers."""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.finders.sieve import ACCOUNTS
from gptmodel.corpus.scrubbing.finders.validators import (
    iban_length,
    is_card,
    is_cn_id,
    is_date,
    is_iban,
    is_us_ssn,
    luhn,
)
from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding

_DIGIT_GROUPS = re.compile(r"\d+(?:(?:[ \-]|-?\n)\d+)*", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
_IBAN_START = re.compile(r"[A-Za-z]{2}\d\d(?:[ \-\n]?[A-Za-z0-9]){11}", re.ASCII)
_CN_ID = re.compile(r"[1-8](?:[ \-\n]?\d){16}[ \-]?[\dXx]", re.ASCII)
_CN_ID_OLD = re.compile(r"[1-8]\d{14}(?!\d)", re.ASCII)
_CN_CONTEXT = re.compile(r"身份证|身份證|证件号|公民身份|id card|identity card|national id|idcard")
_CARD_CONTEXT = re.compile(r"(?:credit|debit|bank|payment)[ _\-]?card|银行卡|信用卡|卡号")
_ABBREVIATED = re.compile(r"(?<![a-z])(?:no|nos|nr|num|card)\.$")
_SSN = re.compile(r"(\d{3})([\- .]?)(\d{2})\2(\d{4})(?!\d)", re.ASCII)
_SSN_CONTEXT = re.compile(
    r"(?<![a-z])ssns?(?![a-z])|social.{0,3}sec|(?<![a-z])social ?[:#]|社会安全|社会保障号|(?<![a-z])soc\.? sec"
)


def find_cards(passage: Passage) -> Iterator[Finding]:
    """Find payment card numbers of 12 to 19 digits, in one piece or in the usual groups."""
    for start, end in passage.numbers:
        if end - start >= 12:
            for match in _DIGIT_GROUPS.finditer(passage.text, start, end):
                yield from _cards_in(passage, match)


def _cards_in(passage: Passage, run: re.Match[str]) -> Iterator[Finding]:
    if sum(map(str.isdigit, run.group())) < 12:
        return
    groups = [(m.start() + run.start(), m.group()) for m in _GROUP.finditer(run.group())]
    labelled = _CARD_CONTEXT.search(passage.before(run.start(), 32)) is not None
    first = 0
    while first < len(groups):
        last = _last_group(groups, first, labelled)
        if last is not None:
            start, end = groups[first][0], groups[last][0] + len(groups[last][1])
            if _stands_alone(passage, start, end) and passage.past_account(start) == start:
                yield Finding(start, end, "CREDIT_CARD", "card", RANK_CHECKSUM)
                first = last
        first += 1


def _last_group(groups: list[tuple[int, str]], first: int, labelled: bool) -> int | None:
    for last in range(min(len(groups), first + 6) - 1, first - 1, -1):
        parts = [digits for _, digits in groups[first : last + 1]]
        digits = "".join(parts)
        # Three groups of a longer number pass Luhn's check one time in ten.
        is_part = len(digits) == 12 and 1 < len(parts) < len(groups)
        if 12 <= len(digits) <= 19 and not is_part and _usual_groups([len(part) for part in parts]):
            if is_card(digits) or (labelled and len(set(digits)) > 2 and luhn(digits)):
                return last
    return None


def _usual_groups(sizes: list[int]) -> bool:
    if len(sizes) == 1 or sizes in ([4, 6, 5], [4, 6, 4], [6, 13], [8, 8], [4, 4, 5], [4, 5, 6]):
        return True
    return all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4


def find_ibans(passage: Passage) -> Iterator[Finding]:
    """Find IBANs of any country of the SWIFT registry, plain or in groups."""
    for match in passage.matches(_IBAN_START, passage.codes_like(ACCOUNTS)):
        finding = _iban_at(passage, match.start())
        if finding:
            yield finding


def _iban_at(passage: Passage, start: int) -> Finding | None:
    text, length = passage.text, iban_length(passage.text[start : start + 2].upper())
    if length is None or is_ascii_word(passage.char_at(start - 1)):
        return None
    end = start
    chars: list[str] = []
    while end < len(text) and len(chars) < length:
        char = text[end]
        if char.isascii() and char.isalnum():
            chars.append(char)
        elif char not in " -\n" or text[end - 1] in " -\n":
            return None
        end += 1
    if len(chars) < length or is_ascii_word(passage.char_at(end)) or not is_iban("".join(chars).upper()):
        return None
    return Finding(start, end, "IBAN", "iban", RANK_CHECKSUM)


def find_cn_ids(passage: Passage) -> Iterator[Finding]:
    """Find Chinese resident identity numbers; the old form of 15 digits only beside its label."""
    for start, end in passage.numbers:
        if end - start < 15:
            continue
        for match in _CN_ID.finditer(passage.text, start, min(len(passage.text), end + 1)):
            if _stands_alone(passage, match.start(), match.end()) and is_cn_id(re.sub("[ \n-]", "", match.group())):
                yield Finding(match.start(), match.end(), "CN_ID", "cn_id", RANK_CHECKSUM - 1)
        for match in _CN_ID_OLD.finditer(passage.text, start, end):
            labelled = _CN_CONTEXT.search(passage.before(match.start(), 24))
            if labelled and _stands_alone(passage, match.start(), match.end()) and is_date("19" + match.group()[6:12]):
                yield Finding(match.start(), match.end(), "CN_ID", "cn_id.old", RANK_CHECKSUM - 1)


def find_us_ssns(passage: Passage) -> Iterator[Finding]:
    """Find US social security numbers: with hyphens, or in any form after their name."""
    for start, end in passage.numbers:
        if end - start < 9:
            continue
        for match in _SSN.finditer(passage.text, start, end):
            area, mark, group, serial = match.groups()
            if not _stands_alone(passage, match.start(), match.end()) or not is_us_ssn(area + group + serial):
                continue
            if (
                mark == "-"
                or (mark == " " and _alone_in_line(passage, match))
                or _SSN_CONTEXT.search(passage.before(match.start(), 40))
            ):
                yield Finding(match.start(), match.end(), "US_SSN", "us_ssn", RANK_CHECKSUM)


def _alone_in_line(passage: Passage, match: re.Match[str]) -> bool:
    around = passage.char_at(match.start() - 1) + passage.char_at(match.end())
    return not around.strip("\r\n")


def _stands_alone(passage: Passage, start: int, end: int) -> bool:
    before, after = passage.char_at(start - 1), passage.char_at(end)
    if is_ascii_word(before) or is_ascii_word(after):
        return False
    if before and before in ".-+/" and is_ascii_word(passage.char_at(start - 2)):
        return before == "." and _ABBREVIATED.search(passage.before(start, 12)) is not None
    return not (after and after in ".-/" and passage.char_at(end + 1).isdigit())
