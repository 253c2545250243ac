"""The code that a registered model carries with it, so that it runs where gptmodel is not installed.

Two ways lead to it. For MLflow, `tracking` copies the modules that the served model imports and no more: a server needs
no orchestrator, and each file is one request to the tracking server. For everybody else, `bundle` puts one file into
the model folder, `load.py`, which needs torch and tokenizers alone. Nothing is imported here, sources are read as text.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_SERVED = "pyfunc.py"  # the served model's code, which MLflow itself copies beside the package

_STANDALONE = ("errors.py", "model.py", "standalone.py")  # in the order in which they need each other
_OWN_IMPORT = re.compile(r"^from gptmodel\.\w+ import .+\n", re.MULTILINE)
_HEADER = """\
# Loads the model of this folder and lets it speak; Python 3.11 or later with torch and tokenizers is all it needs:
#     python load.py "The function returns"
# The files errors.py, model.py and standalone.py of gptmodel in one, as they were when the model was registered.
# Licence: Apache-2.0.

"""


def copy_served_code(folder: Path) -> Path:
    """Copy the package as far as a served model needs it; return the package's folder."""
    root = Path(__file__).resolve().parent
    package = folder / "gptmodel"
    for name in sorted(_served_modules(root)):
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    return package


def loading_code() -> str:
    """Give the text of `load.py`: the error tree, the model and what reads a model folder, in one file."""
    root = Path(__file__).resolve().parent
    parts = (_OWN_IMPORT.sub("", (root / name).read_text(encoding="utf-8")) for name in _STANDALONE)
    return _HEADER + "\n\n".join(parts)


def _served_modules(root: Path) -> set[str]:
    found, todo = {"__init__.py"}, list(_imported_files(root, root / _SERVED))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _imported_files(root, root / name)
    return found


def _imported_files(root: Path, file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "gptmodel":
            parts = (node.module or "").split(".")[1:]
            for path in [parts, *([*parts, alias.name] for alias in node.names)]:
                yield from _files_of(root, path)


def _files_of(root: Path, parts: list[str]) -> Iterator[str]:
    for depth in range(1, len(parts) + 1):
        base = root.joinpath(*parts[:depth])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                yield path.relative_to(root).as_posix()
