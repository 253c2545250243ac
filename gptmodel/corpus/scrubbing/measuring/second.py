"""A second scanner, made apart from the finders: what of scrubbed text still looks like a value.

It shares no pattern, list or check with the finders, so that what these do not see has a chance to be seen here. Its
detectors are few, broad and simple: walk from an `@`, look at what stands before `://`, parse numbers with the
libraries that know them, weigh long words. It is no better than the finders; where both miss, nothing is counted. Of
names, addresses and other countries' identifiers it knows nothing. The quality gate lets it read a sample.
"""

import base64
import binascii
import ipaddress
import json
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from gptmodel.corpus.scrubbing.measuring.residue import Residue, is_near
from gptmodel.corpus.scrubbing.measuring.second_numbers import find_ibans, find_numbers

COVERED: tuple[str, ...] = (
    "EMAIL", "PHONE", "CN_PHONE", "IP_ADDRESS", "CREDIT_CARD", "IBAN", "US_SSN", "CN_ID", "URL_WITH_CREDENTIALS",
    "SECRET", "CRYPTO",
)  # fmt: skip
"""Kinds that it knows."""


class _Folded(dict[int, str]):
    """Compatibility forms (full-width ones above all) as the characters they stand for, one for one."""

    def __missing__(self, code: int) -> str:
        simple = unicodedata.normalize("NFKC", chr(code))
        self[code] = simple if len(simple) == 1 else chr(code)
        return self[code]


_FOLDED = _Folded()
_HOLE = "\ufffc"
# Placeholders, and the pseudonyms that end in twelve hex digits.
_STAND_INS = re.compile(
    r"<[A-Z][A-Z0-9_]*>|(?:https://u|\b[A-Za-z]+(?:-[a-z]+)*)-(?=[0-9]*[a-f])[0-9a-f]{12}(?:(?:@|\.)anon\.invalid)?\b"
)

_WORD = re.compile(r"[^\s\"'`<>()\[\]{}|,;=\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]{16,}")
_ADDRESS_CHARS = re.compile(r"[0-9A-Fa-f:.]{7,}")
_ENDINGS = frozenset(
    "com net org edu gov mil int info biz name pro app dev io ai xyz online site shop tech cloud test example local "
    "ac ad ae ar at au be bg br ca ch ci cl cn co cr cy cz de dk do ec ee eg es eu fi fr gb gr hk hr hu id ie il in ir "
    "is it jp ke kr kz lt lu lv ma me mx my ng nl no nz pe ph pk pt qa ro ru sa se sg si sk th tr tv tw ua uk us uy uz "
    "ve vn za".split()
)
_NO_PASSWORDS = frozenset("password passwd pass pwd secret token key user username x xx xxx xxxx".split())

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_BASE64 = string.ascii_letters + string.digits + "+/=\\"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # of each character one, as offsets ask
_SCHEME = string.ascii_letters + "+"

_KEYS = ("key", "token", "secret", "password", "passwd", "passphrase", "pwd", "密钥", "令牌", "密码", "口令")
_VERSIONS = ("version", "release", "ver.", " v", "版本", "upgrade", "python", "build")


def scan(text: str, kinds: Sequence[str] = COVERED) -> list[Residue]:
    """Give the places in a scrubbed text that look like a value.

    Args:
        text: The text; placeholders and pseudonyms in it are passed over.
        kinds: Kinds to look for; those that it does not know are passed over too.
    """
    folded = _STAND_INS.sub(lambda match: _HOLE * len(match.group()), text.translate(_FOLDED))
    found = {residue for detector in _DETECTORS for residue in detector(folded) if residue.kind in kinds}
    return sorted(found, key=lambda residue: (residue.start, residue.end, residue.kind))


