"""Bitcoin addresses with a valid checksum (base58check, bech32, bech32m)."""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage, is_ascii_word
from gptmodel.corpus.scrubbing.finders.sieve import WALLETS
from gptmodel.corpus.scrubbing.finders.validators import is_bitcoin
from gptmodel.corpus.scrubbing.finding import RANK_CHECKSUM, Finding

_ADDRESS = re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}|[bB][cC]1[02-9ac-hj-np-zAC-HJ-NP-Z]{11,71}")


def find_wallets(passage: Passage) -> Iterator[Finding]:
    """Find Bitcoin addresses."""
    for match in passage.matches(_ADDRESS, passage.codes_like(WALLETS)):
        touching = is_ascii_word(passage.char_at(match.start() - 1)) or is_ascii_word(passage.char_at(match.end()))
        if not touching and is_bitcoin(match.group()):
            yield Finding(match.start(), match.end(), "CRYPTO", "bitcoin", RANK_CHECKSUM)
