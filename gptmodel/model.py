"""The article's GPT: a decoder-only transformer from token ids to logits, and its positional encoding.

This room turns plain integers into tensors and knows no files, no tokenizer and no training; it imports torch and
the error tree only. `training`, `generation`, `evaluation` and `privacy` call it.

Shapes: B sequences, T positions of the input, S positions attended to (cached ones and the input), C context_length,
D embedding_dim, F hidden_dim, H heads, K = D / H head width, V vocab_size, L layers, N convolution_length.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptmodel.errors import ConfigError, ModelInputError

# torch.compile fuses mask and softmax into the plain products, which on a CPU then beat scaled_dot_product_attention
# (its backward above all) up to about this many positions. Uncompiled, and on a GPU, the latter wins everywhere.
MATMUL_ATTENTION_LIMIT = 512
_INIT_STD = 0.02
_CHOICES = {"positions": ("sinusoidal", "learned", "rotary"), "norm": ("layer", "rms"),
            "activation": ("gelu", "swiglu", "relu2")}  # fmt: skip


class PositionalEncoding(nn.Module):
    """Add sines and cosines of the position to embeddings, then drop out.

    Column 2i holds sin(pos / 10000^(2i/d_model)), column 2i + 1 the cosine of the same angle.

    Args:
        d_model: Width of the embeddings; an odd width ends with a sine.
        dropout: Probability that an element of the sum is dropped in training, 0 to 1.
        max_len: Positions in the table.

    Source:
        Vaswani et al. 2017, "Attention Is All You Need", sections 3.5 and 5.4.

    Example:
        >>> PositionalEncoding(4, dropout=0.0)(torch.zeros(1, 4)).tolist()
        [[0.0, 1.0, 0.0, 1.0]]
    """

    table: Tensor

    def __init__(self, d_model: int, dropout: float, max_len: int = 5000) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        angles = _angles(max_len, torch.arange(0, d_model, 2) / d_model)  # (max_len, ceil(d_model / 2))
        table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :d_model]
        self.register_buffer("table", table.float(), persistent=False)

    def forward(self, x: Tensor, position: Tensor | None = None) -> Tensor:
        """Give `x` with its positions added.

        Args:
            x: Embeddings, (T, d_model) or (B, T, d_model).
            position: Positions, int, (T,) or (B, T), 0 <= position < max_len; None counts from 0.

        Raises:
            ModelInputError: More positions than the table has, or another width.
        """
        size, width = self.table.shape
        if x.dim() not in (2, 3) or x.size(-1) != width or (position is None and x.size(-2) > size):
            expected = f"embeddings (T, {width}) or (B, T, {width}) with T <= {size}"
            mend = "Give PositionalEncoding the width of the embeddings and a larger max_len."
            raise ModelInputError(expected=expected, actual=f"shape {tuple(x.shape)}", mend=mend)
        added = self.table[: x.size(-2)] if position is None else F.embedding(position, self.table)
        return self.dropout(x + added)


class KVCache:
    """Keys and values of the positions a model has read, in buffers allocated once.

    Slots are filled in order and are the same for all sequences; a slot may be padding in some of them. Make one with
    `GPTModel.new_cache`; each forward pass that is given the cache appends its positions.

    Attributes:
        length: Slots filled so far.
        capacity: Slots in all.
    """

    def __init__(self, keys: Tensor, values: Tensor, recent: Tensor) -> None:
        self.keys = keys  # (L, B, H, capacity, K)
        self.values = values
        self.recent = recent  # (2 L, B, N, D): what the convolutions read last, zeros before the first token
        self.length = 0
        self.capacity = keys.size(3)
        self.real: Tensor | None = None  # (B, capacity) bool; None while no slot is padding
        self.num_real: Tensor | None = None  # (B,) real tokens so far

    @property
    def batch_size(self) -> int:
        """Number of sequences."""
        return self.keys.size(1)

    def keep(self, rows: Tensor) -> None:
        """Go on with these sequences alone: indices, int64, (new B,)."""
        self.keys, self.values, self.recent = self.keys[:, rows], self.values[:, rows], self.recent[:, rows]
        if self.real is not None and self.num_real is not None:
            self.real, self.num_real = self.real[rows], self.num_real[rows]

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store a layer's keys and values (B, H, T, K) behind the filled slots; give all up to there (B, H, S, K)."""
        end = self.length + k.size(2)
        self.keys[layer, :, :, self.length : end] = k
        self.values[layer, :, :, self.length : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def note_padding(self, real: Tensor | None, size: int) -> Tensor | None:
        """Record which of the next `size` slots are real (B, T); give (B, S) up to there, None if all are real."""
        if real is not None and self.real is None:
            self.real = torch.ones(self.batch_size, self.capacity, dtype=torch.bool, device=self.keys.device)
            self.num_real = torch.full((self.batch_size,), self.length, device=self.keys.device)
        if self.real is None or self.num_real is None:
            return None
        if real is not None:
            self.real[:, self.length : self.length + size] = real
        self.num_real = self.num_real + (size if real is None else real.sum(1))
        return self.real[:, : self.length + size]


class _Context(NamedTuple):
    """What all blocks of one forward pass share."""

    visible: Tensor | None  # as `_visible` gives it
    rotation: tuple[Tensor, Tensor] | None  # cosines and sines, (T, K / 2) or (B, 1, T, K / 2)
    cache: KVCache | None
    before: "_Before | None" = None  # where the convolutions find the positions before each; None: next to it


class _Before(NamedTuple):
    """Places in what a convolution reads, the N positions before the input and then the input, (B, N + T, D)."""

    each: Tensor  # (B, T, N): of the N positions before each, nearest first
    end: Tensor  # (B, N): of the last N positions, oldest first


class Convolution(nn.Module):
    """Add to each position the N before it, each channel by weights of its own that begin at 0.

    Source:
        Allen-Zhu 2025, "Physics of Language Models: Part 4.1, Architecture Design and the Magic of Canon Layers": its
        layers A and C, before attention and feed-forward, with the residual; there the weights begin at random. The
        convolution by channel is that of So et al. 2021, "Primer".
    """

    def __init__(self, width: int, length: int, place: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, 1, length))  # nearest position first
        self.place = place  # among all convolutions of the model

    def forward(self, x: Tensor, context: _Context) -> Tensor:
        """Mix positions: (B, T, D) -> (B, T, D)."""
        length, weights = self.weight.size(2), self.weight.to(x.dtype).unbind(2)  # N of (D, 1)
        recent = (
            x.new_zeros(x.size(0), length, x.size(2)) if context.cache is None else context.cache.recent[self.place]
        )
        line = torch.cat((recent.to(x.dtype), x), dim=1)  # (B, N + T, D)
        if context.cache is not None:
            end = line[:, -length:] if context.before is None else _taken(line, context.before.end)
            context.cache.recent[self.place] = end
        for back, weight in enumerate(weights):
            if context.before is None:
                earlier = line[:, length - 1 - back : line.size(1) - 1 - back]
            else:
                earlier = _taken(line, context.before.each[:, :, back])
            x = x + weight.squeeze(1) * earlier
        return x


