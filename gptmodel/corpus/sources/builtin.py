"""Text that needs no download: the documentation CPython carries, and the sample beside the package.

`builtin:python-docs` is one document for each topic of `pydoc_data.topics` and one for each module of the standard
library, made of its docstrings; sources are parsed, never imported. `builtin:sample` is the folder data/sample of a
checkout. Called by locations and sources.
"""

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import gptmodel
from gptmodel.corpus.sources.quarantine import NotTextError, Rejected
from gptmodel.corpus.sources.records import Item, Record
from gptmodel.corpus.sources.streams import InputFile
from gptmodel.errors import SourceError

PYTHON_DOCS = "builtin:python-docs"
SAMPLE = "builtin:sample"
NAMES = (PYTHON_DOCS, SAMPLE)

TOPICS_FILE = "topics"

# Tests are no documentation; the rest is vendored, generated, or belongs to whoever installed it.
_LEFT_OUT = frozenset(
    {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "_bundled", "lib-dynload"}
)
_LEFT_OUT_PREFIXES = ("config-", "_sysconfigdata", "__phello__", "_pyrepl")

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def sample_dir() -> Path:
    """Give the folder of the committed sample.

    Raises:
        SourceError: The package does not lie in a checkout.
    """
    folder = Path(gptmodel.__file__).resolve().parent.parent / "data" / "sample"
    if not folder.is_dir():
        raise SourceError(
            expected="the folder data/sample of a checkout (builtin:sample)",
            actual="a package installed without it",
            mend="Run from a checkout of the project, or name a folder of your own with --source DIR.",
        )
    return folder


def python_docs_files() -> dict[str, Path]:
    """List the files that `builtin:python-docs` reads, by path within the source.

    Raises:
        SourceError: This Python carries no readable standard library.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    files = {f"lib/{path.relative_to(root).as_posix()}": path for path in _modules(root)}
    topics = files.pop("lib/pydoc_data/topics.py", None)
    if topics is None or len(files) < 100:
        raise SourceError(
            expected="the standard library's sources and pydoc_data/topics.py (builtin:python-docs)",
            actual="a Python without them",
            mend="Install the whole standard library (on Debian: python3.11 or libpython3.11-stdlib).",
        )
    return files | {TOPICS_FILE: topics}


def read_python_docs(file: InputFile) -> Iterator[Item]:
    """Read the documents of one file of `builtin:python-docs`; a module without docstrings gives none."""
    file.encoding = "utf-8"
    try:
        tree = _parse(file)
    except NotTextError as error:
        yield Rejected(0, error.reason)
        return
    if file.name == TOPICS_FILE:
        yield from _topics(tree)
        return
    module = file.name.removeprefix("lib/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    text = "\n\n".join(_docstrings(tree, module))
    if text:
        yield Record([text + "\n"])


def _modules(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in _LEFT_OUT or entry.name.startswith(_LEFT_OUT_PREFIXES):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _modules(Path(entry.path))
        elif entry.name.endswith(".py") and entry.is_file():
            yield Path(entry.path)


def _parse(file: InputFile) -> ast.Module:
    try:
        with warnings.catch_warnings(), file.open() as stream:
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            return ast.parse(stream.read())
    except OSError as error:
        raise NotTextError("unreadable") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotTextError("broken_file") from error


def _topics(tree: ast.Module) -> Iterator[Item]:
    values = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    tables = [node for node in values if isinstance(node, ast.Dict)]
    topics = ast.literal_eval(tables[0]) if tables else {}
    for name in sorted(topics):
        yield Record([str(topics[name])], path=name)


def _docstrings(tree: ast.Module, module: str) -> Iterator[str]:
    """Give a module's docstrings in the order of its source, each under its heading."""
    for heading, node in _headed(tree, module):
        text = ast.get_docstring(node)
        if text and text.strip():
            yield f"{heading}\n\n{text}"


def _headed(node: _Documented, heading: str) -> Iterator[tuple[str, _Documented]]:
    yield heading, node
    name = heading.partition("(")[0].removeprefix("class ").removeprefix("async ")
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from _headed(child, f"class {name}.{child.name}")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name}.{child.name}({ast.unparse(child.args)})", child
