"""Each positional scheme gives the logits of an independent implementation with the same weights.

The reference is `transformers`, tiny and from its config alone. The other test of the kind, against torch's own layers,
stands in `test_model.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from gptmodel.model import GPTModel

VOCAB, WIDTH, HIDDEN, LAYERS, HEADS, CONTEXT = 61, 24, 40, 2, 4, 16
GELU: dict[str, Any] = {"norm": "layer", "activation": "gelu", "qk_norm": False}

Weights = dict[str, Tensor]


def our_model(**options: Any) -> GPTModel:
    torch.manual_seed(0)
    model = GPTModel(VOCAB, WIDTH, HIDDEN, LAYERS, HEADS, context_length=CONTEXT, **options).eval()
    with torch.no_grad():  # larger weights than at the start, so that a wrong position or scale shows
        for parameter in model.parameters():
            parameter.mul_(8.0 if parameter.dim() > 1 else 1.3)
    return model


def as_gpt2(model: GPTModel) -> nn.Module:
    """Learned positions, LayerNorm, GELU; its matrices are stored the other way round."""
    config = transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=WIDTH, n_inner=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT,
        activation_function="gelu",
    )  # fmt: skip
    ours, theirs = model.state_dict(), Weights()
    theirs["wte.weight"] = ours["embedding.weight"]
    theirs["wpe.weight"] = ours["position_embedding.weight"]
    theirs["ln_f.weight"] = ours["norm.weight"]
    for n in range(LAYERS):
        theirs[f"h.{n}.ln_1.weight"] = ours[f"blocks.{n}.attention_norm.weight"]
        theirs[f"h.{n}.ln_2.weight"] = ours[f"blocks.{n}.feed_forward_norm.weight"]
        theirs[f"h.{n}.attn.c_attn.weight"] = ours[f"blocks.{n}.attention.qkv.weight"].T
        theirs[f"h.{n}.attn.c_proj.weight"] = ours[f"blocks.{n}.attention.out.weight"].T
        theirs[f"h.{n}.mlp.c_fc.weight"] = ours[f"blocks.{n}.feed_forward.up.weight"].T
        theirs[f"h.{n}.mlp.c_proj.weight"] = ours[f"blocks.{n}.feed_forward.down.weight"].T
    return filled(transformers.GPT2LMHeadModel(config), "transformer.", theirs)


def as_llama(model: GPTModel) -> nn.Module:
    """Rotary positions, RMSNorm, SwiGLU, with its own output matrix."""
    return filled(transformers.LlamaForCausalLM(transformers.LlamaConfig(**rotary_sizes())), "", rotary_weights(model))


def as_qwen3(model: GPTModel) -> nn.Module:
    """The same with queries and keys normalised."""
    config = transformers.Qwen3Config(**rotary_sizes(), head_dim=WIDTH // HEADS)
    theirs, ours = rotary_weights(model), model.state_dict()
    for n in range(LAYERS):
        for name in ("q_norm", "k_norm"):
            theirs[f"model.layers.{n}.self_attn.{name}.weight"] = ours[f"blocks.{n}.attention.{name}.weight"]
    return filled(transformers.Qwen3ForCausalLM(config), "", theirs)


def as_pegasus(model: GPTModel) -> nn.Module:
    """Sinusoidal positions, LayerNorm, GELU; it has the sines before the cosines, so the stream's columns move."""
    config = transformers.PegasusConfig(
        vocab_size=VOCAB, d_model=WIDTH, decoder_ffn_dim=HIDDEN, decoder_layers=LAYERS, decoder_attention_heads=HEADS,
        max_position_embeddings=CONTEXT, activation_function="gelu", scale_embedding=True, dropout=0.0,
    )  # fmt: skip
    columns = torch.cat([torch.arange(0, WIDTH, 2), torch.arange(1, WIDTH, 2)])
    ours, theirs = model.state_dict(), Weights()
    theirs["embed_tokens.weight"] = ours["embedding.weight"][:, columns]
    theirs["layer_norm.weight"] = ours["norm.weight"][columns]
    for n in range(LAYERS):
        parts = ours[f"blocks.{n}.attention.qkv.weight"][:, columns].chunk(3)
        for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
            theirs[f"layers.{n}.self_attn.{name}.weight"] = part
        theirs[f"layers.{n}.self_attn.out_proj.weight"] = ours[f"blocks.{n}.attention.out.weight"][columns]
        theirs[f"layers.{n}.self_attn_layer_norm.weight"] = ours[f"blocks.{n}.attention_norm.weight"][columns]
        theirs[f"layers.{n}.final_layer_norm.weight"] = ours[f"blocks.{n}.feed_forward_norm.weight"][columns]
        theirs[f"layers.{n}.fc1.weight"] = ours[f"blocks.{n}.feed_forward.up.weight"][:, columns]
        theirs[f"layers.{n}.fc2.weight"] = ours[f"blocks.{n}.feed_forward.down.weight"][columns]
    return filled(transformers.PegasusForCausalLM(config), "model.decoder.", theirs)


