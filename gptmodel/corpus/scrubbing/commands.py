"""Secrets in command lines, HTTP headers, sentences, and beside a user's name.

Each form announces a secret at one exact place; `secret_values.py` judges what stands there.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding
from gptmodel.corpus.scrubbing.masks import is_masked
from gptmodel.corpus.scrubbing.passage import Passage, linear
from gptmodel.corpus.scrubbing.secret_values import is_code, is_odd, is_random, is_strong

_HEADER = re.compile(
    r"(?i)\b(?:authorization|proxy-authorization)[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer|basic|token|digest|apikey)\s+([A-Za-z0-9._~+/=\-]{8,400})"
)
_FLAG = re.compile(
    r"(?i)--[a-z\-]{0,24}(?:password|passwd|pass|token|secret|api-?key|passphrase|access-key|auth-key)"
    r"(?:[ =]|\s\"|\s')[\"']?([^\s\"']{6,200})"
)
_USER = re.compile(r"curl\b[^\n]{0,200}?\s(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']+:([^\s\"']{4,100})")
_SHORT = re.compile(
    r"(?:\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,80}? -p|\bsshpass -p ?|\bredis-cli\b[^\n|;]{0,60}? -a |"
    r"\b(?:docker|podman|helm|az|oc|skopeo)\b[^\n|;]{0,40} login\b[^\n|;]{0,80}? -p[ =]?|"
    r"\bnet user \S{1,40} |\bcmdkey\b[^\n]{0,80}?/pass:|\bhtpasswd -b\w* \S+ \S+ )[\"']?([^\s\"']{6,100})"
)
_SHORT_MARKS = (b" -p", b"net user ", b" -a ", b"/pass:", b"htpasswd")
_NAMED = r"\w*(?:PASSWORD|PASSWD|PASS|TOKEN|SECRET|KEY|password|passwd|token|secret|key)"
_SPACED = re.compile(
    rf"(?m)(?:\bmachine \S+ login \S+ password |^[ \t]*(?:requirepass|masterauth|password)[ \t]+|"
    rf"^[ \t]*(?:ENV|ARG|set|setenv|export)[ \t]+{_NAMED}[ \t]+)[\"']?([^\s\"'=]{{6,200}})"
)
_SPACED_SIEVE = (
    r"machine .{1,80} password |(?:requirepass|masterauth|\npassword|\n {1,8}password|^password)[ \t]+[^ \t]|"
)
_SPACED_SIEVE += r"(?:env|arg|set|setenv|export)[ \t]+\w*(?:pass|token|secret|key)\w{0,8}[ \t]+[^ \t]"
_SENTENCE = re.compile(
    r"(?:password|passcode|passphrase|\bpin|密码|口令)(?: for [\w.@\- ]{1,30})?\s{0,2}(?:is|was|为|是)(?: now| set to)?\s{0,2}[:：]?"
    r"\s{0,2}[\"'“‘`]?([^\s\"'“”‘’`，。；,;<>]{6,64})",
    re.IGNORECASE,
)
_SENTENCE_SIEVE = r"(?:passw|passcode|passphrase|\bpin\b)[^\n]{0,42}\b(?:is|was)\b"
_PAIR = re.compile(
    r"(?<![A-Za-z])(?:user(?:[ _]?name)?|login|user[ _]?id|account|用户名?|账号|帐号)[ \t]{0,2}[:=：]?[ \t]{0,2}([^\s,;:=，；]{2,64})"
    r"[\s,;，；/]{1,4}(?:pass(?:word|wd|phrase)?|pwd|pw|密码|口令)[ \t]{0,2}[:=：]?[ \t]{0,2}([^\s,;，；]{3,64})",
    re.IGNORECASE,
)
_PAIR_SIEVE = r"(?:user|login|account)[^\n]{1,80}[\s,;/](?:pass|pwd|pw)"
_STOP_WORDS = frozenset(
    "and or is are was the a an for with in of to as by on not be can must may will has have should name id names "
    "authentication protected required prompt field fields reset login auth file change input manager".split()
)


def find_commands(passage: Passage) -> Iterator[Finding]:
    """Find secrets in commands, headers and sentences."""
    low, text = passage.ascii_lower, passage.text
    if b"authorization" in low:
        for match in _HEADER.finditer(text):
            if is_random(match.group(1)) and not is_masked(match.group(1)):
                yield _finding(match, "header.authorization")
    if b"--" in low:
        yield from _strong(_FLAG, text)
    if b"curl" in low:
        yield from _strong(_USER, text)
    if any(mark in low for mark in _SHORT_MARKS):
        yield from _strong(_SHORT, text)
    if linear(_SPACED_SIEVE).search(low):
        yield from _strong(_SPACED, text)
    chinese = passage.has_han and any(word in text for word in ("密码", "口令"))
    if chinese or linear(_SENTENCE_SIEVE).search(low):
        yield from _sentences(text)
    if chinese or linear(_PAIR_SIEVE).search(low):
        yield from _pairs(text)


def _strong(pattern: re.Pattern[str], text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        value = match.group(1)
        if (is_strong(value) or is_odd(value)) and not is_code(value):
            yield _finding(match, "command")


def _sentences(text: str) -> Iterator[Finding]:
    for match in _SENTENCE.finditer(text):
        value = match.group(1).rstrip(".!?:)")
        if is_strong(value) and not is_code(value):
            yield Finding(match.start(1), match.start(1) + len(value), "SECRET", "sentence", RANK_KEYWORD)


def _pairs(text: str) -> Iterator[Finding]:
    for match in _PAIR.finditer(text):
        user, value = match.group(1), match.group(2).rstrip(".!?)\"'")
        marked = any(mark in text[match.start() : match.start(2)] for mark in ":=：\n") or any(map(str.isdigit, value))
        words = {user.lower(), value.lower()} & _STOP_WORDS
        if marked and not words and len(value) >= 3 and not is_masked(value) and value.isascii() and "<" not in value:
            start = match.start(2) + (match.group(2)[0] in "\"'")
            yield Finding(start, match.start(2) + len(value), "SECRET", "pair", RANK_KEYWORD)


def _finding(match: re.Match[str], rule: str) -> Finding:
    return Finding(match.start(1), match.end(1), "SECRET", rule, RANK_KEYWORD)
