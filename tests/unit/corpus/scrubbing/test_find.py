"""What is found and what is left alone, by kind."""

import pytest

from gptmodel.corpus.scrubbing import KINDS, PLACEHOLDERS, find, placeholder, replace
from gptmodel.corpus.scrubbing.finders.validators import is_bitcoin, is_card, is_cn_id, is_iban, is_us_ssn, luhn
from gptmodel.errors import ConfigError

FOUND = [
    ("EMAIL", "write to ada.b+news@mail.example.com today", "ada.b+news@mail.example.com"),
    ("EMAIL", "请写信到ada@example.com谢谢", "ada@example.com"),
    ("EMAIL", "邮箱ａｄａ＠example.com。", "ａｄａ＠example.com"),
    ("EMAIL", "ada [at] example [dot] com", "ada [at] example [dot] com"),
    ("EMAIL", '{"mail": "ada@example.com"}', "ada@example.com"),
    ("EMAIL", "ada@example [dot] com", "ada@example [dot] com"),
    ("EMAIL", "?to=ada%40example.com&x=1", "ada%40example.com"),
    ("PHONE", "my registered 668 5702.", "668 5702"),
    ("PHONE", "call 07700900082 (18+) now", "07700900082"),
    ("PHONE", "Phone:\n780 6326\n", "780 6326"),
    ("PHONE", "call (415) 555-0132 now", "(415) 555-0132"),
    ("PHONE", "fax: +44 20 7946 0958.", "+44 20 7946 0958"),
    ("PHONE", "tel. 0494 92 82 32", "0494 92 82 32"),
    ("PHONE", "You can use my other number 668 5702.", "668 5702"),
    ("PHONE", "电话：010-62345678", "010-62345678"),
    ("CN_PHONE", "手机13800138000，", "13800138000"),
    ("CN_PHONE", "+86 138 0013 8000", "+86 138 0013 8000"),
    ("CN_PHONE", "电话１３８００１３８０００", "１３８００１３８０００"),
    ("IP_ADDRESS", "from 8.8.8.8 port 22", "8.8.8.8"),
    ("IP_ADDRESS", "server 8.8.8.8:53", "8.8.8.8"),
    ("IP_ADDRESS", "ssh ada@8.8.8.8", "8.8.8.8"),
    ("IP_ADDRESS", "from <8.8.8.8>", "8.8.8.8"),
    ("IP_ADDRESS", "peer 2001:4860:4860::8888 up", "2001:4860:4860::8888"),
    ("CREDIT_CARD", "card 4111 1111 1111 1111 exp 12/31", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "3782-822463-10005", "3782-822463-10005"),
    ("CREDIT_CARD", "卡号6222021234567890128，", "6222021234567890128"),
    ("IBAN", "IBAN GB82 WEST 1234 5698 7654 32 please", "GB82 WEST 1234 5698 7654 32"),
    ("CREDIT_CARD", "card 4111 1111\n1111 1111", "4111 1111\n1111 1111"),
    ("CREDIT_CARD", "pan 9792030394440796", "9792030394440796"),
    ("IBAN", "account GB82 WEST 1234\n5698 7654 32.", "GB82 WEST 1234\n5698 7654 32"),
    ("IBAN", "nl91abna0417164300", "nl91abna0417164300"),
    ("US_SSN", "SSN 219-09-9998", "219-09-9998"),
    ("US_SSN", "social security number 219 09 9998", "219 09 9998"),
    ("CN_ID", "身份证号：11010519491231002X。", "11010519491231002X"),
    ("CN_ID", "证件 110105 19491231 002X，", "110105 19491231 002X"),
    ("CN_ID", "证件 110105-19491231-002x，", "110105-19491231-002x"),
    ("US_SSN", "219 09 9998\n", "219 09 9998"),
    ("CRYPTO", "to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("CRYPTO", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("URL_WITH_CREDENTIALS", "see postgres://u:s3cr3tPW@db.example.com/x.", "postgres://u:s3cr3tPW@db.example.com/x"),
    ("SECRET", "key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("SECRET", "t=ghp_Zk3mQ9tR7vB2nX5cL8pW1sD4fG6hJ0aY2uEi", "ghp_Zk3mQ9tR7vB2nX5cL8pW1sD4fG6hJ0aY2uEi"),
    ("SECRET", 'password = "vK3$wq9LpZr2"', "vK3$wq9LpZr2"),
    ("SECRET", "密码：Shan#River2031，", "Shan#River2031"),
    ("SECRET", "my password is Tulip-Garden-2031.", "Tulip-Garden-2031"),
    ("OTHER_ID", "CPF 529.982.247-25", "529.982.247-25"),
    ("OTHER_ID", "NHS number 943 476 5919", "943 476 5919"),
    ("PERSON", "Name: Oscar Lindqvist, born", "Oscar Lindqvist"),
    ("PERSON", "Dear Mrs. Eleanor Whitcombe,", "Eleanor Whitcombe"),
    ("PERSON", "Hello Oscar,\n", "Oscar"),
    ("PERSON", "My name is Oscar Lindqvist and", "Oscar Lindqvist"),
    ("PERSON", "See you.\n\nThanks,\nOscar Lindqvist\n", "Oscar Lindqvist"),
    ("PERSON", "ich heiße Oscar Lindqvist.", "Oscar Lindqvist"),
    ("PERSON", "甲方：林晓梅，", "林晓梅"),
    ("PERSON", "请寄至林晓梅收，", "林晓梅"),
    ("PERSON", "患者：林晓梅\n", "林晓梅"),
    ("PERSON", "尊敬的周先生：", "周"),
]

LEFT_ALONE = [
    "git@host and git@github.com:owner/name.git",
    "react@18.2.0 and icon@2x.png",
    "user@localhost",
    "https://user@example.com/path",
    "OpenSSL 3.0.2.1",
    "版本号：3.2.1.0",
    'Mobile/11B554a Safari/8536.25"\n192.0.2.214 - -',
    "call 192.0.2.214 now",
    "Hello World, and Hi there,",
    "My name is written below",
    "Decimal('+35236450.6')",
    "left-pad@1.2.3.4",
    "the row 219 09 9998 of the table",
    "OpenSSL 1.1.1.1k, version 8.8.8.8, v1.2.3.4",
    "127.0.0.1 192.168.1.40 10.0.3.17 192.0.2.1 ::1 fe80::1 2001:db8::1",
    "on 2021-05-03 and 1999-2004 at 12:30:45",
    "ISBN 978-3-16-148410-0",
    "4111 1111 1111 1112",
    "0000 0000 0000 0000",
    "GB82 WEST 1234 5698 7654 33",
    "000-12-3456 and 666-12-3456 and 078-05-1120",
    "110105194912310021",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "d41d8cd98f00b204e9800998ecf8427e",
    "password = os.environ['DB_PASSWORD']",
    "password: ${DB_PASSWORD}",
    "password = get_password(user)",
    "api_key=<your-key>",
    "token = 'your-token-here'",
    "self.token = token",
    "secret: string",
    "postgres://user:${PASSWORD}@host/db",
    "https://www.example.com/a/b?c=d#e",
    "/usr/lib/python3.11/site-packages/numpy/core/_multiarray_umath.so",
    "订单号 202104051234",
    "credit card number 4723 6061 3372 1369",
    "I changed my credit card number last week. It is 4982 2703 4773 9620 from now on",
    "I changed my order number last week. It is 24680929438 from now on",
    "his PESEL number (98052620529) is in the notes",
    "her library card is lost, his part number 868 1401 is here",
    "our number of readers rose to 1 402 331",
    "3.14159265358979",
    *PLACEHOLDERS,
]


@pytest.mark.parametrize(("kind", "text", "value"), FOUND)
def test_a_valid_value_is_found_whole(kind: str, text: str, value: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in find(text) if one.kind == kind] == [(kind, value)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_a_value_stays(text: str) -> None:
    assert find(text) == []


def test_a_private_key_is_found_from_header_to_footer() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIOh4+ab/9\nxY==\n-----END EC PRIVATE KEY-----"
    text = f"before\n{key}\nafter"
    assert [text[one.start : one.end] for one in find(text)] == [key]


def test_a_private_key_without_its_footer_is_found_to_the_end_of_its_body() -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n"
    assert replace(text, find(text)) == "<SECRET>\n"


def test_a_url_wins_over_the_address_inside_it() -> None:
    assert [one.kind for one in find("ftp://me:pa55word@files.example.com/a")] == ["URL_WITH_CREDENTIALS"]


def test_overlapping_findings_are_joined_so_that_no_half_stays() -> None:
    text = "password=foo9,bar@example.com"
    assert "foo9" not in replace(text, find(text)) or "bar" not in replace(text, find(text))


def test_a_chosen_kind_is_the_only_one_found() -> None:
    assert [one.kind for one in find("ada@example.com 8.8.8.8", kinds=("IP_ADDRESS",))] == ["IP_ADDRESS"]


def test_names_can_be_left_out() -> None:
    assert find("Name: Oscar Lindqvist", names=False) == []


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="SHOE_SIZE"):
        find("x", kinds=("SHOE_SIZE",))


def test_every_kind_has_a_placeholder() -> None:
    assert tuple(placeholder(kind) for kind in KINDS) == PLACEHOLDERS


def test_checksums_accept_published_values_and_refuse_a_changed_digit() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert is_card("5555555555554444")
    assert not is_card("0000000000000000")
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE88370400440532013000")
    assert is_cn_id("11010519491231002X")
    assert not is_cn_id("990105194912310021")
    assert is_bitcoin("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy")
    assert not is_us_ssn("900123456")


@pytest.mark.parametrize(("text", "values"), [
    ('masker.mask("4111111111111111")).endsWith("****");', ["4111111111111111"]),
    ("pan=4111111111111111 amt=19.90 EUR", ["4111111111111111"]),
    ('PASS="foxglove99"; expect "assword:"; send "$PASS"', ["foxglove99"]),
    ("nr 415-555-0132 and 12345678 pieces", ["415-555-0132"]), ("219-09-9998 then 123456780 parts", ["219-09-9998"]),
    ("4111111111111111, lot 7992739871300", ["4111111111111111"]), ("<SECRET> rate=0.5512 today", []),
    ("<PHONE> 12345678 x", []), ("<ADDRESS>: 14 Larch Row, Millbrook", []),
    ("credit-card-3f9c21d07a44 7992739871300", []), ("secret-3f9c21d07a44: aB3kd92x", []),
])  # fmt: skip
def test_what_stands_beside_a_stand_in_is_not_taken_for_its_value(text: str, values: list[str]) -> None:
    assert [text[one.start : one.end] for one in find(text)] == values


@pytest.mark.parametrize("text", ["<PHONE>12345678</PHONE>", "<SECRET>vK3$wq9LpZr2</SECRET>"])
def test_a_tag_of_xml_with_the_name_of_a_kind_says_what_it_holds(text: str) -> None:
    assert [text[one.start : one.end] for one in find(text)] == [text.split("<")[1].split(">")[1]]


def test_a_tag_of_xml_in_capitals_still_announces_its_value() -> None:
    text = "<DB_PASSWORD>vK3$wq9LpZr2</DB_PASSWORD>"
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == ["vK3$wq9LpZr2"]


@pytest.mark.parametrize(("text", "value"), [
    ("<li>IPv4: <code>187.150.197.78</code></li>", "187.150.197.78"),
    ("アクセス元IP：43.15.146.50（国外）", "43.15.146.50"),
    ("card no.4111111111111111;", "4111111111111111"), ("[INFO] uid=2201 phone=18399868180", "18399868180"),
    ("The number on my business card is (617) 346-8433", "(617) 346-8433"),
    ("お電話03-1286-5313（平日）", "03-1286-5313"),
    ("GP surgery 07400 751008, out of hours", "07400 751008"),
    ("me joindre au 01 23 02 57 82 après 19h", "01 23 02 57 82"),
    ("new PDO('mysql:host=db', 'shop', 'vK3$wq9LpZr2');", "vK3$wq9LpZr2"),
    ("apikey 90b837d803442561fdfc28c767c3bbfe", "90b837d803442561fdfc28c767c3bbfe"),  # pragma: allowlist secret
    ('Dim herokuToken As String = "58d2eefc-f574-43aa-acb7-9b10afa2e729"', "58d2eefc-f574-43aa-acb7-9b10afa2e729"),
])  # fmt: skip
def test_a_value_is_found_in_these_surroundings(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in find(text)] == [value]


@pytest.mark.parametrize("text", [
    'AssemblyVersion("4.2.11.0")', "upgraded libfoo to 8.2.3.4-1ubuntu2", "order no. 07400 751008",
    "see version 8.8.4.4",
])  # fmt: skip
def test_versions_and_orders_stay(text: str) -> None:
    assert find(text) == []
