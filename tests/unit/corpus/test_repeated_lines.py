"""Lines that a source repeats: found, removed, and never at the cost of the text itself."""

import random

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.boilerplate import Boilerplate, find_boilerplate
from gptmodel.corpus.documents import Document, document_id

FOOTER = "Subscribe to our weekly newsletter and never miss an article."
CHINESE_FOOTER = "本文由编辑部整理发布，转载请注明出处。"
CONFIG = CleaningConfig(boilerplate_min_documents=5, boilerplate_min_ratio=0.1)


def make(number: int, text: str, source: str = "web") -> Document:
    path = f"{number}.txt"
    return Document(document_id(source, path, "0"), source, path, text)


def article(number: int, end: str = "") -> Document:
    words = random.Random(number).choices("river stone window letter garden mirror winter silver".split(), k=40)
    return make(number, " ".join(words) + f" number {number}.\n{end}")


def found(documents: list[Document], config: CleaningConfig = CONFIG) -> Boilerplate:
    return find_boilerplate(lambda: documents, config)


@pytest.mark.parametrize("footer", [FOOTER, CHINESE_FOOTER])
def test_a_line_in_many_documents_is_removed_from_all(footer: str) -> None:
    documents = [article(number, footer) for number in range(20)]
    stripped = [found(documents).strip(document) for document in documents]
    assert all(footer not in text and count == 1 for text, count in stripped)


def test_the_rest_of_a_document_stays() -> None:
    documents = [article(number, FOOTER) for number in range(20)]
    assert found(documents).strip(documents[3])[0] == documents[3].text.removesuffix(FOOTER).removesuffix("\n")


def test_a_line_in_few_documents_stays() -> None:
    documents = [article(number, FOOTER if number < 4 else "") for number in range(20)]
    assert not found(documents).lines


def test_a_line_below_the_share_of_documents_stays() -> None:
    documents = [article(number, FOOTER if number < 9 else "") for number in range(100)]
    assert not found(documents).lines


def test_repeats_within_one_document_count_once() -> None:
    documents = [article(0, "\n".join([FOOTER] * 50)), *(article(number) for number in range(1, 20))]
    assert not found(documents).lines


def test_each_source_counts_for_itself() -> None:
    documents = [make(number, f"{article(number).text}{FOOTER}", f"s{number % 5}") for number in range(20)]
    assert not found(documents).lines


@pytest.mark.parametrize("line", ["Returns:", "else:", "Reference Implementation", "---", "目录"])
def test_short_lines_stay_however_frequent(line: str) -> None:
    documents = [article(number, line) for number in range(20)]
    assert not found(documents).lines


def test_off_finds_nothing() -> None:
    documents = [article(number, FOOTER) for number in range(20)]
    assert not found(documents, CleaningConfig(boilerplate_min_documents=0)).lines


def test_one_of_many_copies_stays_whole() -> None:
    text = "A letter that was sent to everyone in the house.\nIt says that the garden is open in the winter too."
    documents = [make(number, text) for number in range(20)]
    boilerplate = found(documents)
    whole = [document.id for document in documents if boilerplate.strip(document) == (text, 0)]
    assert whole == [min(document.id for document in documents)]


def test_the_result_depends_on_the_set_alone() -> None:
    documents = [article(number, FOOTER) for number in range(15)] + [make(n, CHINESE_FOOTER) for n in range(50, 60)]
    shuffled = random.Random(3).sample(documents, len(documents))
    assert found(documents) == found(shuffled)
