"""JSON values beside a document's text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.json_values import scrub_json

SCRUBBER = Scrubber(ScrubbingConfig())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize(("value", "scrubbed"), [
    ({"name": "Otto Kern"}, {"name": "<PERSON>"}),
    ({"address": "3 Cobbler Lane, Millbrook"}, {"address": "<ADDRESS>"}),
    ({"card": 4111111111111111, "n": 1234567}, {"card": "<CREDIT_CARD>", "n": 1234567}),
    ({"tel": [8613800138000]}, {"tel": ["<CN_PHONE>"]}),
    ({"password": "vK3$wq9LpZr2"}, {"password": "<SECRET>"}),
    ({"to": {"ada@example.com": 1, "bob@example.com": 2}}, {"to": {"<EMAIL>": 1, "<EMAIL> 2": 2}}),
    ([True, None, 0.5, "plain"], [True, None, 0.5, "plain"]),
])  # fmt: skip
def test_a_name_is_the_label_of_its_value(value: object, scrubbed: object) -> None:
    assert scrub_json(value, SCRUBBER).value == scrubbed


@given(JSON)
def test_any_value_gives_one_that_can_be_written(value: object) -> None:
    assert json.dumps(scrub_json(value, SCRUBBER).value)
