"""Tokens of providers, drawn by their published shapes."""

import random
import string

import pytest

from gptmodel.corpus.scrubbing import find

HEX, ALNUM = "0123456789abcdef", string.ascii_letters + string.digits
# Prefix, characters and length of the random part.
SHAPES = [
    ("AKIA", string.ascii_uppercase + "234567", 16), ("ghp_", ALNUM, 36), ("glpat-", ALNUM, 20), ("npm_", ALNUM, 36),
    ("sk_live_", ALNUM, 24), ("AIza", ALNUM, 35), ("hf_", string.ascii_letters, 34), ("dop_v1_", HEX, 64),
    ("shpat_", HEX, 32), ("dckr_pat_", ALNUM, 27), ("figd_", ALNUM, 40), ("ATBB", ALNUM, 32), ("CFPAT-", ALNUM, 43),
    ("mlsn.", HEX, 64), ("nvapi-", ALNUM, 64), ("phc_", ALNUM, 43), ("rzp_live_", ALNUM, 14),
    ("da2-", ALNUM.lower(), 26),
    ("bkua_", HEX, 40), ("AKLT", ALNUM, 44), ("amzn1.oa2-cs.v1.", HEX, 64), ("vcp_", ALNUM, 56), ("1//0", ALNUM, 60),
    ("https://discord.com/api/webhooks/123456789012345678/", ALNUM, 68),
    ("access_token$production$abcdefgh12345678$", HEX, 32),
]  # fmt: skip


@pytest.mark.parametrize(("prefix", "alphabet", "length"), SHAPES)
def test_a_token_of_a_published_shape_is_found_whole(prefix: str, alphabet: str, length: int) -> None:
    token = prefix + "".join(random.Random(prefix).choices(alphabet, k=length))
    text = f"the key {token}, keep it"
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == [token]


@pytest.mark.parametrize("text", ["AKIAXXXXXXXXXXXXXXXX", "ghp_" + "x" * 36, "sk-learn-compatible", "hf_hub_download"])
def test_a_mask_or_a_name_in_a_tokens_shape_stays(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []
