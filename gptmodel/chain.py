"""The thirteen stages in their order: what each reads, which settings shape it, and which code is its version.

This table is data. `flows/pipeline.py` runs it, `plan` forecasts from it; a stage never calls another.
"""

import ast
import hashlib
import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gptmodel.config import Config, fingerprint_section
from gptmodel.errors import ConfigError
from gptmodel.store import digest_of

# Rooms that every stage stands on and that shape no output by themselves.
_ASIDE = frozenset({"gptmodel", "gptmodel.errors", "gptmodel.config", "gptmodel.config_file", "gptmodel.cron",
                    "gptmodel.decision", "gptmodel.store", "gptmodel.parts"})  # fmt: skip

# What reads files, what searches for sensitive data, and what runs a model, wherever a stage does either.
_READERS = ("chardet", "datasets", "fsspec", "resiliparse")
_FINDERS = ("google-re2", "phonenumbers", "python-stdnum")
_MODEL = ("numpy", "safetensors", "tokenizers", "torch")
_SCORES = ("regex", "rouge-score", "sacrebleu")


@dataclass(frozen=True)
class Stage:
    """One stage of the chain.

    Attributes:
        name: The stage word, as in `--until` and on the dashboards.
        module: Module of its function; with what it imports inside gptmodel it is the stage's code version.
        sections: Dotted config paths that shape its output.
        inputs: Stages whose output it reads.
        libraries: Distributions whose version is part of the code version.
        aside: Modules of ours that it imports for reasons that shape no output.
        carries: Modules of ours whose text is part of its output.
        reads_text_of: Stages whose shards of documents it reads, where that text is deleted once scrubbing is finished.
    """

    name: str
    module: str
    sections: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    carries: tuple[str, ...] = ()
    reads_text_of: tuple[str, ...] = ()


CHAIN = (
    Stage("ingest", "gptmodel.corpus.sources.stage", ("corpus", "privacy.planted"), (), _READERS),
    Stage("clean", "gptmodel.corpus.cleaning", ("cleaning",), ("ingest",),
          ("ftfy", "numpy", "py3langid", "regex", "zstandard", *_FINDERS), reads_text_of=("ingest",)),
    Stage("scrub", "gptmodel.corpus.scrubbing", ("scrubbing",), ("clean",), ("numpy", *_FINDERS),
          reads_text_of=("clean",)),
    # Of equal documents the earlier source's is kept, so the order of the sources, as ingest tells it, counts too.
    Stage("deduplicate", "gptmodel.corpus.dedup.stage", ("dedup",), ("ingest", "scrub"),
          ("numpy", "xxhash", *_READERS)),
    Stage("split", "gptmodel.corpus.split", ("split",), ("scrub", "deduplicate"), ("numpy", "xxhash")),
    # Of the stages before, it reads the outputs and the accounts; their code is in the digests of these.
    Stage("quality gate", "gptmodel.corpus.quality.stage", ("quality", "scrubbing"),
          ("ingest", "clean", "scrub", "deduplicate", "split"),
          ("great_expectations", "jinja2", "numpy", "pandas", "xxhash", *_FINDERS),
          aside=("gptmodel.corpus.cleaning", "gptmodel.corpus.dedup.stage", "gptmodel.corpus.sources.reading",
                 "gptmodel.corpus.sources.stage", "gptmodel.corpus.split")),
    Stage("tokenizer", "gptmodel.tokenizer", ("tokenizer",), ("scrub", "split"), ("numpy", "tokenizers")),
    # How often a source is read is told by ingest.
    Stage("pack", "gptmodel.tokens", ("tokens", "privacy.planted"), ("ingest", "scrub", "split", "tokenizer"),
          ("numpy", "tokenizers")),
    # psutil says how many cores and how much memory are free: the plan of a training follows from that.
    Stage("train", "gptmodel.training.stage", ("model", "training"), ("tokenizer", "pack"), (*_MODEL, "psutil")),
    Stage("evaluate", "gptmodel.evaluation", ("evaluation",), ("tokenizer", "pack", "train"),
          (*_MODEL, *_SCORES)),
    Stage("privacy audit", "gptmodel.privacy", ("privacy", "scrubbing"),
          # Whether a source holds data about people is told by ingest.
          ("ingest", "scrub", "tokenizer", "pack", "train"), (*_MODEL, *_FINDERS)),
    Stage("register", "gptmodel.tracking", ("registry.name",),
          ("ingest", "clean", "scrub", "deduplicate", "split", "quality gate", "tokenizer", "pack", "train",
           "evaluate", "privacy audit"),
          ("mlflow", "numpy", "pandas", "safetensors", "tokenizers", "torch"), carries=("gptmodel.standalone",)),
    Stage("promote", "gptmodel.promotion", ("registry",), ("scrub", "split", "privacy audit", "register"),
          (*_MODEL, *_SCORES)),
)  # fmt: skip

