"""Byte-level BPE: learn it from the train split, save it, load it, encode and decode.

Any text round-trips exactly, for the alphabet is the 256 bytes. Only the end of a document and padding are special
tokens, and no text can produce them. Placeholders such as `<EMAIL>` are single ordinary tokens. Merges are learned
from the train split alone, never from planted test phrases. `tokens`, `generation` and the stages above read this
room; it imports `tokenizers` only inside functions.
"""

from gptmodel.tokenizer.codec import END_OF_DOCUMENT, PADDING, TOKENIZER_FILE, Tokenizer
from gptmodel.tokenizer.learning import SPLIT_PATTERN, learn
from gptmodel.tokenizer.stage import TokenizerResult, train_tokenizer

__all__ = [
    "END_OF_DOCUMENT",
    "PADDING",
    "SPLIT_PATTERN",
    "TOKENIZER_FILE",
    "Tokenizer",
    "TokenizerResult",
    "learn",
    "train_tokenizer",
]
