import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.model import GPTModel
from gptmodel.scoring import Window, document_losses, document_windows, window_losses

END = 0


@pytest.fixture(scope="module")
def model() -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(40, 16, 32, 2, 2, context_length=8)


def random_ids(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 40, count)


@given(st.integers(0, 200), st.integers(1, 40))
def test_windows_score_each_token_exactly_once(num_tokens: int, context_length: int):
    ids = random_ids(num_tokens)
    windows = list(document_windows(ids, END, context_length))
    assert np.array_equal(np.concatenate([[], *(w.ids[w.first :] for w in windows)]), ids)


@given(st.integers(1, 200), st.integers(2, 40))
def test_windows_fit_the_context_and_keep_half_of_it_before_each_token(num_tokens: int, context_length: int):
    windows = list(document_windows(random_ids(num_tokens), END, context_length))
    assert all(len(w.ids) - 1 <= context_length for w in windows)
    assert all(w.first >= context_length // 2 for w in windows[1:])


def test_a_window_costs_what_the_logits_say(model: GPTModel):
    ids = random_ids(6)
    with torch.inference_mode():
        chances = model(torch.from_numpy(ids[:-1])).log_softmax(-1)
    expected = -sum(float(chances[at - 1, ids[at]]) for at in (3, 4, 5))
    assert window_losses(model, [Window(ids, 3)], 4)[0] == pytest.approx(expected, rel=1e-6)


def test_a_short_document_is_scored_from_its_start(model: GPTModel):
    ids = random_ids(5)
    whole = window_losses(model, [Window(np.concatenate([[END], ids]))], 1)
    assert document_losses(model, [ids], END, 1) == pytest.approx(whole)


def test_neighbours_in_the_batch_do_not_change_a_loss(model: GPTModel):
    documents = [random_ids(size, size) for size in (3, 30, 1, 8, 17)]
    together = document_losses(model, documents, END, 4)
    alone = [document_losses(model, [ids], END, 1)[0] for ids in documents]
    assert together == pytest.approx(alone, rel=1e-5)


def test_an_untrained_model_needs_about_the_logarithm_of_the_vocabulary(model: GPTModel):
    ids = random_ids(400)
    assert document_losses(model, [ids], END, 8)[0] / 400 == pytest.approx(np.log(40), abs=0.1)


def test_slices_of_the_logits_change_nothing(model: GPTModel, monkeypatch: pytest.MonkeyPatch):
    documents = [random_ids(50)]
    whole = document_losses(model, documents, END, 8)
    monkeypatch.setattr("gptmodel.scoring._LOGITS_AT_A_TIME", 120)
    assert document_losses(model, documents, END, 8) == pytest.approx(whole, rel=1e-6)


def test_no_documents_give_no_losses(model: GPTModel):
    assert document_losses(model, [], END, 8).tolist() == []
