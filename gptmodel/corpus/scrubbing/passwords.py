"""Passwords, keys and tokens that are known by their label: `password = ...`, `"api_key": "..."`, `密码：...`.

The label is found by one linear-time pass (RE2); the value decides. Paths, calls, names of variables, types, masks and
words of prose are no secrets. A random-looking value is asked for where the label says little (`key`, `token`).
"""

import itertools
import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding
from gptmodel.corpus.scrubbing.masks import entropy, is_masked
from gptmodel.corpus.scrubbing.passage import Passage, linear

_STRONG = "passwords?|passwd|pwd|passphrase|passcode|pass|secrets?|credentials?|creds?|密码|口令|密钥|密匙|暗号"
_LABELLED = (
    r"((?:passwords?|passwd|pwd|passphrase|passcode|pass|secret|credential|creds?|token|api[ _\-.]?key|"
    r"access[ _\-.]?key|auth[ _\-.]?key|key|auth|login)[a-z0-9_\-.]{0,24})[\"'\]\)]{0,2}"
    r"[ \t]{0,4}(?:[:?!<=]{0,3}=>?|:|\|\|:?|,)[ \t]{0,4}"
)
_LABEL = re.compile(rf"(?:{_STRONG})", re.IGNORECASE)

_PASSING = re.compile(r"pass(?!\b|[_\-.\d]|w|p|c)")
_QUOTED = re.compile(r"[@bru]?(\"|'|`)((?:\\.|(?!\1)[^\\\n]){4,300})\1")
_BARE = re.compile(r"[^\s\"'`,;，；。、<>|]{6,300}")
_TYPE_OR_CALL = re.compile(
    r"[A-Za-z_][\w.]*\s*[(\[{].*|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+[;,)]?|[A-Za-z_]+(?:_[A-Za-z]+)*[;,)\]}:]*|\d{1,5}"
)
_PATH = re.compile(
    r"(?:\.{0,2}/|~/|[A-Za-z]:\\|\\\\|https?:|file:|s3:|www\.).*|[\w.\-]+(?:/[\w.\-]+){2,}"
    r"|.*\.(?:py|js|json|ya?ml|txt|pem|key|crt|md|html|php|go|java|rb|sh|conf|cfg|ini|toml)"
)
_UUID_OR_HASH = re.compile(r"(?:sha\d+|md5)[:\-].*", re.IGNORECASE)
_HEADER = re.compile(
    r"(?i)\b(?:authorization|proxy-authorization)[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer|basic|token|digest)\s+([A-Za-z0-9._~+/=\-]{8,400})"
)
_COMMAND = re.compile(
    r"(?:--password|--pass|--token|--secret|--api-key|--passphrase)[ =]([^\s\"']{6,200})"
    r"|curl [^\n]{0,200}?(?:-u|--user) [\"']?[^\s:\"']+:([^\s\"']{4,100})"
)
_SENTENCE = re.compile(
    r"(?:password|passcode|passphrase|密码|口令)\s{0,2}(?:is|was|为|是)\s{0,2}[:：]?\s{0,2}"
    r"[\"'“‘`]?([^\s\"'“”‘’`，。；,;<>]{6,64})",
    re.IGNORECASE,
)


def find_passwords(passage: Passage) -> Iterator[Finding]:
    """Find secrets by their label."""
    for match in linear(_LABELLED).finditer(passage.ascii_lower):
        label, end = passage.text[match.start(1) : match.end(1)], match.end()
        if _says_otherwise(passage, label.lower(), match.start(1)):
            continue
        finding = _value_at(passage.text, label, end, quoted_only="," in passage.text[match.end(1) : end])
        if finding:
            yield finding
    if passage.has_han:
        yield from _chinese(passage.text)
    yield from _headers_and_commands(passage)


def _says_otherwise(passage: Passage, label: str, start: int) -> bool:
    """Tell whether a label names an identifier, a public key, or only sounds like one (compass, monkey)."""
    if label.endswith("id") or label.endswith("ids") or "public" in passage.before(start, 8):
        return True
    if _PASSING.match(label):
        return True
    return label in ("pass", "key", "keys") and passage.char_at(start - 1).isalpha()


def _chinese(text: str) -> Iterator[Finding]:
    for match in _CHINESE_LABEL.finditer(text):
        finding = _value_at(text, match.group(), match.end())
        if finding:
            yield finding


_CHINESE_LABEL = re.compile(
    r"(?:密码|口令|密钥|密匙|令牌|授权码|密碼)(?:[（(][^）)\n]{0,12}[）)])?\s{0,2}(?:是|为|[:=：])\s{0,2}"
)


