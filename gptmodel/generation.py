"""Text from a trained model: sampling with a KV cache, many prompts at once, each with a random stream of its own.

A prompt stands at the beginning of a document, as texts did in training: the end-of-document token goes before it, so
an empty prompt starts from that token alone. What one prompt gives does not depend on the others beside it, up to the
rounding of sums. This room never trains and never logs a text. The command, the served model, `training` (samples),
`evaluation` and `privacy` call it.
"""

import codecs
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gptmodel.errors import ConfigError
from gptmodel.model_folder import load_model
from gptmodel.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gptmodel.model import GPTModel, KVCache

# Prompts that go through the model together, at most.
_BATCH_SIZE = 64


@dataclass(frozen=True)
class Generated:
    """One completion.

    Attributes:
        text: What follows the prompt; a character that the last token left unfinished is not part of it.
        num_tokens: Tokens generated, the end of the document aside.
        token_ids: These tokens.
    """

    text: str
    num_tokens: int
    token_ids: tuple[int, ...]


@dataclass(frozen=True)
class _Wish:
    """The sampling parameters of a request, checked."""

    max_new_tokens: int
    temperature: float
    top_k: int | None
    top_p: float | None

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        _require(self.max_new_tokens >= 0, "max_new_tokens >= 0", self.max_new_tokens)
        _require(0.0 <= self.temperature < float("inf"), "temperature >= 0 (0 takes the likeliest)", self.temperature)
        _require(self.top_k is None or self.top_k >= 1, "top_k >= 1, or None for all tokens", self.top_k)
        _require(self.top_p is None or 0.0 < self.top_p <= 1.0, "0 < top_p <= 1, or None for all tokens", self.top_p)


@dataclass
class _Sequence:
    """A prompt and what it has grown to."""

    ids: list[int]  # end of document, prompt, completion
    draw: random.Random
    num_given: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_given = len(self.ids)

    @property
    def completion(self) -> list[int]:
        return self.ids[self.num_given :]


class Generator:
    """A model with its tokenizer.

    Args:
        model: The model, on any device; its training mode is left as it was.
        tokenizer: The tokenizer it was trained with.

    Example:
        >>> generator = Generator.load(folder)                                       # doctest: +SKIP
        >>> generator.generate(["The function"], max_new_tokens=8, seed=1)[0].text   # doctest: +SKIP
        ' returns the name of'
    """

    def __init__(self, model: "GPTModel", tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> "Generator":
        """Load a model folder: `model.safetensors`, `config.json` and `tokenizer.json`.

        Raises:
            StoreError: A file is missing or damaged.
        """
        return cls(load_model(folder), Tokenizer.load(folder))

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> list[Generated]:
        """Complete each prompt.

        The random numbers of a prompt follow from `seed` and its place in `prompts`: the same prompt twice gives two
        texts, and the first is the one it gives alone. Beyond the context the model goes on from the later half of
        what it had read, by a rule that depends on that text's length alone.

        Args:
            prompts: Texts, of any length; only the last `context_length` tokens are read. Placeholders such as
                `<EMAIL>` are the tokens they were in training; no text gives a special token.
            max_new_tokens: Most tokens added to each; fewer where the model ends the document.
            temperature: 0 takes the likeliest token, 1 the model's own distribution, more is more even.
            top_k: Draw from this many likeliest tokens only.
            top_p: Draw from the likeliest tokens that together have this probability (Holtzman et al. 2020).
            seed: Seed of the random numbers.

        Returns:
            One completion for each prompt, in their order.

        Raises:
            ConfigError: A parameter out of range.
        """
        wish = _Wish(max_new_tokens, temperature, top_k, top_p)
        sequences = [self._sequence(prompt, place, seed) for place, prompt in enumerate(prompts)]
        for start in range(0, len(sequences), _BATCH_SIZE):
            for _ in self._grow(sequences[start : start + _BATCH_SIZE], wish):
                pass
        return [self._generated(sequence.completion) for sequence in sequences]

    def stream(
        self,
        prompt: str,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> Iterator[str]:
        """Give the completion that `generate` gives a prompt alone, piece by piece; a piece ends between characters.

        Raises:
            ConfigError: A parameter out of range, at once.
        """
        wish = _Wish(max_new_tokens, temperature, top_k, top_p)
        return self._pieces(self._sequence(prompt, 0, seed), wish)

    def log_probabilities(self, ids: Sequence[int]) -> list[float]:
        """Give the natural logarithm of each token's probability after those before it, the first opening a document.

        Raises:
            ModelInputError: No token, more than context_length, or one that the model does not have.
        """
        import torch

        given = torch.tensor([self.tokenizer.end_of_document_id, *ids][: max(1, len(ids))], device=self._device())
        wanted = torch.tensor(ids, dtype=torch.int64, device=given.device)
        with torch.inference_mode(), _evaluating(self.model):
            scores = self.model(given[: len(wanted)]).float().log_softmax(-1)  # (T, V)
        return scores.gather(-1, wanted[:, None]).squeeze(-1).tolist()

    def _sequence(self, prompt: str, place: int, seed: int) -> _Sequence:
        ids = [self.tokenizer.end_of_document_id, *self.tokenizer.encode(prompt)]
        return _Sequence(ids, random.Random(f"{seed}/{place}"))

    def _generated(self, ids: list[int]) -> Generated:
        text = _decoder().decode(self.tokenizer.decode_bytes(ids))
        return Generated(text, len(ids), tuple(ids))

    def _pieces(self, sequence: _Sequence, wish: _Wish) -> Iterator[str]:
        decoder, given = _decoder(), len(sequence.ids)
        for _ in self._grow([sequence], wish):
            piece = decoder.decode(self.tokenizer.decode_bytes(sequence.ids[given:]))
            given = len(sequence.ids)
            if piece:
                yield piece

    def _grow(self, live: list[_Sequence], wish: _Wish) -> Iterator[None]:
        """Add a token to each sequence again and again, until each has ended or has all its tokens."""
        cache: KVCache | None = None
        for _ in range(wish.max_new_tokens):
            if cache is None or cache.length == cache.capacity:
                cache = self.model.new_cache(len(live))
                scores = self._read([_window(sequence.ids, self.model.context_length) for sequence in live], cache)
            else:
                scores = self._read([sequence.ids[-1:] for sequence in live], cache)
            going = [self._append(*pair) for pair in zip(live, _pick(scores, live, wish), strict=True)]
            yield
            if not all(going):
                rows = [row for row, goes in enumerate(going) if goes]
                live = [live[row] for row in rows]
                _keep(cache, rows)
            if not live:
                return

    def _append(self, sequence: _Sequence, token: int) -> bool:
        if token == self.tokenizer.end_of_document_id:
            return False
        sequence.ids.append(token)
        return True

    def _read(self, rows: list[list[int]], cache: "KVCache") -> "Tensor":
        """Let the model read on; give the scores of each next token (B, V), tokens no text can hold aside."""
        import torch

        length = max(map(len, rows))
        padded = [[self.tokenizer.padding_id] * (length - len(row)) + row for row in rows]
        ids = torch.tensor(padded, device=self._device())  # (B, T)
        mask = None
        if any(len(row) < length for row in rows):
            mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows], device=ids.device)
        with torch.inference_mode(), _evaluating(self.model):
            scores = self.model.logits(self.model.hidden_states(ids, mask, cache=cache)[:, -1]).float()  # (B, V)
            scores[:, self.tokenizer.padding_id] = -float("inf")
            scores[:, self.tokenizer.vocab_size :] = -float("inf")
        return scores

    def _device(self) -> "torch.device":
        return self.model.embedding.weight.device


