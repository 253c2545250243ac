"""What is left of an unexpected exception: its kind and its place, never its text, which may quote a document."""

import traceback

from flows.home import open_home
from gptmodel.errors import GPTModelError


def unexpected(error: Exception, what: str = "the command") -> GPTModelError:
    """Give an error to show, and leave the frames without any value in the home's log folder."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    try:
        path = open_home().logs_dir / "last-error.txt"
        path.write_text(f"{frames}{type(error).__module__}.{type(error).__name__}\n")
        found = f" with {path} (it holds no text of yours)"
    except OSError:  # no home to write into, or no space left in it
        found = ""
    return GPTModelError(
        expected=f"{what} to work",
        actual=f"an unexpected {type(error).__name__}",
        mend=f"Please report it{found}; the same command goes on where it stopped.",
    )
