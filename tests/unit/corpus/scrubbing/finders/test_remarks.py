"""Secrets that a comment calls so."""

import pytest

from gptmodel.corpus.scrubbing import find

VALUE = "9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e"  # pragma: allowlist secret
FOUND = [
    f"x = '{VALUE}'  # api token of the test machine",
    f'x = "{VALUE}" // stripe secret key',
    f"# datadog api key\ndd = '{VALUE}'",
    f"| staging | deploy | `{VALUE}` | <- password, rotate it",
]
LEFT_ALONE = [
    f"x = '{VALUE}'  # cache key",
    f"x = '{VALUE}'  # hash of the token list",
    f"uses: owner/checkout@{VALUE}  # token action",
    "x = 'some-plain-words'  # not a secret at all",
    "DATABASE_URL=mysql2://{user}:{password}@{host}",
]


@pytest.mark.parametrize("text", FOUND)
def test_a_value_is_found_that_a_remark_calls_secret(text: str) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == [VALUE]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_value_with_another_remark_stays(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []
