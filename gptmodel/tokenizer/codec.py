"""Text to token ids and back: load, save, encode, decode."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptmodel.errors import StoreError
from gptmodel.tokenizer.cache import TOKEN, PieceCache

if TYPE_CHECKING:
    import tokenizers

TOKENIZER_FILE = "tokenizer.json"
END_OF_DOCUMENT = "<|endoftext|>"
PADDING = "<|padding|>"

# Texts are encoded in batches of so many characters, which memory holds with their pieces.
_BATCH_CHARS = 500_000


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
        self._cache: PieceCache | None = None
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
        return self._backend.encode(encodable(text), add_special_tokens=False).ids

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode texts; each as `encode` does."""
        return [np.frombuffer(ids, dtype=TOKEN).tolist() for ids in self.encode_to_bytes(texts)]

    def encode_to_bytes(self, texts: Iterable[str]) -> Iterator[bytes]:
        """Give the ids of each text, 16 bits little endian each, in bounded memory: what token files hold.

        Several times as fast as the tokenizers library, for what a piece of text encodes to is kept (`cache`).
        """
        self._cache = self._cache or PieceCache(self._backend, self._bytes, _alphabet())
        for batch in _batches_of_text(texts):
            yield from self._cache.encode(batch)

    def decode(self, ids: Iterable[int]) -> str:
        """Give the text of token ids; special tokens give nothing, bytes that are no UTF-8 give U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Give the exact bytes of token ids; a token may end in the middle of a character."""
        return b"".join(self._bytes[number] for number in ids)


def encodable(text: str) -> str:
    """Replace lone surrogates by U+FFFD; all other text is given back as it is."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _batches_of_text(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    num_chars = 0
    for text in texts:
        batch.append(encodable(text))
        num_chars += len(text)
        if num_chars >= _BATCH_CHARS:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch


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


def _alphabet() -> str:
    """Give the character that stands for each byte."""
    return "".join(char for char, _ in sorted(_byte_of_char().items(), key=lambda item: item[1]))


def _byte_of_char() -> dict[str, int]:
    """Invert GPT-2's mapping of bytes to printable characters.

    Source: github.com/openai/gpt-2 src/encoder.py, bytes_to_unicode.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    mapping = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in set(printable))
    return mapping | {chr(256 + place): byte for place, byte in enumerate(others)}
