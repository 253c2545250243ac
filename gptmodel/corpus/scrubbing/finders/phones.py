"""Telephone numbers: international and well-known national forms, and any plausible number after a word like `tel`.

`phonenumbers` judges the few candidates that survive shape and surroundings; it is too slow for more.
Chinese mobile numbers (segments of the Ministry of Industry and Information Technology) are a kind of their own.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.finders.phone_words import links_phone, names_phone, regions_called
from gptmodel.corpus.scrubbing.finding import RANK_PHONE, Finding

_CN_MOBILE = re.compile(
    r"(?:(?:\+|00)?\(?86\)?[ -]{0,2})?1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])([ -]?)\d{4}\1\d{4}(?!\d)",
    re.ASCII,
)
_INTERNATIONAL = re.compile(r"(?:\+|00 ?)[1-9](?:[ ().\-/]{0,3}\d){6,14}(?!\d)", re.ASCII)
_GAP = r"(?:[ .\-]|-?\n[\-]?)"  # a line may end between two groups
_NORTH_AMERICAN = re.compile(
    rf"(?:\+?1[ .\-]{{1,2}})?(?:\([2-9]\d\d\){_GAP}{{0,2}}|[2-9]\d\d([.\-]| (?=\d{{3}}[ .\-])))"
    rf"[2-9]\d\d{_GAP}\d{{4}}(?!\d)",
    re.ASCII,
)
_CN_LANDLINE = re.compile(
    r"(?:\(0[1-9]\d{1,2}\)[ -]?|0[1-9]\d{1,2}-)[2-9](?:\d{6,7}|\d{2,3}[ -]\d{4})(?:-\d{1,5})?(?!\d)", re.ASCII
)
# National forms that grouping and validity tell from other numbers; region of phonenumbers beside each.
_ELSEWHERE = (
    (re.compile(r"(?:\(0\)|0)[1-9](?:[ .\-]\d\d){4}(?!\d)", re.ASCII), "FR"),
    (re.compile(r"07\d{3} \d{3} ?\d{3}(?!\d)", re.ASCII), "GB"),
    (re.compile(r"01[567]\d{1,2}[ /\-]\d{7,8}(?!\d)", re.ASCII), "DE"),
    (re.compile(r"(?:0\d-\d{4}-\d{4}|0[789]0-\d{4}-\d{4})(?!\d)", re.ASCII), "JP"),
    (re.compile(r"\(0[2378]\) \d{4} \d{4}(?!\d)", re.ASCII), "AU"),
)
_LOOSE = re.compile(r"[+(]?\d(?:[ ().\-/]{0,3}\d){6,14}(?!\d)", re.ASCII)

_CONTEXT_AFTER = re.compile(
    r"\s{0,2}[(\-,]?\s{0,2}(?:office|fax|cell|mobile|home|work|phone|tel)(?![a-z])|\s?(?:x|ext\.?)\s?\d"
)
_NOT_PHONE = re.compile(
    r"(?:(?<![a-z])(?:isbn|issn|version|order|invoice|serial|ticket|account|acct|(?<!business )card|ssn|id|pid|uid|sku|"
    r"part|doi|rfc|"
    r"tracking|case|ref|reference|passport|licen[sc]e|imei|port|zip|vin)(?![a-z])|订单|编号|账号|帐号|卡号|身份证|单号)[\w\s#.:：=\"'-]{0,14}$|http/\d\.\d\"\s?$"
)
# Dates, IP addresses, ranges of years, decimal fractions.
_NO_PHONE = re.compile(
    r"(?:19|20)\d\d[-/. ](?:0?[1-9]|1[0-2])[-/. ](?:0?[1-9]|[12]\d|3[01])(?!\d)|"
    r"(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:19|20)\d\d(?!\d)|"
    r"(?:\d{1,3}\.){3}\d{1,3}$|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d(?!\d)|\d+\.\d+$",
    re.ASCII,
)
_FRACTION = re.compile(r"\+\d{4,}\.\d+", re.ASCII)
_SERVICE = re.compile(r"400-\d{3}-\d{4}$", re.ASCII)  # of a Chinese company, no number in North America
_ELEVEN_DIGITS = re.compile(r"[1-9]\d{10}", re.ASCII)
_HAN_BEFORE = re.compile(r"[\u4e00-\u9fff][^\w\n]{0,3}$")


def find_phones(passage: Passage) -> Iterator[Finding]:
    """Find telephone numbers (PHONE) and Chinese mobile numbers (CN_PHONE)."""
    for start, end in passage.numbers:
        taken = start
        while taken < end:
            finding = _first_in(passage, taken, end)
            if finding is None:
                break
            taken = passage.past_account(finding.start)
            if taken == finding.start:
                yield finding
                taken = finding.end


def _first_in(passage: Passage, start: int, end: int) -> Finding | None:
    for find in (_cn_mobile, _international, _national, _in_context):
        finding = find(passage, start, end)
        if finding is not None:
            return finding
    return None


def _cn_mobile(passage: Passage, start: int, end: int) -> Finding | None:
    for match in _CN_MOBILE.finditer(passage.text, start, end):
        if _stands_alone(passage, match.start(), match.end()) and not _is_other(passage.before(match.start(), 24)):
            return Finding(match.start(), match.end(), "CN_PHONE", "phone.cn_mobile", RANK_PHONE)
    return None


def _international(passage: Passage, start: int, end: int) -> Finding | None:
    for match in _INTERNATIONAL.finditer(passage.text, start, end):
        value = match.group()
        if _stands_alone(passage, match.start(), match.end()) and not _FRACTION.fullmatch(value):
            number = "+" + value[2:] if value.startswith("00") else value
            if _is_valid(number, None) or (value.startswith("+") and _has_context(passage, match.start(), match.end())):
                return Finding(match.start(), match.end(), "PHONE", "phone.international", RANK_PHONE)
    return None


def _national(passage: Passage, start: int, end: int) -> Finding | None:
    for pattern, region in ((_NORTH_AMERICAN, "US"), (_CN_LANDLINE, "CN"), *_ELSEWHERE):
        for match in pattern.finditer(passage.text, start, end):
            if (
                _stands_alone(passage, match.start(), match.end())
                and not _SERVICE.match(match.group())
                and not _is_other(passage.before(match.start(), 24))
                and (_is_possible if region in ("US", "CN") else _is_valid)(match.group(), region)
            ):
                return Finding(match.start(), match.end(), "PHONE", f"phone.{region.lower()}", RANK_PHONE)
    return None


def _in_context(passage: Passage, start: int, end: int) -> Finding | None:
    for match in _LOOSE.finditer(passage.text, start, end):
        value = _without_open_bracket(match.group())
        span = match.start(), match.start() + len(value)
        if _is_linked(passage, value, span[0]):
            return Finding(*span, "PHONE", "phone.link", RANK_PHONE)
        if _NO_PHONE.match(value) or not _stands_alone(passage, *span):
            continue
        if _has_context(passage, *span) and not _is_mistyped(passage, value, span[0]):
            return Finding(*span, "PHONE", "phone.context", RANK_PHONE)
        if _is_called(passage, value, span[0]):
            return Finding(*span, "PHONE", "phone.called", RANK_PHONE)
    return None


def _is_linked(passage: Passage, value: str, start: int) -> bool:
    if passage.char_at(start - 1) not in ("/", "=", ":", "b", "B"):
        return False
    return links_phone(passage.before(start, 60)) and _is_valid("+" + value.lstrip("+"), None)


def _is_mistyped(passage: Passage, value: str, start: int) -> bool:
    """Tell whether eleven digits after a Chinese word are no number of any sort."""
    if not _ELEVEN_DIGITS.fullmatch(value) or not _HAN_BEFORE.search(passage.before(start, 6)):
        return False
    return not (_is_valid(value, "CN") or (value[0] != "1" and _is_valid("+" + value, None)))


def _is_called(passage: Passage, value: str, start: int) -> bool:
    """Tell whether words before a number speak of a call, and it is valid where their language is spoken."""
    if sum(map(str.isdigit, value)) < 8:
        return False
    before = passage.before(start, 40).rpartition("\n")[2]
    regions = regions_called(before)
    return bool(regions) and not _is_other(before[-24:]) and any(_is_dialled(value, region) for region in regions)


def _is_dialled(number: str, region: str) -> bool:
    """Tell whether a number is valid in a country, written with the zero that is dialled before it there."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    needs_zero = metadata is not None and metadata.national_prefix == "0" and number[0] != "+"
    return not (needs_zero and number.lstrip("(")[0] != "0") and _is_valid(number, region)


