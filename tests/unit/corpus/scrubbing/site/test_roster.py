"""The site's roster."""

import logging
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.errors import ConfigError
from gptmodel.keys import Keys

KEYS = Keys(b"k" * 32)
NAMES = ("Anna Müller", "O'Brien", "Quagga", "J. R. Tolk", "张伟", "欧阳明月", "阿Q", "김철수")


def scrubber(folder: Path, *lines: str, keys: Keys = KEYS, kept_dir: Path | None = None) -> Scrubber:
    path = folder / "roster.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return Scrubber(ScrubbingConfig(known_values=str(path)), keys, kept_dir)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Then Anna Müller came.", "Then <PERSON> came."),
        ("ANNA MÜLLER", "<PERSON>"),
        ("anna \n müller", "<PERSON>"),
        ("Anna-Müller, Anna, Müller", "<PERSON>, <PERSON>"),
        ("Hanna Müller, Anna Müllers, Anna", "Hanna Müller, Anna Müllers, Anna"),
        ("O’Brien and o'brien", "<PERSON> and <PERSON>"),
        ("j r tolk", "<PERSON>"),
        ("由张伟办理", "由<PERSON>办理"),
        ("张 伟，张\n伟", "<PERSON>，<PERSON>"),
        ("问欧阳明月quagga", "问<PERSON><PERSON>"),
        ("读阿Q正传, 阿ｑ", "读<PERSON>正传, <PERSON>"),
        ("김철수는", "<PERSON>는"),
        ("İ Anna Müller", "İ <PERSON>"),
        ("quagga@example.com", "<EMAIL>"),
    ],
)
def test_values_are_found_as_they_may_be_written(tmp_path: Path, text: str, expected: str) -> None:
    assert scrubber(tmp_path, *NAMES).scrub(text).text == expected


def test_a_line_may_name_another_kind(tmp_path: Path) -> None:
    made = scrubber(tmp_path, "ADDRESS\t12 Heron Lane", "WARD\tNorth Seven", "Quagga")
    assert made.scrub("Quagga, 12 Heron  Lane, north seven").text == "<PERSON>, <ADDRESS>, <WARD>"
    assert made.placeholders[-1] == "<WARD>"
    assert "ADDRESS" in made.kinds_not_searched


@pytest.mark.parametrize("line", ["person\tAnna Quagga", "Q", "王", "--"])
def test_a_line_that_is_no_value_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="line 2 of scrubbing.known_values") as error:
        scrubber(tmp_path, "Anna Müller", line)
    assert "Quagga" not in str(error.value)


def test_an_empty_roster_is_refused_and_what_was_kept_stays(tmp_path: Path) -> None:
    scrubber(tmp_path, *NAMES, kept_dir=tmp_path)
    [kept] = tmp_path.glob("*.json")
    before = kept.read_bytes()
    with pytest.raises(ConfigError, match="at least one value"):
        scrubber(tmp_path, "", kept_dir=tmp_path)
    assert kept.read_bytes() == before


def test_a_missing_roster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="known_values"):
        Scrubber(ScrubbingConfig(known_values=str(tmp_path / "none")), KEYS, tmp_path)


def test_once_the_file_is_deleted_the_kept_hashes_find_the_same(tmp_path: Path) -> None:
    before = scrubber(tmp_path, *NAMES, "WARD\tNorth Seven", kept_dir=tmp_path)
    (tmp_path / "roster.txt").unlink()
    after = Scrubber(before.config, KEYS, tmp_path)
    text = "Anna Müller 张伟 north seven"
    assert after.scrub(text) == before.scrub(text)
    assert after.digests == before.digests


def test_what_is_kept_holds_no_value_and_is_the_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "keys"
    home.mkdir()
    scrubber(tmp_path, *NAMES, kept_dir=home)
    [kept] = home.iterdir()
    text = kept.read_text(encoding="utf-8").casefold()
    assert not any(part.casefold() in text for name in NAMES for part in (name, name.encode("unicode_escape").decode()))
    assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0


def test_hashes_of_another_key_are_refused(tmp_path: Path) -> None:
    made = scrubber(tmp_path, *NAMES, kept_dir=tmp_path)
    [kept] = tmp_path.glob("roster-*.json")
    (tmp_path / "roster.txt").unlink()
    kept.write_text(kept.read_text().replace('"key": "', '"key": "0'))
    with pytest.raises(ConfigError, match="Put the roster back"):
        Scrubber(made.config, KEYS, tmp_path)


def test_the_digest_follows_the_set_and_the_key(tmp_path: Path) -> None:
    one = scrubber(tmp_path, *NAMES).digests
    assert one == scrubber(tmp_path, *reversed(NAMES)).digests
    assert one != scrubber(tmp_path, *NAMES[1:]).digests
    assert one != scrubber(tmp_path, *NAMES, keys=Keys(b"z" * 32)).digests


def test_without_a_home_a_roster_works_for_this_process(tmp_path: Path) -> None:
    assert scrubber(tmp_path, *NAMES, keys=Keys()).scrub("quagga").text == "<PERSON>"


def test_no_value_shows_in_a_repr_a_log_or_what_another_process_is_handed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = scrubber(tmp_path, *NAMES)
        made.scrub("here is Quagga")
    handed = pickle.dumps(made)
    assert "quagga" not in caplog.text.casefold()
    assert "quagga" not in repr(vars(made)).casefold()
    assert "kkkk" not in repr(vars(made))
    assert b"quagga" not in handed.lower()
    assert pickle.loads(handed).scrub("here is Quagga").text == "here is <PERSON>"


def test_a_values_beginning_alone_is_no_finding(tmp_path: Path) -> None:
    assert scrubber(tmp_path, "Anna Müller").scrub("Anna").findings == []


BITS = ["Anna", "Müller", "Anna Müller", " ", "\n", "-", "张", "伟", "张伟", "person", "<PERSON>", "<", "x", "阿", "Q",
        "ada@example.com", "13800138000", "email", "Name: Oscar Lindqvist", "先生", "é"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Scrubber:
    return scrubber(tmp_path_factory.mktemp("roster"), *NAMES, "Person", "Email x", "王伟", "x张")


@settings(max_examples=300)
@given(text=st.lists(st.sampled_from(BITS), max_size=16).map("".join))
def test_scrubbed_text_holds_no_further_value_of_the_roster(made: Scrubber, text: str) -> None:
    assert made.find(made.scrub(text).text) == []
