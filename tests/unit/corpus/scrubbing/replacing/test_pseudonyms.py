"""Consistent pseudonyms."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.scrubbing import KINDS
from gptmodel.corpus.scrubbing.replacing.pseudonyms import pseudonym, pseudonym_pattern

KEY, OTHER = b"a key of this test", b"another key of it"


@pytest.mark.parametrize(("kind", "value", "form"), [
    ("EMAIL", "ada@example.com", r"p-[0-9a-f]{12}@anon\.invalid"),
    ("PERSON", "Ada Bell", r"Person-[0-9a-f]{12}"),
    ("URL_WITH_CREDENTIALS", "https://a:b@example.com", r"https://u-[0-9a-f]{12}\.anon\.invalid"),
    ("PHONE", "+1 415 555 0132", r"phone-[0-9a-f]{12}"),
    ("CREDIT_CARD", "4111 1111 1111 1111", r"credit-card-[0-9a-f]{12}"),
    ("STAFF_ID", "S-1234", r"staff-id-[0-9a-f]{12}"),
])  # fmt: skip
def test_each_kind_has_a_form_of_its_own(kind: str, value: str, form: str) -> None:
    assert re.fullmatch(form, pseudonym(kind, value, KEY))


@pytest.mark.parametrize(("kind", "one", "other"), [
    ("EMAIL", "Ada@Example.com", "ada@example.com"),
    ("EMAIL", "ada [at] example [dot] com", "ada@example.com"),
    ("EMAIL", "ada at example dot com", "ada@example.com"),
    ("EMAIL", "ａｄａ＠example.com", "ada@example.com"),
    ("PHONE", "+1 (415) 555-0132", "415.555.0132"),
    ("PHONE", "0044 20 7946 0958", "+44 (0)20 7946-0958"),
    ("CN_PHONE", "+86 138 0013 8000", "13800138000"),
    ("CN_PHONE", "１３８００１３８０００", "138-0013-8000"),
    ("CREDIT_CARD", "4111-1111-1111-1111", "4111111111111111"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"),
    ("US_SSN", "219-09-9998", "219 09 9998"),
    ("CN_ID", "11010519491231002x", "11010519491231002X"),
    ("IP_ADDRESS", "2001:4860:4860:0::8888", "2001:4860:4860::8888"),
    ("PERSON", "Ada  Lovelace\nBell", "ADA LOVELACE BELL"),
    ("PERSON", "林 晓梅", "林晓梅"),
    ("STAFF_ID", "ab  12", "AB 12"),
])  # fmt: skip
def test_two_forms_of_one_value_have_one_pseudonym(kind: str, one: str, other: str) -> None:
    assert pseudonym(kind, one, KEY) == pseudonym(kind, other, KEY)


@pytest.mark.parametrize(("kind", "one", "other"), [
    ("EMAIL", "ada@example.com", "ada@example.org"),
    ("SECRET", "vK3$wq9LpZr2", "vk3$wq9lpzr2"),
    ("CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1a1zp1ep5qgefi2dmptftl5slmv7divfna"),
    ("PHONE", "+44 20 7946 0958", "+44 20 7946 0959"),
    ("PERSON", "Ada Bell", "Ida Bell"),
])  # fmt: skip
def test_two_values_have_two_pseudonyms(kind: str, one: str, other: str) -> None:
    assert pseudonym(kind, one, KEY) != pseudonym(kind, other, KEY)


def test_one_value_in_two_kinds_has_two_pseudonyms() -> None:
    assert pseudonym("PHONE", "4155550132", KEY)[-12:] != pseudonym("OTHER_ID", "4155550132", KEY)[-12:]


def test_another_key_gives_another_pseudonym() -> None:
    assert pseudonym("EMAIL", "ada@example.com", KEY) != pseudonym("EMAIL", "ada@example.com", OTHER)


@given(st.sampled_from([*KINDS, "ADDRESS", "X9"]), st.text())
def test_any_text_has_a_pseudonym_that_its_pattern_matches_whole(kind: str, value: str) -> None:
    given_ = pseudonym(kind, value, KEY)
    assert re.fullmatch(pseudonym_pattern([kind]), given_)
    assert not given_[-12:].isdecimal()


@pytest.mark.parametrize("text", [
    "phone-491761234567", "phone-3f9c21d07a4", "phone-3f9c21d07a445", "phone-3F9C21D07A44", "x-phone-3f9c21d07a44",
    "p-3f9c21d07a44@anon.invalid.com", "p-3f9c21d07a44@example.com", "staff-id-3f9c21d07a44",
])  # fmt: skip
def test_what_only_resembles_a_pseudonym_is_none(text: str) -> None:
    assert not re.fullmatch(pseudonym_pattern(KINDS), text)
