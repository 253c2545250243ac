"""The modules that a registered model carries with it, so that it runs where gptmodel is not installed.

`tracking` calls this when it registers. Only what the served model imports is copied: a server needs no orchestrator,
and each file is one request to the tracking server. Nothing is imported here, sources are read as text.
"""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

_SERVED = "pyfunc.py"  # the served model's code, which MLflow itself copies beside the package


def copy_served_code(folder: Path) -> Path:
    """Copy the package as far as a served model needs it; return the package's folder."""
    root = Path(__file__).resolve().parent
    package = folder / "gptmodel"
    for name in sorted(_served_modules(root)):
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    return package


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
