"""Run the command on a disk that fills up while the pack stage writes its tokens."""

import errno
import os
import sys
from typing import Any

from flows.cli import main
from gptmodel import tokens


def fill() -> None:
    """Let the system answer as it does when no space is left."""

    def no_space(*positional: Any, **named: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tokens._write_stream = no_space


if __name__ == "__main__":
    fill()
    main(sys.argv[1:])
