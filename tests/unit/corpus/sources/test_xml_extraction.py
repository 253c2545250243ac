"""The text of XML, and what its entities may not do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.corpus.sources.xml_extraction import xml_text


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<row><a>1</a><b>2</b></row>", "1\n2"),
        ("<row>\n  <a>1</a>\n  <b>2</b>\n</row>", "1\n2"),
        ("<p>Hello <b>big <i>world</i></b>!</p>", "Hello big world!"),
        ("<p><b>Hello</b> world</p>", "Hello world"),
        ("<s><p>one <i>a</i> <i>b</i></p><p>two</p></s>", "one a b\ntwo"),
        ("<text>kept\n  as it\n\nstands</text>", "kept\n  as it\n\nstands"),
        ("<a><![CDATA[x < y & z]]></a>", "x < y & z"),
        ("<a x='no'><!-- no --><?no no?>yes</a>", "yes"),
        ("<a>&amp; &#20013;</a>", "& 中"),
        ("<a/>", ""),
        ("<?xml version='1.0' encoding='gb2312'?><a>中文</a>", "中文"),
        ("<!DOCTYPE a [<!ENTITY c 'Ltd'>]><a>Acme &c;</a>", "Acme Ltd"),
        ("<!DOCTYPE a SYSTEM 'http://host.example/a.dtd'><a>caf&eacute;</a>", "café"),
    ],
)
def test_character_data_comes_in_lines(xml: str, text: str) -> None:
    assert xml_text(xml) == text


def reason(xml: str) -> str:
    with pytest.raises(NotTextError) as caught:
        xml_text(xml)
    return caught.value.reason


@pytest.mark.parametrize("xml", ["", "text", "<a>", "<a></b>", "<a>&unknown;</a>", "<a/><b/>"])
def test_what_is_not_well_formed_is_broken(xml: str) -> None:
    assert reason(xml) == "broken_file"


@pytest.mark.parametrize(
    "declared",
    [
        "<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>",
        f"<!ENTITY b '{'ha' * 100}'>",
        "<!ENTITY b SYSTEM 'file:///etc/hostname'>",
        "<!ENTITY b PUBLIC 'x' 'http://host.example/b.txt'>",
    ],
)
def test_entities_that_grow_or_lead_outside_are_unsafe(declared: str) -> None:
    assert reason(f"<!DOCTYPE a [{declared}]><a>&b;</a>") == "unsafe_xml"


def test_deep_nesting_is_no_trouble() -> None:
    assert xml_text("<a>" * 100_000 + "x" + "</a>" * 100_000) == "x"


@given(st.text(alphabet="<>/ab &;!'\"[]?x\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        xml_text(text)
    except NotTextError as error:
        assert error.reason in {"broken_file", "unsafe_xml"}