def _window(ids: list[int], context_length: int) -> list[int]:
    """Give the end of a text that fits into the context; its start moves on by half a context at a time."""
    stride = max(1, context_length // 2)
    excess = max(0, len(ids) - context_length)
    return ids[-(-excess // stride) * stride :]


def _pick(scores: "Tensor", sequences: Sequence[_Sequence], wish: _Wish) -> list[int]:
    """Choose a token for each sequence by its own random number: scores (B, V) -> B ids."""
    import torch

    with torch.inference_mode():
        if wish.temperature == 0.0:
            return scores.argmax(-1).tolist()
        draws = [[sequence.draw.random()] for sequence in sequences]
        weights = _weights(scores.double() / wish.temperature, wish)  # (B, V)
        sums = weights.cumsum(-1)
        targets = torch.tensor(draws, dtype=sums.dtype, device=sums.device) * sums[:, -1:]
        # The first token whose sum exceeds the target; one of weight 0 never does.
        return torch.searchsorted(sums, targets, right=True).squeeze(-1).clamp(max=scores.size(-1) - 1).tolist()


def _weights(scores: "Tensor", wish: _Wish) -> "Tensor":
    """Turn scores (B, V) into weights, 0 for tokens outside top_k or top_p."""
    if wish.top_k is not None and wish.top_k < scores.size(-1):
        lowest = scores.topk(wish.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < lowest, -float("inf"))
    weights = scores.softmax(-1)
    if wish.top_p is not None and wish.top_p < 1.0:
        ordered, places = weights.sort(dim=-1, descending=True, stable=True)
        # A token stays if those before it have not reached top_p yet; so the likeliest always stays.
        ordered = ordered.masked_fill(ordered.cumsum(-1) - ordered >= wish.top_p, 0.0)
        weights = ordered.new_zeros(ordered.shape).scatter(-1, places, ordered)
    return weights


def _keep(cache: "KVCache", rows: list[int]) -> None:
    import torch

    with torch.inference_mode():
        cache.keep(torch.tensor(rows, dtype=torch.int64, device=cache.keys.device))


class _evaluating:
    """The model without dropout for a while, then in the mode it was in."""

    def __init__(self, model: "GPTModel") -> None:
        self._model, self._training = model, model.training

    def __enter__(self) -> None:
        if self._training:
            self._model.eval()

    def __exit__(self, *error: object) -> None:
        if self._training:
            self._model.train()


def _decoder() -> codecs.IncrementalDecoder:
    # Bytes of an unfinished character wait for the next token; bytes that are no UTF-8 become U+FFFD.
    return codecs.getincrementaldecoder("utf-8")(errors="replace")


def _require(holds: bool, expected: str, actual: object) -> None:
    if not holds:
        raise ConfigError(expected=expected, actual=repr(actual), mend="Give a value in that range.")
