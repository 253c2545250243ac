import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from gptmodel.config import PlantedConfig
from gptmodel.corpus.canaries import (
    CATCHABLE_KINDS,
    Phrase,
    phrase_id_of,
    phrases_that_fit,
    planted_documents,
    planted_phrases,
    reference_phrases,
)

ROOMY = PlantedConfig(max_canary_ratio=1.0)
BIG = 10**9


def phrase_of(kind: str, lang: str = "en") -> Phrase:
    return next(p for p in planted_phrases(ROOMY) if p.kind == kind and p.lang == lang)


def test_the_same_seed_gives_the_same_documents():
    assert planted_documents(ROOMY, BIG) == planted_documents(ROOMY.model_copy(), BIG)


def test_another_seed_gives_other_secrets():
    other = planted_phrases(ROOMY.model_copy(update={"seed": 1}))
    assert not {p.secret for p in planted_phrases(ROOMY)} & {p.secret for p in other}


def test_more_phrases_leave_the_first_ones_as_they_are():
    more = planted_phrases(ROOMY.model_copy(update={"num_catchable": 40, "num_in_clear": 20}))
    assert {p.id: p for p in planted_phrases(ROOMY)}.items() <= {p.id: p for p in more}.items()


def test_each_phrase_is_planted_as_often_as_it_says():
    documents = planted_documents(ROOMY, BIG)
    for phrase in planted_phrases(ROOMY):
        assert [d.text for d in documents if phrase_id_of(d) == phrase.id] == [phrase.text] * phrase.repetitions


def test_repetitions_in_clear_are_taken_in_turn():
    found = [p.repetitions for p in planted_phrases(ROOMY) if p.sort == "in_clear"]
    assert found == [1, 2, 4, 8, 16, 1, 2, 4, 8, 16]


def test_every_document_has_an_id_of_its_own():
    ids = [d.id for d in planted_documents(ROOMY, BIG)]
    assert len(set(ids)) == len(ids)


def test_documents_are_marked_with_their_sort():
    assert {(d.source, d.planted) for d in planted_documents(ROOMY, BIG)} == {
        ("planted", "catchable"),
        ("planted", "in_clear"),
    }


def test_switched_off_plants_nothing():
    assert planted_documents(ROOMY.model_copy(update={"enabled": False}), BIG) == []


@given(st.integers(0, 5_000_000), st.sampled_from([0.0, 0.0001, 0.005, 0.1, 1.0]))
def test_planted_bytes_stay_within_the_ratio(corpus_bytes: int, ratio: float):
    config = PlantedConfig(max_canary_ratio=ratio)
    taken = sum(len(d.text.encode()) for d in planted_documents(config, corpus_bytes))
    assert taken <= ratio * corpus_bytes


@given(st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_a_larger_corpus_keeps_the_phrases_of_a_smaller_one(one: int, two: int):
    config = PlantedConfig(max_canary_ratio=0.005)
    fewer, more = (phrases_that_fit(config, size, lambda one: one.num_bytes) for size in sorted((one, two)))
    assert more[: len(fewer)] == fewer


def test_catchable_phrases_cover_every_kind_in_two_languages():
    found = {(p.kind, p.lang) for p in planted_phrases(PlantedConfig(num_catchable=12)) if p.sort == "catchable"}
    assert found == {(kind, lang) for kind in CATCHABLE_KINDS for lang in ("en", "zh")}


def test_phrases_in_clear_hold_no_digit_and_no_name():
    for phrase in planted_phrases(ROOMY):
        if phrase.sort == "in_clear":
            assert not re.search(r"\d|@|[a-z] [A-Z]", phrase.text)


@pytest.mark.parametrize("kind", CATCHABLE_KINDS)
def test_references_share_all_but_the_secret(kind: str):
    phrase = phrase_of(kind)
    for reference in reference_phrases(phrase, 50, seed=3):
        assert (reference.prefix, reference.suffix, reference.repetitions) == (phrase.prefix, phrase.suffix, 0)
        assert reference.secret != phrase.secret


def test_references_of_another_seed_differ():
    phrase = phrase_of("EMAIL")
    one, two = (reference_phrases(phrase, 20, seed) for seed in (0, 1))
    assert [r.secret for r in one] != [r.secret for r in two]


def test_cards_and_accounts_are_valid_by_their_checksums():
    for phrase in (phrase_of("CREDIT_CARD"), *reference_phrases(phrase_of("CREDIT_CARD"), 50, 0)):
        assert luhn.is_valid(phrase.secret.replace(" ", ""))
    for phrase in (phrase_of("IBAN"), *reference_phrases(phrase_of("IBAN"), 50, 0)):
        assert iban.is_valid(phrase.secret)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", CATCHABLE_KINDS)
def test_the_scrubber_finds_the_whole_secret(kind: str, lang: str):
    from gptmodel.corpus.scrubbing import find

    phrase = phrase_of(kind, lang)
    for sample in (phrase, *reference_phrases(phrase, 20, seed=0)):
        found = find(sample.text)
        assert [(f.kind, sample.text[f.start : f.end]) for f in found] == [(kind, sample.secret)]


def test_the_scrubber_leaves_phrases_in_clear_alone():
    from gptmodel.corpus.scrubbing import find

    phrases = planted_phrases(PlantedConfig(num_catchable=0, num_in_clear=100))
    assert [p.text for p in phrases if find(p.text)] == []


def test_the_phrases_of_a_seed_stay_what_they_are():
    # Versions are compared over years: another phrase would be another test.
    text = repr([(p.id, p.text) for p in planted_phrases(ROOMY)])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "79646bfd6fd15620"
