"""The article's model: what it promises, and that it equals torch's own layers on the same weights."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from gptmodel import model as room
from gptmodel.errors import ConfigError, ModelInputError
from gptmodel.model import GPTModel, PositionalEncoding

VOCAB = 61
POSITIONS = ("sinusoidal", "learned", "rotary")
CONVOLUTIONS = (0, 2)
NORMS = ("layer", "rms")
ACTIVATIONS = ("gelu", "swiglu", "relu2")


@pytest.fixture(params=["matmul", "sdpa"])
def _both_attentions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_by_matmul", lambda device, num_attended: request.param == "matmul")


def small(seed: int = 0, **options: object) -> GPTModel:
    torch.manual_seed(seed)
    sizes: dict[str, object] = {"context_length": 16, **options}
    model = GPTModel(VOCAB, 24, 40, 2, 4, **sizes).eval()  # type: ignore[arg-type]
    with torch.no_grad():  # larger weights than at the start, so that a wrong mask or position shows
        for parameter in model.parameters():
            parameter.mul_(8.0 if parameter.dim() > 1 else 1.3)
            if parameter.dim() == 3:  # of a convolution, zeros at the start
                parameter.normal_(std=0.5)
    return model


def some_ids(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, VOCAB, shape, generator=torch.Generator().manual_seed(seed))


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_the_articles_usage_runs_word_for_word() -> None:
    vocab_size = 10000
    embedding_dim = 512
    hidden_dim = 2048
    num_layers = 6
    num_heads = 16
    model = GPTModel(vocab_size, embedding_dim, hidden_dim, num_layers, num_heads)
    input_ids = torch.tensor([1, 2, 3, 4, 5])
    attention_mask = torch.tensor([1] * len(input_ids))
    output = model(input_ids, attention_mask)
    assert output.shape == (5, 10000)
    assert output.isfinite().all()


def test_a_batch_gives_logits_for_each_sequence_and_position() -> None:
    assert small()(some_ids(3, 7)).shape == (3, 7, VOCAB)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_sequence_alone_equals_the_same_sequence_in_a_batch(positions: str) -> None:
    model, ids = small(positions=positions), some_ids(3, 7)
    close(model(ids[1]), model(ids)[1])


@pytest.mark.usefixtures("_both_attentions")
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_a_later_token_does_not_change_earlier_logits(positions: str, convolution: int) -> None:
    model, ids = small(positions=positions, convolution_length=convolution), some_ids(2, 10)
    changed = ids.clone()
    changed[:, 6:] = (ids[:, 6:] + 1) % VOCAB
    close(model(changed)[:, :6], model(ids)[:, :6])
    assert not torch.allclose(model(changed)[:, 6:], model(ids)[:, 6:])


@pytest.mark.usefixtures("_both_attentions")
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("mask", ["0011111", "1111100", "1011010", "0110001"])
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_padding_does_not_change_real_positions(positions: str, mask: str, convolution: int) -> None:
    model = small(positions=positions, convolution_length=convolution)
    real = torch.tensor([[int(digit) for digit in mask], [1] * len(mask)])
    ids = some_ids(2, len(mask))
    alone = model(ids[0][real[0].bool()])
    padded = model(ids, real)
    close(padded[0][real[0].bool()], alone)
    close(padded[1], model(ids[1]))


@pytest.mark.usefixtures("_both_attentions")
def test_a_row_of_padding_alone_gives_finite_logits_and_gradients() -> None:
    model, ids = small(), some_ids(2, 5)
    output = model(ids, torch.tensor([[0] * 5, [1] * 5]))
    output.sum().backward()
    assert output.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.usefixtures("_both_attentions")
def test_attention_equals_torchs_multi_head_attention_on_the_same_weights() -> None:
    model = small(positions="learned", qk_norm=False)
    ours = model.blocks[0].attention
    theirs = nn.MultiheadAttention(24, 4, bias=False, batch_first=True)
    theirs.load_state_dict({"in_proj_weight": ours.qkv.weight, "out_proj.weight": ours.out.weight})
    x = torch.randn(3, 9, 24)
    blind = nn.Transformer.generate_square_subsequent_mask(9)
    past = torch.ones(9, 9, dtype=torch.bool).tril()
    expected, _ = theirs(x, x, x, attn_mask=blind, is_causal=True)
    close(ours(x, room._Context(past, None, None)), expected)


@pytest.mark.usefixtures("_both_attentions")
def test_the_whole_model_equals_torchs_own_layers_on_the_same_weights() -> None:
    model = small(positions="sinusoidal", norm="layer", activation="gelu", qk_norm=False)
    layer = nn.TransformerEncoderLayer(
        24, 4, 40, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, bias=False
    )
    theirs = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(24, bias=False), enable_nested_tensor=False)
    for block, copy in zip(model.blocks, theirs.layers, strict=True):
        copy.load_state_dict(
            {
                "self_attn.in_proj_weight": block.attention.qkv.weight,
                "self_attn.out_proj.weight": block.attention.out.weight,
                "linear1.weight": block.feed_forward.up.weight,
                "linear2.weight": block.feed_forward.down.weight,
                "norm1.weight": block.attention_norm.weight,
                "norm2.weight": block.feed_forward_norm.weight,
            }
        )
    theirs.norm.load_state_dict({"weight": model.norm.weight})
    theirs.eval()
    ids = some_ids(3, 9)
    x = PositionalEncoding(24, 0.0)(F.embedding(ids, model.embedding.weight) * math.sqrt(24))
    blind = nn.Transformer.generate_square_subsequent_mask(9)
    close(model(ids), theirs(x, mask=blind, is_causal=True) @ model.embedding.weight.T)


def test_rotated_queries_and_keys_depend_on_their_distance_alone() -> None:
    model = small(context_length=64)
    q, k = torch.randn(6), torch.randn(6)

    def product(i: int, j: int) -> float:
        left = room._rotate(q, model.cos[i], model.sin[i])
        return float(left @ room._rotate(k, model.cos[j], model.sin[j]))

    assert product(5, 2) == pytest.approx(product(40, 37), abs=1e-4)
    assert product(5, 2) != pytest.approx(product(5, 4), abs=1e-3)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("tie", [True, False])
def test_the_initial_loss_is_near_ln_of_the_vocabulary(positions: str, tie: bool) -> None:
    torch.manual_seed(0)
    model = GPTModel(4096, 128, 512, 4, 4, context_length=128, positions=positions, tie_embeddings=tie)
    ids = torch.randint(0, 4096, (8, 65))
    loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert float(loss.detach()) == pytest.approx(math.log(4096), abs=0.15)


@pytest.mark.parametrize(
    ("positions", "norm", "activation"),
    [("rotary", "rms", "relu2"), ("sinusoidal", "layer", "gelu"), ("learned", "rms", "swiglu")],
)
def test_one_batch_is_overfitted(positions: str, norm: str, activation: str) -> None:
    torch.manual_seed(0)
    model = GPTModel(VOCAB, 32, 64, 2, 4, context_length=16, positions=positions, norm=norm, activation=activation)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids = some_ids(4, 17)
    for _ in range(120):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1


@given(
    heads=st.integers(1, 4), half=st.integers(1, 4), layers=st.integers(1, 3), hidden=st.integers(1, 40),
    vocab=st.integers(1, 50), context=st.integers(1, 20), positions=st.sampled_from(POSITIONS),
    norm=st.sampled_from(NORMS), activation=st.sampled_from(ACTIVATIONS), qk_norm=st.booleans(), tie=st.booleans(),
    convolution=st.integers(0, 3),
)  # fmt: skip
def test_the_parameter_count_equals_the_closed_formula(
    heads: int, half: int, layers: int, hidden: int, vocab: int, context: int, positions: str, norm: str,
    activation: str, qk_norm: bool, tie: bool, convolution: int,
) -> None:  # fmt: skip
    width = heads * half * 2
    model = GPTModel(
        vocab, width, hidden, layers, heads, context_length=context, positions=positions, norm=norm,
        activation=activation, qk_norm=qk_norm, tie_embeddings=tie, convolution_length=convolution,
    )  # fmt: skip
    matrices = 3 if activation == "swiglu" else 2
    expected = vocab * width + width + layers * (4 * width * width + matrices * width * hidden + 2 * width)
    expected += (0 if tie else vocab * width) + (context * width if positions == "learned" else 0)
    expected += layers * 2 * (width // heads) if qk_norm else 0
    expected += layers * 2 * convolution * width
    assert model.num_parameters() == expected


def test_the_same_seed_gives_the_same_weights() -> None:
    pairs = zip(small(seed=3).parameters(), small(seed=3).parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_another_seed_gives_other_weights() -> None:
    assert not torch.equal(small(seed=3).embedding.weight, small(seed=4).embedding.weight)


def test_the_config_rebuilds_the_model() -> None:
    model = small(positions="learned", tie_embeddings=False, activation="swiglu", convolution_length=2)
    copy = GPTModel(**model.config).eval()
    copy.load_state_dict(model.state_dict())
    assert torch.equal(copy(some_ids(5)), model(some_ids(5)))


def test_the_state_holds_no_weight_twice() -> None:
    storages = [tensor.data_ptr() for tensor in small().state_dict().values()]
    assert len(set(storages)) == len(storages)


@pytest.mark.parametrize("tie", [True, False])
def test_only_the_stated_positions_reach_the_state(tie: bool) -> None:
    names = set(small(positions="rotary", tie_embeddings=tie).state_dict())
    assert not names & {"cos", "sin", "position_embedding.weight"}


@pytest.mark.parametrize(("positions", "chunks"), list(itertools.product(POSITIONS, ([1] * 9, [4, 1, 1, 3], [9]))))
@pytest.mark.usefixtures("_both_attentions")
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_reading_through_the_cache_equals_the_full_forward_pass(
    positions: str, chunks: list[int], convolution: int
) -> None:
    model, ids = small(positions=positions, convolution_length=convolution), some_ids(3, 9)
    cache = model.new_cache(3)
    parts = [model(part, cache=cache) for part in ids.split(chunks, dim=1)]
    close(torch.cat(parts, dim=1), model(ids))
    assert cache.length == 9


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("mask", ["0001111", "1111000"])
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_prompts_of_different_lengths_go_on_in_the_cache_as_if_alone(
    positions: str, mask: str, convolution: int
) -> None:
    model, ids = small(positions=positions, convolution_length=convolution), some_ids(2, 7)
    real = torch.tensor([[int(digit) for digit in mask], [1] * 7])
    after = some_ids(2, 3, seed=2)
    cache = model.new_cache(2)
    model(ids, real, cache=cache)
    together = torch.cat([model(after[:, n : n + 1], cache=cache) for n in range(3)], dim=1)
    for row in range(2):
        alone = model(torch.cat((ids[row][real[row].bool()], after[row])))[-3:]
        close(together[row], alone)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_padding_that_comes_after_a_start_without_any_is_seen_by_none(convolution: int) -> None:
    model, ids = small(convolution_length=convolution), some_ids(2, 6)
    cache = model.new_cache(2)
    model(ids[:, :3], cache=cache)
    model(ids[:, 3:5], torch.tensor([[0, 0], [1, 1]]), cache=cache)
    last = model(ids[:, 5:], cache=cache)
    close(last[0, 0], model(ids[0, [0, 1, 2, 5]])[-1])
    close(last[1, 0], model(ids[1])[-1])


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_sequences_can_leave_the_cache(convolution: int) -> None:
    model, ids = small(convolution_length=convolution), some_ids(3, 6)
    cache = model.new_cache(3)
    model(ids[:, :5], torch.tensor([[1] * 5, [0, 1, 1, 1, 1], [0, 0, 1, 1, 1]]), cache=cache)
    cache.keep(torch.tensor([2, 0]))
    last = model(ids[[2, 0], 5:], cache=cache)
    close(last[0, 0], model(ids[2, 2:])[-1])
    close(last[1, 0], model(ids[0])[-1])


def test_dropout_acts_in_training_only() -> None:
    model, ids = small(dropout=0.5), some_ids(8)
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_positions_are_sines_and_cosines_of_the_papers_angles() -> None:
    added = PositionalEncoding(6, dropout=0.0)(torch.zeros(50, 6))
    for position, column in itertools.product((0, 1, 7, 49), range(6)):
        angle = position / 10000 ** (column // 2 * 2 / 6)
        expected = math.cos(angle) if column % 2 else math.sin(angle)
        assert float(added[position, column]) == pytest.approx(expected, abs=1e-6)


def test_positional_encoding_takes_positions_of_its_own() -> None:
    encoder, x = PositionalEncoding(5, dropout=0.0), torch.zeros(2, 3, 5)
    position = torch.tensor([[0, 1, 2], [4, 2, 0]])
    full = encoder(torch.zeros(5, 5))
    close(encoder(x, position), full[position])


def test_positional_encoding_refuses_what_its_table_lacks() -> None:
    with pytest.raises(ModelInputError, match="max_len"):
        PositionalEncoding(4, 0.1, max_len=3)(torch.zeros(4, 4))


@pytest.mark.parametrize(
    ("ids", "mask", "message"),
    [
        (torch.tensor([1, VOCAB]), None, f"token ids from 0 to {VOCAB - 1}; got ids from 1 to {VOCAB}"),
        (torch.tensor([-1, 2]), None, "ids from -1 to 2"),
        (torch.zeros(17, dtype=torch.int64), None, "at most 16 tokens; got 17 tokens"),
        (torch.tensor([1.0]), None, "int64 or int32; got torch.float32"),
        ([1, 2], None, "got list"),
        (torch.tensor(1), None, r"\(T,\) or \(B, T\)"),
        (torch.zeros(2, 0, dtype=torch.int64), None, "end_of_document_id"),
        (torch.tensor([1, 2]), torch.tensor([1]), r"shape \(2,\)"),
        (torch.tensor([1, 2]), torch.tensor([0.0, 0.0]), "got torch.float32"),
    ],
)
def test_input_it_cannot_take_is_explained(ids: torch.Tensor, mask: torch.Tensor | None, message: str) -> None:
    with pytest.raises(ModelInputError, match=message):
        small()(ids, mask)


def test_a_cache_of_another_batch_size_is_refused() -> None:
    model = small()
    with pytest.raises(ModelInputError, match="2 sequences"):
        model(some_ids(3, 4), cache=model.new_cache(2))


def test_a_full_cache_is_refused() -> None:
    model = small()
    cache = model.new_cache(1, capacity=4)
    model(some_ids(4), cache=cache)
    with pytest.raises(ModelInputError, match="at most 4 tokens; got 5"):
        model(some_ids(1), cache=cache)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 5}, "divide embedding_dim"),
        ({"num_heads": 24}, "even width"),
        ({"num_layers": 0}, "num_layers"),
        ({"dropout": 1.0}, "dropout"),
        ({"positions": "alibi"}, "rotary"),
    ],
)
def test_sizes_that_do_not_fit_are_explained(change: dict[str, object], message: str) -> None:
    sizes: dict[str, object] = {"embedding_dim": 24, "hidden_dim": 40, "num_layers": 2, "num_heads": 4}
    with pytest.raises(ConfigError, match=message):
        GPTModel(VOCAB, **{**sizes, **change})  # type: ignore[arg-type]


@pytest.mark.usefixtures("_both_attentions")
def test_bf16_autocast_comes_near_fp32_with_and_without_the_cache() -> None:
    torch.manual_seed(0)
    model, ids = GPTModel(VOCAB, 24, 40, 2, 4, context_length=16).eval(), some_ids(2, 9)
    expected = model(ids)
    cache = model.new_cache(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        full = model(ids)
        parts = torch.cat([model(part, cache=cache) for part in ids.split(3, dim=1)], dim=1)
    torch.testing.assert_close(full.float(), expected, atol=0.02, rtol=0.05)
    torch.testing.assert_close(parts.float(), expected, atol=0.02, rtol=0.05)


@pytest.mark.slow
def test_the_compiled_model_equals_the_plain_one() -> None:
    model, ids = small(convolution_length=2), some_ids(2, 9)
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    close(compiled(ids), model(ids))
    close(compiled(ids, mask)[mask.bool()], model(ids, mask)[mask.bool()])
