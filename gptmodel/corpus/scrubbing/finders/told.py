"""Secrets told in sentences, in the languages of `secret_words.py`: `Das Passwort lautet ...`, `密码改成...`.

Between the word and its value there may be whose it is (`del router`) and a link (`es`, a colon). The less there is
between them, the more the value itself must look like a secret: prose speaks of passwords all the time.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_code, is_jumbled, is_random, is_strong, is_value
from gptmodel.corpus.scrubbing.finders.secret_words import (
    KEYS,
    KEYS_UNSPACED,
    LINKS,
    LINKS_UNSPACED,
    PASSWORDS,
    PASSWORDS_UNSPACED,
    spaced,
)
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_OF_WHAT = r"(?:[ \-][^\s:=：,，。;；!?|<>\"'`(){}\[\]]{1,24}|[ ][(（][^)）\n]{1,30}[)）]){0,7}?"
_LINK = (
    rf"(?:[ \t]{{0,2}}(?:[:：=]|->|→|{LINKS_UNSPACED})|[ \t](?:{LINKS})(?:[ \t]?[:：])?|[ \t]?[:：]?\r?\n[ \t]?\r?\n?)"
)
_VALUE = r"(?:\*\*|[\"'`“„«「『‘<>])?((?![\"'`<(\[{])[!-~]{6,400})"
_PASSWORD_LATIN = spaced("|".join(PASSWORDS.values()))
_KEY_LATIN = spaced("|".join(KEYS.values()))
_PASSWORD = rf"(?:(?<![_.$@/])(?:{_PASSWORD_LATIN}|passcode|pin)(?![A-Za-z0-9_])|{PASSWORDS_UNSPACED})"
_KEY = rf"(?:(?<![_$@/])(?:{_KEY_LATIN})(?![A-Za-z0-9_])|{KEYS_UNSPACED})"
_UNSPACED_OF = r"[^\s:=：,，。;；!?|<>\"'`(){}\[\]A-Za-z0-9]{0,12}"

_TOLD = re.compile(rf"({_PASSWORD}){_UNSPACED_OF}{_OF_WHAT}{_LINK}[ \t]{{0,3}}{_VALUE}", re.IGNORECASE)
_BESIDE = re.compile(rf"({_PASSWORD})[ \t]{{1,2}}{_VALUE}", re.IGNORECASE)
_BESIDE_UNSPACED = re.compile(rf"({PASSWORDS_UNSPACED})[ \t]{{0,2}}{_VALUE}")
_KEY_TOLD = re.compile(rf"({_KEY}){_UNSPACED_OF}{_OF_WHAT}(?:{_LINK}[ \t]{{0,3}}|[ \t]{{1,2}}){_VALUE}", re.IGNORECASE)
# Words of the field that hold digits or signs, measures, dates and versions.
_TERM = re.compile(
    r"(?:sha|md|rfc|iso|utf|ipv|http|https|tls|ssl|wpa|aes|rsa|base|pbkdf|oauth|pkcs|rc|des|win|windows|python|php|mysql|"
    r"java|cve|nist|sp|user|admin|guest|server|host|port|step|section|line|page|chapter|version|level|type|option|item|"
    r"table|figure|node|room|group|zone|ssh|fido|mfa|otp|totp|crypt|bcrypt|scrypt|argon|blake|hmac|pam|ldapv?|smbv?|"
    r"office|apache|nginx|ubuntu|debian|centos|ios|android|part|note|issue|pr|bug|day|week|month|year|no|nr|v)"
    r"[-_ ./]?v?\d+(?:[-.:_]\w{1,8})*|"
    r"\d+(?:st|nd|rd|th|[kmg]?b|bits?|bytes?|chars?|characters?|digits?|letters?|days?|hours?|h|min|minutes?|m|s|sec|"
    r"times?|x|%|d)(?:-\w+)*|\d[\d./:\-]*[tz]?[\d:.+]*z?|v?\d+(?:\.\w+)+|\d+-(?:bit|byte|char\w*|digit|day|hour)s?|"
    r"[a-z]+(?:['’][a-z]+)?(?:[-/][a-z]+)*[/&+][a-z]+(?:[-/&+][a-z]+)*|e\.g\.?|i\.e\.?|[a-z]+\(s\)|[\w.+-]+@[\w-]+\.[\w.-]+",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"public|fingerprint|öffentlich|publi[ck]|foreign|primary|ssh|gpg|pgp|cache|公钥|公開")
_SIGNS = frozenset("#!@$%^&*+=~?_-.")


def find_told(passage: Passage) -> Iterator[Finding]:
    """Find secrets that a sentence tells."""
    for start, _ in passage.labels:
        for pattern, judge in _FORMS:
            match = pattern.match(passage.text, start)
            if match is None:
                continue
            value = _trimmed(match.group(2), passage.char_at(match.end()))
            if judge(value) and is_value(value) and not _PUBLIC.search(passage.before(start, 14)):
                yield Finding(match.start(2), match.start(2) + len(value), "SECRET", "told", RANK_KEYWORD)
                break


def _is_told(value: str) -> bool:
    """Tell whether a value after a clear word and a link looks chosen as a password."""
    return is_strong(value) and not is_code(value) and not _TERM.fullmatch(value)


def _is_plain(value: str) -> bool:
    """Tell whether a value shows without a link that it is a password: signs beside digits, or jumbled letters."""
    if not _is_told(value) or "(" in value or "/" in value:
        return False
    digits = sum(map(str.isdigit, value))
    signs = any(char in _SIGNS for char in value[1:])
    return is_jumbled(value) or (digits > 0 and (signs or digits >= 2) and len(value) >= 8)


def _is_key(value: str) -> bool:
    return is_random(value, 20) and not is_code(value) and not _TERM.fullmatch(value)


def _trimmed(value: str, following: str) -> str:
    """Cut off what belongs to the sentence: closing quotes and marks, but no exclamation mark within a line of text."""
    cut = re.split(r"[\"'`”<>,;]", value.removesuffix("**"))[0].rstrip(".:)]}")
    return cut.rstrip("!?") if not following.strip() or following in "\"'`”" else cut


_FORMS = ((_TOLD, _is_told), (_BESIDE, _is_plain), (_BESIDE_UNSPACED, _is_plain), (_KEY_TOLD, _is_key))
