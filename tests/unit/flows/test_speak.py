"""`gptmodel generate`: prompts as an option and from a pipe."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows import speak as speak_module
from flows.home import Home
from flows.speak import Sampling, speak
from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.errors import ConfigError
from gptmodel.generation import Generator

SAMPLING = Sampling(4, 0.0, None, None, 7)


@dataclass
class Made:
    text: str
    num_tokens: int = 2


class Echo:
    """A model that continues every prompt with its length, or with what a colleague's address is."""

    def generate(self, prompts: list[str], **options: Any) -> list[Made]:
        return [Made(f"|{len(prompt)}" if prompt != "E-mail:" else " ada.quill@example.com") for prompt in prompts]


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speak_module, "fetch_model", lambda home, model: Path("model"))
    monkeypatch.setattr(speak_module, "filter_of", lambda home, folder: Scrubber(ScrubbingConfig()))
    monkeypatch.setattr(Generator, "load", lambda folder: Echo())


def say(
    monkeypatch: pytest.MonkeyPatch, piped: str, prompt: str | None = None, **options: bool
) -> dict[str, Any] | None:
    monkeypatch.setattr("sys.stdin", io.StringIO(piped))
    return speak(Home(Path("home")), "models:/gpt/1", prompt, SAMPLING, **{"as_json": False, **options})


def test_each_line_of_a_pipe_is_a_prompt_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, "one\n\n  two\nlonger\n")
    assert capsys.readouterr().out == "one|3\n  two|5\nlonger|6\n"


def test_a_prompt_given_as_option_is_taken_whole_and_the_pipe_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, "ignored\n", "a\nb")
    assert capsys.readouterr().out == "a\nb|3\n"


def test_json_of_one_piped_line_is_its_object_and_nothing_else_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = say(monkeypatch, "one\n", as_json=True)
    assert record is not None
    assert (record["text"], record["seed"], capsys.readouterr().out) == ("|3", 7, "")


@pytest.mark.parametrize("piped", ["one\ntwo\n", "\n"])
def test_json_without_exactly_one_piped_prompt_is_refused(monkeypatch: pytest.MonkeyPatch, piped: str) -> None:
    with pytest.raises(ConfigError, match="one prompt with --json"):
        say(monkeypatch, piped, as_json=True)


def test_an_empty_pipe_prints_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(monkeypatch, "") is None
    assert capsys.readouterr().out == ""


def test_a_finding_is_shown_as_its_placeholder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(monkeypatch, "E-mail:\n")
    assert capsys.readouterr().out == "E-mail: <EMAIL>\n"


def test_findings_are_counted_in_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    record = say(monkeypatch, "", "E-mail:", as_json=True)
    assert record is not None
    assert (record["text"], record["num_filtered"]) == (" <EMAIL>", 1)


def test_without_the_filter_the_text_is_shown_as_it_is_and_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = say(monkeypatch, "", "E-mail:", filtered=False, as_json=True)
    assert record is not None
    assert (record["text"], record["num_filtered"]) == (" ada.quill@example.com", None)
