from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.output_filter import Filtered, filter_output

SCRUBBER = Scrubber(ScrubbingConfig())


def test_a_finding_in_the_completion_is_a_placeholder():
    shown = filter_output("Questions go to", " ada.quill@example.com, or wait.", SCRUBBER)
    assert shown == Filtered(" <EMAIL>, or wait.", 1)


def test_a_label_in_the_prompt_makes_a_value_of_what_follows():
    assert filter_output("Name:", " Ada Quill\n", SCRUBBER).text == " <PERSON>\n"


def test_what_the_prompt_itself_says_is_left_and_not_counted():
    assert filter_output("Dear ben.field@example.net,", " thank you.", SCRUBBER) == Filtered(" thank you.", 0)


def test_a_value_that_begins_in_the_prompt_is_taken_out_of_the_completion():
    assert filter_output("Write to ada.qu", "ill@example.com today", SCRUBBER) == Filtered("<EMAIL> today", 1)


@given(st.text(max_size=80), st.text(alphabet="abc xyz,.\n", max_size=80))
def test_a_completion_without_findings_keeps_every_character(prompt: str, text: str):
    shown = filter_output(prompt, text, SCRUBBER)
    assert shown.num_filtered or shown.text == text
