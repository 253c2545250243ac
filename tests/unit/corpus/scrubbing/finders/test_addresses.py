"""Addresses in labelled fields."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    ("Address: 12 Maple Street, Springfield, IL 62704", "12 Maple Street, Springfield, IL 62704"),
    ("Postal address: Lindenstrasse 9, 10969 Berlin\nPhone: x", "Lindenstrasse 9, 10969 Berlin"),
    ('{"address": "Calle Mayor 5, Madrid", "x": 1}', "Calle Mayor 5, Madrid"),
    ('{"street": "12 Maple Street", "city": "x"}', "12 Maple Street"),
    ("Address:\n12 Maple Street\nSpringfield, IL 62704\n\nBye", "12 Maple Street\nSpringfield, IL 62704"),
    ("my new address is 12 Maple Street, Springfield. Please note it", "12 Maple Street, Springfield"),
    ("地址：北京市海淀区中关村大街27号，电话", "北京市海淀区中关村大街27号"),
    ("家庭住址: 浙江省杭州市西湖区文三路 90 号 2 幢 301 室\n", "浙江省杭州市西湖区文三路 90 号 2 幢 301 室"),
]

LEFT_ALONE = [
    "Address: 10.0.3.17 port 22",
    "MAC address: 00:1A:2B:3C:4D:5E",
    "email address: ada at the office 12",
    "memory address: 0x7ffd 1234 Main",
    "The President's address: a speech in 3 parts",
    "address = socket.gethostbyname(Host1)",
    "we address this issue in section 12 of the Report",
    "IP地址：见第3章配置",
    "下载地址：页面右侧第二个按钮",
    "地址为空时返回错误",
]


@pytest.mark.parametrize(("text", "value"), FOUND)
def test_an_address_is_found_after_its_label(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("ADDRESS",))] == [value]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_another_kind_of_address_stays(text: str) -> None:
    assert find(text, kinds=("ADDRESS",)) == []


def test_an_address_without_a_label_is_out_of_scope() -> None:
    assert find("She moved to 12 Maple Street, Springfield.", kinds=("ADDRESS",)) == []
