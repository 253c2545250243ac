"""Encode texts by their pieces: what a piece encodes to is kept, and asked of the tokenizer once.

Ids are those of the tokenizer's own `encode_batch`, since pieces are cut only where that makes no difference
(`pieces`), and what is not kept is encoded by the tokenizer itself. They stay 16-bit integers in bytes from there to
the token file, never objects of their own.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat
from typing import TYPE_CHECKING

import numpy as np

from gptmodel.tokenizer.pieces import cutter, is_word

if TYPE_CHECKING:
    import tokenizers

TOKEN = np.dtype("<u2")
"""A token id in files and in memory: 16 bits, little endian."""

# A piece and its ids take about 200 bytes: 100 MB when full.
_MAX_PIECES = 500_000
_MAX_PIECE_CHARS = 40
# What a block holds for the first time is encoded in one call.
_PIECES_OF_A_BLOCK = 20_000
# One call encodes so many pieces for each list that it is given, so that Rust can spread the lists over threads.
_PIECES_OF_A_LIST = 1000


class PieceCache:
    """The ids of pieces of text, kept in bounded memory.

    Args:
        backend: The tokenizer; it must leave special tokens in text alone.
        tokens: The bytes of all its tokens by id.
        alphabet: The character that stands for each byte in its model.
    """

    def __init__(self, backend: "tokenizers.Tokenizer", tokens: Sequence[bytes], alphabet: str) -> None:
        from tokenizers import Tokenizer as Backend

        self._backend = backend
        self._of_words = Backend(backend.model)
        self._alphabet = alphabet
        self._cut = cutter(tokens)
        self._sizes = np.array([len(token) for token in tokens])
        self._added = {token.content for token in backend.get_added_tokens_decoder().values() if not token.special}
        # The tokenizer looks for the placeholders first, the longest at each place, and what lies between is a text.
        longest_first = sorted(self._added, key=len, reverse=True)
        self._placeholders = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if self._added else None
        self._kept: dict[str, bytes] = {}

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Give the ids of each text, `TOKEN` in bytes; texts hold no lone surrogates."""
        cut = [self._pieces(text) for text in texts]
        pieces, ids = [*chain.from_iterable(cut)], list[bytes]()
        for start in range(0, len(pieces), _PIECES_OF_A_BLOCK):
            ids += self._found(pieces[start : start + _PIECES_OF_A_BLOCK])
        ends = accumulate(map(len, cut))
        return [b"".join(ids[end - len(some) : end]) for some, end in zip(cut, ends, strict=True)]

    def _found(self, pieces: list[str]) -> list[bytes]:
        ids = [*map(self._kept.get, pieces, repeat(b""))]
        missing = [*_places_of_nothing(ids)]
        made = self._made({pieces[place] for place in missing})
        for place in missing:
            ids[place] = made[pieces[place]]
        self._keep(made)
        return ids

    def _pieces(self, text: str) -> list[str]:
        if self._placeholders is None or not self._placeholders.search(text):
            return self._cut(text)
        parts = self._placeholders.split(text)
        return [piece for number, part in enumerate(parts) for piece in ([part] if number % 2 else self._cut(part))]

    def _made(self, pieces: set[str]) -> dict[str, bytes]:
        """Encode pieces: those that are one word by the model alone, which leaves out the search for words."""
        words = [piece for piece in pieces if is_word(piece) and piece not in self._added]
        others = [*pieces.difference(words)]
        return dict(chain(
            zip(words, self._ids(self._of_words, words, self._spelled(words)), strict=True),
            zip(others, self._ids(self._backend, others, others), strict=True),
        ))  # fmt: skip

    def _spelled(self, words: list[str]) -> list[str]:
        """Spell words as the model does: a character for each byte."""
        return codecs.charmap_decode("\n".join(words).encode(), "strict", self._alphabet)[0].split(self._alphabet[10])

    def _ids(self, backend: "tokenizers.Tokenizer", pieces: list[str], spelled: list[str]) -> Iterator[bytes]:
        starts = range(0, len(pieces), _PIECES_OF_A_LIST)
        lists = [spelled[start : start + _PIECES_OF_A_LIST] for start in starts]
        encodings = backend.encode_batch_fast(lists, is_pretokenized=True, add_special_tokens=False)
        for start, encoding in zip(starts, encodings, strict=True):
            several = pieces[start : start + _PIECES_OF_A_LIST]
            ids = np.array(encoding.ids, dtype=TOKEN)
            # The tokens of a piece are those that end within its bytes.
            borders = np.cumsum([len(piece) if piece.isascii() else len(piece.encode()) for piece in several])
            ends = np.searchsorted(np.cumsum(self._sizes[ids]), borders, side="right") * TOKEN.itemsize
            coded, first = ids.tobytes(), 0
            for end in ends.tolist():
                yield coded[first:end]
                first = end

    def _keep(self, made: dict[str, bytes]) -> None:
        """Keep what is short; when there are too many, begin anew: what is frequent is soon there again."""
        if len(self._kept) + len(made) > _MAX_PIECES:
            self._kept.clear()
        self._kept |= {piece: ids for piece, ids in made.items() if len(piece) <= _MAX_PIECE_CHARS}


def _places_of_nothing(ids: list[bytes]) -> Iterator[int]:
    place = -1
    try:
        while True:
            place = ids.index(b"", place + 1)
            yield place
    except ValueError:
        return
