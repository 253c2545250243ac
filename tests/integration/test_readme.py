"""The README against the checkout: its commands exist, its files exist, and its tree names every module."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from flows.cli import app
from gptmodel.chain import STAGE_NAMES
from gptmodel.config_file import load_config

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", README)
# `make` and `gptmodel` at the start of a command: of the line, or behind a pipe, && or a variable.
COMMAND = re.compile(r"(?:^|[|&]\s*|=\S+\s+)(make|(?:\.venv/bin/)?gptmodel)\b(?![/.:])\s?([^|&#\n]*)")


def blocks(*languages: str) -> list[str]:
    return [body for language, body in BLOCK.findall(README) if language in languages]


def commands() -> list[tuple[str, str]]:
    """Every command of the shell blocks and of the inline code, as (program, arguments)."""
    inline = re.findall(r"`([^`\n]+)`", PROSE.replace("\\|", "|"))
    lines = [line.strip() for body in blocks("sh") for line in body.splitlines()] + inline
    return [(name.split("/")[-1], rest.strip()) for line in lines for name, rest in COMMAND.findall(line)]


def lines_of(program: str) -> list[str]:
    return sorted({rest for name, rest in commands() if name == program and rest})


def tree_paths() -> list[str]:
    """The paths of the tree, from its indentation."""
    [tree] = [body for body in blocks("text") if body.startswith("README.md ")]
    folders: list[str] = []
    paths = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders = [*folders[:depth], name]
        paths.append("".join(folders))
    return paths


def command_named(name: str) -> Any:
    return get_command(app).commands[name]


def parse(words: list[str]) -> None:
    """Parse a command line without running it; an unknown command or option raises."""
    command_named(words[0]).make_context(words[0], words[1:])


def test_the_readme_names_commands_and_targets() -> None:
    assert len(lines_of("gptmodel")) > 15
    assert {"run", "test", "down"} <= set(lines_of("make"))


@pytest.mark.parametrize("line", lines_of("gptmodel"))
def test_a_command_in_the_readme_parses(line: str) -> None:
    words = shlex.split(line)
    if len(words) == 1:  # a command named in passing
        assert command_named(words[0])
    else:
        parse(words)


@pytest.mark.parametrize("line", ["trace models:/gpt/3", "run --nothing", "init mine.toml"])
def test_a_command_that_does_not_exist_would_be_noticed(line: str) -> None:
    # typer carries a click of its own in some versions, so its errors are told by name.
    with pytest.raises(Exception, match=r"trace|No such option|source"):
        parse(line.split())


@pytest.mark.parametrize("line", lines_of("gptmodel"))
def test_settings_and_stages_in_the_readme_exist(line: str) -> None:
    words = shlex.split(line)
    values = [(option, value) for option, value in pairwise(words)]
    load_config("tiny", [value for option, value in values if option == "--set"])
    assert {value for option, value in values if option in ("--until", "--force")} <= set(STAGE_NAMES)


@pytest.mark.parametrize("body", blocks("toml"))
def test_a_config_in_the_readme_is_valid(body: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(body, encoding="utf-8")
    load_config(file)


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for line in lines_of("make") for word in line.split()[:1]}
    assert named <= targets


@pytest.mark.parametrize("path", tree_paths())
def test_what_the_tree_names_exists(path: str) -> None:
    here = ROOT / path
    assert here.is_dir() if path.endswith("/") else here.is_file()


def test_the_tree_names_every_module() -> None:
    modules = {
        path.relative_to(ROOT).as_posix() for folder in ("gptmodel", "flows") for path in (ROOT / folder).rglob("*.py")
    }
    assert modules - set(tree_paths()) == set()


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", PROSE)
    local = {link for link in links if "://" not in link}
    assert local
    assert {link for link in local if not (ROOT / link).exists()} == set()


def test_links_within_the_page_lead_to_a_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", PROSE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", PROSE)) <= anchors


def test_the_python_example_runs_as_it_stands() -> None:
    [example] = blocks("python")
    names: dict[str, object] = {}
    exec(example, names)
    output = names["output"]
    assert tuple(output.shape) == (5, 10000)
    assert bool(output.isfinite().all())
