from pathlib import Path

import numpy as np
import pytest

from gptmodel.config import PlantedConfig, ScrubbingConfig, TokensConfig
from gptmodel.corpus.documents import list_shards
from gptmodel.corpus.scrubbing import Finding, Scrubber
from gptmodel.corpus.scrubbing.value_index import ValueIndex, values_name
from gptmodel.keys import Keys
from gptmodel.privacy.training_text import TrainingText, Value, find_values
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import pack
from tests.unit.privacy.models import SCRUBBED, corpus, real_documents, training_of, untrained, workspace

KEY = b"a key of this test alone"
KEYED = Scrubber(ScrubbingConfig(), Keys(home=KEY))


def test_planted_documents_that_were_not_packed_are_not_given(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, corpus(SCRUBBED), untrained(tokenizer))
    assert list(training_of(work).planted_documents())
    pack(Workspace(work.inputs["pack"], work.inputs), TokensConfig(), planted=PlantedConfig(max_canary_ratio=0.0))
    assert not list(training_of(work).planted_documents())


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
    value = Value("EMAIL", next(word for word in planted.split() if "@" in word).rstrip("."), True)
    assert training_of(leaky).look_up([value], SCRUBBED).held == {value}


def test_a_value_made_by_its_label_must_be_one_in_the_training_text_too(clean: Workspace):
    values = [Value("PERSON", "Chapter", False), Value("EMAIL", "Chapter", True)]
    assert training_of(clean).look_up(values, SCRUBBED).held == {Value("EMAIL", "Chapter", True)}


@pytest.fixture
def indexed(tmp_path: Path, tokenizer: Tokenizer) -> TrainingText:
    """A training text whose scrubbing found an address and a word, and kept their keyed hashes."""
    work = workspace(tmp_path, tokenizer, real_documents(), untrained(tokenizer))
    index, text = ValueIndex(KEY), "anna.feather@example.org Chapter"
    index.add("1", text, [Finding(0, 24, "EMAIL", "email"), Finding(25, 32, "PERSON", "name")])
    for shard in list_shards(work.inputs["scrub"]):
        index.write(work.inputs["scrub"] / values_name(shard.name))
    return training_of(work)


def test_a_value_that_was_found_and_is_gone_can_only_be_known_from_before(indexed: TrainingText):
    known, unknown = (Value("EMAIL", f"{name}.feather@example.org", True) for name in ("anna", "nora"))
    looked = indexed.look_up([known, unknown], KEYED)
    assert (looked.held, looked.only_before, looked.is_indexed) == (set(), {known}, True)


def test_words_that_still_stand_in_the_text_may_be_known_from_there(indexed: TrainingText):
    assert indexed.look_up([Value("PERSON", "Chapter", False)], KEYED).only_before == set()


def test_without_the_key_nothing_is_said_of_before(indexed: TrainingText):
    looked = indexed.look_up([Value("EMAIL", "anna.feather@example.org", True)], SCRUBBED)
    assert (looked.only_before, looked.is_indexed) == (set(), False)


def test_a_value_does_not_show_in_its_repr():
    assert "feather" not in repr(Value("EMAIL", "anna.feather@example.org", True)).lower()


def test_values_that_end_within_the_prompt_are_passed_over():
    text = "From anna.feather@example.org to "
    found = find_values(text + "ben.field@example.net today", SCRUBBED, after=len(text))
    assert [value.text for value in found] == ["ben.field@example.net"]
    assert found[0].alone


def _holds(ids: list[int], window: list[int]) -> bool:
    return any(ids[at : at + len(window)] == window for at in range(len(ids)))
