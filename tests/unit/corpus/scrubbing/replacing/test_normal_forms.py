"""Two ways of writing a value have one normal form, two values have two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.scrubbing.replacing.normal_forms import normal_form, normal_forms, values_inside

WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

ALIKE = [
    ("EMAIL", ["Anna.Keller@Example.COM", "anna.keller [at] example [dot] com", "anna.keller at example dot com",
               "anna.keller_at_example_dot_com", "ａｎｎａ.keller＠example.com", "anna.keller(at)example.com",
               "anna.keller%40example.com"]),
    ("EMAIL", ["x@münchen.de", "x@xn--mnchen-3ya.de"]),
    ("CN_PHONE", ["138 0013 8000", "138-0013-8000", "+86 13800138000", "0086 138 0013 8000", "１３８００１３８０００",
                  "(+86)138-0013-8000", "86-13800138000"]),
    ("PHONE", ["(415) 555-2671", "415.555.2671", "+1 415-555-2671", "1-415-555-2671", "001 415 555 2671"]),
    ("PHONE", ["0571-88886666", "(0571) 88886666", "057188886666", "+86 571 8888 6666"]),
    ("PHONE", ["+49 30 12345678", "0049 (0)30 12345678", "+49-30-12345678"]),
    ("PHONE", ["1-650-253-0000", "+1 (650) 253-0000"]),
    ("CREDIT_CARD", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "４１１１ 1111 1111 1111"]),
    ("IBAN", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"]),
    ("CN_ID", ["11010519491231002x", "110105 19491231 002X"]),
    ("US_SSN", ["536-22-1234", "536 22 1234", "536\u201322\u20131234"]),
    ("IP_ADDRESS", ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1", "2001:db8::1%eth0"]),
    ("IP_ADDRESS", ["::ffff:8.8.8.8", "8.8.8.8"]),
    ("CRYPTO", ["BC1QAR0SRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ", "bc1qar0srr7xfkvy5l643lydnw9re59gtzzwf5mdq"]),
    ("URL_WITH_CREDENTIALS", ["HTTPS://bob:p%40ss@Example.com:443/", "https://bob:p@ss@example.com"]),
    ("URL_WITH_CREDENTIALS", ["jdbc:mysql://root:toor99@db.example/x", "mysql://root:toor99@DB.example/x"]),
    ("SECRET", ["k3y-Part0ne", "k3y-\n   Part0ne"]),
    ("SECRET", ["-----BEGIN KEY-----\nAb1\n-----END KEY-----", "-----BEGIN KEY-----\\nAb1\\n-----END KEY-----"]),
    ("PERSON", ["Anna  Keller", "ANNA KELLER", "Anna\nKeller,", "Anna-Keller"]),
    ("PERSON", ["王小明", "王 小明"]),
    ("STAFF_NUMBER", ["K-0042", "k\u20110042", "K 0042"]),
]  # fmt: skip

APART = [
    ("EMAIL", "anna.keller@example.com", "annakeller@example.com"),
    ("EMAIL", "anna@example.com", "anna@example.co"),
    ("PHONE", "+44 20 7946 0958", "+49 20 7946 0958"),
    ("PHONE", "0571-88886666-801", "0571-88886666-802"),
    ("PHONE", "+1 387 555 2671", "138 7555 2671"),
    ("SECRET", "aB3dE6gH", "ab3de6gh"),
    ("SECRET", "two words1", "twowords1"),
    ("CRYPTO", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1boatslrhtknngkdxeeobr76b53lettpyt"),
    ("URL_WITH_CREDENTIALS", "https://bob:aB@h.example", "https://bob:ab@h.example"),
    ("OTHER_ID", "131052-308T", "131052+308T"),
    ("STAFF_NUMBER", "K-0042", "K0042"),
]


@pytest.mark.parametrize(("kind", "ways"), ALIKE)
def test_ways_of_writing_one_value_have_one_form(kind: str, ways: list[str]) -> None:
    assert len({normal_form(kind, way) for way in ways}) == 1


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_two_values_have_two_forms(kind: str, one: str, other: str) -> None:
    assert normal_form(kind, one) != normal_form(kind, other)


def grouped(digits: str, sizes: list[int], sign: str) -> str:
    """Write digits in groups."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(digits[at : at + size])
        at += size
    return sign.join([*pieces, digits[at:]]).strip(sign)


