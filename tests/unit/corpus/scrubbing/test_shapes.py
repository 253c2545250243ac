"""Shapes of findings: what they look like without what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.scrubbing.kinds import KINDS
from gptmodel.corpus.scrubbing.shapes import LONGEST, shape_of


@pytest.mark.parametrize(("kind", "value", "shape"), [
    ("EMAIL", "Ada.Bell7@example.com", "aaa.aaa0@aaa.aaa"), ("PERSON", "林晓梅", "aaa"),
    ("IP_ADDRESS", "8.8.8.8", "0.0.0.0"),
    ("PHONE", "(415)\n555-0132", "(000) 000-0000"), ("SECRET", "vK3$wq9LpZr2", "a secret"),
    ("URL_WITH_CREDENTIALS", "https://u:s3cr3tPW@example.com/x", "aaa://aaa:aaa@aaa"), ("STAFF_ID", "§-12", "?-00"),
])  # fmt: skip
def test_a_shape_keeps_how_a_value_is_written(kind: str, value: str, shape: str) -> None:
    assert shape_of(kind, value) == shape


@given(st.sampled_from([*KINDS, "STAFF_ID"]), st.text())
def test_no_shape_holds_anything_but_signs(kind: str, value: str) -> None:
    shape = shape_of(kind, value)
    assert len(shape) <= LONGEST
    assert set(shape) <= set("a0 @.,:;'()+/_-?") or shape == "a secret"
