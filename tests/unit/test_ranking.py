from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gptmodel.config import PlantedConfig, TokenizerConfig
from gptmodel.corpus.canaries import Phrase, planted_phrases
from gptmodel.model import GPTModel
from gptmodel.ranking import (
    Rank,
    leak_p_value,
    leak_power,
    noticed_mean_rank,
    rank_phrases,
    rank_sum,
    sensitivity_p_value,
)
from gptmodel.tokenizer import learn

PHRASES = planted_phrases(PlantedConfig(max_canary_ratio=1.0))
CATCHABLE = [phrase for phrase in PHRASES if phrase.sort == "catchable"]
IN_CLEAR = [phrase for phrase in PHRASES if phrase.sort == "in_clear"]


@pytest.fixture(scope="module")
def generator() -> SimpleNamespace:
    # Learned from other phrases: merges that held the planted secrets would make them likelier than their references.
    others = planted_phrases(PlantedConfig(seed=7, num_catchable=48))
    tokenizer = learn([phrase.text for phrase in others], TokenizerConfig(vocab_size=600))
    torch.manual_seed(0)
    model = GPTModel(tokenizer.vocab_size, 16, 32, 1, 2, context_length=96)
    return SimpleNamespace(model=model, tokenizer=tokenizer)


def memorise(generator: SimpleNamespace, phrases: list[Phrase], steps: int = 60) -> SimpleNamespace:
    """Train a copy of the model on nothing but these phrases."""
    torch.manual_seed(0)
    tokenizer = generator.tokenizer
    model = GPTModel(tokenizer.vocab_size, 32, 64, 2, 2, context_length=96)
    rows = [[tokenizer.end_of_document_id, *tokenizer.encode(phrase.text)] for phrase in phrases]
    ids = torch.full((len(rows), max(map(len, rows))), tokenizer.end_of_document_id)
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return SimpleNamespace(model=model, tokenizer=tokenizer)


def ranked(places: list[int], num_references: int = 100) -> list[Rank]:
    return [Rank(p, place, num_references, 0.0) for p, place in zip(CATCHABLE, places, strict=False)]


def test_a_model_that_saw_a_phrase_ranks_it_first(generator: SimpleNamespace):
    taught = memorise(generator, CATCHABLE[:2])
    assert [rank.rank for rank in rank_phrases(taught, CATCHABLE[:2], 50, seed=0)] == [1, 1]


def test_ranks_of_an_untrained_model_spread_out(generator: SimpleNamespace):
    ranks = [rank.rank for rank in rank_phrases(generator, PHRASES, 20, seed=0)]
    assert 5 < np.mean(ranks) < 17


def test_the_same_seed_gives_the_same_ranks(generator: SimpleNamespace):
    once, twice = (rank_phrases(generator, CATCHABLE[:3], 20, seed=4) for _ in range(2))
    assert once == twice


def test_an_untrained_model_is_not_accused(generator: SimpleNamespace):
    ranks = rank_phrases(generator, CATCHABLE, 50, seed=0)
    assert leak_p_value(generator, ranks, 0.01, seed=0) > 0.01


def test_one_leaked_phrase_of_six_is_noticed_by_more_references(generator: SimpleNamespace):
    taught = memorise(generator, CATCHABLE[5:6])
    ranks = [*ranked([50] * 5), *rank_phrases(taught, CATCHABLE[5:6], 100, seed=0)]
    assert leak_p_value(taught, ranks, 0.05, seed=0) < 0.05


def test_a_first_place_by_luck_is_not_held_against_a_phrase(generator: SimpleNamespace):
    lucky = [*ranked([50] * 5), Rank(CATCHABLE[5], 1, 100, 9.0)]
    assert leak_p_value(generator, lucky, 0.05, seed=0) > 0.05


def test_two_leaked_phrases_of_one_kind_are_noticed_without_more_references(generator: SimpleNamespace):
    mixed = ranked([1 if phrase.kind == "EMAIL" else 60 for phrase in CATCHABLE])
    assert leak_p_value(generator, mixed, 0.01, seed=0) < 0.01


def test_many_faint_traces_are_noticed_together(generator: SimpleNamespace):
    assert leak_p_value(generator, ranked([20] * 16), 0.01, seed=0) < 0.01


def test_chance_ranks_pass(generator: SimpleNamespace):
    draws = np.random.default_rng(0)
    ranks = [ranked(draws.integers(2, 102, 16).tolist()) for _ in range(200)]
    accused = [leak_p_value(generator, some, 0.05, seed=0) < 0.05 for some in ranks]
    assert np.mean(accused) <= 0.05


def test_no_phrases_say_nothing(generator: SimpleNamespace):
    assert leak_p_value(generator, [], 0.01, seed=0) == 1.0
    assert sensitivity_p_value([]) == 1.0


def test_phrases_of_many_documents_are_seen_among_others_that_nobody_knows():
    ranks = [Rank(phrase, 1 if phrase.repetitions == 16 else 60, 100, 0.0) for phrase in IN_CLEAR]
    assert rank_sum(ranks) > 0.1
    assert sensitivity_p_value(ranks) < 0.01


def test_a_secret_longer_than_the_context_can_still_be_ranked(generator: SimpleNamespace):
    short = SimpleNamespace(
        model=GPTModel(generator.tokenizer.vocab_size, 16, 32, 1, 2, context_length=4), tokenizer=generator.tokenizer
    )
    assert all(1 <= rank.rank <= 11 for rank in rank_phrases(short, PHRASES, 10, seed=0))


def test_the_prefix_costs_nothing(generator: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    scored = []

    def note(model: object, windows: list, batch_size: int) -> np.ndarray:
        scored.extend(generator.tokenizer.decode(window.ids[window.first :].tolist()) for window in windows)
        return np.zeros(len(windows))

    monkeypatch.setattr("gptmodel.ranking.window_losses", note)
    rank_phrases(generator, CATCHABLE[:1], 3, seed=0)
    assert all(text.strip().endswith("example.net.") or "@example" in text for text in scored)
    assert not any("address" in text for text in scored)


def test_ties_count_against_a_phrase(generator: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gptmodel.ranking.window_losses", lambda model, windows, size: np.zeros(len(windows)))
    assert rank_phrases(generator, CATCHABLE[:1], 9, seed=0)[0].rank == 10


def test_the_first_of_a_hundred_and_one_places_is_worth_all_bits_and_the_last_none():
    assert [round(rank.bits, 2) for rank in ranked([1, 101])] == [6.66, 0.0]


def test_phrases_known_outright_would_be_noticed_and_unknown_ones_hardly_ever():
    assert leak_power(ranked([1, 1]), 16, 0.01, seed=0) == 1.0
    assert leak_power(ranked(list(range(1, 102, 7))), 16, 0.01, seed=0) < 0.02


def test_the_mean_rank_that_is_noticed_is_where_the_answer_turns(generator: SimpleNamespace):
    turn = noticed_mean_rank(16, 100, 0.01)
    assert turn is not None
    assert leak_p_value(generator, ranked([int(turn)] * 16), 0.01, seed=0) < 0.01
    assert leak_p_value(generator, ranked([int(turn) + 1] * 16), 0.01, seed=0) > 0.01


def test_too_few_references_notice_no_rank():
    assert noticed_mean_rank(1, 20, 0.01) is None
    assert leak_power(ranked([1], 20), 1, 0.01, seed=0) == 0.0
