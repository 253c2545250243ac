import numpy as np

from gptmodel.privacy.training_text import Value, find_values
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from tests.unit.privacy.models import SCRUBBED, real_documents, training_of


def test_windows_are_counted_by_the_documents_that_hold_them(clean: Workspace, tokenizer: Tokenizer):
    texts = [tokenizer.encode(document.text) for document in real_documents()]
    windows = [np.asarray(texts[0][:3]), np.asarray(texts[3][-3:]), np.asarray([1, 1, 1])]
    counts = training_of(clean).count_documents(windows)
    brute = [sum(_holds(ids, window.tolist()) for ids in texts) for window in windows]
    assert counts == brute
    assert max(brute) > 1


def test_no_windows_are_no_counts(clean: Workspace):
    assert training_of(clean).count_documents([]) == []


def test_a_value_known_by_itself_is_held_wherever_it_stands(leaky: Workspace):
    [planted] = {document.text for document in training_of(leaky).planted_documents() if "@" in document.text}
    value = next(word for word in planted.split() if "@" in word).rstrip(".")
    assert training_of(leaky).holding([Value("EMAIL", value, True)], SCRUBBED) == {Value("EMAIL", value, True)}


def test_a_value_made_by_its_label_must_be_one_in_the_training_text_too(clean: Workspace):
    known = training_of(clean).holding([Value("PERSON", "Chapter", False), Value("EMAIL", "Chapter", True)], SCRUBBED)
    assert known == {Value("EMAIL", "Chapter", True)}


def test_a_value_does_not_show_in_its_repr():
    assert "feather" not in repr(Value("EMAIL", "anna.feather@example.org", True)).lower()


def test_values_that_end_within_the_prompt_are_passed_over():
    text = "From anna.feather@example.org to "
    found = find_values(text + "ben.field@example.net today", SCRUBBED, after=len(text))
    assert [value.text for value in found] == ["ben.field@example.net"]
    assert found[0].alone


def _holds(ids: list[int], window: list[int]) -> bool:
    return any(ids[at : at + len(window)] == window for at in range(len(ids)))
