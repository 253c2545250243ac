"""Recognizers: the real libraries where they are installed, on a model of rules that is built here."""

import importlib.util
import json
import pickle
from itertools import pairwise
from pathlib import Path

import pytest

from gptmodel.config import RecognizerConfig, ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.site.recognizers import _pieces, recognized
from gptmodel.errors import ConfigError

PATTERNS = [
    {"label": "PERSON", "pattern": "Quagga Smith"},
    {"label": "GPE", "pattern": "Heron Lane"},
    {"label": "ORG", "pattern": "Acme"},
]
needs_spacy = pytest.mark.skipif(not importlib.util.find_spec("spacy"), reason="no spaCy here")
needs_presidio = pytest.mark.skipif(not importlib.util.find_spec("presidio_analyzer"), reason="no Presidio here")
needs_gliner = pytest.mark.skipif(not importlib.util.find_spec("gliner"), reason="no GLiNER here")
ENGINES = [pytest.param("spacy", marks=needs_spacy), pytest.param("presidio", marks=needs_presidio)]


def model(folder: Path, patterns: list[dict[str, str]] = PATTERNS) -> Path:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.to_disk(folder / "ruler")
    return folder / "ruler"


def gliner_model(folder: Path) -> Path:
    """Build a tiny model that knows nothing, in the form that the library saves."""
    import shutil

    from gliner import GLiNER
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    encoder, letters = folder / "encoder", [chr(code) for code in range(33, 127)]
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    words = [*special.values(), *letters, *(f"##{letter}" for letter in letters)]
    pieces = models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    tokenizer = Tokenizer(pieces)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(encoder)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **shape)).save_pretrained(encoder)
    settings = {"model_name": str(encoder), "max_width": 4, "hidden_size": 32, "span_mode": "markerV0", "max_len": 384}
    GLiNER.from_config(settings, backbone_from_pretrained=True).save_pretrained(folder / "m", safe_serialization=True)
    shutil.rmtree(encoder)
    return folder / "m"


def scrubber(engine: str, path: Path, **settings: object) -> Scrubber:
    recognizer = {"engine": engine, "model": str(path), **settings}
    return Scrubber(ScrubbingConfig.model_validate({"recognizer": recognizer}))


@pytest.mark.parametrize("engine", ENGINES)
def test_names_and_addresses_are_found_in_running_text(engine: str, tmp_path: Path) -> None:
    made = scrubber(engine, model(tmp_path))
    text = "There Quagga Smith of Acme came to 12 Heron Lane and wrote to ada@example.com."
    assert made.scrub(text).text == "There <PERSON> of Acme came to 12 <ADDRESS> and wrote to <EMAIL>."
    assert made.find(made.scrub(text).text) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_kinds_that_are_not_taken_from_it_stay(engine: str, tmp_path: Path) -> None:
    made = scrubber(engine, model(tmp_path), kinds=["PERSON"])
    assert made.scrub("Quagga Smith, Heron Lane").text == "<PERSON>, Heron Lane"
    assert made.kinds_not_searched == ("ADDRESS",)


@needs_spacy
def test_with_a_recognizer_everything_is_searched_and_the_scope_names_the_model(tmp_path: Path) -> None:
    made = scrubber("spacy", model(tmp_path))
    assert made.kinds_not_searched == ()
    assert "PERSON and ADDRESS by the model ruler (spacy), which misses some" in made.scope
    assert "labelled fields" not in made.scope


@needs_spacy
def test_another_process_can_be_handed_a_recognizer(tmp_path: Path) -> None:
    made = pickle.loads(pickle.dumps(scrubber("spacy", model(tmp_path))))
    assert made.scrub("Quagga Smith").text == "<PERSON>"


@needs_spacy
def test_the_digest_follows_the_models_files(tmp_path: Path) -> None:
    one = scrubber("spacy", model(tmp_path)).digests
    assert one == scrubber("spacy", model(tmp_path)).digests
    assert one != scrubber("spacy", model(tmp_path, PATTERNS[:2])).digests


@needs_spacy
def test_a_model_that_does_not_know_a_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none for ADDRESS"):
        scrubber("spacy", model(tmp_path, PATTERNS[:1]))


@needs_spacy
@pytest.mark.parametrize("name", ["en_none_here", "os", "json"])
def test_a_name_that_is_no_installed_model_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="none is downloaded"):
        recognized(RecognizerConfig(engine="spacy", model=name))


@needs_spacy
def test_a_model_with_a_pickle_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path)
    (path / "weights.pkl").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"weights\.pkl"):
        scrubber("spacy", path)


@pytest.mark.parametrize("engine", ["spacy", "presidio", "gliner"])
def test_without_the_library_it_is_said_what_to_install(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[(ner|presidio|gliner)\]'"):
        recognized(RecognizerConfig.model_validate({"engine": engine, "model": "x"}))


@needs_gliner
def test_a_gliner_model_is_run_from_its_folder_alone(tmp_path: Path) -> None:
    made = scrubber("gliner", gliner_model(tmp_path), min_score=0.0)
    assert {one.rule for one in made.find("There Quagga Smith came.")} == {"recognizer.gliner"}


@needs_gliner
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", None, "safe_serialization"),
        ("gliner_config.json", {"model_name": "somewhere/else"}, "safe_serialization"),
        ("gliner_config.json", {"encoder_config": {"auto_map": {"AutoModel": "x.Y"}}}, "auto_map"),
        ("pytorch_model.bin", {}, "without pickles"),
    ],
)
def test_a_gliner_model_that_would_fetch_or_run_something_is_refused(
    tmp_path: Path, name: str, content: object, message: str
) -> None:
    (tmp_path / "gliner_config.json").write_text('{"encoder_config": {"model_type": "bert"}}')
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / name).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=message):
        recognized(RecognizerConfig(engine="gliner", model=str(tmp_path)))


def test_a_long_text_is_read_in_pieces_that_overlap() -> None:
    text = " ".join(f"word{n}" for n in range(500)) + "x" * 900
    pieces = list(_pieces(text, 800, 200))
    assert all(text[begin : begin + len(piece)] == piece and len(piece) <= 800 for begin, piece in pieces)
    assert all(one[0] + len(one[1]) - two[0] == 200 for one, two in pairwise(pieces))
    assert pieces[-1][0] + len(pieces[-1][1]) == len(text)
