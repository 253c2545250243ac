"""What the second scanner makes of rows of digits: the libraries that know such numbers say what they are."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from gptmodel.corpus.scrubbing.measuring.residue import Residue, is_near

_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d[\d ().\-/\u2011]{5,28}\d[Xx]?(?![\w])", re.ASCII)
_REGIONS = ("US", "GB", "DE", "FR", "CN", "IN", "AU", "ES", "IT", "BR")
_CALLS = (
    "phone", "tel.", "tel:", "telephone", "mobile", " call", "call:", "fax", "whatsapp", "电话", "手机", "致电", "热线",
    "传真", "拨打", "联系",
)  # fmt: skip
_CARDS = ("card", "visa", "amex", "银行卡", "信用卡", "卡号", "储蓄卡")
_SOCIAL = ("ssn", "social security")


def find_numbers(text: str) -> Iterator[Residue]:
    """Find cards, identity and telephone numbers among rows of digits."""
    for match in _NUMBER.finditer(text):
        written = match.group().rstrip("().-/ ")
        if "(" in written and ")" not in written:
            written = written.lstrip("(")
        start = match.start() + match.group().index(written)
        yield from _number(text, start, start + len(written))


def _number(text: str, start: int, end: int) -> Iterator[Residue]:
    """Try a row of digits, and if it is nothing, what of it stands between its blanks."""
    kind, is_sure = _kind_of_number(text, start, end)
    if kind:
        yield Residue(kind, start, end, is_sure)
        return
    groups = [(start + m.start(), start + m.end()) for m in re.finditer(r"[^ ]+", text[start:end])]
    spans = {(first, last) for at, (first, _) in enumerate(groups) for _, last in groups[at : at + 6]}
    for first, last in sorted(spans - {(start, end)}):
        kind, is_sure = _kind_of_number(text, first, last)
        if kind:
            yield Residue(kind, first, last, is_sure)


def _kind_of_number(text: str, start: int, end: int) -> tuple[str, bool]:
    from stdnum import luhn
    from stdnum.us import ssn

    written = text[start:end]
    bare = "".join(char for char in written if char.isalnum()).upper()
    if written.upper() == bare and _is_chinese_id(bare):
        return "CN_ID", True
    if not bare.isdigit():
        return "", False
    sizes = [len("".join(group)) for is_digit, group in groupby(written, str.isdigit) if is_digit]
    if 12 <= len(bare) <= 19 and len(set(bare)) > 3 and luhn.is_valid(bare) and min(sizes) > 1:
        is_named = is_near(text, start, end, _CARDS)
        if is_named or (len(bare) in (15, 16, 19) and bare[0] in "3456" and min(sizes) > 3):
            return "CREDIT_CARD", True
    if sizes == [3, 2, 4] and written.count("-") == 2 and ssn.is_valid(written):
        return "US_SSN", is_near(text, start, end, _SOCIAL)
    return _phone(text, start, end, bare)


def _is_chinese_id(bare: str) -> bool:
    from stdnum.iso7064 import mod_11_2

    has_form = len(bare) == 18 and bare[0] in "12345678" and bare[:17].isdigit()
    return has_form and mod_11_2.is_valid(bare) and _is_birthday(bare[6:14])


def _is_birthday(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return 1900 <= born.year < 2040


def _phone(text: str, start: int, end: int, bare: str) -> tuple[str, bool]:
    written = text[start:end]
    is_hotline = len(bare) == 10 and bare.startswith(("400", "800"))
    if not 8 <= len(bare) <= 15 or is_hotline or _is_date(written) or written.count(".") > 2:
        return "", False
    if written.startswith("+"):
        return ("PHONE", True) if _is_valid_phone(written, None) else ("", False)
    is_called = is_near(text, start, end, _CALLS)
    if len(bare) == 11 and bare[0] == "1" and _is_valid_phone(bare, "CN"):
        return "CN_PHONE", is_called
    if is_called and any(_is_valid_phone(written, region) for region in _REGIONS):
        return "PHONE", bool(set(written) & set(" ()-+"))
    return "", False


def _is_date(written: str) -> bool:
    groups = re.split(r"[-/. ]+", written)
    is_years = len(groups) > 1 and all(len(group) == 4 and group[:2] in ("19", "20") for group in groups)
    return is_years or [len(group) for group in groups] in ([4, 2, 2], [2, 2, 4])


def _is_valid_phone(written: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False


def find_ibans(text: str) -> Iterator[Residue]:
    """Find account numbers whose check digits are right."""
    from stdnum import iban

    for match in re.finditer(r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?=[ \w])", text, re.ASCII):
        ends = [m.end() for m in re.finditer(r"[A-Z0-9]+", text[match.start() : match.start() + 42])]
        for end in reversed(ends):
            written = text[match.start() : match.start() + end]
            bare = written.replace(" ", "").replace("-", "")
            if 15 <= len(bare) <= 34 and bare.isalnum() and iban.is_valid(bare, check_country=False):
                yield Residue("IBAN", match.start(), match.start() + end, is_sure=True)
                break
