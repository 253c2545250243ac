"""HTML to main text."""

import pytest

from gptmodel.corpus.sources.extraction import declared_encoding, decode_html, main_text
from gptmodel.corpus.sources.quarantine import NotTextError

PAGE = """<!DOCTYPE html><html><head><title>t</title><style>.a {{}}</style><script>var x = 'script';</script></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<main><article><h1>A heading</h1><p>The first paragraph says enough to count as text.</p>
<p>The second {extra} follows it.</p><pre>a
  b</pre></article></main>
<footer>Cookie settings</footer></body></html>"""


def test_the_article_stays_and_the_navigation_goes() -> None:
    text = main_text(PAGE.format(extra="one"))
    assert "A heading\n" in text
    assert "The second one follows it." in text
    for gone in ("About us", "script", "Cookie settings"):
        assert gone not in text


def test_preformatted_text_keeps_its_lines() -> None:
    assert "a\n  b" in main_text(PAGE.format(extra="one"))


def test_entities_become_characters() -> None:
    assert "The second a < b & é follows" in main_text(PAGE.format(extra="a &lt; b &amp; &eacute;"))


def test_a_page_without_an_article_gives_its_visible_text() -> None:
    assert "only navigation" in main_text("<html><body><nav>only navigation</nav></body></html>")


@pytest.mark.parametrize("html", ["", "<html></html>", "<!-- nothing -->"])
def test_a_page_without_text_gives_none(html: str) -> None:
    assert main_text(html).strip() == ""


def test_broken_html_still_gives_its_text() -> None:
    assert "kept" in main_text("<div><p>kept<div></span></p><table><td>cell<b")


def test_a_nul_does_not_end_the_page() -> None:
    assert "after" in main_text("<p>before\0</p><p>after</p>")


@pytest.mark.parametrize("tag", ["div", "b", "x-y", "svg"])
def test_nesting_beyond_any_page_is_refused(tag: str) -> None:
    with pytest.raises(NotTextError) as caught:
        main_text(f"<{tag}>" * 5000 + "text")
    assert caught.value.reason == "too_deep"


def test_many_elements_side_by_side_are_no_nesting() -> None:
    assert main_text("<p>word" * 5000).count("word") == 5000


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b'<meta charset="euc-kr">', "cp949"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=Shift_JIS'>", "cp932"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>', "cp1252"),
        (b'<meta charset="nonsense">', None),
        (b"<p>no word of it", None),
    ],
)
def test_a_page_names_its_encoding(head: bytes, codec: str | None) -> None:
    assert declared_encoding(head) == codec


def test_a_page_is_decoded_as_it_declares() -> None:
    data = b'<meta charset="euc-kr"><p>' + "오류".encode("euc-kr")
    assert decode_html(data) == (data.decode("euc-kr"), "cp949")


def test_utf8_wins_over_a_false_declaration() -> None:
    text, codec = decode_html('<meta charset="iso-8859-1"><p>déjà'.encode())
    assert (codec, "déjà" in text) == ("utf-8", True)


def test_a_list_of_prose_stays_and_a_list_of_links_goes() -> None:
    items = "".join(f"<li>point {number} <ul><li>in detail</li></ul></li>" for number in "ab")
    links = "".join(f'<li><a href="/{number}">place {number}</a></li>' for number in "cd")
    text = main_text(f"<html><body><p>Some words.</p><ul>{items}</ul><ul>{links}</ul><p>More.</p></body></html>")
    assert [line.strip() for line in text.split("\n") if line] == [
        "Some words.", "• point a", "• in detail", "• point b", "• in detail", "More.",
    ]  # fmt: skip
