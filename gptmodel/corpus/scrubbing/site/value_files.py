"""Files with one value a line, as the allow file and the roster are. No message shows a value."""

from collections.abc import Iterator
from pathlib import Path

from gptmodel.errors import ConfigError


def read_values(path: Path, setting: str) -> Iterator[tuple[int, str]]:
    """Give the lines of a file of values with their numbers, bare of the space around them; empty ones are left out.

    Args:
        path: The file, as UTF-8.
        setting: Name of the setting that names it, for the error.

    Raises:
        ConfigError: The file is missing, can't be read or is no UTF-8.
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            expected=f"a readable file of values at {path} ({setting})",
            actual=getattr(error, "strerror", None) or "bytes that are no UTF-8",
            mend="Write one value a line, as UTF-8, or leave the setting out.",
        ) from None
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return ((number, line) for number, line in lines if line)
