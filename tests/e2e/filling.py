"""Run the command on a disk that fills up while a stage, named by the first argument, writes its output."""

import errno
import os
import sys
from typing import Any

from flows.cli import main


def fill(stage: str) -> None:
    """Let the system answer as it does when no space is left.

    Args:
        stage: `pack`, which writes tokens itself, or `train`, whose writer tells the system's answer in words alone.
    """
    if stage == "pack":
        from gptmodel.tokens import packing

        packing.write_stream = _no_space  # type: ignore[attr-defined]
    elif stage == "train":
        import safetensors.torch

        safetensors.torch.save_file = _no_space_in_words
    else:
        raise SystemExit(f"pack or train, not {stage}")


def _no_space(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _no_space_in_words(*_: Any, **__: Any) -> Any:
    from safetensors import SafetensorError

    raise SafetensorError(f"Error while serializing: I/O error: No space left on device (os error {errno.ENOSPC})")


if __name__ == "__main__":
    fill(sys.argv[1])
    main(sys.argv[2:])
