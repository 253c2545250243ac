"""Consistent pseudonyms: the same value gets the same stand-in everywhere, and no table of them is kept.

A pseudonym is a keyed hash (HMAC-SHA256) of the value's normal form, cut to 12 hex digits (48 bits: of a million values
of a kind two share one with a chance of 0.2 %) in a form that is nobody's value: `p-3f9c21d07a44@anon.invalid`,
`Person-3f9c21d07a44`, `https://u-3f9c21d07a44.anon.invalid`, and for every other kind its name, as in
`credit-card-3f9c21d07a44`. The domain is one that RFC 2606 keeps free. Who holds the key can try values and so tell
whose pseudonym it is; who does not, can't.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from gptmodel.keys import keyed_hash

NUM_HEX = 12
# One letter at least, so that no number of anybody is taken for a pseudonym.
_HEX = rf"(?=[0-9]{{0,{NUM_HEX - 1}}}[a-f])[0-9a-f]{{{NUM_HEX}}}"
_FORMS = {
    "EMAIL": ("p-", "@anon.invalid"),
    "PERSON": ("Person-", ""),
    "URL_WITH_CREDENTIALS": ("https://u-", ".anon.invalid"),
}

_NUMBERS = frozenset({"PHONE", "CN_PHONE", "CREDIT_CARD", "IBAN", "US_SSN", "CN_ID", "OTHER_ID"})
_AS_WRITTEN = frozenset({"SECRET", "URL_WITH_CREDENTIALS"})
_WRITTEN_AT = re.compile(r"\s{0,3}(?:[\[({<]\s{0,3}(?:at|@)\s{0,3}[\])}>]|_at_|\sat\s)")
_WRITTEN_DOT = re.compile(r"\s{0,3}(?:[\[({<]\s{0,3}(?:dot|\.)\s{0,3}[\])}>]|_dot_|\sdot\s)")
_TRUNK_ZERO = re.compile(r"\(0\)")
_NORTH_AMERICAN = re.compile(r"1[2-9]\d\d[2-9]\d{6}", re.ASCII)


def pseudonym(kind: str, value: str, key: bytes) -> str:
    """Give the stand-in of a value.

    Args:
        kind: Its kind.
        value: The value, in any of its usual forms.
        key: The pseudonym key.
    """
    before, after = _form(kind)
    normal, number = normal_form(kind, value), 0
    while (digits := keyed_hash(key, "pseudonym", kind, normal, str(number))[:NUM_HEX]).isdecimal():
        number += 1  # one hash in 280 is all digits
    return f"{before}{digits}{after}"


def pseudonym_pattern(kinds: Sequence[str]) -> str:
    """Give the regular expression that the pseudonyms of some kinds match as a whole, and nothing else."""
    forms = (_form(kind) for kind in kinds)
    return "|".join(f"{re.escape(before)}{_HEX}{re.escape(after)}" for before, after in forms)


def normal_form(kind: str, value: str) -> str:
    """Give the form that a value's usual spellings share; it is for hashing, not for showing.

    E-mail addresses lose their case and are written with signs where they were written out; numbers lose separators,
    and telephone numbers the `+` or `00`, North America's 1 and China's 86 before a mobile number (no other national
    form is told from the international one); names lose case and white space. Secrets stay as they are.

    Example:
        >>> normal_form("EMAIL", "Ada [at] Example [dot] com"), normal_form("PHONE", "+44 (0)20 7946-0958")
        ('ada@example.com', '442079460958')
    """
    folded = unicodedata.normalize("NFKC", value).strip()
    if kind in _AS_WRITTEN:
        return folded
    if kind == "EMAIL":
        return "".join(_WRITTEN_DOT.sub(".", _WRITTEN_AT.sub("@", folded.casefold())).split())
    if kind in _NUMBERS:
        return _number(kind, folded)
    if kind == "IP_ADDRESS":
        return _address(folded)
    if kind == "CRYPTO":
        return folded.lower() if folded[:3].lower() == "bc1" else folded  # base58 minds its case, bech32 does not
    return "".join(folded.casefold().split())


@cache
def _form(kind: str) -> tuple[str, str]:
    return _FORMS.get(kind, (f"{kind.lower().replace('_', '-')}-", ""))


def _number(kind: str, value: str) -> str:
    bare = "".join(char for char in _TRUNK_ZERO.sub("", value) if char.isalnum()).upper()
    if kind == "CN_PHONE":
        return bare[-11:]  # without the country's 86
    if kind == "PHONE":
        bare = bare.removeprefix("00")
        return bare[1:] if _NORTH_AMERICAN.fullmatch(bare) else bare
    return bare


def _address(value: str) -> str:
    try:
        return ipaddress.ip_address(value).compressed
    except ValueError:
        return value.lower()
