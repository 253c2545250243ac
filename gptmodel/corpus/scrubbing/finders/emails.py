"""E-mail addresses, plain and written out (`name [at] host dot com`).

Shape after RFC 5321 and RFC 1035; the local part is limited to the characters in use. Names of files, units and
packages that contain an `@` are no addresses.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finding import RANK_EMAIL, Finding

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'&~!#$*") | frozenset(
    map(chr, range(0xC0, 0x250))
)
_LABEL = r"[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,61}[A-Za-z0-9\u00c0-\u024f])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,24}})(?![A-Za-z0-9_])")

_LITERAL = re.compile(r"\[\d{1,3}(?:\.\d{1,3}){3}\]", re.ASCII)

# Endings that name a file, a unit or a module, not a top-level domain.
_NO_DOMAINS = frozenset(
    "png jpg jpeg gif svg webp bmp ico pdf doc docx xls xlsx zip gz tar js mjs cjs jsx ts tsx css scss less json yaml "
    "yml toml xml html htm py pyc rb java class jar cpp hpp txt md rst log csv exe dll bat "
    "service socket target timer mount slice scope device path localhost".split()
)

# How people write the two signs out, by language; a word counts only in brackets, or between words that name both.
_AT_WORDS = (
    "at|ät|arroba|arobase|chiocciola|apenstaartje|snabel-?a|zavin[aá][cč]|ma[lł]pa|kukac|sobaka|собака|shtrudel|"
    "kuyruklu a|在|艾特"
)
_DOT_WORDS = (
    "dot|dt|punkt|punto|point|ponto|punt|piste|pont|tecka|tečka|bodka|kropka|punct|nokta|tochka|точка|点|點|ドット|점"
)
_BRACKET_AT = rf"\s{{0,3}}(?:@|[\[({{<]\s{{0,2}}(?:{_AT_WORDS}|@)\s{{0,2}}[\])}}>]|_at_)\s{{0,3}}"
_DOT = (
    rf"\s{{0,3}}(?:\.|[\[({{<]\s{{0,2}}(?:{_DOT_WORDS}|\.)\s{{0,2}}[\])}}>]|(?<=\s)(?:{_DOT_WORDS})(?=\s)|_dot_)"
    r"\s{0,3}"
)
_NAME = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9]"
_WRITTEN = re.compile(
    rf"{_NAME}(?:[A-Za-z0-9._%+-]|\s{{0,2}}[\[({{]\s?(?:{_DOT_WORDS})\s?[\])}}]\s{{0,2}}){{0,63}}{_BRACKET_AT}"
    rf"[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{1,63}}){{0,4}}{_DOT}[A-Za-z]{{2,24}}(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
_ENDINGS = (
    "com|net|org|edu|gov|io|co|app|dev|me|info|biz|eu|test|invalid|cn|de|uk|fr|es|pt|br|it|nl|be|ch|at|se|no|dk|fi|pl|cz|sk|"
    "hu|ro|ru|ua|tr|gr|jp|kr|in|mx|ar|cl|us|ca|au|nz|ie"
)
_SPOKEN = re.compile(
    "|".join(
        rf"{_NAME}(?:[A-Za-z0-9._%+-]|\s(?:{dot})\s){{0,63}}\s(?:{at})\s[A-Za-z0-9-]{{2,63}}"
        rf"(?:\s(?:{dot})\s[A-Za-z0-9-]{{1,63}}){{0,3}}\s(?:{dot})\s(?:{_ENDINGS})(?![A-Za-z0-9_])"
        for at, dot in (("at", "dot"), ("arroba|arobase|chiocciola", _DOT_WORDS))
    ),
    re.IGNORECASE,
)
_LINE_END = r"=?\r?\n[> \t]{0,3}"
_BROKEN = re.compile(
    rf"[A-Za-z0-9.-]{{0,63}}{_LINE_END}[A-Za-z0-9.-]{{1,63}}(?<=\.)(?:{_ENDINGS})(?![A-Za-z0-9_-])",
)
_ENCODED = re.compile(
    rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._+-]{{0,63}}%40(?:{_LABEL}\.)+[A-Za-z]{{2,24}}(?![A-Za-z0-9_])"
)
_WRITTEN_PART = re.compile(rf"[\[({{<]|\s(?:{_DOT_WORDS})\s|_dot_", re.IGNORECASE)


def find_emails(passage: Passage) -> Iterator[Finding]:
    """Find e-mail addresses."""
    text = passage.text
    at = text.find("@")
    while at >= 0:
        finding = _address_around(text, at)
        if finding:
            yield finding
        at = text.find("@", at + 1)
    written = (_WRITTEN, _SPOKEN, _ENCODED) if passage.is_announced("%40") else (_WRITTEN, _SPOKEN)
    for pattern in written:
        for match in passage.matches(pattern, passage.announced):
            if _is_written_out(match.group()):
                yield Finding(match.start(), match.end(), "EMAIL", "email.written", RANK_EMAIL)


def _address_around(text: str, at: int) -> Finding | None:
    domain = _DOMAIN.match(text, at + 1) or _LITERAL.match(text, at + 1) or _broken_domain(text, at + 1)
    if domain is None:
        return None
    start = at
    while start > 0 and at - start < 64 and text[start - 1] in _LOCAL:
        start -= 1
    while start < at and not text[start].isalnum() and text[start] != "_":
        start += 1
    local, name = text[start:at], domain.group()
    if not local or local[-1] in ".'" or name.rsplit(".", 1)[-1].lower() in _NO_DOMAINS:
        return None
    if text.endswith("://", 0, start):
        return None  # the user of a host, as in https://user@host
    if local == "git" and text[domain.end() : domain.end() + 1] in (":", "/"):
        return None  # a repository's address: git@host:owner/name
    return Finding(start, domain.end(), "EMAIL", "email", RANK_EMAIL)


def _broken_domain(text: str, at: int) -> re.Match[str] | None:
    """Match a domain that the end of a line breaks apart, as in mail and printed text."""
    match = _BROKEN.match(text, at)
    whole = re.sub(_LINE_END, "", match.group()) if match else ""
    return match if _DOMAIN.fullmatch(whole) else None


def _is_written_out(value: str) -> bool:
    """Tell whether the at sign or a dot is written out; `a @ b.com` alone may be prose."""
    return "@" not in value or ("@" in value.strip("@") and _WRITTEN_PART.search(value) is not None)
