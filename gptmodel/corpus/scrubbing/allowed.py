"""The site's allow file: values, one a line, that are never replaced, such as its public addresses and numbers.

They are compared in a normal form: e-mail addresses and names without their case, numbers without their separators.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from gptmodel.corpus.scrubbing.passage import fold_all
from gptmodel.corpus.scrubbing.values import read_values

_SEPARATORS = re.compile(r"[\s().\-/]+")
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_NUMBER = re.compile(r"(?=.*\d)[A-Z0-9+\s().\-/]+", re.IGNORECASE)


@dataclass(frozen=True)
class Allowed:
    """The allowed values, in their normal form."""

    values: frozenset[str]

    def __call__(self, value: str) -> bool:
        """Tell whether a value is allowed."""
        return normal_value(value) in self.values

    @property
    def digest(self) -> str:
        """Digest of the set."""
        from gptmodel.store import digest_of  # the preview runs before the store's packages are installed

        return digest_of(sorted(self.values))


def read_allowed(path: Path) -> Allowed:
    """Read the allow file.

    Raises:
        ConfigError: It can't be read.
    """
    return Allowed(frozenset(normal_value(value) for _, value in read_values(path, "scrubbing.allow_file")))


def normal_value(value: str) -> str:
    """Give the form in which values are compared.

    Example:
        >>> normal_value("Info@Example.com"), normal_value("+49 (30) 901-820"), normal_value("1.1.1.1")
        ('info@example.com', '+4930901820', '1.1.1.1')
    """
    folded = fold_all(value).strip().casefold()
    if _NUMBER.fullmatch(folded) and not _ADDRESS.fullmatch(folded):
        return _SEPARATORS.sub("", folded)
    return _SPACE.sub(" ", folded)
