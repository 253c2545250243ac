"""Tell a secret from what only stands where a secret could: paths, calls, names of variables, types, prose.

Pure functions over one value. What label or command announces a value is the business of `passwords.py` and
`commands.py`; masks such as `xxxx` or `${TOKEN}` that of `masks.py`.
"""

import itertools
import re

from gptmodel.corpus.scrubbing.finders.masks import entropy, is_masked

_TYPE_OR_CALL = re.compile(
    r"[A-Za-z_][\w.]*\s*[(\[{].*|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+[;,)]?|[A-Za-z_]+(?:_[A-Za-z]+)*[;,)\]}:]*|\d{1,5}"
)
_PATH = re.compile(
    r"(?:\.{0,2}/|~/|[A-Za-z]:\\|\\\\|https?:|file:|s3:|www\.).*|[\w.\-]+(?:/[\w.\-]+){2,}"
    r"|.*\.(?:py|js|json|ya?ml|txt|pem|key|crt|md|html|php|go|java|rb|sh|conf|cfg|ini|toml)"
)
_DIGEST = re.compile(r"(?:sha\d+|md5)[:\-].*|[a-z_]+(?:\|[a-z_]+(?::[\w,]+)?)+", re.IGNORECASE)
# Words of the field that hold digits or signs, measures, dates and versions.
_TERM = re.compile(
    r"(?:sha|md|rfc|iso|utf|ipv|http|https|tls|ssl|wpa|aes|rsa|base|pbkdf|oauth|pkcs|rc|des|win|windows|python|php|mysql|"
    r"java|cve|nist|sp|user|admin|guest|server|host|port|step|section|line|page|chapter|version|level|type|option|item|"
    r"table|figure|node|room|group|zone|ssh|fido|mfa|otp|totp|crypt|bcrypt|scrypt|argon|blake|hmac|pam|ldapv?|smbv?|"
    r"office|apache|nginx|ubuntu|debian|centos|ios|android|part|note|issue|pr|bug|day|week|month|year|no|nr|v)"
    r"[-_ ./]?v?\d+(?:[-.:_]\w{1,8})*|"
    r"\d+(?:st|nd|rd|th|[kmg]?b|bits?|bytes?|chars?|characters?|digits?|letters?|days?|hours?|h|min|minutes?|m|s|sec|"
    r"times?|x|%|d)(?:-\w+)*|\d+[./:\-][\d./:\-]*[tz]?[\d:.+]*z?|v?\d+(?:\.\w+)+|\d+-(?:bit|byte|char\w*|digit|day|hour)s?|"
    r"[a-z]+(?:['’][a-z]+)?(?:[-/][a-z]+)*[/&+][a-z]+(?:[-/&+][a-z]+)*|e\.g\.?|i\.e\.?|[a-z]+\(s\)|[\w.+-]+@[\w-]+\.[\w.-]+",
    re.IGNORECASE,
)
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_INSTRUCTION = re.compile(r"\b(?:your|enter|type|please|must|new|old|confirm|invalid|wrong|passwords?|secret|the|a)\b")


def is_value(value: str) -> bool:
    """Tell whether a value is one at all: no mask, no path, no digest of a file."""
    return not (is_masked(value) or is_path(value) or _DIGEST.fullmatch(value))


def is_code(value: str) -> bool:
    """Tell whether a bare value is a call, a type, a name or a small number."""
    return bool(_TYPE_OR_CALL.fullmatch(value)) and not is_jumbled(value)


def is_term(value: str) -> bool:
    """Tell whether a value is a word of the field, a measure, a date, a version, or two words joined by a sign.

    Example:
        >>> is_term("SHA-256"), is_term("128bit"), is_term("read/write"), is_term("Girasol_9981")
        (True, True, True, False)
    """
    return bool(_TERM.fullmatch(value))


def is_literal(value: str) -> bool:
    """Tell whether a value stands for itself: no mask, path or digest, no code, term, address or call."""
    return is_value(value) and not is_code(value) and not is_term(value) and "://" not in value and "(" not in value