def _emails(text: str) -> Iterator[Residue]:
    at = text.find("@")
    while at >= 0:
        start, end = at, at + 1
        while start and text[start - 1].isascii() and (text[start - 1].isalnum() or text[start - 1] in "._%+-"):
            start -= 1
        while end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] in ".-"):
            end += 1
        domain = text[at + 1 : end].rstrip(".-")
        if _is_mailbox(text[start:at].lstrip(".")) and _is_domain(domain) and not _is_in_url(text, start):
            yield Residue("EMAIL", start, at + 1 + len(domain), is_sure=True)
        at = text.find("@", at + 1)


def _is_mailbox(local: str) -> bool:
    return local not in ("git", "svn") and local[-1:] != "." and any(char.isalnum() for char in local)


def _is_in_url(text: str, start: int) -> bool:
    before = text[max(0, start - 80) : start]
    return bool(before) and not before[-1].isspace() and "://" in before.split()[-1]


def _is_domain(domain: str) -> bool:
    labels = domain.lower().split(".")
    return len(labels) > 1 and all(labels) and domain[0] != "-" and labels[-1] in _ENDINGS


def _urls(text: str) -> Iterator[Residue]:
    at = text.find("://")
    while at >= 0:
        end = at + 3
        while end < len(text) and not (text[end].isspace() or text[end] in "/?#\"'`<>,，。)"):
            end += 1
        login, sign, _ = text[at + 3 : end].rpartition("@")
        _, colon, password = login.partition(":")
        if sign and colon and _is_password(password):
            scheme = text[max(0, at - 16) : at]
            yield Residue("URL_WITH_CREDENTIALS", at - len(scheme) + len(scheme.rstrip(_SCHEME)), end, is_sure=True)
        at = text.find("://", at + 3)


def _is_password(text: str) -> bool:
    stands_in = _HOLE in text or text[:1] in ("$", "{", "<", "%", "*", "[") or "..." in text
    return len(text) > 3 and len(set(text)) > 2 and not stands_in and text.lower() not in _NO_PASSWORDS


def _networks(text: str) -> Iterator[Residue]:
    for match in _ADDRESS_CHARS.finditer(text):
        written = match.group().strip(".:") if "::" not in match.group() else match.group().rstrip(".")
        start = match.start() + match.group().index(written)
        end = start + len(written)
        is_four_numbers = written.count(".") == 3 and ":" not in written
        if _touches_word(text, start, end) or not (is_four_numbers or (written.count(":") > 2 and "." not in written)):
            continue
        try:
            address = ipaddress.ip_address(written)
        except ValueError:
            continue
        is_routed = address.is_global and (address.version == 4 or address in _GLOBAL_UNICAST)
        if is_routed and not address.is_multicast and not is_near(text, start, end, _VERSIONS, before=25, after=0):
            octets = written.split(".")
            is_sure = len(octets) == 1 or any(len(octet) == 3 for octet in octets)
            yield Residue("IP_ADDRESS", start, end, is_sure)


def _touches_word(text: str, start: int, end: int) -> bool:
    sides = text[max(0, start - 1) : start] + text[end : end + 1]
    return any(char.isascii() and (char.isalnum() or char in "_-.") for char in sides.rstrip("."))


def _private_keys(text: str) -> Iterator[Residue]:
    at = text.find("PRIVATE KEY")
    while at >= 0:
        body = "".join(text[at + 11 : at + 600].split()).lstrip("-")
        row = len(body) - len(body.lstrip(_BASE64))
        if "BEGIN" in text[max(0, at - 24) : at] and row >= 64:
            yield Residue("SECRET", max(0, at - 24), at + 11, is_sure=True)
        at = text.find("PRIVATE KEY", at + 11)


def _words(text: str) -> Iterator[Residue]:
    from stdnum import bitcoin

    for match in _WORD.finditer(text):
        for word, start in _pieces(match.group(), match.start()):
            end = start + len(word)
            if _is_web_token(word):
                yield Residue("SECRET", start, end, is_sure=True)
            elif 26 <= len(word) <= 74 and bitcoin.is_valid(word):
                yield Residue("CRYPTO", start, end, is_sure=True)
            elif _is_random(word) and not _is_part_of_more(match.group()):
                yield Residue("SECRET", start, end, _is_called_key(text, start))


