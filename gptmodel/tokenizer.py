"""Byte-level BPE: learn it from the train split, save it, load it, encode and decode.

Any text round-trips exactly, for the alphabet is the 256 bytes. Only the end of a document and padding are special
tokens, and no text can produce them. Placeholders such as `<EMAIL>` are single ordinary tokens. Merges are learned
from the train split alone, never from planted test phrases. `tokens`, `generation` and the stages above read this
room; it imports `tokenizers` only inside functions.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.split_table import read_corpus
from gptmodel.errors import ConfigError, CorpusTooSmallError, StoreError
from gptmodel.store import Workspace

if TYPE_CHECKING:
    import tokenizers

logger = logging.getLogger(__name__)

TOKENIZER_FILE = "tokenizer.json"
END_OF_DOCUMENT = "<|endoftext|>"
PADDING = "<|padding|>"

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

# The compression report reads this much of the text that the merges were learned from (bytes).
_REPORT_BYTES = 4_000_000
# encode_batch holds all offsets of its texts: 0.7 GB for 10 MB, so it is fed in small batches (characters).
_BATCH_CHARS = 500_000


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


class Tokenizer:
    """Text to token ids and back.

    Example:
        >>> tokenizer = Tokenizer.load(folder)                      # doctest: +SKIP
        >>> tokenizer.decode(tokenizer.encode("any text"))          # doctest: +SKIP
        'any text'
    """

    def __init__(self, backend: "tokenizers.Tokenizer") -> None:
        # Not part of tokenizer.json: without it a text that spells a special token becomes that token.
        backend.encode_special_tokens = True
        self._backend = backend
        self._bytes = _bytes_of_tokens(backend)
        self.end_of_document_id: int = _id_of(backend, END_OF_DOCUMENT)
        self.padding_id: int = _id_of(backend, PADDING)

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Load a tokenizer.

        Args:
            path: `tokenizer.json`, or a folder that holds one.

        Raises:
            StoreError: There is no such file, or it is not a tokenizer of this project.
        """
        import tokenizers

        file = path / TOKENIZER_FILE if path.is_dir() else path
        try:
            return cls(tokenizers.Tokenizer.from_str(file.read_text(encoding="utf-8")))
        except Exception as error:  # the library raises bare Exception on a damaged file
            raise StoreError(
                expected=f"a tokenizer in {file}",
                actual="no such file" if isinstance(error, FileNotFoundError) else "a file that can't be read as one",
                mend="Compute it again: gptmodel run --force tokenizer",
            ) from error

    def save(self, folder: Path) -> Path:
        """Write `tokenizer.json` into a folder and return its path."""
        path = folder / TOKENIZER_FILE
        path.write_text(self._backend.to_str(pretty=True), encoding="utf-8")
        return path

    @property
    def vocab_size(self) -> int:
        """Number of tokens; ids are 0 <= id < vocab_size."""
        return len(self._bytes)

    def encode(self, text: str) -> list[int]:
        """Give the token ids of a text. Never a special id; a lone surrogate counts as U+FFFD."""
        return self._backend.encode(_encodable(text), add_special_tokens=False).ids

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode texts in bounded memory; each as `encode` does."""
        ids: list[list[int]] = []
        for batch in _batches_of_text(texts):
            ids += [encoding.ids for encoding in self._backend.encode_batch(batch, add_special_tokens=False)]
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Give the text of token ids; special tokens give nothing, bytes that are no UTF-8 give U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Give the exact bytes of token ids; a token may end in the middle of a character."""
        return b"".join(self._bytes[number] for number in ids)


def train_tokenizer(work: Workspace, config: TokenizerConfig, placeholders: Sequence[str]) -> TokenizerResult:
    """Learn a tokenizer from the train split and write `tokenizer.json`.

    Args:
        work: Reads "scrub" (documents) and "split" (which of them train).
        config: Size of the vocabulary and bound of the text read.
        placeholders: Texts such as `<EMAIL>` that become single, ordinary tokens.

    Raises:
        CorpusTooSmallError: The train split holds no text.
        ConfigError: The vocabulary has no room for bytes, special tokens and placeholders.
    """
    work.clear()
    names = sorted(set(placeholders))
    chosen = _choose(work, config.max_train_bytes)
    texts = (document.text for document in _train_documents(work) if document.id in chosen)
    tokenizer = learn(texts, config, names)
    tokenizer.save(work.path)
    if tokenizer.vocab_size < config.vocab_size:
        logger.warning("the text gives %d tokens, fewer than the %d asked for", tokenizer.vocab_size, config.vocab_size)
    total, by_language = _compression(tokenizer, work, chosen)
    return TokenizerResult(
        vocab_size=tokenizer.vocab_size, num_train_bytes=sum(chosen.values()),
        bytes_per_token=total, bytes_per_token_by_language=by_language,
    )  # fmt: skip


