"""Finders of the site's own."""

import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptmodel.config import CustomFinderConfig, ScrubbingConfig
from gptmodel.corpus.scrubbing import PLACEHOLDERS, Scrubber
from gptmodel.errors import ConfigError
from gptmodel.keys import Keys

STAFF = CustomFinderConfig(kind="STAFF_ID", pattern=r"\bEMP-\d{4}\b|工号：\s*([A-Z]{2}\d{4})")


def scrubber(*custom: CustomFinderConfig) -> Scrubber:
    return Scrubber(ScrubbingConfig(custom=custom))


def scrubbed(text: str, *custom: CustomFinderConfig) -> str:
    return scrubber(*custom).scrub(text).text


def test_a_pattern_finds_values_of_a_kind_of_its_own() -> None:
    assert scrubbed("ask EMP-1234, or 林", STAFF) == "ask <STAFF_ID>, or 林"


def test_the_group_of_a_pattern_is_the_value() -> None:
    assert scrubbed("🙂 工号：AB1234。", STAFF) == "🙂 工号：<STAFF_ID>。"


@pytest.mark.parametrize("text", ["工号:ＡＢ１２３４", "工号：ＡＢ1234", "工号:AB1234"])
def test_full_width_forms_are_found_however_pattern_and_text_are_written(text: str) -> None:
    assert scrubbed(text, STAFF).endswith("<STAFF_ID>")


def test_a_full_width_bracket_in_a_pattern_means_itself() -> None:
    finder = CustomFinderConfig(kind="ROOM", pattern=r"房间（(\d+)）")
    assert scrubbed("房间（12）", finder) == "房间（<ROOM>）"


def test_a_custom_finder_may_add_to_a_known_kind() -> None:
    finder = CustomFinderConfig(kind="PHONE", pattern=r"ext\. (\d{4})")
    assert scrubbed("ext. 4711", finder) == "ext. <PHONE>"


def test_words_are_found_in_any_case_and_with_any_white_space() -> None:
    finder = CustomFinderConfig(kind="PROJECT", words=("Blue Bird",))
    assert scrubbed("BLUE\n bird, blue birds", finder) == "<PROJECT>, blue birds"


def test_words_are_whole_words_but_in_chinese() -> None:
    finder = CustomFinderConfig(kind="PROJECT", words=("heron", "青鸟"))
    assert scrubbed("heron-herons 这是青鸟项目heron", finder) == "<PROJECT>-herons 这是<PROJECT>项目<PROJECT>"


def test_context_must_stand_nearby() -> None:
    finder = CustomFinderConfig(kind="CASE", pattern=r"\b\d{5}\b", context=("Docket", "案号"))
    assert scrubbed("docket no. 12345", finder) == "docket no. <CASE>"
    assert scrubbed("案号 12345", finder) == "案号 <CASE>"
    assert scrubbed("docket" + " ." * 40 + " 12345", finder).endswith("12345")


@pytest.mark.parametrize(
    ("checksum", "valid", "invalid"),
    [
        ("luhn", "79927398713", "79927398714"),
        ("mod97", "3214282912345698765432161182", "3214282912345698765432161183"),
        ("mod11", "0000-0002-1825-0097", "0000-0002-1825-0098"),
        ("verhoeff", "2363", "2364"),
    ],
)
def test_a_checksum_decides(checksum: str, valid: str, invalid: str) -> None:
    data = {"kind": "MEMBER", "pattern": r"[0-9][0-9-]+", "checksum": checksum}
    finder = CustomFinderConfig.model_validate(data)
    assert scrubbed(f"no. {valid}, {invalid}", finder).endswith(f"<MEMBER>, {invalid}")


def test_a_finding_with_a_checksum_goes_before_one_without() -> None:
    text = "79927398713"
    checked = CustomFinderConfig(kind="MEMBER", pattern=r"\d{11}", checksum="luhn")
    loose = CustomFinderConfig(kind="ANY", pattern=r"\d+")
    assert scrubbed(text, loose, checked) == "<MEMBER>"


