"""What holds for every text whatsoever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber, find, replace
from gptmodel.keys import Keys

VALUES = [
    "ada@example.com", "ada [at] example [dot] com", "(415) 555-0132", "+1 415 555 0132", "13800138000", "8.8.8.8",
    "4111 1111 1111 1111", "GB82WEST12345698765432", "219-09-9998", "11010519491231002X",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "https://u:s3cr3tPW@example.com/x", "AKIAIOSFODNN7EXAMPLE",
    'password = "vK3$wq9LpZr2"', "密码：Shan#River2031", "Name: Oscar Lindqvist", "Dear Mrs. Bell", "患者：林晓梅",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "2001:4860:4860::8888", "CPF 529.982.247-25", "１３８",
    "Address: 12 Maple Street, Springfield", "地址：北京市海淀区中关村大街27号", "mysql -u root -pvK3wq9LpZr2",
    "user: ada\npassword: swallow",
    'if ("vK3$wq9LpZr2" == password)', "the password is r&UuTtBRhMU#dTSU", "BSN 111222333", "Hello Oscar,\n",
    "Das Passwort lautet Kirschbaum_1204", "user;password\nmara;Wolke7-Regen\njo;Plum!Jam88\n",
    "APIキーは 9b1c7e2d4f6a8b0c3d5e7f9a1b",
    "x = '9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e'  # api token", "Llámame al 654 218 903", "kristin(at)ost(punkt)de",
    "paula@\nexample.com", "INSERT INTO u (a, pwd) VALUES ('jo', 'Plum!Jam88');", "https://wa.me/447911284617",
    "PL49 8316 1337 8178 7883 7266 6874", "routing key 9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e", "| pwd | Plum!Jam88 |",
]  # fmt: skip
KEYS = Keys(None, b"a key of this test")
WAYS: dict[str, ScrubbingConfig] = {
    "placeholder": ScrubbingConfig(),
    "pseudonym": ScrubbingConfig(replacement="pseudonym"),
    "mask": ScrubbingConfig(replacement="mask"),
    "remove": ScrubbingConfig(replacement="remove"),
    "mixed": ScrubbingConfig(
        replacement="remove",
        replacement_of={"EMAIL": "pseudonym", "SECRET": "mask", "PERSON": "pseudonym", "PHONE": "drop"},
    ),
}
SCRUBBERS = {way: Scrubber(config, KEYS) for way, config in WAYS.items()}
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
STAND_INS = [
    "<EMAIL>", "<SECRET>", "<PERSON>", "<PHONE>", "<", ">", "***", "p-3f9c21d07a44@anon.invalid", "Person-3f9c21d07a44",
    "secret-3f9c21d07a44", "phone-3f9c21d07a44", "phone-149155550132", "https://u-3f9c21d07a44.anon.invalid",
]  # fmt: skip
# What is no value until its neighbour is gone.
HALVES = [
    "-----BEGIN ", "PRIVATE KEY-----", "4111 1111 ", "1111 1111", "+1 415", " 555 0132", "138 0013", " 8000", " at ",
    " dot com", "eyJhbGciOi", "JIUzI1NiJ9.eyJzdWIi", "sk-ant-api03-", "abc123DEF456ghi789JKL0", "\u0301",
    "PuTTY-User-Key-File-2: x\n", "Private-MAC: ", "ab12",
]  # fmt: skip

mixed = st.lists(st.sampled_from(VALUES + GLUE + STAND_INS + HALVES), max_size=14).map("".join)
# A value within another: once the inner one is gone, what is left of the outer one joins.
nested = st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES), st.integers(0, 20)).map(
    lambda pair: pair[0][: pair[2]] + pair[1] + pair[0][pair[2] :]
)
anything = st.one_of(
    mixed, st.lists(nested, max_size=5).map(" ".join), st.text(max_size=200),
    st.text(alphabet="0123456789 -.+()@:/abAB=<>*", max_size=80),
)  # fmt: skip
in_any_way = pytest.mark.parametrize("way", WAYS)


@in_any_way
@settings(max_examples=150)
@given(text=anything)
def test_scrubbed_text_holds_no_further_finding(way: str, text: str) -> None:
    assert SCRUBBERS[way].find(SCRUBBERS[way].scrub(text).text) == []


@in_any_way
@settings(max_examples=40)
@given(text=anything)
def test_scrubbing_twice_is_scrubbing_once(way: str, text: str) -> None:
    once = SCRUBBERS[way].scrub(text).text
    assert SCRUBBERS[way].scrub(once).text == once


@in_any_way
@settings(max_examples=40)
@given(text=anything)
def test_what_is_scrubbed_in_one_way_holds_no_finding_for_another(way: str, text: str) -> None:
    assert find(SCRUBBERS[way].scrub(text).text) == []


@in_any_way
@settings(max_examples=60)
@given(text=anything)
def test_text_outside_the_findings_does_not_change(way: str, text: str) -> None:
    done, expected, at = SCRUBBERS[way].scrub(text), "", 0
    for one in done.findings:
        assert at <= one.start < one.end <= len(text)
        value = text[one.start : one.end]
        expected += text[at : one.start] + SCRUBBERS[way].replacer.stand_in(one.kind, value)
        at = one.end
    assert done.text == expected + text[at:]


@in_any_way
@settings(max_examples=20)
@given(texts=st.lists(anything, min_size=1, max_size=5))
def test_neighbours_and_order_have_no_effect(way: str, texts: list[str]) -> None:
    alone = {text: SCRUBBERS[way].scrub(text).text for text in texts}
    assert [SCRUBBERS[way].scrub(text).text for text in reversed(texts)] == [alone[t] for t in reversed(texts)]


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "a\ud800@example.com", "\u0130" * 50, "1" * 5000, "@" * 5000])
def test_odd_text_is_no_trouble(text: str) -> None:
    assert replace(text, find(text)).count("\ud800") == text.count("\ud800") or "@" in text


@in_any_way
@pytest.mark.parametrize("text", [
    "\x00ada@example.com\x00", "\ud800Name: Ada Bell\ud800", "\u202eada@example.com\u202c tel \u2067415 555 0132\u2069",
    "1" * 100_000, "a@b.cd " * 1000, "tel 1" * 1000, "key=" * 300,
])  # fmt: skip
def test_no_text_is_any_trouble_in_any_way(way: str, text: str) -> None:
    scrubbed = SCRUBBERS[way].scrub(text).text
    assert SCRUBBERS[way].find(scrubbed) == []
