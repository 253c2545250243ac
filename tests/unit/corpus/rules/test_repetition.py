"""What is there for the second time in a list."""

import pytest

from gptmodel.corpus.rules.repetition import repeated_chars_ratio, repeated_ratio


@pytest.mark.parametrize(
    ("passages", "ratio", "chars_ratio"),
    [([], 0, 0), (["a", "b"], 0, 0), (["long", "a", "long", "b"], 0.25, 0.4), (["a"] * 4, 0.75, 0.75)],
)
def test_all_but_the_first_count(passages: list[str], ratio: float, chars_ratio: float) -> None:
    assert (repeated_ratio(passages), repeated_chars_ratio(passages)) == (ratio, chars_ratio)
