"""Addresses written out or broken by a line's end."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    "kristin(at)werkhof-ost(punkt)de", "juan arroba empresa punto com", "joao(arroba)loja(ponto)com(ponto)br",
    "marie [point] dupont [arobase] exemple [point] fr", "ivan(собака)mail(точка)ru", "paula.k@\nwestbrook-clinic.com",
    "paula.k@westbrook-\nclinic.com", "paula.k@westbrook=\nclinic.com", "bob@mail.\n> example.org",
]  # fmt: skip


@pytest.mark.parametrize("address", FOUND)
def test_an_address_is_found_however_it_is_written(address: str) -> None:
    text = f"Write to {address} today"
    text = text.replace("to paula", "to: paula")
    assert [text[one.start : one.end] for one in find(text, kinds=("EMAIL",))] == [address]


@pytest.mark.parametrize("text", ["a@\nb.dot", "he was (at) home", "the point (at) issue", "f(x) [at] x=0 . y"])
def test_other_text_around_such_words_stays(text: str) -> None:
    assert find(text, kinds=("EMAIL",)) == []
