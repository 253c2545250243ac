"""How stages are called: every one that needs no server, and what each reads from outside the store."""

from pathlib import Path

from gptmodel.chain import SEARCHING, STAGE_NAMES
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.keys import Keys
from gptmodel.stages import COMPUTED, Materials, outside_digests


def test_all_stages_but_those_of_the_registry_are_there_in_their_order() -> None:
    assert (*COMPUTED, "register", "promote") == STAGE_NAMES


def test_what_a_stage_reads_from_outside_the_store_is_among_its_inputs(tmp_path: Path) -> None:
    config = load_config("smoke", ['scrubbing.replacement="pseudonym"'])
    keys = Keys(home=b"a home's key in a test", pseudonyms=b"a pseudonym key in a test")
    listing = list_sources(config.corpus, tmp_path / "listing.json")
    materials = Materials(config, listing, Scrubber(config.scrubbing, keys), b"a home's key in a test")
    digests = outside_digests(materials)
    assert list(digests["ingest"]) == ["source:sample"]
    assert all("pseudonym key" in digests[stage] for stage in SEARCHING)
    assert "a home's key" not in repr(materials)
