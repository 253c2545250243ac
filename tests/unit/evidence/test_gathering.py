"""What is gathered of a version: all that is kept, and nothing that must not leave the home."""

import shutil
from pathlib import Path

import pytest

from gptmodel.evidence.account import RegistryAnswer
from gptmodel.evidence.gathering import Records, gather_elsewhere
from tests.unit.evidence.known import DAY, DOCUMENT, STAGES, Kept, accounts


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_every_stage_stands_there_with_its_digest_and_state(kept_once: Kept) -> None:
    found = kept_once.evidence()
    assert tuple(one.stage for one in found.stages) == STAGES
    assert {one.stage: one.digest for one in found.stages} == {n: one.digest for n, one in kept_once.outputs.items()}
    assert {one.state for one in found.stages} == {"whole"}


def test_the_register_of_sources_says_what_the_config_and_the_accounts_say(kept_once: Kept) -> None:
    [source] = kept_once.evidence().sources
    assert (source.name, source.path, source.owner, source.licence) == ("notes", "/texts/notes", "Ada", "CC0")
    assert (source.num_documents, source.num_trained, source.personal_data) == (1842, 1594, "no")


def test_the_models_files_are_hashed_again(kept_once: Kept) -> None:
    found = kept_once.evidence().identity
    assert found is not None
    assert list(found.files) == ["model.safetensors"]
    assert found.changed_files == ""


def test_a_file_of_the_model_that_was_changed_is_named(kept: Kept) -> None:
    (kept.store.path_of(kept.outputs["register"]) / "bundle" / "model.safetensors").write_bytes(b"weighty")
    found = kept.evidence().identity
    assert found is not None
    assert found.changed_files == "bundle/model.safetensors has another digest"


def test_a_file_of_the_model_that_is_missing_is_named(kept: Kept) -> None:
    (kept.store.path_of(kept.outputs["register"]) / "bundle" / "model.safetensors").unlink()
    found = kept.evidence().identity
    assert found is not None
    assert found.changed_files == "bundle/model.safetensors is missing"


def test_no_document_is_named_neither_by_checks_nor_by_a_review(kept: Kept) -> None:
    kept.review(num_missed=2)
    text = kept.evidence().model_dump_json()
    assert DOCUMENT not in text
    assert '"num_missed":2' in text


def test_what_an_account_holds_besides_is_not_handed_on(tmp_path: Path) -> None:
    known = accounts()
    changed = {stage: known[stage] | {"example": "secret words"} for stage in known}
    assert "secret words" not in Kept(tmp_path, changed).evidence().model_dump_json()


def test_the_same_home_gives_the_same_evidence(kept_once: Kept) -> None:
    assert kept_once.evidence().model_dump_json() == kept_once.evidence().model_dump_json()


def test_an_output_that_is_gone_keeps_its_digest_and_the_rest_is_told(kept: Kept) -> None:
    shutil.rmtree(kept.store.path_of(kept.outputs["scrub"]))
    found = kept.evidence()
    assert {one.stage: one.state for one in found.stages}["scrub"] == "gone"
    assert found.search is None
    assert found.sources


def test_events_of_other_models_stay_outside_and_the_newest_digest_fixes_all(kept: Kept) -> None:
    kept.events.append("promoted", "models:/gpt/3")
    kept.events.append("kept", "models:/gpt/4")
    kept.events.append("rolled back", "models:/gpt/2", facts={"from": "models:/gpt/3"})
    newest = kept.events.append("promoted", "models:/other/1")
    chain = kept.evidence().chain
    assert [one.number for one in chain.events] == [1, 3]
    assert (chain.num_events, chain.newest_digest) == (4, newest.digest)


def test_a_broken_chain_is_told_and_nothing_of_it_is_believed(kept: Kept) -> None:
    kept.events.append("promoted", "models:/gpt/3", reason="first version")
    kept.events.path.write_text(kept.events.path.read_text().replace("first", "other"))
    chain = kept.evidence().chain
    assert chain.problem == "event 1 was changed, or one before it is missing"
    assert not chain.events


def test_of_a_version_made_elsewhere_the_registrys_answer_is_all() -> None:
    answer = RegistryAnswer(is_there=True, bundle_digest="b" * 64)
    found = gather_elsewhere("models:/gpt/7", answer, DAY)
    assert found.identity is None
    assert not found.stages
    assert "not made in this home" in found.open_points[0].says


def test_the_homes_key_shows_in_no_repr(kept_once: Kept) -> None:
    assert "secret key" not in repr(
        Records(kept_once.store, kept_once.events, kept_once.reviews_dir, (), b"secret key")
    )
