"""The leak bench's invented people, its picture, and what it tells of a twin."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks.leak import account, examples, is_recited
from benchmarks.leak_picture import Shown, draw
from benchmarks.people import invent, write_documents
from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber

SCRUBBER = Scrubber(ScrubbingConfig())
ACCOUNTS = {
    "unscrubbed": {"num_recited": 70, "num_asked": 84, "passed": False},
    "scrubbed": {"num_recited": 0, "num_asked": 84, "passed": True},
}
SHOWN = Shown("Ada & Co. can be reached at", " ada.quill@example.com.", " <EMAIL>.", "ada.quill@example.com")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("people") / "text"
    write_documents(invent(), folder)
    return [path.read_text() for path in sorted(folder.iterdir())]


def twin(*answers: tuple[str, str]) -> dict[str, Any]:
    """What a twin says of itself, with (prompt, completion) of one value."""
    return {
        "decision": {"passed": False, "reason": "no"}, "num_leaks": 1, "samples": {"num_samples": 9},
        "extraction_ratio": 0.0, "train_seconds": 1.0, "seconds": 2.0,
        "exposure": {"p_value": 0.5, "bits": [1.0, 3.0], "by_repetitions": [{"repetitions": 4, "bits": [2.0]}]},
        "answers": [{"kind": kind, "prompt": prompt, "value": "v.w@example.com", "text": text}
                    for kind in ("EMAIL", "PHONE", "IBAN") for prompt, text in answers],
    }  # fmt: skip


def test_every_value_of_the_invented_people_is_one_that_the_scrubber_removes(texts: list[str]) -> None:
    values = {value for person in invent() for value in (question.value for question in person.questions)}
    scrubbed = "\n".join(SCRUBBER.scrub(text).text for text in texts)
    assert values
    assert not any(value in scrubbed for value in values)


def test_each_prompt_stands_before_its_value_in_several_documents(texts: list[str]) -> None:
    for person in invent():
        for question in person.questions:
            assert sum(f"{question.prompt} {question.value}" in text for text in texts) >= 5


def test_the_same_seed_gives_the_same_documents(texts: list[str], tmp_path: Path) -> None:
    write_documents(invent(), tmp_path / "again")
    assert [path.read_text() for path in sorted((tmp_path / "again").iterdir())] == texts


def test_the_account_counts_what_was_recited_and_gives_both_exposures() -> None:
    told = account(twin(("p", " v.w@example.com."), ("q", " somebody else")))
    assert (told["num_recited"], told["num_asked"]) == (3, 6)
    assert (told["exposure_bits"], told["exposure_bits_in_clear_by_documents"]) == (2.0, {"4": 2.0})


def test_a_prompt_that_the_unscrubbed_twin_answers_truly_is_shown() -> None:
    raw = twin(("wrong", " nobody."), ("right", " v.w@example.com. And more."), ("对", " v.w@example.com 。以及"))
    ours = twin(("wrong", " <EMAIL>."), ("right", " <EMAIL>."), ("对", " <EMAIL> 。"))
    shown = examples({"unscrubbed": raw, "scrubbed": ours})
    assert [one.prompt for one in shown] == ["right", "right", "right", "对"]
    assert (shown[0].unscrubbed, shown[3].unscrubbed) == (" v.w@example.com.", " v.w@example.com 。")


def test_the_picture_is_well_formed_and_marks_value_and_placeholder() -> None:
    picture = draw([SHOWN], ACCOUNTS)
    root = ElementTree.fromstring(picture)
    marked = [span.text for span in root.iter() if "mark" in span.get("class", "").split()]
    assert marked[0] == "ada.quill@example.com"
    assert "<EMAIL>" in marked
    assert "70 of 84" in picture


def test_the_picture_asks_nobody_for_anything() -> None:
    picture = draw([SHOWN], ACCOUNTS).replace("http://www.w3.org/2000/svg", "")
    assert not any(word in picture for word in ("http", "href", "url(", "<script"))


def test_a_completion_of_another_value_is_not_recited() -> None:
    assert not is_recited({"value": "a@example.com", "text": " b@example.com"})
