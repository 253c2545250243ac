"""The second scanner: sees values of its kinds, passes over stand-ins and look-alikes, and stands on its own feet."""

import ast
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus import invented
from gptmodel.corpus.scrubbing.kinds import KINDS, placeholder
from gptmodel.corpus.scrubbing.measuring import residue, second, second_numbers
from gptmodel.corpus.scrubbing.measuring.second import COVERED, scan

MAKERS = {
    "EMAIL": invented.email,
    "PHONE": invented.london_phone,
    "CN_PHONE": invented.chinese_mobile,
    "IP_ADDRESS": invented.ipv6,
    "CREDIT_CARD": invented.visa_card,
    "IBAN": invented.german_iban,
    "US_SSN": invented.us_ssn,
    "CN_ID": invented.chinese_id,
    "URL_WITH_CREDENTIALS": invented.url_with_credentials,
    "SECRET": invented.json_web_token,
    "CRYPTO": invented.bitcoin_address,
}
PLACES = {
    "PHONE": "please call {} today",
    "CN_PHONE": "手机：{}，谢谢",
    "US_SSN": "her social security number, {}",
    "CREDIT_CARD": "paid with {} yesterday",
}


def kinds_in(text: str, *, sure: bool = True) -> list[str]:
    return [residue.kind for residue in scan(text) if residue.is_sure or not sure]


@pytest.mark.parametrize("module", [second, second_numbers, residue])
def test_it_shares_nothing_with_the_finders(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    own = {"gptmodel.corpus.scrubbing.measuring.second_numbers", "gptmodel.corpus.scrubbing.measuring.residue"}
    assert {name for name in names if name.startswith("gptmodel")} <= own


@pytest.mark.parametrize("kind", COVERED)
def test_values_of_each_kind_are_seen_with_certainty(kind: str) -> None:
    draw = random.Random(kind)
    texts = [PLACES.get(kind, "it was {} then").format(MAKERS[kind](draw)) for _ in range(40)]
    assert sum(kind in kinds_in(text) for text in texts) >= 38


@pytest.mark.parametrize(
    "text",
    [
        "released in version 1.21.4.2 on 2024-05-17",
        "ISBN 978-3-16-148410-0, order 20240517123456",
        "commit 3f2504e04f8911d39a0c0305e82c3301a9b7f6d1 and 550e8400-e29b-41d4-a716-446655440000",
        "react@18.2.0, user@localhost, git@github.com:team/code.git, icon@2x.png",
        "hosts 127.0.0.1, 10.1.2.3, 192.0.2.7 and fe80::1",
        "netmask ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0, group 224.0.0.251",
        "https://example.org:8443/a/b?c=1 and postgres://user:${PASSWORD}@db/orders",
        "password: <SECRET>, token = os.environ['TOKEN'], api_key: YOUR_API_KEY",
        "the account DE00123456781234567890 and the card 4111 1111 1111 1112",
        "-----BEGIN PUBLIC KEY----- and a -----BEGIN PRIVATE KEY----- without any",
        "198.51.100.236 called at 10:00, hotline 400-820-8820",
        "Copyright (C) 2009-2019 The Libphonenumber Authors, and Calle Berg 2010 2018",
        "MSkwJwYDVQQKEyBJbnRlcm5ldCBT\nZWN1cml0eSBSZXNlYXJjaCBHcm91cDEVMBMGA1UEAxMMSVNSRyBSb290IFgyMHYw\nEAYHKoZI",
        "一共 12345678 元，编号 20231108001，版本 3.11.7",
    ],
)
def test_look_alikes_are_passed_over(text: str) -> None:
    assert kinds_in(text) == []


def test_a_scrubbed_text_is_clean() -> None:
    text = "".join(f"email: {placeholder(kind)}, call {placeholder(kind)}; " for kind in KINDS)
    text += "p-3f9c21d07a44@anon.invalid https://u-3f9c21d07a44.anon.invalid credit-card-3f9c21d07a44 ***@*******.***"
    assert scan(text) == []


def test_full_width_values_are_seen_at_their_place() -> None:
    text = "邮箱：ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ。"
    [found] = scan(text)
    assert (found.kind, text[found.start : found.end]) == ("EMAIL", "ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ")


def test_a_chosen_password_is_a_suspicion_only() -> None:
    assert kinds_in("password: kettle77moon") == []
    assert kinds_in("password: kettle77moon", sure=False) == ["SECRET"]


def test_only_the_kinds_asked_for_are_given() -> None:
    assert scan("write to anna@example.com", ("IBAN",)) == []


@given(st.text(alphabet=st.sampled_from("aZ09@:/.-+=()<>\"' \n密码１＠İß\x00"), max_size=80))
def test_any_text_is_scanned_and_every_place_lies_in_it(text: str) -> None:
    assert all(0 <= residue.start < residue.end <= len(text) for residue in scan(text))