def rotary_sizes() -> dict[str, Any]:
    return {
        "vocab_size": VOCAB, "hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
    }  # fmt: skip


def rotary_weights(model: GPTModel) -> Weights:
    ours, theirs = model.state_dict(), Weights()
    theirs["model.embed_tokens.weight"] = ours["embedding.weight"]
    theirs["model.norm.weight"] = ours["norm.weight"]
    theirs["lm_head.weight"] = ours["head.weight"]
    for n in range(LAYERS):
        parts = ours[f"blocks.{n}.attention.qkv.weight"].chunk(3)
        for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
            theirs[f"model.layers.{n}.self_attn.{name}.weight"] = part
        theirs[f"model.layers.{n}.self_attn.o_proj.weight"] = ours[f"blocks.{n}.attention.out.weight"]
        theirs[f"model.layers.{n}.input_layernorm.weight"] = ours[f"blocks.{n}.attention_norm.weight"]
        theirs[f"model.layers.{n}.post_attention_layernorm.weight"] = ours[f"blocks.{n}.feed_forward_norm.weight"]
        for name, of_ours in (("up_proj", "up"), ("gate_proj", "gate"), ("down_proj", "down")):
            theirs[f"model.layers.{n}.mlp.{name}.weight"] = ours[f"blocks.{n}.feed_forward.{of_ours}.weight"]
    return theirs


def filled(reference: nn.Module, prefix: str, weights: Weights) -> nn.Module:
    """Put our weights into the reference; what it has beyond them is biases, which become zero.

    Pegasus has its table of positions among the parameters, and attention to an encoder that is not there.
    """
    named = {f"{prefix}{name}": weight for name, weight in weights.items()}
    parameters = dict(reference.named_parameters())
    assert named.keys() <= parameters.keys()
    with torch.no_grad():
        for name, parameter in parameters.items():
            if name in named:
                parameter.copy_(named[name])
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                assert "encoder_attn" in name or name.endswith("embed_positions.weight"), name
    return reference.eval()


@pytest.mark.parametrize(
    ("options", "reference_of"),
    [
        ({"positions": "learned", **GELU}, as_gpt2),
        ({"positions": "sinusoidal", **GELU}, as_pegasus),
        ({"activation": "swiglu", "qk_norm": False, "tie_embeddings": False}, as_llama),
        ({"activation": "swiglu", "qk_norm": True, "tie_embeddings": False}, as_qwen3),
    ],
    ids=["learned: GPT-2", "sinusoidal: Pegasus", "rotary: Llama", "rotary, qk_norm: Qwen3"],
)
def test_logits_equal_an_independent_reference(
    options: dict[str, Any], reference_of: Callable[[GPTModel], nn.Module]
) -> None:
    model = our_model(**options)
    ids = torch.randint(0, VOCAB, (3, CONTEXT), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = reference_of(model)(input_ids=ids, use_cache=False).logits
        torch.testing.assert_close(model(ids), expected, rtol=1e-4, atol=1e-4)
        assert float(expected.std()) > 0.5