CARDS = st.text("0123456789", min_size=12, max_size=19)
SIGNS = st.sampled_from([" ", "-", ""])
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
EMAILS = st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,8})?@[a-z]{2,10}\.(com|org|de)", fullmatch=True)


@given(CARDS, SIGNS, st.lists(st.integers(1, 6), max_size=5), st.booleans())
def test_separators_and_width_of_a_number_make_no_difference(
    digits: str, sign: str, sizes: list[int], wide: bool
) -> None:
    written = grouped(digits, sizes, sign)
    assert normal_form("CREDIT_CARD", written.translate(WIDE) if wide else written) == ("number", digits)


@given(CARDS, CARDS)
def test_two_numbers_have_two_forms(one: str, other: str) -> None:
    assert (normal_form("IBAN", one) == normal_form("IBAN", other)) == (one == other)


@given(MOBILES, SIGNS, st.sampled_from(["+86 ", "0086", "86-", ""]))
def test_prefix_and_separators_of_a_mobile_number_make_no_difference(digits: str, sign: str, prefix: str) -> None:
    written = prefix + grouped(digits, [3, 4], sign)
    assert normal_form("CN_PHONE", written) == normal_form("PHONE", f"+86{digits}")


@given(MOBILES, MOBILES)
def test_two_mobile_numbers_have_two_forms(one: str, other: str) -> None:
    assert (normal_form("CN_PHONE", one) == normal_form("CN_PHONE", other)) == (one == other)


@given(EMAILS, st.sampled_from([" [at] ", "(at)", "＠", " at ", "_at_"]), st.sampled_from([" dot ", "[dot]", "_dot_"]))
def test_an_address_written_out_is_the_plain_one(address: str, at: str, dot: str) -> None:
    written = address.replace("@", at).replace(".", dot)
    assert normal_form("EMAIL", written) == normal_form("EMAIL", address.upper())


@given(EMAILS, EMAILS)
def test_two_addresses_have_two_forms(one: str, other: str) -> None:
    assert (normal_form("EMAIL", one) == normal_form("EMAIL", other)) == (one == other)


@given(st.sampled_from(["EMAIL", "PHONE", "IBAN", "IP_ADDRESS", "CRYPTO", "SECRET", "PERSON", "ANY"]), st.text())
def test_any_text_has_a_form_for_any_kind(kind: str, text: str) -> None:
    name, form = normal_form(kind, text)
    assert normal_form(kind, text) == (name, form)
    assert len(list(values_inside(kind, text))) <= 1


@given(st.text(min_size=1))
def test_a_value_of_unknown_kind_is_looked_up_in_the_form_it_was_filed_under(text: str) -> None:
    forms = set(normal_forms(text))
    for kind in ("EMAIL", "PHONE", "IBAN", "IP_ADDRESS", "CRYPTO", "SECRET", "URL_WITH_CREDENTIALS", "PERSON"):
        form = normal_form(kind, text)
        assert form in forms or not form[1]


def test_what_a_recognizer_took_for_a_number_may_be_words() -> None:
    assert normal_form("PHONE", "Call me Seven") == ("text", "call me seven")


@pytest.mark.parametrize(
    ("kind", "value", "inside"),
    [
        ("URL_WITH_CREDENTIALS", "ftp://bob:s%33cret@h.example/x", [("SECRET", "s3cret")]),
        ("URL_WITH_CREDENTIALS", "https://tok_16C7e42F292c6912E77@h.example", [("SECRET", "tok_16C7e42F292c6912E77")]),
        ("PHONE", "0571-88886666-801", [("PHONE", "0571-88886666")]),
        ("EMAIL", "a@example.com", []),
        ("URL_WITH_CREDENTIALS", "http://a:b@h:99999", []),
    ],
)  # fmt: skip
def test_a_value_inside_a_finding_is_a_value_too(kind: str, value: str, inside: list[tuple[str, str]]) -> None:
    assert list(values_inside(kind, value)) == inside