SEARCHING = ("scrub", "quality gate", "privacy audit")
"""Stages that search text with the run's own scrubber."""

STAGE_NAMES = tuple(stage.name for stage in CHAIN)


def stage_named(name: str) -> Stage:
    """Give a stage by its name; `-` is taken for the space.

    Raises:
        ConfigError: No stage has that name.
    """
    for stage in CHAIN:
        if stage.name == name.replace("-", " "):
            return stage
    raise ConfigError(expected=f"a stage: {', '.join(STAGE_NAMES)}", actual=repr(name), mend="Use one of these names.")


def section_of(stage: Stage, config: Config) -> dict[str, Any]:
    """Give the settings that shape a stage's output, by dotted path."""
    return {path: _at(config, path) for path in stage.sections}


def _at(config: Config, path: str) -> Any:
    value: Any = config
    for part in path.split("."):
        value = getattr(value, part)
    return fingerprint_section(value) if isinstance(value, BaseModel) else value


@cache
def code_version(stage: Stage) -> str:
    r"""Hash the sources a stage's output depends on, comments and docstrings aside, and its libraries' versions.

    Python's own counts too: with it come the tables of Unicode, so what `\w` matches and `lower()` makes.
    """
    modules = _imports_of((stage.module, *stage.carries), frozenset(stage.aside))
    sources = {name: _module(name).digest for name in sorted(modules)}
    versions = {name: importlib.metadata.version(name) for name in stage.libraries}
    return digest_of({"sources": sources, "libraries": versions, "python": _python()})


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def fingerprint(stage: Stage, config: Config, inputs: dict[str, str]) -> str:
    """Give the address of a stage's output: 32 hex digits over its name, code, settings and what it reads."""
    body = {"stage": stage.name, "code": code_version(stage), "section": section_of(stage, config), "inputs": inputs}
    return digest_of(body)[:32]


def _imports_of(modules: Sequence[str], aside: frozenset[str]) -> set[str]:
    found, todo = set[str](), [*modules]
    while todo:
        name = todo.pop()
        if name not in found and name not in _ASIDE and name not in aside:
            found.add(name)
            todo += _module(name).imports
    return found


@dataclass(frozen=True)
class _Module:
    imports: tuple[str, ...]
    digest: str


@cache
def _module(name: str) -> _Module:
    """Read what a module imports inside gptmodel, and hash its source without comments and docstrings."""
    tree = ast.parse(_file_of(name).read_bytes())
    imports: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gptmodel":
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            imports += [inner_name for inner_name in inner if _is_module(inner_name)] + [node.module]
        elif isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names if alias.name.split(".")[0] == "gptmodel"]
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return _Module(tuple(imports), hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest())


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def _is_module(name: str) -> bool:
    path = _root().joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.joinpath("__init__.py").is_file()


def _file_of(module: str) -> Path:
    path = _root().joinpath(*module.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"


def _root() -> Path:
    return Path(__file__).resolve().parent.parent