def _pieces(word: str, start: int) -> Iterator[tuple[str, int]]:
    """Give the pieces between colons and slashes of a word, with their places, without the marks at their edges."""
    for match in re.finditer(r"[^:/\\&?#@]{16,}", word):
        bare = match.group().strip(".,!?-_*~")
        if len(bare) >= 16:
            yield bare, start + match.start() + match.group().index(bare)


def _is_part_of_more(whole: str) -> bool:
    """Tell whether a word is an address or a long encoding, whose pieces look random without being a secret."""
    return "://" in whole or len(whole) > 200 or whole.count("/") > 3


def _is_web_token(word: str) -> bool:
    head, dot, rest = word.partition(".")
    if not (head.startswith("ey") and dot and "." in rest):
        return False
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False


def _is_random(word: str) -> bool:
    """Tell whether a long word has digits, small and capital letters in a row that no language and no path has."""
    if not 20 <= len(word) <= 200 or not word.isascii() or _HOLE in word or "%" in word or "." in word:
        return False
    counts = [sum(map(test, word)) for test in (str.isdigit, str.isupper, str.islower)]
    if min(counts) < 2 or max(counts) > 0.85 * len(word) or _longest_word(word) > 5:
        return False
    return _entropy(word) > 3.6


def _longest_word(text: str) -> int:
    """Give the length of the longest row of small letters, which random text has none of."""
    return max((len(list(group)) for is_small, group in groupby(text, str.islower) if is_small), default=0)


def _entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _is_called_key(text: str, start: int) -> bool:
    before = text[max(0, start - 30) : start]
    lower = before.translate(_LOWER)
    ends = [
        at + len(name) for name in _KEYS if (at := lower.rfind(name)) >= 0 and _is_word(before[at : at + len(name)])
    ]
    # `tokenValue` and `key_id` name a key; a `key` that goes on in small letters is a part of another word.
    is_named = any(not (before[end : end + 1].islower() or before[end : end + 1].isdigit()) for end in ends)
    return is_named and "public" not in lower and "pubkey" not in lower


def _is_word(name: str) -> bool:
    """Tell whether a name is written like a word, not like the `KEy` within an encoding."""
    return name in (name.lower(), name.upper(), name.capitalize())


def _named_values(text: str) -> Iterator[Residue]:
    lower = text.translate(_LOWER)
    for name in _KEYS:
        at = lower.find(name)
        while at >= 0:
            start = at + len(name)
            while start < len(text) and start - at - len(name) < 8 and text[start] in " \t\"'*`是为=:>,(?|":
                start += 1
            end = start
            while end < len(text) and not (text[end].isspace() or text[end] in "\"'`,;<>()\\，。；"):
                end += 1
            signs, word = text[at + len(name) : start], text[start:end]
            if any(sign in signs for sign in "=:,是为") and _looks_chosen(word):
                is_sure = len(word) >= 16 and _entropy(word) > 3 and any(sign in signs for sign in "=:\"'`")
                yield Residue("SECRET", start, end, is_sure and _is_called_key(text, start))
            at = lower.find(name, at + len(name))


def _looks_chosen(word: str) -> bool:
    has_both = any(char.isdigit() for char in word) and any(char.isalpha() for char in word)
    is_code = "." in word or "/" in word[:2] or "[" in word or "::" in word
    return 6 <= len(word) <= 200 and word.isascii() and has_both and _is_password(word) and not is_code


_DETECTORS: tuple[Callable[[str], Iterator[Residue]], ...] = (
    _emails, _urls, _networks, find_numbers, find_ibans, _private_keys, _words, _named_values,
)  # fmt: skip
