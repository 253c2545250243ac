"""The site's allow file."""

from pathlib import Path

import pytest

from gptmodel.config import CustomFinderConfig, ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.errors import ConfigError


def scrubber(folder: Path, *values: str, **settings: object) -> Scrubber:
    path = folder / "allowed.txt"
    path.write_text("\n".join(values), encoding="utf-8")
    return Scrubber(ScrubbingConfig.model_validate({"allow_file": str(path), **settings}))


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        ("Info@Example.com", "write to info@example.COM"),
        ("+49 30 901820", "ring +49 (30) 901-820"),
        ("13800138000", "致电 138 0013 8000"),
        ("DE89370400440532013000", "to DE89 3704 0044 0532 0130 00"),
        ("8.8.8.8", "ask 8.8.8.8"),
    ],
)
def test_an_allowed_value_stays_however_it_is_written(tmp_path: Path, allowed: str, text: str) -> None:
    assert Scrubber(ScrubbingConfig()).scrub(text).findings
    done = scrubber(tmp_path, allowed).scrub(text)
    assert (done.text, done.findings, done.num_allowed) == (text, [], 1)


def test_other_values_are_replaced_all_the_same(tmp_path: Path) -> None:
    done = scrubber(tmp_path, "info@example.com").scrub("info@example.com, ada@example.com")
    assert (done.text, done.num_allowed) == ("info@example.com, <EMAIL>", 1)


def test_addresses_of_the_internet_are_not_told_apart_by_their_digits_alone(tmp_path: Path) -> None:
    assert scrubber(tmp_path, "1.11.8.8").scrub("ask 11.1.8.8").text == "ask <IP_ADDRESS>"


def test_what_is_found_within_an_allowed_value_stays_too(tmp_path: Path) -> None:
    custom = [CustomFinderConfig(kind="BOX", pattern="info")]
    assert scrubber(tmp_path, "info@example.com", custom=custom).scrub("info@example.com").text == "info@example.com"


def test_an_allowed_value_goes_with_a_larger_finding_and_is_not_counted(tmp_path: Path) -> None:
    custom = [CustomFinderConfig(kind="LINE", pattern="from .*")]
    done = scrubber(tmp_path, "info@example.com", custom=custom).scrub("from info@example.com on")
    assert (done.text, done.num_allowed) == ("<LINE>", 0)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "allowed.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"scrubbing\.allow_file"):
        Scrubber(ScrubbingConfig(allow_file=str(path)))


def test_the_digest_follows_the_values_and_not_the_place_or_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one = scrubber(tmp_path, "a@example.com", "b@example.com").digests
    assert one == scrubber(tmp_path / "b", "b@example.com", "a@example.com").digests
    assert one != scrubber(tmp_path, "a@example.com").digests


def test_without_an_allow_file_there_is_no_digest() -> None:
    assert Scrubber(ScrubbingConfig()).digests == {}
