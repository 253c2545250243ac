"""The pictures of the corpus report: in the page's colours, the same bytes for the same counts, nothing for nothing."""

from collections import Counter
from collections.abc import Callable

import pytest

from gptmodel.corpus.distribution import Distribution
from gptmodel.corpus_pictures import MOST_LANGUAGES, languages_svg, lengths_by_language_svg, lengths_svg

PICTURES = [languages_svg, lengths_svg, lengths_by_language_svg]


def made(langs: list[str]) -> Distribution:
    distribution = Distribution()
    for place, lang in enumerate(langs):
        for split, number in (("train", 90 - place), ("validation", 5), ("test", 5)):
            distribution.languages[split, lang] += number
            distribution.lengths[split, lang, 4 + place % 8] += number
    return distribution


@pytest.mark.parametrize("draw", PICTURES)
def test_no_documents_give_no_picture(draw: Callable[[Distribution], str]) -> None:
    assert draw(Distribution()) == ""


@pytest.mark.parametrize("draw", PICTURES)
def test_the_same_counts_give_the_same_bytes_in_any_order(draw: Callable[[Distribution], str]) -> None:
    one, other = made(["en", "zh", "und"]), made(["en", "zh", "und"])
    for counts in ("languages", "lengths"):
        reverse = Counter(dict(reversed(list(getattr(one, counts).items()))))
        object.__setattr__(other, counts, reverse)
    assert draw(one) == draw(other)


def test_each_split_has_a_colour_of_the_page() -> None:
    for drawing in (languages_svg(made(["en"])), lengths_svg(made(["en"]))):
        assert all(colour in drawing for colour in ("var(--accent", "var(--second", "var(--third"))


def test_languages_that_do_not_fit_are_put_together() -> None:
    drawing = languages_svg(made([f"l{number:02d}" for number in range(MOST_LANGUAGES + 5)]))
    assert "6 others" in drawing
    assert f"l{MOST_LANGUAGES - 2:02d}" in drawing
    assert f"l{MOST_LANGUAGES - 1:02d}" not in drawing


def test_a_language_that_could_not_be_told_is_said_so() -> None:
    assert "not told" in languages_svg(made(["und"]))


def test_a_name_is_neither_markup_nor_mathematics() -> None:
    drawing = languages_svg(made(["<b>", r"$\broken$"]))
    assert "<b>" not in drawing
    assert "&lt;b&gt;" in drawing
    assert r"$\broken$" in drawing


def test_documents_of_one_length_can_be_drawn() -> None:
    distribution = Distribution(Counter({("train", "en"): 1}), Counter({("train", "en", 5): 1}))
    assert "<svg" in lengths_svg(distribution)
