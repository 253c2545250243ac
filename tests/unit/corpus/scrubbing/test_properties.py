"""What holds for every text whatsoever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber, find, replace

VALUES = [
    "ada@example.com", "ada [at] example [dot] com", "(415) 555-0132", "+1 415 555 0132", "13800138000", "8.8.8.8",
    "4111 1111 1111 1111", "GB82WEST12345698765432", "219-09-9998", "11010519491231002X",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "https://u:s3cr3tPW@example.com/x", "AKIAIOSFODNN7EXAMPLE",
    'password = "vK3$wq9LpZr2"', "密码：Shan#River2031", "Name: Oscar Lindqvist", "Dear Mrs. Bell", "患者：林晓梅",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "2001:4860:4860::8888", "CPF 529.982.247-25", "１３８",
    "Address: 12 Maple Street, Springfield", "地址：北京市海淀区中关村大街27号", "mysql -u root -pvK3wq9LpZr2",
    "user: ada\npassword: swallow",
    'if ("vK3$wq9LpZr2" == password)', "the password is r&UuTtBRhMU#dTSU", "BSN 111222333", "Hello Oscar,\n",
]  # fmt: skip
SCRUBBER = Scrubber(ScrubbingConfig())
GLUE = [
    "",
    " ",
    ",",
    "\n",
    "-",
    ".",
    ":",
    "@",
    "/",
    "=",
    '"',
    "<",
    ">",
    "，",
    "。",
    "号",
    "tel ",
    "key=",
    "pass:",
    "x",
    "0",
    "==",
]
PLACEHOLDER_BITS = ["<EMAIL>", "<SECRET>", "<PERSON>", "<PHONE>", "<", ">"]

mixed = st.lists(st.sampled_from(VALUES + GLUE + PLACEHOLDER_BITS), max_size=14).map("".join)
anything = st.one_of(mixed, st.text(max_size=200), st.text(alphabet="0123456789 -.+()@:/abAB=<>", max_size=80))


@settings(max_examples=400)
@given(anything)
def test_scrubbed_text_holds_no_further_finding(text: str) -> None:
    assert find(replace(text, find(text))) == []


@settings(max_examples=200)
@given(anything)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = SCRUBBER.scrub(text).text
    assert SCRUBBER.scrub(once).text == once


@settings(max_examples=200)
@given(anything)
def test_text_outside_the_findings_does_not_change(text: str) -> None:
    findings = find(text)
    kept, done = [], 0
    for one in findings:
        assert done <= one.start < one.end <= len(text)
        kept.append(text[done : one.start])
        done = one.end
    kept.append(text[done:])
    scrubbed, at = replace(text, findings), 0
    for piece in kept:
        at = scrubbed.index(piece, at) + len(piece)
    assert len(scrubbed) == sum(map(len, kept)) + sum(len(one.kind) + 2 for one in findings)


@settings(max_examples=100)
@given(st.lists(anything, min_size=1, max_size=5))
def test_neighbours_and_order_have_no_effect(texts: list[str]) -> None:
    alone = {text: SCRUBBER.scrub(text).text for text in texts}
    assert [SCRUBBER.scrub(text).text for text in reversed(texts)] == [alone[t] for t in reversed(texts)]


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "a\ud800@example.com", "\u0130" * 50, "1" * 5000, "@" * 5000])
def test_odd_text_is_no_trouble(text: str) -> None:
    assert replace(text, find(text)).count("\ud800") == text.count("\ud800") or "@" in text