def is_strong(value: str) -> bool:
    """Tell whether a bare value after a clear label mixes characters as secrets do."""
    if len(value) < 6 or is_masked(value) or is_path(value):
        return False
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if digits == len(value):
        return 6 <= digits <= 12 and len(set(value)) > 3
    if digits:
        return letters > 0 and len(set(value)) >= 5
    camel = any(a.islower() and b.isupper() for a, b in itertools.pairwise(value))
    mixed = any(map(str.islower, value)) and any(map(str.isupper, value[1:]))
    signs = sum(not char.isalnum() and char not in "_-." for char in value)
    if letters < 3 or "(" in value:
        return False
    if signs >= 2 or (signs and mixed):
        return True
    return camel and (is_jumbled(value) or (len(value) >= 16 and entropy(value) > 3.6))


def is_quoted_secret(value: str) -> bool:
    """Tell whether a quoted value after a clear label is a secret; a quoted sentence is none, a passphrase is one."""
    if value[0] in "- " or not any(map(str.isalnum, value)):
        return False
    words = value.split()
    if len(words) > 1 and (len(words) > 3 or all(word.isalpha() for word in words)):
        return len(words) >= 4 and re.fullmatch(r"[a-z ]+", value) is not None and not _INSTRUCTION.search(value)
    return (len(value) >= 6 and not re.fullmatch(r"[A-Za-z_][\w.\-]*", value)) or is_strong(value)


def is_random(value: str, least: int = 14) -> bool:
    """Tell whether a value looks drawn by a machine: long, letters and digits mixed, many different ones."""
    if len(value) < least or " " in value or is_masked(value) or is_path(value):
        return False
    digits = sum(char.isdigit() for char in value)
    if digits == len(value):
        return digits >= 15 and entropy(value) >= 2.5
    if digits < 2:
        encoded = len(value) >= 32 and digits == 1 and ("/" in value or "+" in value) and entropy(value) >= 4.3
        return encoded or (len(value) >= min(20, least + 4) and is_jumbled(value) and entropy(value) >= 3.3)
    return entropy(value) >= 2.9 and not _is_worded(value)


def is_odd(value: str) -> bool:
    """Tell whether a value has many different signs, as no word, name or number has."""
    signs = {char for char in value if not char.isalnum() and char not in " _-./:"}
    return len(signs) >= 4 and len(value) >= 12 and " " not in value


def is_jumbled(value: str) -> bool:
    """Tell whether the letters change case at random instead of at the beginnings of words.

    Example:
        >>> is_jumbled("ErhwNLkPZrkJ"), is_jumbled("getUserPassword")
        (True, False)
    """
    humps = _HUMP.findall(value)
    return len(humps) >= 4 and sum(map(len, humps)) < 3 * len(humps)


def is_unbalanced(value: str) -> bool:
    """Tell whether the brackets do not pair, so that the value can be no expression."""
    opened: list[str] = []
    for char in value:
        if char in "([{":
            opened.append(char)
        elif char in _CLOSING and (not opened or opened.pop() != _CLOSING[char]):
            return True
    return bool(opened)


def is_path(value: str) -> bool:
    """Tell whether a value is a path or file name; a long random string may hold slashes too."""
    if not _PATH.fullmatch(value):
        return False
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value)) and any(map(str.isdigit, value))
    begins = value[0].isalnum() or (value[0] == "/" and value.endswith("="))
    return not (len(value) >= 32 and mixed and entropy(value) >= 4.3 and begins)


def _is_worded(value: str) -> bool:
    """Tell whether a value is words joined by hyphens, dots or underscores, with a number here and there."""
    parts = re.split(r"[-_./:]", value)
    if not all(part.isalnum() for part in parts):
        return False
    plain = sum(bool(re.fullmatch(r"[A-Z]?[a-z]{2,}\d{0,2}|\d{1,4}|[A-Z]{2,}\d{0,2}|v\d+", part)) for part in parts)
    return len(parts) > 1 and plain >= len(parts) - 1 and max(map(len, parts)) < 16
