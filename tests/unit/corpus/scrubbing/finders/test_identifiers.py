"""National identifiers: each table entry against the number that python-stdnum's own documentation calls valid."""

import importlib
import re

import pytest

from gptmodel.corpus.scrubbing import find
from gptmodel.corpus.scrubbing.finders.identifier_words import LABELS_OF


def documented(module: str) -> str:
    """A number that the module's documentation validates."""
    stdnum = importlib.import_module(f"stdnum.{module}")
    numbers = re.findall(r"(?:validate|format)\('([^']+)'", stdnum.__doc__)
    return next(number.strip() for number in numbers if stdnum.is_valid(number))


@pytest.mark.parametrize("module", sorted(LABELS_OF))
def test_a_documented_number_is_found_after_its_label(module: str) -> None:
    number = documented(module)
    label = LABELS_OF[module].split(", ")[0].upper()
    text = f"{label}: {number}, thanks"
    assert [text[one.start : one.end] for one in find(text, kinds=("OTHER_ID",))] == [number]


@pytest.mark.parametrize("module", ["nl.bsn", "pl.pesel", "za.idnr", "hr.oib", "gb.nhs"])
def test_the_same_number_without_a_label_or_with_another_digit_stays(module: str) -> None:
    number = documented(module)
    changed = number[:-1] + str((int(number[-1]) + 1) % 10)
    label = LABELS_OF[module].split(", ")[0]
    assert find(f"row {number} of", kinds=("OTHER_ID",)) == []
    assert find(f"{label}: {changed}", kinds=("OTHER_ID",)) == []


def test_a_label_with_letters_beyond_ascii_is_read() -> None:
    text = f"Rodné číslo: {documented('cz.rc')}"
    assert len(find(text, kinds=("OTHER_ID",))) == 1
