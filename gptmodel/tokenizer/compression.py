"""What a vocabulary gives for its size: bytes a token, tokens a character in each language, parameters spent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gptmodel.corpus.documents import Document
from gptmodel.tokenizer.cache import TOKEN
from gptmodel.tokenizer.codec import Tokenizer
from gptmodel.tokenizer.sample import num_bytes_of


@dataclass
class Compression:
    """Bytes, characters and tokens of texts by language."""

    num_bytes: Counter[str] = field(default_factory=Counter)
    num_characters: Counter[str] = field(default_factory=Counter)
    num_tokens: Counter[str] = field(default_factory=Counter)

    @property
    def bytes_per_token(self) -> float:
        """UTF-8 bytes for each token, over all texts."""
        return round(self.num_bytes.total() / self.num_tokens.total(), 4)

    @property
    def bytes_per_token_by_language(self) -> dict[str, float]:
        """The same for each language."""
        return {lang: round(self.num_bytes[lang] / self.num_tokens[lang], 4) for lang in sorted(self.num_bytes)}

    @property
    def tokens_per_character_by_language(self) -> dict[str, float]:
        """Tokens for each character of text, for each language."""
        return {lang: round(self.num_tokens[lang] / self.num_characters[lang], 4) for lang in sorted(self.num_bytes)}


def measure_compression(tokenizer: Tokenizer, documents: Sequence[Document]) -> Compression:
    """Encode documents and count; texts that hold nothing are left out."""
    counted = Compression()
    some = [document for document in documents if document.text]
    encoded: Iterable[bytes] = tokenizer.encode_to_bytes(document.text for document in some)
    for document, ids in zip(some, encoded, strict=True):
        counted.num_bytes[document.lang] += num_bytes_of(document.text)
        counted.num_characters[document.lang] += len(document.text)
        counted.num_tokens[document.lang] += len(ids) // TOKEN.itemsize
    return counted


def num_embedding_parameters(vocab_size: int, embedding_dim: int, tied: bool) -> int:
    """Give the parameters that a model spends on its vocabulary.

    Args:
        vocab_size: Tokens.
        embedding_dim: Width of the model.
        tied: Whether the output layer is the token embedding itself; else it is a matrix of the same size.

    Example:
        >>> num_embedding_parameters(4096, 128, tied=True)
        524288
    """
    return vocab_size * embedding_dim * (1 if tied else 2)