def _headers_and_commands(passage: Passage) -> Iterator[Finding]:
    low = passage.ascii_lower
    if b"authorization" in low:
        for match in _HEADER.finditer(passage.text):
            if _is_random(match.group(1)) and not is_masked(match.group(1)):
                yield Finding(match.start(1), match.end(1), "SECRET", "header.authorization", RANK_KEYWORD)
    if b"--" in low or b"curl " in low:
        for match in _COMMAND.finditer(passage.text):
            group = 1 if match.group(1) else 2
            if _is_strong_value(match.group(group)):
                yield Finding(match.start(group), match.end(group), "SECRET", "command", RANK_KEYWORD)
    if b"passw" in low or b"passp" in low or b"passc" in low:
        for match in _SENTENCE.finditer(passage.text):
            value = match.group(1).rstrip(".!?)")
            if any(char.isdigit() for char in value) and _is_strong_value(value):
                yield Finding(match.start(1), match.start(1) + len(value), "SECRET", "sentence", RANK_KEYWORD)


def _value_at(text: str, label: str, at: int, quoted_only: bool = False) -> Finding | None:
    quoted = _QUOTED.match(text, at)
    if quoted:
        value, start = quoted.group(2), quoted.start(2)
        good = _is_quoted_secret(value, bool(_LABEL.search(label)))
    else:
        bare = _BARE.match(text, at)
        if bare is None or quoted_only or text[at] in "({[-" or not bare.group().isascii():
            return None
        value, start = _trimmed(bare.group()), bare.start()
        if "://" in value or (text[bare.end() : bare.end() + 1] in "<>" and value.endswith(("<", ">"))):
            return None
        good = _is_strong_value(value) if _LABEL.search(label) else _is_random(value)
        good = good and not _TYPE_OR_CALL.fullmatch(value)
    if not good or is_masked(value) or _is_path(value) or _UUID_OR_HASH.fullmatch(value):
        return None
    return Finding(start, start + len(value), "SECRET", "label", RANK_KEYWORD)


def _trimmed(value: str) -> str:
    cut = value.rstrip(".!?:")
    while cut and cut[-1] in ")]}" and cut.count({")": "(", "]": "[", "}": "{"}[cut[-1]]) < cut.count(cut[-1]):
        cut = cut[:-1]
    return cut.split("&")[0] if "&" in cut and "=" in cut.split("&", 1)[1] else cut


def _is_quoted_secret(value: str, strong: bool) -> bool:
    if not strong:
        signs = {char for char in value if not char.isalnum() and char not in " _-./:"}
        return _is_random(value) or (len(signs) >= 4 and len(value) >= 12 and " " not in value)
    if value.startswith("-") or not any(map(str.isalnum, value)):
        return False
    words = value.split()
    if len(words) > 1 and (len(words) > 3 or all(word.isalpha() for word in words)):
        return False  # prose, not a secret
    return (len(value) >= 6 and not re.fullmatch(r"[A-Za-z_][\w.\-]*", value)) or _is_strong_value(value)


def _is_strong_value(value: str) -> bool:
    """Tell whether a bare value after a clear label mixes characters as secrets do."""
    if len(value) < 6 or is_masked(value) or _is_path(value):
        return False
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if digits == len(value):
        return 6 <= digits <= 12 and len(set(value)) > 3
    if not digits:
        camel = any(a.islower() and b.isupper() for a, b in itertools.pairwise(value))
        signs = sum(not char.isalnum() and char not in "_-." for char in value)
        return letters >= 3 and (
            (signs >= 2 and "(" not in value) or (camel and len(value) >= 16 and entropy(value) > 3.6)
        )
    return letters > 0 and len(set(value)) >= 5


def _is_path(value: str) -> bool:
    """Tell whether a value is a path or file name; a long random string may hold slashes too."""
    if not _PATH.fullmatch(value):
        return False
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value)) and any(map(str.isdigit, value))
    return not (len(value) >= 32 and mixed and entropy(value) >= 4.3 and value[0].isalnum())


def _is_random(value: str) -> bool:
    """Tell whether a value looks drawn by a machine: long, letters and digits mixed, many different ones."""
    if len(value) < 14 or " " in value or is_masked(value) or _is_path(value):
        return False
    digits = sum(char.isdigit() for char in value)
    if digits == len(value):
        return digits >= 15 and entropy(value) >= 2.5
    return digits >= 2 and entropy(value) >= 2.9 and not _worded(value)


def _worded(value: str) -> bool:
    """Tell whether a value is words joined by hyphens, dots or underscores, with a number here and there."""
    parts = re.split(r"[-_./:]", value)
    plain = sum(bool(re.fullmatch(r"[A-Z]?[a-z]{2,}\d{0,2}|\d{1,4}|[A-Z]{2,}\d{0,2}|v\d+", part)) for part in parts)
    return len(parts) > 1 and plain >= len(parts) - 1
