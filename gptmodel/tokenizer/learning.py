"""Learn byte-level BPE: the pattern that splits text into words, and the merges within them."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gptmodel.config import TokenizerConfig
from gptmodel.errors import ConfigError
from gptmodel.tokenizer.codec import END_OF_DOCUMENT, PADDING, Tokenizer, encodable
from gptmodel.tokenizer.pieces import word_cutter
from gptmodel.tokenizer.words import WordCounter

logger = logging.getLogger(__name__)

MAX_WORD_BYTES = 30_000_000
"""UTF-8 bytes of the distinct words that merges are learned from, at most; the trainer takes some 60 times as much."""

# GPT-4's split (tiktoken's cl100k_base) with deviations: a run of Han characters is a word of its own, as in Kimi K2's
# tokenizer, so that mixed text breaks where the script does; numbers go two digits at a time, as in nanochat, because a
# small vocabulary has no room for a thousand three-digit tokens; and marks stay with their letters (Devanagari).
# Source: github.com/openai/tiktoken tiktoken_ext/openai_public.py; moonshotai/Kimi-K2 tokenization_kimi.py;
# github.com/karpathy/nanochat nanochat/tokenizer.py.
SPLIT_PATTERN = (
    r"'(?i:s|t|re|ve|m|ll|d)"
    r"|\p{Han}+"
    r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}&&[^\p{Han}]]+"
    r"|\p{N}{1,2}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)


def learn(
    texts: Iterable[str], config: TokenizerConfig, placeholders: Sequence[str] = (), num_bytes: int = 0
) -> Tokenizer:
    """Learn a tokenizer from texts; the same texts give the same tokenizer, whatever their order.

    Ids: 0 end of document, 1 padding, then the 256 bytes, the merges, and the placeholders last.

    Args:
        texts: What to learn from.
        config: Size of the vocabulary.
        placeholders: Texts that become single, ordinary tokens.
        num_bytes: UTF-8 bytes of the texts, about. Above `MAX_WORD_BYTES` the words are counted first (`words`), which
            gives the same merges in bounded memory as long as the distinct words stay within that.

    Raises:
        ConfigError: The vocabulary has no room for bytes, special tokens and placeholders.
    """
    from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as Backend

    room = config.vocab_size - len(placeholders)
    _check_room(room, len(placeholders))
    backend: Any = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=room, min_frequency=config.min_frequency, special_tokens=[END_OF_DOCUMENT, PADDING],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False,
    )  # fmt: skip
    learned = _without(placeholders, texts)
    backend.train_from_iterator(_counted(learned) if num_bytes > MAX_WORD_BYTES else learned, trainer=trainer)
    # A placeholder is an ordinary token: special ones are neither kept by encode_special_tokens nor decoded.
    backend.add_tokens([AddedToken(name, special=False, normalized=False) for name in placeholders])
    return Tokenizer(backend)


def _without(placeholders: Sequence[str], texts: Iterable[str]) -> Iterator[str]:
    """Leave placeholders out of the text to learn from: they are tokens already and need no merges."""
    if not placeholders:
        yield from map(encodable, texts)
        return
    pattern = re.compile("|".join(re.escape(name) for name in sorted(placeholders, key=len, reverse=True)))
    for text in texts:
        yield from (part for part in pattern.split(encodable(text)) if part)


def _counted(texts: Iterable[str]) -> Iterator[str]:
    counter = WordCounter(word_cutter(), MAX_WORD_BYTES)
    for text in texts:
        counter.add(text)
    if counter.is_sample:
        logger.info("the text has more distinct words than memory is meant for: merges are learned from a sample")
    yield from counter.repeated()


def _check_room(room: int, num_placeholders: int) -> None:
    needed = 256 + len((END_OF_DOCUMENT, PADDING))
    if room < needed:
        raise ConfigError(
            expected=f"tokenizer.vocab_size of at least {needed + num_placeholders} "
            f"(256 bytes, 2 special tokens, {num_placeholders} placeholders)",
            actual=str(room + num_placeholders),
            mend=f"Set tokenizer.vocab_size to {needed + num_placeholders} or more.",
        )
