"""What is said of the replacements: every way that is not a placeholder with its kinds, and what the site brought."""

from typing import Any

import pytest

from gptmodel.corpus.scrubbing.replacing.account import tell_replacing


@pytest.mark.parametrize(
    ("scrub", "words"),
    [
        ({"replacements": {"EMAIL": "placeholder", "IBAN": "placeholder"}}, ["replaced: all kinds by a placeholder"]),
        (
            {"replacements": {"EMAIL": "pseudonym", "IBAN": "mask", "PHONE": "placeholder"}, "pseudonym_key_id": "ab1"},
            ["replaced: EMAIL by a consistent pseudonym (key ab1), IBAN by a mask, the others by a placeholder"],
        ),
        ({"replacements": {"EMAIL": "remove"}}, ["replaced: all kinds by nothing"]),
        (
            {"replacements": {"EMAIL": "drop", "IBAN": "placeholder"}, "num_dropped": 1},
            ["replaced: the others by a placeholder", "1 document left out for the sake of EMAIL"],
        ),
        ({"replacements": {"EMAIL": "drop"}, "num_dropped": 0}, ["0 documents left out for the sake of all kinds"]),
        (
            {"num_allowed": 2, "additions": ["allow file", "known values"]},
            ["2 values of the allow file left standing", "also used: allow file, roster of known values"],
        ),
        ({}, []),
    ],
)
def test_what_became_of_the_findings_is_said(scrub: dict[str, Any], words: list[str]) -> None:
    assert tell_replacing(scrub) == words
