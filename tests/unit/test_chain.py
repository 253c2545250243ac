"""The table of stages: names, order, and what is in a stage's fingerprint."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gptmodel import chain
from gptmodel.chain import CHAIN, STAGE_NAMES, Stage, code_version, fingerprint, section_of, stage_named
from gptmodel.config_file import load_config
from gptmodel.errors import ConfigError

NAMES = (
    "ingest, clean, scrub, deduplicate, split, quality gate, tokenizer, pack, train, evaluate, "
    "privacy audit, register, promote"
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of three modules: one imports the next; `errors` is imported by all and shapes no output."""
    folder = tmp_path / "gptmodel"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "errors.py").write_text("X = 1\n")
    (folder / "low.py").write_text("def low():\n    return 1\n")
    (folder / "high.py").write_text("from gptmodel import errors\nfrom gptmodel.low import low\n")
    monkeypatch.setattr(chain, "_root", lambda: tmp_path)
    return folder


def version() -> str:
    forget_versions()
    return code_version(Stage("x", "gptmodel.high", ()))


def forget_versions() -> None:
    code_version.cache_clear()
    chain._module.cache_clear()


def test_the_thirteen_stages_stand_in_their_order() -> None:
    assert ", ".join(STAGE_NAMES) == NAMES


def test_a_stage_reads_only_stages_before_it() -> None:
    assert all(STAGE_NAMES.index(name) < STAGE_NAMES.index(s.name) for s in CHAIN for name in s.inputs)


@pytest.mark.parametrize("stage", CHAIN, ids=lambda stage: stage.name)
def test_every_stage_has_sections_and_a_code_version(stage: Stage) -> None:
    assert section_of(stage, load_config("tiny"))
    assert len(code_version(stage)) == 64


def test_stage_names_may_be_written_with_a_dash() -> None:
    assert stage_named("quality-gate").name == "quality gate"


def test_an_unknown_stage_is_refused_with_the_list() -> None:
    with pytest.raises(ConfigError, match="ingest, clean, scrub"):
        stage_named("clear")


def test_a_comment_or_docstring_changes_no_code_version(package: Path) -> None:
    before = version()
    (package / "low.py").write_text('"""Docs."""\n\n\ndef low():\n    """Say one."""\n    return 1  # one\n')
    assert version() == before


def test_a_change_in_an_imported_module_changes_the_code_version(package: Path) -> None:
    before = version()
    (package / "low.py").write_text("def low():\n    return 2\n")
    assert version() != before


def test_the_rooms_that_shape_no_output_are_left_out_of_the_code_version(package: Path) -> None:
    before = version()
    (package / "errors.py").write_text("X = 2\n")
    assert version() == before


def test_the_fingerprint_follows_the_settings_of_its_own_section_only() -> None:
    stage, inputs = stage_named("clean"), {"ingest": "d"}
    base = fingerprint(stage, load_config("tiny"), inputs)
    assert fingerprint(stage, load_config("tiny", ["training.max_steps=1"]), inputs) == base
    assert fingerprint(stage, load_config("tiny", ["cleaning.min_chars=1"]), inputs) != base


def test_the_fingerprint_follows_the_digest_of_what_is_read() -> None:
    stage, config = stage_named("clean"), load_config("tiny")
    assert fingerprint(stage, config, {"ingest": "a"}) != fingerprint(stage, config, {"ingest": "b"})


# Imported, but of no weight for what a stage makes.
NOT_IN_THE_VERSION = {
    "gliner": "optional; its version is in the digest of the recognizer, which the fingerprint holds",
    "presidio_analyzer": "likewise",
    "spacy": "likewise",
    "pydantic": "checks records; it computes nothing in them",
    "pyarrow": "carries rows to and from files whose format is a standard; the rows are the same",
    "httpx": "carries requests to the server",
    "requests": "carries requests to the server",
}
# Imported by a name made at run time, which no reading of the source shows.
AT_RUN_TIME = {"gptmodel.corpus.scrubbing.finders.identifiers": "stdnum"}


@pytest.fixture(scope="module")
def distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def packages_of(module: str) -> set[str]:
    """Name the top-level packages of others that a module imports, wherever in it."""
    found = {AT_RUN_TIME[module]} if module in AT_RUN_TIME else set()
    for node in ast.walk(ast.parse(chain._file_of(module).read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"gptmodel"}


def needed_by(stage: Stage, distributions: Mapping[str, list[str]]) -> list[set[str]]:
    """Give the distributions, any of which will do, for each package that a stage's modules import."""
    modules = chain._imports_of((stage.module, *stage.carries), frozenset(stage.aside))
    packages = {package for module in modules for package in packages_of(module)} - NOT_IN_THE_VERSION.keys()
    return [{normal(name) for name in distributions[package]} for package in sorted(packages)]


@pytest.mark.parametrize("stage", CHAIN, ids=lambda stage: stage.name)
def test_the_libraries_of_a_stage_are_those_its_modules_import(
    stage: Stage, distributions: Mapping[str, list[str]]
) -> None:
    needed, named = needed_by(stage, distributions), {normal(name) for name in stage.libraries}
    assert [names for names in needed if not names & named] == []
    assert named - set().union(*needed) == set()


@pytest.mark.parametrize("module", AT_RUN_TIME)
def test_what_is_imported_at_run_time_is_still_imported_so(module: str) -> None:
    assert f'import_module(f"{AT_RUN_TIME[module]}.' in chain._file_of(module).read_text(encoding="utf-8")


def test_another_python_is_another_code_version(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_named("clean")
    before = code_version(stage)
    forget_versions()
    monkeypatch.setattr(chain, "_python", lambda: "3.99")
    assert code_version(stage) != before


@pytest.fixture(autouse=True)
def _no_versions_of_a_made_up_package() -> Iterator[None]:
    yield
    forget_versions()