class Attention(nn.Module):
    """Causal multi-head self-attention.

    Source:
        Vaswani et al. 2017, section 3.2; rotary positions: Su et al. 2021, "RoFormer"; normalised queries and keys:
        Henry et al. 2020, "Query-Key Normalization", with the learned gain of Dehghani et al. 2023, "Scaling Vision
        Transformers to 22 Billion Parameters". No biases.
    """

    def __init__(self, width: int, num_heads: int, dropout: float, qk_norm: bool, layer: int) -> None:
        super().__init__()
        self.num_heads, self.dropout, self.layer = num_heads, dropout, layer
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        head_dim = width // num_heads
        self.q_norm = nn.RMSNorm(head_dim, eps=1e-6) if qk_norm else None
        self.k_norm = nn.RMSNorm(head_dim, eps=1e-6) if qk_norm else None

    def forward(self, x: Tensor, context: _Context) -> Tensor:
        """Mix positions: (B, T, D) -> (B, T, D)."""
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)  # each (B, H, T, K)
        if self.q_norm is not None and self.k_norm is not None:
            # Under autocast the gains are fp32 still, and torch's fused norm wants one type.
            q, k = self.q_norm(q.to(self.q_norm.weight.dtype)), self.k_norm(k.to(self.k_norm.weight.dtype))
        if context.rotation is not None:
            q, k = _rotate(q, *context.rotation), _rotate(k, *context.rotation)
        q, k = q.to(v.dtype), k.to(v.dtype)
        if context.cache is not None:
            k, v = (kept.to(q.dtype) for kept in context.cache.write(self.layer, k, v))  # autocast works in another
        mixed = _attend(q, k, v, context.visible, self.dropout if self.training else 0.0)  # (B, H, T, K)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    """The position-wise layer: D -> F -> D.

    Source:
        gelu: Hendrycks & Gimpel 2016; swiglu: Shazeer 2020, "GLU Variants Improve Transformer" (a third matrix, F is
        not shrunk for it); relu2, the squared ReLU: So et al. 2021, "Primer".
    """

    def __init__(self, width: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.activation = activation
        self.up = nn.Linear(width, hidden, bias=False)
        self.gate = nn.Linear(width, hidden, bias=False) if activation == "swiglu" else None
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself: (B, T, D) -> (B, T, D)."""
        hidden = self.up(x)  # (B, T, F)
        if self.gate is not None:
            return self.down(F.silu(self.gate(x)) * hidden)
        return self.down(F.gelu(hidden) if self.activation == "gelu" else F.relu(hidden).square())