def learn(texts: Iterable[str], config: TokenizerConfig, placeholders: Sequence[str] = ()) -> Tokenizer:
    """Learn a tokenizer from texts; the same texts give the same tokenizer.

    Ids: 0 end of document, 1 padding, then the 256 bytes, the merges, and the placeholders last.

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
    backend.train_from_iterator(_without(placeholders, texts), trainer=trainer)
    # A placeholder is an ordinary token: special ones are neither kept by encode_special_tokens nor decoded.
    backend.add_tokens([AddedToken(name, special=False, normalized=False) for name in placeholders])
    return Tokenizer(backend)


def _train_documents(work: Workspace) -> Iterator[Document]:
    rows = read_corpus(work.inputs["scrub"], work.inputs["split"], "train")
    return (document for document, row in rows if not row.planted)


def _choose(work: Workspace, max_bytes: int) -> dict[str, int]:
    """Give id -> bytes of the documents to learn from: all, or those with the smallest hashes up to the bound."""
    sizes = {item.id: _num_bytes(item.text) for item in _train_documents(work) if item.text}
    if not sizes:
        raise CorpusTooSmallError(
            expected="text in the train split to learn a tokenizer from",
            actual="none",
            mend="Add documents, or loosen the cleaning rules.",
        )
    if sum(sizes.values()) <= max_bytes:
        return sizes
    chosen: dict[str, int] = {}
    used = 0
    for name in sorted(sizes, key=_hash):
        used += sizes[name]
        if used > max_bytes and chosen:
            break
        chosen[name] = sizes[name]
    return chosen


def _compression(tokenizer: Tokenizer, work: Workspace, chosen: dict[str, int]) -> tuple[float, dict[str, float]]:
    sample = _smallest_hashes(chosen, _REPORT_BYTES)
    num_bytes: Counter[str] = Counter()
    num_tokens: Counter[str] = Counter()
    for batch in _batches_of_documents(item for item in _train_documents(work) if item.id in sample):
        for item, ids in zip(batch, tokenizer.encode_batch(item.text for item in batch), strict=True):
            num_bytes[item.lang] += _num_bytes(item.text)
            num_tokens[item.lang] += len(ids)
    by_language = {lang: round(num_bytes[lang] / num_tokens[lang], 4) for lang in sorted(num_bytes)}
    return round(num_bytes.total() / num_tokens.total(), 4), by_language


def _smallest_hashes(chosen: dict[str, int], max_bytes: int) -> set[str]:
    sample, used = set[str](), 0
    for name in sorted(chosen, key=_hash):
        if used >= max_bytes:
            break
        sample.add(name)
        used += chosen[name]
    return sample


def _batches_of_documents(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if sum(len(item.text) for item in batch) >= _BATCH_CHARS:
            yield batch
            batch = []
    if batch:
        yield batch


def _batches_of_text(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    num_chars = 0
    for text in texts:
        batch.append(_encodable(text))
        num_chars += len(text)
        if num_chars >= _BATCH_CHARS:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch


def _without(placeholders: Sequence[str], texts: Iterable[str]) -> Iterator[str]:
    """Leave placeholders out of the text to learn from: they are tokens already and need no merges."""
    if not placeholders:
        yield from map(_encodable, texts)
        return
    pattern = re.compile("|".join(re.escape(name) for name in sorted(placeholders, key=len, reverse=True)))
    for text in texts:
        yield from (part for part in pattern.split(_encodable(text)) if part)


def _check_room(room: int, num_placeholders: int) -> None:
    needed = 256 + len((END_OF_DOCUMENT, PADDING))
    if room < needed:
        raise ConfigError(
            expected=f"tokenizer.vocab_size of at least {needed + num_placeholders} "
            f"(256 bytes, 2 special tokens, {num_placeholders} placeholders)",
            actual=str(room + num_placeholders),
            mend=f"Set tokenizer.vocab_size to {needed + num_placeholders} or more.",
        )


def _encodable(text: str) -> str:
    """Replace lone surrogates by U+FFFD; all other text is given back as it is."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _num_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _hash(name: str) -> bytes:
    # Ids are hashes already; hashed again, the sample does not follow from the split's own hash of the id.
    return hashlib.sha256(b"tokenizer\0" + name.encode("utf-8", "surrogatepass")).digest()


def _id_of(backend: "tokenizers.Tokenizer", token: str) -> int:
    number = backend.token_to_id(token)
    if number is None:
        raise ValueError(f"no token {token}")
    return int(number)


def _bytes_of_tokens(backend: "tokenizers.Tokenizer") -> list[bytes]:
    """Give each token's bytes by id; special tokens stand for none."""
    byte_of = _byte_of_char()
    added = {number: b"" if token.special else token.content.encode()
             for number, token in backend.get_added_tokens_decoder().items()}  # fmt: skip
    tokens = sorted(backend.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1])
    return [added[number] if number in added else bytes(byte_of[char] for char in token) for token, number in tokens]


def _byte_of_char() -> dict[str, int]:
    """Invert GPT-2's mapping of bytes to printable characters.

    Source: github.com/openai/gpt-2 src/encoder.py, bytes_to_unicode.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    mapping = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in set(printable))
    return mapping | {chr(256 + place): byte for place, byte in enumerate(others)}
