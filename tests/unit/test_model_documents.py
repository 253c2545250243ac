"""Attention within documents: a window that holds several gives what each of them gives by itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel import model as room
from gptmodel.errors import ModelInputError
from gptmodel.model import GPTModel

VOCAB = 61
LENGTH = 12
MODELS = {
    "rotary": {},
    "convolution": {"convolution_length": 2},
    "learned": {"positions": "learned", "norm": "layer", "activation": "gelu", "qk_norm": False},
    "sinusoidal": {"positions": "sinusoidal", "activation": "swiglu", "tie_embeddings": False},
}


@pytest.fixture(params=["matmul", "sdpa"])
def _both_attentions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_by_matmul", lambda device, num_attended: request.param == "matmul")


def small(name: str) -> GPTModel:
    torch.manual_seed(0)
    model = GPTModel(VOCAB, 24, 40, 2, 4, context_length=LENGTH, **MODELS[name]).eval()  # type: ignore[arg-type]
    with torch.no_grad():  # larger weights than at the start, so that a wrong mask or position shows
        for parameter in model.parameters():
            parameter.mul_(8.0 if parameter.dim() > 1 else 1.3)
            if parameter.dim() == 3:  # of a convolution, zeros at the start
                parameter.normal_(std=0.5)
    return model


def some_ids(*shape: int) -> torch.Tensor:
    return torch.randint(0, VOCAB, shape, generator=torch.Generator().manual_seed(1))


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=25)
@given(documents=st.lists(st.lists(st.integers(0, 3), min_size=LENGTH, max_size=LENGTH), min_size=1, max_size=3))
def test_each_document_gives_what_it_gives_by_itself(name: str, documents: list[list[int]]) -> None:
    model, numbers = small(name), torch.tensor(documents)
    ids = some_ids(*numbers.shape)
    with torch.no_grad():
        together = model(ids, documents=numbers)
        for row, of_row, logits in zip(ids, numbers, together, strict=True):
            for number in of_row.unique():
                own = of_row == number
                close(logits[own], model(row[own]))


@pytest.mark.usefixtures("_both_attentions")
def test_both_ways_of_attention_keep_documents_apart() -> None:
    model, ids = small("rotary"), some_ids(LENGTH)
    together = model(ids, documents=torch.tensor([7] * 5 + [8] * (LENGTH - 5)))
    close(together, torch.cat([model(ids[:5]), model(ids[5:])]))


@pytest.mark.parametrize("name", MODELS)
def test_a_single_document_gives_what_a_sequence_gives(name: str) -> None:
    model, ids = small(name), some_ids(2, LENGTH)
    close(model(ids, documents=torch.zeros_like(ids)), model(ids))


def test_no_gradient_crosses_a_border() -> None:
    model, ids = small("convolution"), some_ids(1, LENGTH)
    embedded: list[torch.Tensor] = []
    model.embedding.register_forward_hook(lambda module, inputs, output: embedded.append(output))
    documents = torch.tensor([[0] * 5 + [1] * (LENGTH - 5)])
    logits = model(ids, documents=documents)
    (gradient,) = torch.autograd.grad(logits[0, 5:].square().sum(), embedded)
    assert bool((gradient[0, :5] == 0).all())
    assert bool((gradient[0, 5:] != 0).any())


@pytest.mark.slow
def test_the_compiled_model_keeps_documents_apart_too() -> None:
    model, ids = small("convolution"), some_ids(2, LENGTH)
    documents = torch.tensor([[0] * 5 + [1] * (LENGTH - 5), [0] * LENGTH])
    close(torch.compile(model, fullgraph=True, backend="aot_eager")(ids, documents=documents),
          model(ids, documents=documents))  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (torch.zeros(LENGTH), "float32"),
        (torch.zeros(3, dtype=torch.int64), r"\(3,\)"),
        ([0] * LENGTH, "list"),
    ],
)
def test_documents_it_cannot_take_are_explained(documents: torch.Tensor, message: str) -> None:
    with pytest.raises(ModelInputError, match=message):
        small("rotary")(some_ids(LENGTH), documents=documents)


def test_documents_are_refused_beside_a_mask_or_a_cache() -> None:
    model, ids = small("rotary"), some_ids(1, LENGTH)
    with pytest.raises(ModelInputError, match="without attention_mask"):
        model(ids, torch.ones_like(ids), documents=torch.zeros_like(ids))
    with pytest.raises(ModelInputError, match="without cache"):
        model(ids, cache=model.new_cache(1), documents=torch.zeros_like(ids))