@pytest.mark.parametrize("pattern", ["[A-Z]{5}", "<[A-Z]+>", ".+", "EMAIL", r"\S+@"])
def test_placeholders_are_never_found_again(pattern: str) -> None:
    made = scrubber(CustomFinderConfig(kind="WORD", pattern=pattern))
    text = "<EMAIL> <WORD>"
    assert made.scrub(text).text == text


CUSTOM = (
    CustomFinderConfig(kind="WORD", pattern="[A-Z]{4,5}"),
    CustomFinderConfig(kind="GREEDY", pattern=r"id .*"),
    CustomFinderConfig(kind="LUHN", pattern=r"\d{4}", checksum="luhn"),
    CustomFinderConfig(kind="NEAR", pattern=r"\b[a-z]\b", context=("mail", "号")),
    CustomFinderConfig(kind="PROJECT", words=("青鸟", "blue bird", "person")),
)
BITS = ["ada@example.com", "<EMAIL>", "<WORD>", "<", ">", "EMAIL", "id ", "x", " ", "号", "青", "鸟", "blue",
        "\n", "2363", "0000", "13800138000", "person", "mail", "-", "Name: Oscar Lindqvist", "８８",
        "：", "ABCDE"]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(BITS), max_size=16).map("".join))
def test_scrubbed_text_holds_no_further_finding_of_the_sites_finders(text: str) -> None:
    made = scrubber(*CUSTOM)
    assert made.find(made.scrub(text).text) == []


def test_another_process_can_be_handed_custom_finders() -> None:
    made = pickle.loads(pickle.dumps(scrubber(STAFF)))
    assert made.scrub("EMP-1234").text == "<STAFF_ID>"


def test_custom_kinds_are_searched_and_have_placeholders() -> None:
    made = scrubber(STAFF)
    assert made.coverage.searched[-1] == "STAFF_ID"
    assert made.placeholders == (*PLACEHOLDERS, "<STAFF_ID>")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"pattern": "(?<=x)y"}, r"scrubbing\.custom 1 \(STAFF_ID\).*perl operator"),
        ({"pattern": "[0-9"}, r"scrubbing\.custom 1 \(STAFF_ID\)"),
        ({"pattern": "[0-9]*"}, "empty text"),
        ({"pattern": "x", "must_match": ("x", "quagga")}, r"must_match 2 of scrubbing\.custom 1 \(STAFF_ID\)"),
        ({"pattern": "quagga", "must_not_match": ("quagga",)}, r"must_not_match 1 of scrubbing\.custom 1"),
    ],
)
def test_a_finder_that_does_not_hold_is_refused_without_a_value(data: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        scrubber(CustomFinderConfig.model_validate({"kind": "STAFF_ID", **data}))
    assert "quagga" not in str(error.value)


@pytest.mark.parametrize("data", [{}, {"pattern": "x", "words": ("y",)}, {"words": (" ",)}])
def test_a_finder_takes_a_pattern_or_words(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="STAFF_ID"):
        CustomFinderConfig.model_validate({"kind": "STAFF_ID", **data})


def test_examples_shape_no_text_and_so_no_shard_is_scrubbed_again_for_them() -> None:
    more = STAFF.model_copy(update={"must_match": ("EMP-1234",), "must_not_match": ("EMP",)})
    assert scrubber(STAFF).settings == scrubber(more).settings
    assert scrubber(STAFF).settings != scrubber(STAFF.model_copy(update={"kind": "MEMBER"})).settings


@pytest.mark.parametrize("replacement", ["pseudonym", "mask", "remove"])
@settings(max_examples=100, suppress_health_check=[HealthCheck.differing_executors])
@given(text=st.lists(st.sampled_from(BITS), max_size=12).map("".join))
def test_scrubbed_text_holds_no_further_finding_whatever_takes_its_place(replacement: str, text: str) -> None:
    config = ScrubbingConfig.model_validate({"custom": CUSTOM, "replacement": replacement})
    made = Scrubber(config, Keys(pseudonyms=b"k" * 32))
    once = made.scrub(text).text
    assert made.find(once) == []
    assert made.scrub(once).text == once
