"""The stage `tokenizer`: choose text of the train split, learn from it, and say what the vocabulary is worth."""

import logging
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.documents import Document
from gptmodel.errors import CorpusTooSmallError
from gptmodel.parts import Mapper, in_turn
from gptmodel.store import Workspace
from gptmodel.tokenizer.compression import measure_compression
from gptmodel.tokenizer.learning import learn
from gptmodel.tokenizer.sample import choose, read_train

logger = logging.getLogger(__name__)

# The compression report reads this much of the text that the merges were learned from (bytes).
_REPORT_BYTES = 4_000_000


class TokenizerResult(BaseModel):
    """What the tokenizer stage made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    vocab_size: int
    """Tokens in the vocabulary, special tokens and placeholders included; smaller than asked where text is short."""
    num_train_bytes: int
    """UTF-8 bytes of text that the merges were learned from."""
    bytes_per_token: float
    """UTF-8 bytes for each token, over a sample of that text."""
    bytes_per_token_by_language: dict[str, float]
    """The same for each language of the documents."""
    tokens_per_character_by_language: dict[str, float] = {}
    """Tokens for each character of that sample, for each language; empty in accounts that did not say."""


def train_tokenizer(
    work: Workspace, config: TokenizerConfig, placeholders: Sequence[str], mapper: Mapper = in_turn
) -> TokenizerResult:
    """Learn a tokenizer from the train split and write `tokenizer.json`.

    Args:
        work: Reads "scrub" (documents) and "split" (which of them train).
        config: Size of the vocabulary and bound of the text read.
        placeholders: Texts such as `<EMAIL>` that become single, ordinary tokens.
        mapper: Where the shards are read to choose the text.

    Raises:
        CorpusTooSmallError: The train split holds no text.
        ConfigError: The vocabulary has no room for bytes, special tokens and placeholders.
    """
    work.clear()
    chosen, reported = choose(work, (config.max_train_bytes, min(_REPORT_BYTES, config.max_train_bytes)), mapper)
    if not chosen.num_bytes:
        raise CorpusTooSmallError(
            expected="text in the train split to learn a tokenizer from",
            actual="none",
            mend="Add documents, or loosen the cleaning rules.",
        )
    sample: list[Document] = []
    texts = _read(work, chosen.largest_hash, reported.largest_hash, sample)
    tokenizer = learn(texts, config, sorted(set(placeholders)), chosen.num_bytes)
    tokenizer.save(work.path)
    if tokenizer.vocab_size < config.vocab_size:
        logger.warning("the text gives %d tokens, fewer than the %d asked for", tokenizer.vocab_size, config.vocab_size)
    counted = measure_compression(tokenizer, sample)
    return TokenizerResult(
        vocab_size=tokenizer.vocab_size, num_train_bytes=chosen.num_bytes, bytes_per_token=counted.bytes_per_token,
        bytes_per_token_by_language=counted.bytes_per_token_by_language,
        tokens_per_character_by_language=counted.tokens_per_character_by_language,
    )  # fmt: skip


def _read(work: Workspace, largest: int, largest_reported: int, sample: list[Document]) -> Iterator[str]:
    """Give the texts to learn from, and leave the documents to report on in `sample`."""
    for number, document in read_train(work):
        if number <= largest_reported:
            sample.append(document)
        if number <= largest:
            yield document.text