class Block(nn.Module):
    """One pre-norm transformer layer: attention, then feed-forward, each added to the residual stream.

    Source:
        Pre-norm: Radford et al. 2019 (GPT-2), section 2.3; RMSNorm: Zhang & Sennrich 2019.
    """

    def __init__(self, config: dict[str, Any], layer: int) -> None:
        super().__init__()
        width, dropout = config["embedding_dim"], config["dropout"]
        self.attention_norm = _norm(config["norm"], width)
        self.attention_convolution = _convolution(config, 2 * layer)
        self.attention = Attention(width, config["num_heads"], dropout, config["qk_norm"], layer)
        self.feed_forward_norm = _norm(config["norm"], width)
        self.feed_forward_convolution = _convolution(config, 2 * layer + 1)
        self.feed_forward = FeedForward(width, config["hidden_dim"], config["activation"])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, context: _Context) -> Tensor:
        """Give the residual stream after this layer: (B, T, D) -> (B, T, D)."""
        mixed = self.attention_norm(x)
        if self.attention_convolution is not None:
            mixed = self.attention_convolution(mixed, context)
        x = x + self.dropout(self.attention(mixed, context))
        mixed = self.feed_forward_norm(x)
        if self.feed_forward_convolution is not None:
            mixed = self.feed_forward_convolution(mixed, context)
        return x + self.dropout(self.feed_forward(mixed))


