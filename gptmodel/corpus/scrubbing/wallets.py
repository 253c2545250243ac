"""Bitcoin addresses with a valid checksum (base58check, bech32, bech32m)."""

from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding
from gptmodel.corpus.scrubbing.passage import Passage, is_ascii_word, linear
from gptmodel.corpus.scrubbing.validators import is_bitcoin

_BASE58 = r"[13][1-9A-HJ-NP-Za-km-z]{25,34}"
_BECH32 = r"[bB][cC]1[02-9ac-hj-np-zAC-HJ-NP-Z]{11,71}"


def find_wallets(passage: Passage) -> Iterator[Finding]:
    """Find Bitcoin addresses."""
    patterns = (_BASE58, _BECH32) if "bc1" in passage.text or "BC1" in passage.text else (_BASE58,)
    for pattern in patterns:
        for match in linear(pattern).finditer(passage.ascii):
            touching = is_ascii_word(passage.char_at(match.start() - 1)) or is_ascii_word(passage.char_at(match.end()))
            if not touching and is_bitcoin(match.group().decode()):
                yield Finding(match.start(), match.end(), "CRYPTO", "bitcoin", RANK_CHECKSUM)
