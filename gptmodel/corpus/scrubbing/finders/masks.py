"""Values that only stand for a value: `xxxx`, `<password>`, `${TOKEN}`, `your-key-here`, our own placeholders."""

import math
import re
from collections import Counter

_REFERENCE = re.compile(
    r"[<\[{(].*[>\]})]|\$\{?[A-Za-z_][\w.:\-?]*\}?|\$\(.*|\{\{.*\}\}|%\w+%|%\(?\w*\)?[sd]|#\{.*\}|<[^>]*>?|@[\w.]+@|\*+.*|.*\*{3,}.*",
    re.DOTALL,
)
_WORDS = re.compile(
    r"(?:your|my|the|some|any|insert|enter|put|add|change|replace|use|dummy|fake|mock|sample|example|placeholder|todo|"
    r"fixme|tbd|redacted|removed|hidden|secret|password|passwd|pass|pwd|passphrase|token|key|apikey|api|value|here|me|"
    r"this|none|null|nil|undefined|unset|empty|true|false|string|str|int|bool|optional|required|changeme|changeit|user|"
    r"username|login|name|test|xxx+|yyy+|zzz+|foo|bar|baz|n/?a|is|a|an|in|of|to|and|or|not|with|from|type|field|text|"
    r"access|auth|client|private|public|id|default|new|old|admin|root|env|config|required|enabled|disabled|hidden|visible|plain|"
    r"passwort|kennwort|senha|contrase(?:ñ|n)a|wachtwoord)",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z_][\w .:\-]{2,60}>")
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}")
_SPLIT = re.compile(r"[^A-Za-z]+")


def is_masked(value: str) -> bool:
    """Tell whether a value is a mask, a variable's name or a form's hint rather than a secret.

    Example:
        >>> is_masked("${DB_PASSWORD}"), is_masked("your-api-key"), is_masked("s3cr3tPW")
        (True, True, False)
    """
    bare = value.strip().strip("\"'`")
    if len(set(bare.lower())) < 3 or _REFERENCE.fullmatch(bare):
        return True
    if "xxxx" in bare.lower() or "....." in bare or _TAG.search(bare):
        return True
    if _VARIABLE.search(bare):
        return True
    words = [word for word in _SPLIT.split(bare) if word]
    if any(char.isdigit() for char in bare) or sum(map(len, words)) < 0.6 * len(bare):
        return False
    return bool(words) and all(_WORDS.fullmatch(word) for word in words)


def entropy(value: str) -> float:
    """Give Shannon's entropy of a string's characters, in bits a character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