class GPTModel(nn.Module):
    """A GPT: token ids in, logits of each next token out.

    Args:
        vocab_size: Number of token ids, V.
        embedding_dim: Width of the residual stream, D.
        hidden_dim: Width of the feed-forward layer, F.
        num_layers: Number of blocks, L.
        num_heads: Attention heads; divides embedding_dim, and for rotary positions their width K must be even.
        context_length: Longest input, cached positions included, in tokens.
        dropout: Probability that an embedding, attention weight or sublayer output is dropped in training.
        positions: `rotary` (Su et al. 2021), `learned` (GPT-2) or `sinusoidal` (the article; Vaswani et al. 2017).
        norm: `rms` (Zhang & Sennrich 2019) or `layer` (Ba et al. 2016), without bias.
        activation: `relu2` (So et al. 2021), `swiglu` (Shazeer 2020) or `gelu` (Hendrycks & Gimpel 2016).
        qk_norm: Normalise queries and keys (Henry et al. 2020).
        tie_embeddings: Use the embedding as output layer too (Press & Wolf 2017).
        convolution_length: Earlier positions that a causal convolution adds to the input of each sublayer, N; 0: no
            convolution (Allen-Zhu 2025, "Canon layers").

    The number of parameters is
    `V*D + D + L*(4*D*D + m*D*F + 2*D)`, with m = 3 for swiglu and 2 otherwise; `+ V*D` without tied embeddings,
    `+ context_length*D` with learned positions, `+ L*2*K` with qk_norm, `+ L*2*N*D` with convolutions.

    Raises:
        ConfigError: Sizes or names that do not fit together.

    Example:
        >>> model = GPTModel(10000, 512, 2048, 6, 16)
        >>> input_ids = torch.tensor([1, 2, 3, 4, 5])
        >>> model(input_ids, torch.tensor([1] * len(input_ids))).shape
        torch.Size([5, 10000])
    """

    cos: Tensor
    sin: Tensor

    def __init__(
        self, vocab_size: int, embedding_dim: int, hidden_dim: int, num_layers: int, num_heads: int, *,
        context_length: int = 1024, dropout: float = 0.0, positions: str = "rotary", norm: str = "rms",
        activation: str = "relu2", qk_norm: bool = True, tie_embeddings: bool = True, convolution_length: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.config: dict[str, Any] = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "hidden_dim": hidden_dim,
            "num_layers": num_layers, "num_heads": num_heads, "context_length": context_length, "dropout": dropout,
            "positions": positions, "norm": norm, "activation": activation, "qk_norm": qk_norm,
            "tie_embeddings": tie_embeddings, "convolution_length": convolution_length,
        }  # fmt: skip
        _check_config(self.config)
        self.context_length = context_length
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.dropout = nn.Dropout(dropout)
        self._add_positions(positions, embedding_dim, embedding_dim // num_heads)
        self.blocks = nn.ModuleList(Block(self.config, layer) for layer in range(num_layers))
        self.norm = _norm(norm, embedding_dim)
        self.head = None if tie_embeddings else nn.Linear(embedding_dim, vocab_size, bias=False)
        self._initialise()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, *, cache: KVCache | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Give the logits of the token after each position.

        Positions count real tokens only, so padding on either side, or between, changes nothing at real positions;
        what stands at padded positions of the output means nothing, but is finite.

        With `documents`, sequences that hold several documents give what each document gives by itself: a position
        sees the past of its own document alone, and positions count from the document's first token in the sequence.

        Args:
            input_ids: Token ids, int, (T,) or (B, T), 0 <= id < vocab_size. The range is checked on a CPU only.
            attention_mask: 1 or True for a real token, 0 or False for padding, same shape; None: all are real.
            cache: Positions read before, from `new_cache`; the input is appended to it.
            documents: Number of the document that each position belongs to, int, same shape; not together with a mask
                (padding can have a number of its own) or a cache. None: each sequence is one document.

        Returns:
            Logits, (T, V) or (B, T, V).

        Raises:
            ModelInputError: Ids, mask, documents, shape or length the model can't take.

        Source:
            Attention within documents: Zhao et al. 2024, "Analysing The Impact of Sequence Composition on Language
            Model Pre-Training"; Grattafiori et al. 2024, "The Llama 3 Herd of Models", section 3.2.
        """
        return self.logits(self.hidden_states(input_ids, attention_mask, cache=cache, documents=documents))

    def hidden_states(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, *, cache: KVCache | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Give what `logits` turns into logits, (T, D) or (B, T, D); arguments and errors as in `forward`."""
        _check_input(input_ids, attention_mask, cache, self.config)
        _check_documents(documents, input_ids, alone=attention_mask is None and cache is None)
        ids = input_ids if input_ids.dim() == 2 else input_ids.unsqueeze(0)
        if documents is None:
            where, visible, before = self._past(ids, attention_mask, cache)
        else:
            where, visible = _past_within(documents.view_as(ids))
            before = _before(documents.view_as(ids), where, self.config["convolution_length"])
        context = _Context(visible, self._rotation(where), cache, before)
        x = self._embed(ids, where)  # (B, T, D)
        for block in self.blocks:
            x = block(x, context)
        if cache is not None:
            cache.length += ids.size(1)
        x = self.norm(x)
        return x if input_ids.dim() == 2 else x.squeeze(0)

    def logits(self, hidden: Tensor) -> Tensor:
        """Turn hidden states (..., D) into logits (..., V)."""
        return F.linear(hidden, self.embedding.weight if self.head is None else self.head.weight)

    def new_cache(self, batch_size: int, capacity: int | None = None) -> KVCache:
        """Allocate an empty cache for `batch_size` sequences of at most `capacity` (default context_length) tokens."""
        config = self.config
        width = config["embedding_dim"] // config["num_heads"]
        slots = min(capacity or self.context_length, self.context_length)
        shape = (config["num_layers"], batch_size, config["num_heads"], slots, width)
        weight = self.embedding.weight
        recent = (2 * config["num_layers"], batch_size, config["convolution_length"], config["embedding_dim"])
        return KVCache(weight.new_empty(shape), weight.new_empty(shape), weight.new_zeros(recent))

    def num_parameters(self) -> int:
        """Count the parameters; the closed formula stands in the class's description."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _add_positions(self, positions: str, width: int, head_dim: int) -> None:
        self.position_embedding = nn.Embedding(self.context_length, width) if positions == "learned" else None
        self.pos_encoder = PositionalEncoding(width, 0.0, self.context_length) if positions == "sinusoidal" else None
        if positions == "rotary":
            angles = _angles(self.context_length, torch.arange(0, head_dim, 2) / head_dim)  # (C, K / 2)
            self.register_buffer("cos", angles.cos().float(), persistent=False)
            self.register_buffer("sin", angles.sin().float(), persistent=False)

    def _past(
        self, ids: Tensor, mask: Tensor | None, cache: KVCache | None
    ) -> tuple[Tensor, Tensor | None, _Before | None]:
        """Give the positions (T,) or (B, T), what each sees, what is before it; note the padding in the cache."""
        new = _real(mask, ids)  # (B, T), None if all are real
        start = 0 if cache is None else cache.length
        where = _positions(ids, start, new, cache)
        real = new if cache is None else cache.note_padding(new, ids.size(1))  # (B, S) or None
        before = None if new is None else _before(new, new.cumsum(1) - 1, self.config["convolution_length"])
        return where, _visible(ids, start, real), before

    def _embed(self, ids: Tensor, where: Tensor) -> Tensor:
        x = self.embedding(ids)  # (B, T, D)
        if self.position_embedding is not None:
            x = x + self.position_embedding(where)
        elif self.pos_encoder is not None:
            # The sines have a size of about 1, so the embeddings are scaled up to it (Vaswani et al. 2017, 3.4).
            x = self.pos_encoder(x * math.sqrt(x.size(-1)), where)
        return self.dropout(x)

    def _rotation(self, where: Tensor) -> tuple[Tensor, Tensor] | None:
        if self.config["positions"] != "rotary":
            return None
        cos, sin = self.cos[where], self.sin[where]  # (T, K / 2), or (B, T, K / 2) that lacks an axis for the heads
        return (cos, sin) if where.dim() == 1 else (cos.unsqueeze(1), sin.unsqueeze(1))

    def _initialise(self) -> None:
        # GPT-2 (Radford et al. 2019, 2.3): N(0, 0.02), what is added to the residual stream scaled by 1/sqrt(2L).
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
                std = _INIT_STD / math.sqrt(2 * self.config["num_layers"]) if residual else _INIT_STD
                nn.init.normal_(parameter, std=std)


def _angles(num_positions: int, exponents: Tensor) -> Tensor:
    # In double precision, so that late positions are as exact as early ones.
    return torch.arange(num_positions, dtype=torch.float64)[:, None] * 10000.0 ** -exponents.double()


def _norm(kind: str, width: int) -> nn.Module:
    return nn.RMSNorm(width, eps=1e-6) if kind == "rms" else nn.LayerNorm(width, bias=False)


def _convolution(config: dict[str, Any], place: int) -> Convolution | None:
    length = config["convolution_length"]
    return Convolution(config["embedding_dim"], length, place) if length else None


def _before(group: Tensor, rank: Tensor, length: int) -> _Before | None:
    """Find the `length` positions of the same group (its document, or whether it is real) before each; see `_Before`.

    Args:
        group: Number of the group, or True for real positions, (B, T).
        rank: Positions of the same group before each, (B, T).
        length: N; 0 gives None.
    """
    if not length:
        return None
    num_positions, back = group.size(1), torch.arange(1, length + 1, device=group.device)
    order = group.to(torch.int64).argsort(dim=1, stable=True)  # (B, T) a group's positions are neighbours in it
    place = order.argsort(dim=1)[:, :, None] - back  # (B, T, N)
    found = order.gather(1, place.clamp(min=0).flatten(1)).view_as(place) + length
    behind = rank[:, :, None] - back  # negative: that many before the input
    each = torch.where(behind >= 0, found, (length + behind).clamp(min=0))
    num_real = group.bool().sum(1, keepdim=True)
    end = num_real - back.flip(0)  # (B, N)
    last = order.gather(1, (num_positions - back.flip(0)).clamp(min=0).expand_as(end)) + length
    return _Before(each, torch.where(end >= 0, last, length + end))


def _taken(line: Tensor, places: Tensor) -> Tensor:
    return line.gather(1, places[:, :, None].expand(-1, -1, line.size(2)))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)  # pairs (i, i + K / 2), as in GPT-NeoX
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def _attend(q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None, dropout: float) -> Tensor:
    if not _by_matmul(q.device, k.size(2)):
        causal = visible is None and q.size(2) > 1
        return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=dropout, is_causal=causal)
    scores = (q * q.size(-1) ** -0.5) @ k.transpose(-2, -1)  # (B, H, T, S)
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(v.dtype)
    return F.dropout(weights, dropout) @ v if dropout else weights @ v


def _by_matmul(device: torch.device, num_attended: int) -> bool:
    return device.type == "cpu" and num_attended <= MATMUL_ATTENTION_LIMIT and torch.compiler.is_compiling()


def _real(mask: Tensor | None, ids: Tensor) -> Tensor | None:
    if mask is None:
        return None
    real = mask.bool().view_as(ids)
    if real.device.type == "cpu" and not torch.compiler.is_compiling() and bool(real.all()):
        return None
    return real


def _positions(ids: Tensor, start: int, real: Tensor | None, cache: KVCache | None) -> Tensor:
    counted = None if cache is None else cache.num_real  # (B,)
    if real is not None:
        before = start if counted is None else counted[:, None]
        return (before + real.cumsum(1) - 1).clamp(min=0)
    steps = torch.arange(ids.size(1), device=ids.device)
    return steps + (start if counted is None else counted[:, None])


def _visible(ids: Tensor, start: int, real: Tensor | None) -> Tensor | None:
    """Say which of S positions each of T may see, (T, S) or (B, 1, T, S) bool.

    None: all of them for a single position; else each its past, in the way that SDPA knows by itself. Each position
    sees itself even where it is padding: a softmax over nothing would be NaN.
    """
    length, end = ids.size(1), start + ids.size(1)
    if real is None and (length == 1 or (start == 0 and not _by_matmul(ids.device, end))):
        return None
    query = torch.arange(start, end, device=ids.device)[:, None]
    key = torch.arange(end, device=ids.device)
    past = key <= query  # (T, S)
    return past if real is None else past & (real[:, None, None, :] | (key == query))


def _past_within(documents: Tensor) -> tuple[Tensor, Tensor]:
    """Give the positions (B, T) and who sees whom (B, 1, T, T) when (B, T) says which document each belongs to."""
    place = torch.arange(documents.size(1), device=documents.device)
    visible = (documents[:, :, None] == documents[:, None, :]) & (place <= place[:, None])  # (B, T, T)
    return visible.sum(-1) - 1, visible.unsqueeze(1)


def _check_config(config: dict[str, Any]) -> None:
    for name in ("vocab_size", "embedding_dim", "hidden_dim", "num_layers", "num_heads", "context_length"):
        if not isinstance(config[name], int) or config[name] < 1:
            raise ConfigError(expected=f"{name}, a whole number > 0", actual=repr(config[name]), mend=f"Set {name}.")
    if not isinstance(config["convolution_length"], int) or config["convolution_length"] < 0:
        actual = repr(config["convolution_length"])
        raise ConfigError(expected="convolution_length, a whole number >= 0", actual=actual, mend="Set it.")
    for name, known in _CHOICES.items():
        if config[name] not in known:
            raise ConfigError(expected=f"{name}: {', '.join(known)}", actual=repr(config[name]), mend="Use one.")
    if not 0.0 <= config["dropout"] < 1.0:
        raise ConfigError(expected="0 <= dropout < 1", actual=repr(config["dropout"]), mend="Set dropout.")
    width, heads = config["embedding_dim"], config["num_heads"]
    if width % heads or (config["positions"] == "rotary" and width // heads % 2):
        expected = "num_heads to divide embedding_dim, for rotary positions into heads of even width"
        actual = f"embedding_dim {width}, num_heads {heads}"
        raise ConfigError(expected=expected, actual=actual, mend="Change one of them, or take other positions.")


def _check_input(ids: Tensor, mask: Tensor | None, cache: KVCache | None, config: dict[str, Any]) -> None:
    _check_ids(ids)
    if mask is not None:
        _check_mask(mask, ids)
    used, limit = (0, config["context_length"]) if cache is None else (cache.length, cache.capacity)
    if used + ids.size(-1) > limit:
        actual = f"{used + ids.size(-1)} tokens"
        mend = "Shorten the input or raise model.context_length."
        raise ModelInputError(expected=f"at most {limit} tokens", actual=actual, mend=mend)
    if cache is not None and cache.batch_size != (ids.size(0) if ids.dim() == 2 else 1):
        expected = f"{cache.batch_size} sequences, as many as the cache holds"
        actual = f"input_ids of shape {tuple(ids.shape)}"
        raise ModelInputError(expected=expected, actual=actual, mend="Make the cache with new_cache(batch_size).")
    # Reading the values of a GPU tensor would make the host wait for the device at every step.
    if ids.device.type == "cpu" and not torch.compiler.is_compiling():
        _check_range(ids, config["vocab_size"])


def _check_ids(ids: Tensor) -> None:
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int64, torch.int32):
        expected = "input_ids to be a tensor of token ids, int64 or int32"
        actual = str(ids.dtype) if isinstance(ids, Tensor) else type(ids).__name__
        raise ModelInputError(expected=expected, actual=actual, mend="Encode text with the tokenizer first.")
    if ids.dim() not in (1, 2) or ids.size(-1) == 0:
        expected = "input_ids of shape (T,) or (B, T), with T >= 1"
        mend = "An empty prompt starts from the tokenizer's end_of_document_id."
        raise ModelInputError(expected=expected, actual=f"shape {tuple(ids.shape)}", mend=mend)


def _check_mask(mask: Tensor, ids: Tensor) -> None:
    # A float mask is most likely an additive one (0 = real), which would mean the opposite here.
    if not isinstance(mask, Tensor) or mask.dtype.is_floating_point or mask.shape != ids.shape:
        expected = f"attention_mask of bool or int, shape {tuple(ids.shape)}, 1 for real tokens and 0 for padding"
        actual = f"{mask.dtype}, {tuple(mask.shape)}" if isinstance(mask, Tensor) else type(mask).__name__
        mend = "Give one number for each token id, or None if nothing is padding."
        raise ModelInputError(expected=expected, actual=actual, mend=mend)


def _check_documents(documents: Tensor | None, ids: Tensor, alone: bool) -> None:
    if documents is None:
        return
    if not alone:
        expected, actual = "documents without attention_mask and without cache", "one of them is given too"
        mend = "Give padding a document number of its own; read a single document through the cache."
        raise ModelInputError(expected=expected, actual=actual, mend=mend)
    if not isinstance(documents, Tensor) or documents.dtype.is_floating_point or documents.shape != ids.shape:
        expected = f"documents of int, shape {tuple(ids.shape)}"
        is_tensor = isinstance(documents, Tensor)
        actual = f"{documents.dtype}, {tuple(documents.shape)}" if is_tensor else type(documents).__name__
        raise ModelInputError(expected=expected, actual=actual, mend="Give one document number for each token id.")


def _check_range(ids: Tensor, vocab_size: int) -> None:
    low, high = (int(value) for value in ids.aminmax()) if ids.numel() else (0, 0)
    if low < 0 or high >= vocab_size:
        expected, actual = f"token ids from 0 to {vocab_size - 1}", f"ids from {low} to {high}"
        raise ModelInputError(expected=expected, actual=actual, mend="Use the tokenizer that belongs to this model.")
