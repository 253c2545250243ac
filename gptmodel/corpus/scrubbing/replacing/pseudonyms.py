"""Consistent pseudonyms: the same value gets the same stand-in everywhere, and no table of them is kept.

A pseudonym is a keyed hash (HMAC-SHA256) of the value's normal form, cut to 12 hex digits (48 bits: of a million values
of a kind two share one with a chance of 0.2 %) in a form that is nobody's value: `p-3f9c21d07a44@anon.invalid`,
`Person-3f9c21d07a44`, `https://u-3f9c21d07a44.anon.invalid`, and for every other kind its name, as in
`credit-card-3f9c21d07a44`. The domain is one that RFC 2606 keeps free. Who holds the key can try values and so tell
whose pseudonym it is; who does not, can't.
"""

import re
from collections.abc import Sequence
from functools import cache

from gptmodel.corpus.scrubbing.replacing.normal_forms import normal_form
from gptmodel.keys import keyed_hash

NUM_HEX = 12
"""Regular expression of the hash in a pseudonym; one letter at least, so that no number of anybody is one."""
HEX = rf"(?=[0-9]{{0,{NUM_HEX - 1}}}[a-f])[0-9a-f]{{{NUM_HEX}}}"
_FORMS = {
    "EMAIL": ("p-", "@anon.invalid"),
    "PERSON": ("Person-", ""),
    "URL_WITH_CREDENTIALS": ("https://u-", ".anon.invalid"),
}


def pseudonym(kind: str, value: str, key: bytes) -> str:
    """Give the stand-in of a value.

    Args:
        kind: Its kind.
        value: The value, in any of its usual forms.
        key: The pseudonym key.
    """
    before, after = _form(kind)
    normal, number = normal_form(kind, value), 0
    while (digits := keyed_hash(key, "pseudonym", kind, *normal, str(number))[:NUM_HEX]).isdecimal():
        number += 1  # one hash in 280 is all digits
    return f"{before}{digits}{after}"


def pseudonym_pattern(kinds: Sequence[str]) -> str:
    """Give the regular expression that the pseudonyms of some kinds match as a whole, and nothing else."""
    forms = (_form(kind) for kind in kinds)
    return "|".join(f"{re.escape(before)}{HEX}{re.escape(after)}" for before, after in forms)


def kind_prefixes(kinds: Sequence[str]) -> list[str]:
    """Give the beginnings of pseudonyms that name their kind, as `credit-card-` does."""
    return [_form(kind)[0] for kind in kinds if kind not in _FORMS]


@cache
def _form(kind: str) -> tuple[str, str]:
    return _FORMS.get(kind, (f"{kind.lower().replace('_', '-')}-", ""))
