"""Packed token files, and the batch order as arithmetic.

A split is one long stream of 16-bit token ids, documents one after the other, each followed by the end-of-document
token; windows are cut from it. Which windows make up batch n is computed, never stored, and can be computed backwards:
which steps read a given window is arithmetic too. `training`, `evaluation`, `privacy` and `lineage` read this room;
it never imports torch.
"""

from gptmodel.corpus.split_table import SPLITS
from gptmodel.tokens.documents import DOCUMENTS_FILE, PackedDocument, read_packed_documents, windows_of
from gptmodel.tokens.layout import MIXTURE_FILE
from gptmodel.tokens.order import BatchOrder
from gptmodel.tokens.packing import PackResult, pack
from gptmodel.tokens.stream import Tokens, TokenSplit, num_windows, windows_at

__all__ = [
    "DOCUMENTS_FILE",
    "MIXTURE_FILE",
    "SPLITS",
    "BatchOrder",
    "PackResult",
    "PackedDocument",
    "TokenSplit",
    "Tokens",
    "num_windows",
    "pack",
    "read_packed_documents",
    "windows_at",
    "windows_of",
]
