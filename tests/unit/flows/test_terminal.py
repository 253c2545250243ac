import io
import json

import pytest

from flows import terminal
from flows.terminal import Terminal, print_json
from gptmodel.errors import ConfigError

ERROR = ConfigError(expected="a preset", actual="'tinny'", mend="Did you mean 'tiny'?")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_written_as_it_is() -> None:
    stream = io.StringIO()
    Terminal(stream).line("你好 world")
    assert stream.getvalue() == "你好 world\n"


def test_a_silent_terminal_writes_nothing_and_takes_everything() -> None:
    silent = Terminal(None)
    silent.line("x")
    silent.stage(1, "ingest", "one", None)
    silent.progress(1, "ingest", 0.5, "half")
    silent.error(ERROR)


def test_nobody_speaks_on_a_worker() -> None:
    assert isinstance(terminal.current(), Terminal)
    assert terminal.current().summary is None


def test_a_stage_that_was_there_already_says_cached() -> None:
    stream = io.StringIO()
    Terminal(stream).stage(4, "deduplicate", "122 kept", None)
    number, name, *_, took = stream.getvalue().split()
    assert (number, name, took) == ("4", "deduplicate", "cached")


def test_a_stage_that_ran_says_its_seconds() -> None:
    stream = io.StringIO()
    Terminal(stream).stage(4, "deduplicate", "122 kept", 1.26)
    assert stream.getvalue().endswith("  1.3 s\n")


def test_a_stage_of_zero_seconds_did_run() -> None:
    stream = io.StringIO()
    Terminal(stream).stage(4, "deduplicate", "122 kept", 0.0)
    assert "cached" not in stream.getvalue()


def test_a_stage_without_words_still_has_its_line() -> None:
    stream = io.StringIO()
    Terminal(stream).stage(13, "promote", "", 0.1)
    assert stream.getvalue().startswith("13 promote")


def test_long_words_are_wrapped_and_none_is_lost() -> None:
    stream = io.StringIO()
    words = " ".join(f"word{number}" for number in range(60))
    Terminal(stream).stage(3, "scrub", f"{words}\nsecond line", 1.0)
    rows = stream.getvalue().splitlines()
    assert max(map(len, rows)) <= 120
    assert all(row.startswith(" " * 17) for row in rows[1:])
    assert [word for word in stream.getvalue().split() if word.startswith("word")] == words.split()
    assert rows[-1].strip() == "second line"


def test_a_progress_bar_is_drawn_where_somebody_watches() -> None:
    stream = Screen()
    Terminal(stream).progress(9, "train", 0.5, "step 20")
    assert stream.getvalue().startswith("\r")
    assert "############------------  50%  step 20" in stream.getvalue()


def test_a_line_clears_the_bar_first() -> None:
    stream = Screen()
    watched = Terminal(stream)
    watched.progress(9, "train", 0.5, "step 20")
    watched.line("done")
    assert stream.getvalue().endswith("\r\x1b[2Kdone\n")


@pytest.mark.parametrize(("ratio", "filled"), [(-1.0, 0), (0.0, 0), (1.0, 24), (7.0, 24)])
def test_a_bar_never_leaves_its_width(ratio: float, filled: int) -> None:
    stream = Screen()
    Terminal(stream).progress(9, "train", ratio, "")
    assert "#" * filled + "-" * (24 - filled) in stream.getvalue()
    assert stream.getvalue().count("#") == filled


def test_no_bar_and_no_escape_goes_into_a_file() -> None:
    stream = io.StringIO()
    quiet = Terminal(stream)
    for number in range(50):
        quiet.progress(9, "train", number / 50, "step")
    assert stream.getvalue() == ""


def test_a_plain_line_says_how_far_it_is_when_nobody_watches_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    quiet = Terminal(stream)
    for clock in (100.0, 110.0, 116.0, 117.0):
        monkeypatch.setattr(terminal.time, "monotonic", lambda clock=clock: clock)
        quiet.progress(9, "train", 0.25, f"at {clock}")
    assert stream.getvalue().split() == ["9", "train", "25%", "at", "116.0"]


def test_a_long_stage_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    quiet = Terminal(stream)
    for clock, done_ratio in ((100.0, 0.0), (160.0, 0.25)):
        monkeypatch.setattr(terminal.time, "monotonic", lambda clock=clock: clock)
        quiet.progress(2, "clean", done_ratio, "shards")
    assert stream.getvalue() == " 2 clean           25%  shards   about 3 min left\n"


def test_a_stage_that_is_made_again_starts_its_own_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    quiet = Terminal(stream)
    for clock, done_ratio in ((100.0, 0.0), (200.0, 0.9), (201.0, 0.0), (260.0, 0.5)):
        monkeypatch.setattr(terminal.time, "monotonic", lambda clock=clock: clock)
        if clock == 201.0:
            quiet.stage(2, "clean", "done", 100.0)
        quiet.progress(2, "clean", done_ratio, "shards")
    assert stream.getvalue().splitlines()[-1].endswith("about 60 s left")


def test_an_error_has_three_parts() -> None:
    stream = io.StringIO()
    Terminal(stream).error(ERROR)
    rows = [row.strip() for row in stream.getvalue().splitlines()]
    assert rows == ["gptmodel: expected a preset", "got 'tinny'", "Did you mean 'tiny'?"]


def test_an_error_is_an_object_on_standard_output_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    Terminal(stream, as_json=True).error(ERROR)
    body = json.loads(capsys.readouterr().out)
    assert body == {"error": {"expected": "a preset", "actual": "'tinny'", "mend": "Did you mean 'tiny'?"}}
    assert "expected a preset" in stream.getvalue()


def test_an_error_without_json_leaves_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(io.StringIO()).error(ERROR)
    assert capsys.readouterr().out == ""


def test_a_json_object_is_one_line_of_readable_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "你好\nworld", "nothing": None})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "你好" in out
    assert json.loads(out) == {"text": "你好\nworld", "nothing": None}


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        print_json({"loss": float("nan")})


def test_a_sample_stays_on_one_line() -> None:
    stream = io.StringIO()
    Terminal(stream).sample(40, 'The "function"', "one\ntwo\r\nthree " * 40)
    assert stream.getvalue().count("\n") == 1
    assert "step    40" in stream.getvalue()
    assert "one two three" in stream.getvalue()


def test_a_terminal_that_cannot_show_a_character_shows_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Terminal(stream).line("loss ▁█ 你好")
    assert raw.getvalue() == b"loss ?? ??\n"
