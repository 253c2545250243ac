"""One of the leak bench's twins."""

from pathlib import Path

from benchmarks.twin import Unscrubbed, settings
from gptmodel.config import ScrubbingConfig


def test_the_unscrubbed_twins_text_stays_as_it_is() -> None:
    scrubber, text = Unscrubbed(ScrubbingConfig()), "Write to ada.quill@example.com."
    assert (scrubber.scrub(text).text, scrubber.find(text)) == (text, [])


def test_both_twins_read_the_sample_and_the_invented_people(tmp_path: Path) -> None:
    config = settings(tmp_path, steps=7)
    assert [source.name for source in config.corpus.sources] == ["sample", "people"]
    assert config.training.max_steps == 7
