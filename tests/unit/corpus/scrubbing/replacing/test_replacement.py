"""What takes a finding's place."""

import pickle
from pathlib import Path

import pytest

from gptmodel.config import CustomFinderConfig, Replacement, ScrubbingConfig
from gptmodel.corpus.scrubbing import KINDS, Finding, Scrubber
from gptmodel.corpus.scrubbing.replacing.replacement import PLACEHOLDERS_ONLY, make_replacer, masked
from gptmodel.errors import ConfigError
from gptmodel.keys import Keys, home_key, pseudonym_key

KEYS = Keys(b"h" * 32, b"a key of this test")
TEXT = "Name: Ada Bell, ada@example.com, call +1 415 555 0132."


def scrubber(replacement: Replacement = "placeholder", **replacement_of: Replacement) -> Scrubber:
    return Scrubber(ScrubbingConfig(replacement=replacement, replacement_of=replacement_of), KEYS)


@pytest.mark.parametrize(("way", "expected"), [
    ("placeholder", "Name: <PERSON>, <EMAIL>, call <PHONE>."),
    ("mask", "Name: *** ****, ***@*******.***, call +* *** *** ****."),
    ("remove", "Name: , , call ."),
    ("drop", "Name: <PERSON>, <EMAIL>, call <PHONE>."),
])  # fmt: skip
def test_all_kinds_are_replaced_in_one_way(way: Replacement, expected: str) -> None:
    assert scrubber(way).scrub(TEXT).text == expected


def test_single_kinds_are_replaced_in_their_own_way() -> None:
    assert scrubber("remove", EMAIL="mask", PHONE="placeholder").scrub(TEXT).text == (
        "Name: , ***@*******.***, call <PHONE>."
    )


def test_pseudonyms_read_as_what_they_stand_for() -> None:
    person, email, phone = scrubber("pseudonym").scrub(TEXT).text.split(", ")
    assert person.startswith("Name: Person-")
    assert email.startswith("p-")
    assert email.endswith("@anon.invalid")
    assert phone.startswith("call phone-")


def test_the_same_person_stays_the_same_across_documents_and_forms_of_writing() -> None:
    scrub = scrubber("pseudonym").scrub
    one = scrub("From: Ada@Example.com").text.split()[1]
    assert scrub("write to ada [at] example [dot] com now").text == f"write to {one} now"


def test_a_person_is_somebody_else_under_another_key() -> None:
    other = Scrubber(ScrubbingConfig(replacement="pseudonym"), Keys(None, b"another key of it"))
    assert other.scrub(TEXT).text != scrubber("pseudonym").scrub(TEXT).text


def test_the_homes_own_key_does_not_matter() -> None:
    other = Scrubber(ScrubbingConfig(replacement="pseudonym"), Keys(b"i" * 32, KEYS.pseudonyms))
    assert other.scrub(TEXT).text == scrubber("pseudonym").scrub(TEXT).text


def test_pseudonyms_without_a_key_are_refused_with_how_to_give_one() -> None:
    with pytest.raises(ConfigError, match="GPTMODEL_PSEUDONYM_KEY_FILE=FILE") as raised:
        Scrubber(ScrubbingConfig(replacement_of={"EMAIL": "pseudonym"}))
    assert "pseudonyms of EMAIL" in str(raised.value)


def test_pseudonyms_of_a_kind_that_nobody_looks_for_need_no_key() -> None:
    scrubber = Scrubber(ScrubbingConfig(kinds=("PHONE",), replacement_of={"EMAIL": "pseudonym"}))
    assert scrubber.replacer.key_id == ""


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_file_that_others_may_read_gives_no_pseudonyms(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home_key(tmp_path / "p.key")
    (tmp_path / "p.key").chmod(mode)
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY", raising=False)
    monkeypatch.setenv("GPTMODEL_PSEUDONYM_KEY_FILE", str(tmp_path / "p.key"))
    with pytest.raises(ConfigError, match="chmod 600"):
        pseudonym_key()


def test_a_replacement_for_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="STAFF_ID"):
        make_replacer(ScrubbingConfig(replacement_of={"STAFF_ID": "mask"}))


def test_a_kind_of_the_sites_own_is_replaced_like_the_others() -> None:
    config = ScrubbingConfig(
        custom=(CustomFinderConfig(kind="STAFF_ID", words=("S-1234",)),), replacement_of={"STAFF_ID": "pseudonym"}
    )
    replacer = make_replacer(config, KEYS, (*KINDS, "STAFF_ID"))
    assert replacer.is_stand_in(replacer.stand_in("STAFF_ID", "S-1234"))
    assert replacer.is_stand_in("<STAFF_ID>")


def test_the_id_of_the_key_counts_only_where_pseudonyms_are_asked_for() -> None:
    assert scrubber("mask").digests == {}
    assert scrubber("mask", EMAIL="pseudonym").digests == scrubber("pseudonym").digests != {}


def test_a_document_is_left_out_for_the_first_kind_that_asks_for_it() -> None:
    assert scrubber("mask", PHONE="drop", EMAIL="drop").scrub(TEXT).left_out_for == "EMAIL"
    assert scrubber("mask", IBAN="drop").scrub(TEXT).left_out_for == ""


def test_a_mask_keeps_white_space_and_of_a_secret_nothing_else() -> None:
    text = 'password = "vK3$ wq9-LpZr2"'
    assert scrubber("mask").scrub(text).text == 'password = "**** *********"'
    assert masked("é\u0301 9-x\u0663") == "** *-**"


def test_no_key_shows() -> None:
    assert "a key" not in repr(scrubber("pseudonym").replacer)
    assert "a key" not in str(vars(scrubber("pseudonym")))


def test_another_process_replaces_alike() -> None:
    mine = scrubber("pseudonym", PHONE="mask")
    assert pickle.loads(pickle.dumps(mine)).scrub(TEXT) == mine.scrub(TEXT)


@pytest.mark.parametrize("text", [
    "write to p-3f9c21d07a44@anon.invalid", "Name: Person-3f9c21d07a44", 'password = "secret-3f9c21d07a44"',
    "see https://u-3f9c21d07a44.anon.invalid/", "tel phone-3f9c21d07a44", "<EMAIL> <ADDRESS>",
])  # fmt: skip
def test_stand_ins_are_never_found(text: str) -> None:
    assert scrubber().find(text) == []


@pytest.mark.parametrize(("text", "value"), [
    ("to bob.p-3f9c21d07a44@anon.invalid", "bob.p-3f9c21d07a44@anon.invalid"),
    ("to p-3f9c21d07a44@anon.invalid.com", "p-3f9c21d07a44@anon.invalid.com"),
    ('password = "secret-3f9c21d07a44x"', "secret-3f9c21d07a44x"),
])  # fmt: skip
def test_nothing_hides_behind_a_stand_in(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in scrubber().find(text)] == [value]


def test_a_finding_counts_as_a_value_only_with_a_letter_or_digit() -> None:
    assert PLACEHOLDERS_ONLY.exempts("--- ***", Finding(4, 7, "SECRET", "any"))
    assert not PLACEHOLDERS_ONLY.exempts("--- *1*", Finding(4, 7, "SECRET", "any"))
