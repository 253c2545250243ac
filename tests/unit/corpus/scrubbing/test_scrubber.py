"""One configuration's finders and replacements."""

import pickle

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.keys import Keys


def test_a_scrubber_gives_the_text_with_placeholders_and_where_they_stand() -> None:
    done = Scrubber(ScrubbingConfig()).scrub("Write to ada@example.com.")
    assert done.text == "Write to <EMAIL>."
    assert [(one.start, one.end, one.kind) for one in done.findings] == [(9, 24, "EMAIL")]


def test_another_process_can_be_handed_a_scrubber() -> None:
    scrubber = pickle.loads(pickle.dumps(Scrubber(ScrubbingConfig())))
    assert scrubber.scrub("Write to ada@example.com.").text == "Write to <EMAIL>."


def test_a_scrubber_shows_no_key() -> None:
    scrubber = Scrubber(ScrubbingConfig(), Keys(b"k" * 32, b"p" * 32))
    assert "kkk" not in repr(vars(scrubber))
    assert "ppp" not in repr(vars(scrubber))
