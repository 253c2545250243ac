"""The two keys of keyed hashes: the home's own, made once, and the pseudonym key that a person gives.

A key never stands in a config, a log, an artifact, a manifest or an exception; what is told of it is its id. The home's
key makes the index of findings and the erasure marks, which say nothing without it; pseudonyms need a key that
outlives a home, so that the same person stays the same across homes and years.
"""

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gptmodel.errors import ConfigError

PSEUDONYM_KEY = "GPTMODEL_PSEUDONYM_KEY"
"""Environment variable with the pseudonym key itself."""
PSEUDONYM_KEY_FILE = "GPTMODEL_PSEUDONYM_KEY_FILE"
"""Environment variable with the path of a file that holds it, readable by its owner alone."""

MIN_KEY_CHARS = 16
_NUM_HEX = 32


@dataclass(frozen=True)
class Keys:
    """The keys at hand; neither shows in a repr.

    Attributes:
        home: Key of this home's hashes; None outside a home, where no index is kept.
        pseudonyms: Key of consistent pseudonyms; None if nobody gave one.
    """

    home: bytes | None = field(default=None, repr=False)
    pseudonyms: bytes | None = field(default=None, repr=False)


NO_KEYS = Keys()


def keyed_hash(key: bytes, *parts: str) -> str:
    """Give the HMAC-SHA256 of texts under a key: its first 32 hex digits.

    Args:
        key: The key.
        parts: The texts, kept apart from each other: ("ab", "c") and ("a", "bc") differ.

    Source: RFC 2104.
    """
    message = b"".join(len(raw).to_bytes(8) + raw for raw in (part.encode("utf-8", "surrogatepass") for part in parts))
    return hmac.digest(key, message, "sha256").hex()[:_NUM_HEX]


def key_id(key: bytes) -> str:
    """Give the name by which a key may be told from another: 12 hex digits that say nothing of it."""
    return keyed_hash(key, "key id")[:12]


def home_key(path: Path) -> bytes:
    """Give the key in a file, made on first use with owner-only permissions.

    Raises:
        ConfigError: Others may read the file, or it holds no key.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        key = secrets.token_hex(32)
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key.encode()


def pseudonym_key() -> bytes | None:
    """Give the pseudonym key of the environment, itself or from the file it names; None if it names none.

    Raises:
        ConfigError: The key is too short, or others may read its file.
    """
    if text := os.environ.get(PSEUDONYM_KEY):
        return _checked(text, f"the environment variable {PSEUDONYM_KEY}")
    if name := os.environ.get(PSEUDONYM_KEY_FILE):
        return _read(Path(name).expanduser())
    return None


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            expected=f"a readable key file at {path}",
            actual=getattr(error, "strerror", None) or "bytes that are no text",
            mend=f"Make one: (umask 077; head -c 32 /dev/urandom | base64 > {path})",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            expected=f"a key file that its owner alone may read: {path}",
            actual=f"permissions {stat.S_IMODE(mode):04o}",
            mend=f"chmod 600 {path}; if others may have read it, make a new key.",
        )
    return _checked(text, str(path))


def _checked(text: str, where: str) -> bytes:
    if len(text) < MIN_KEY_CHARS:
        raise ConfigError(
            expected=f"a key of at least {MIN_KEY_CHARS} characters in {where}",
            actual=f"{len(text)} characters",
            mend="Make one: head -c 32 /dev/urandom | base64",
        )
    return text.encode()
