"""The command `gptmodel`.

Each command reads its arguments, calls one function and prints. Heavy packages are imported by the command that needs
them, so that `--help` and `scrub` answer at once.
"""

from typing import Any

from flows.commands.base import app

# A command is there once its file is imported; `--help` lists them in this order.
# isort: off
from flows.commands import servers, pipeline, models, registry, privacy, benches  # noqa: F401
# isort: on


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the command; arguments default to the process's own."""
    return app(args=arguments, prog_name="gptmodel")


if __name__ == "__main__":
    main()
