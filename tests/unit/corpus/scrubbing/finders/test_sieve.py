"""Running rules only around hints finds what running them everywhere finds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.corpus.scrubbing.detectors import DETECTORS
from gptmodel.corpus.scrubbing.finders.passage import Passage, fold
from gptmodel.corpus.scrubbing.finders.sieve import merged, spans_in_utf8
from gptmodel.corpus.scrubbing.finding import Finding

VALUES = [
    "Address: 12 Maple Street, Springfield", "地址：北京市海淀区中关村大街27号", "пароль: Tr4il_jCkJ",
    "请寄至林晓梅收，",
    "IDENTIFIED BY 'vK3wq9LpZr2'", "8.8.8.8", "2001:4860:4860::8888", "GB82 WEST 1234\n5698 7654 32",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "529.982.247-25", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXZhbHVl", "ada [at] example [dot] com",
    'if ("vK3$wq9LpZr2" == password)', "mysql -u root -pvK3wq9LpZr2", "the password is r&UuTtBRhMU#dTSU",
    "登录密码：Shan#River2031",
    "user: ada\npassword: swallow", "Authorization: Basic YWRtaW46dkszd3E5THBacjI=", "患者：林晓梅",
    "尊敬的周先生：", "我叫王小明，",
    "-----BEGIN PRIVATE KEY-----\nMHcCAQEEIOh4\n-----END PRIVATE KEY-----", "docker login -u x -p vK3wq9LpZr2",
    "kristin(at)ost(punkt)de", "juan arroba empresa punto com",
    "vault login s.kd83JdkLq92mZx01PwqT77", "f\"Bearer kd83JdkLq92mZx01P\"",
    "git config gitlab.token kd83JdkLq92mZx01P", "?appid=9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e",
    "db:5432:shop:app:Plum!Jam88\n",
    "openssl enc -k Plum!Jam88", "echo 'Plum!Jam88' | sudo -S ls",
    "login('bob', 'Plum!Jam88')", "snmp-server community Plum_Jam88",
    "name,password\njo,Plum!Jam88\n", "Das Passwort lautet Kirschbaum_1204",
]  # fmt: skip
FILLERS = ["word " * 50, "数据库 " * 40, "12:30:45 ", "\n", " ", "é", "\U0001f600", "key ", "a.b.c ", "x = 1; "]
texts = st.lists(st.sampled_from(VALUES + FILLERS), max_size=9).map("".join)


def found(passage: Passage) -> set[Finding]:
    return {one for detector in DETECTORS for one in detector.find(passage)}


@settings(max_examples=60)
@given(texts)
def test_rules_find_around_hints_what_they_find_anywhere(text: str) -> None:
    everywhere = Passage(text)
    for name in ("codes", "announced", "named"):
        setattr(everywhere, name, [(0, len(text))])
    assert found(Passage(text)) == found(everywhere)


def test_spans_that_touch_once_widened_are_one() -> None:
    assert merged([(14, 15), (10, 12), (90, 91)], 5) == [(5, 20), (85, 96)]


def test_matches_in_utf8_are_told_in_characters() -> None:
    text = "é😀 密码 和 密码"
    assert [text[start:end] for start, end in spans_in_utf8("密码", text.encode())] == ["密码", "密码"]


def test_what_a_stretch_cuts_short_is_no_match() -> None:
    passage = Passage("abc 12345")
    assert [match.group() for match in passage.matches(re.compile(r"\d+"), [(0, 7)])] == []
    assert [match.group() for match in passage.matches(re.compile(r"\d+"), [(0, 9)])] == ["12345"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("１３８：", "138:"),
        ("中文，没有", "中文，没有"),
        ("a\u00a0b\u2011c\u3000", "a b-c "),
        ("😀ａ\ud800", "😀a\ud800"),
    ],
)
def test_folding_keeps_offsets_and_leaves_what_holds_no_value(text: str, folded: str) -> None:
    assert fold(text) == folded
