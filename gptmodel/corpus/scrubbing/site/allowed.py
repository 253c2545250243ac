"""The site's allow file: values, one a line, that are never replaced, such as its public addresses and numbers.

They are compared in their normal form: e-mail addresses and names without their case, numbers without their separators.
"""

from dataclasses import dataclass
from pathlib import Path

from gptmodel.corpus.scrubbing.replacing.normal_forms import normal_form, normal_forms
from gptmodel.corpus.scrubbing.site.value_files import read_values


@dataclass(frozen=True)
class Allowed:
    """The allowed values, in every normal form that they can be written in."""

    forms: frozenset[tuple[str, str]]

    def __call__(self, kind: str, value: str) -> bool:
        """Tell whether a value that was found as this kind is allowed."""
        return normal_form(kind, value) in self.forms

    @property
    def digest(self) -> str:
        """Digest of the set."""
        from gptmodel.store import digest_of  # the preview runs before the store's packages are installed

        return digest_of(sorted(self.forms))


def read_allowed(path: Path) -> Allowed:
    """Read the allow file.

    Raises:
        ConfigError: It can't be read.
    """
    values = read_values(path, "scrubbing.allow_file")
    return Allowed(frozenset(form for _, value in values for form in normal_forms(value)))