def _without_open_bracket(value: str) -> str:
    """Cut off a group in brackets that begins behind the number and does not close within it."""
    opened = value.rfind("(")
    if opened <= 0 or ")" in value[opened:] or sum(map(str.isdigit, value[:opened])) < 7:
        return value
    return value[:opened].rstrip(" .-/")


def _has_context(passage: Passage, start: int, end: int) -> bool:
    before = passage.before(start, 40)
    line = before.rpartition("\n")[2]
    before = line if any(map(str.isalnum, line)) else before  # a label may stand alone in the line above
    if _is_other(before[-24:]):
        return False
    return bool(names_phone(before) or _CONTEXT_AFTER.match(passage.after(end, 16)))


def _is_other(before: str) -> bool:
    """Tell whether the words before a number name another kind of number, and no nearer ones a telephone."""
    other = _NOT_PHONE.search(before)
    return other is not None and not names_phone(before, other.start() + 1)


def _stands_alone(passage: Passage, start: int, end: int) -> bool:
    before, after = passage.char_at(start - 1), passage.char_at(end)
    if is_ascii_word(before) or is_ascii_word(after) or (before and before in "+$€£¥%&@#"):
        return False
    if before and before in ".,-/" and is_ascii_word(passage.char_at(start - 2)):
        return False
    return not (after and after in ".,-/%" and passage.char_at(end + 1).isdigit())


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number.replace("\n", " "), region))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(number: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number.replace("\n", " "), region))
    except phonenumbers.NumberParseException:
        return False
