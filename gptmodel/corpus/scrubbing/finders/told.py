"""Secrets told in sentences, in the languages of `secret_words.py`: `Das Passwort lautet ...`, `密码改成...`.

Between the word and its value there may be whose it is (`del router`) and a link (`es`, a colon). The less there is
between them, the more the value itself must look like a secret: prose speaks of passwords all the time.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_code, is_jumbled, is_random, is_strong, is_term, is_value
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

# Whose it is or what for, as few words as lead to the link.
_CHAR = r"(?:[^\s:=：,，。;；!?|<>\"'`(){}\[\]]|(?<=\w)['’](?=\w))"
_OF_WHAT = rf"(?:[ \-]{_CHAR}{{1,24}}|[ ][(（][^)）\n]{{1,30}}[)）]){{0,7}}?"
_MARKUP = r"(?:\*{1,3}|__|</\w{1,6}>)?"
_LINK = (
    rf"(?:[ \t]{{0,2}}{_MARKUP}(?:[:：=]{_MARKUP}|->|→|[ \t][-–—](?=[ \t])|{LINKS_UNSPACED})"
    rf"|[ \t](?:{LINKS})(?:[ \t]?[:：])?|[ \t]?[:：]?\r?\n[ \t]?\r?\n?)"
)
_VALUE = r"(?:\*\*|[\"'`“„«「『‘<>])?((?![\"'`<(\[{])[!-~\u00c0-\u024f]{6,400})"
_PASSWORD_LATIN = spaced("|".join(PASSWORDS.values()))
_KEY_LATIN = spaced("|".join(KEYS.values()))
_PASSWORD = rf"(?:(?<![_.$@/])(?:{_PASSWORD_LATIN}|passcode|pin)(?![A-Za-z0-9_])|{PASSWORDS_UNSPACED})"
_KEY = rf"(?:(?<![_$@/])(?:{_KEY_LATIN})(?![A-Za-z0-9_])|{KEYS_UNSPACED})"
_UNSPACED_OF = r"[^\s:=：,，。;；!?|<>\"'`(){}\[\]A-Za-z0-9]{0,12}"

_TOLD = re.compile(rf"({_PASSWORD}){_UNSPACED_OF}{_OF_WHAT}{_LINK}[ \t]{{0,3}}{_VALUE}", re.IGNORECASE)
_BESIDE = re.compile(rf"({_PASSWORD})[ \t]{{1,2}}{_VALUE}", re.IGNORECASE)
_BESIDE_UNSPACED = re.compile(rf"({PASSWORDS_UNSPACED})[ \t]{{0,2}}{_VALUE}")
_KEY_TOLD = re.compile(rf"({_KEY}){_UNSPACED_OF}{_OF_WHAT}{_LINK}[ \t]{{0,3}}{_VALUE}", re.IGNORECASE)
_KEY_BESIDE = re.compile(rf"({_KEY})[ \t]{{1,2}}{_VALUE}", re.IGNORECASE)
_BEHIND = re.compile(r"[\"'`”<>,;]|&[\w\-]+=")
_EXPRESSION = re.compile(r"\$[{(]|\{\{|%\(|<%|::|->|=>|\(\)|^[A-Za-z][\w.\-]{1,30}=[^=]")
_ABOUT = re.compile(
    r"manager|polic|length|strength|hash|hint|field|file|algorithm|version|format|type|example|generator|rotation|"
    r"requirement|länge|richtlinie|longueur|longitud|lunghezza|lengte|长度|算法|策略|强度|管理|длин|алгоритм",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"public|fingerprint|öffentlich|publi[ck]|foreign|primary|ssh|gpg|pgp|cache|公钥|公開")
_SIGNS = frozenset("#!@$%^&*+=~?_-.")


def find_told(passage: Passage) -> Iterator[Finding]:
    """Find secrets that a sentence tells."""
    for start, _ in passage.labels:
        if _PUBLIC.search(passage.before(start, 14)):
            continue
        for pattern, judge in _FORMS:
            match = pattern.match(passage.text, start)
            value = _trimmed(match.group(2), passage.char_at(match.end())) if match else ""
            if match and judge(value) and is_value(value) and not _speaks_of_other(match, value):
                yield Finding(match.start(2), match.start(2) + len(value), "SECRET", "told", RANK_KEYWORD)
                break


def _speaks_of_other(match: re.Match[str], value: str) -> bool:
    """Tell whether a sentence speaks of passwords in general, or puts an expression or a pin's name for a value."""
    between = match.string[match.end(1) : match.start(2)]
    is_named_pin = match.group(1).lower() == "pin" and not value.isdigit()
    return is_named_pin or _ABOUT.search(between) is not None or _EXPRESSION.search(value) is not None


def _is_told(value: str) -> bool:
    """Tell whether a value after a clear word and a link looks chosen as a password."""
    code = is_code(value) and not any(map(str.isdigit, value))
    return is_strong(value) and not code and not is_term(value)


def _is_plain(value: str) -> bool:
    """Tell whether a value shows without a link that it is a password: signs beside digits, or jumbled letters."""
    if not _is_told(value) or "(" in value or "/" in value:
        return False
    digits = sum(map(str.isdigit, value))
    signs = any(char in _SIGNS for char in value[1:])
    return is_jumbled(value) or (digits > 0 and (signs or digits >= 2) and len(value) >= 8)


def _is_key(value: str) -> bool:
    return is_random(value, 20) and not is_code(value) and not is_term(value)


def _trimmed(value: str, following: str) -> str:
    """Cut off what belongs to the sentence: closing quotes and marks, but no exclamation mark within a line of text."""
    cut = _BEHIND.split(value.removesuffix("**"))[0].rstrip(".:)]}")
    return cut.rstrip("!?") if not following.strip() or following in "\"'`”" else cut


_FORMS = (
    (_TOLD, _is_told),
    (_BESIDE, _is_plain),
    (_BESIDE_UNSPACED, _is_plain),
    (_KEY_TOLD, _is_key),
    (_KEY_BESIDE, _is_key),
)
