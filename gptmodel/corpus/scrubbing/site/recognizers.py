"""Models for names and addresses in running text: spaCy, Presidio or GLiNER, installed by the user, never downloaded.

Each engine is an adapter behind `Engine`. What a model is, is looked at before anything starts, without loading it; a
process that searches loads it once. A config names a model and can't run code: a model is a folder, or a package that
is installed and says that it is a spaCy model; what could hold a pickle is refused.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

from gptmodel.config import RecognizerConfig
from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finding import RANK_NAME, Finding
from gptmodel.errors import ConfigError

_DISTRIBUTIONS = {
    "spacy": ("spacy",),
    "presidio": ("presidio-analyzer", "spacy"),
    "gliner": ("gliner", "transformers", "torch"),
}
_MODULES = {"spacy": "spacy", "presidio": "presidio_analyzer", "gliner": "gliner"}
# A place is part of an address; models tell of places, few of addresses.
_LABELS = {
    "PERSON": frozenset({"PERSON", "PER"}),
    "ADDRESS": frozenset({"ADDRESS", "STREET_ADDRESS", "STREET", "FAC", "GPE", "LOC", "LOCATION"}),
}
_PICKLES = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
_SPACY_OWN = ("lookups.bin",)  # MessagePack

# Longer texts are read in pieces (characters) that overlap, so that no name is cut; GLiNER reads few hundred words.
_PIECES = {"spacy": (100_000, 1_000), "presidio": (100_000, 1_000), "gliner": (800, 200)}


class Engine(Protocol):
    """What a library does for us."""

    def labels_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Give start, end and the model's own label of each entity, where its score suffices."""


@dataclass(frozen=True)
class Recognized:
    """Finds what a model recognises; the model is loaded at the first text.

    Attributes:
        config: The engine, its model, the kinds and the smallest score.
        digest: Identity of library and model.
    """

    config: RecognizerConfig
    digest: str

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds taken from the model."""
        return frozenset(self.config.kinds)

    def find(self, passage: Passage) -> Iterator[Finding]:
        """Find names and addresses in running text."""
        engine = _load(self.config)
        for begin, piece in _pieces(passage.text, *_PIECES[self.config.engine]):
            for start, end, label in engine.labels_in(piece):
                kind = next((kind for kind in self.config.kinds if label.upper() in _LABELS[kind]), None)
                value = piece[start:end]
                if kind and any(char.isalnum() for char in value):
                    first = begin + start + len(value) - len(value.lstrip())
                    length = len(value.strip())
                    yield Finding(first, first + length, kind, f"recognizer.{self.config.engine}", RANK_NAME)


def recognized(config: RecognizerConfig) -> Recognized:
    """Make a recognizer ready, without loading its model.

    Raises:
        ConfigError: The library or the model is not installed, the model does not know a kind that is asked of it, or
            holds a file that may be a pickle.
    """
    if importlib.util.find_spec(_MODULES[config.engine]) is None:
        raise ConfigError(
            expected=f"the library of scrubbing.recognizer: {config.engine}", actual="it is not installed",
            mend=f"Install the extra: pip install '.[{'ner' if config.engine == 'spacy' else config.engine}]'",
        )  # fmt: skip
    folder = _folder(config)
    if config.engine == "gliner":
        _check_gliner(folder)
    else:
        _check_labels(config, folder)
    _refuse_pickles(folder)
    return Recognized(config, _digest(config, folder))


def _folder(config: RecognizerConfig) -> Path:
    path = Path(config.model).expanduser()
    if path.is_dir():
        return path
    installed = {point.name for point in importlib.metadata.entry_points(group="spacy_models")}
    if config.engine != "gliner" and config.model in installed:
        spec = importlib.util.find_spec(config.model)
        if spec and spec.origin:
            return Path(spec.origin).parent
    what = "the folder of a model" if config.engine == "gliner" else "an installed spaCy model or the folder of one"
    raise ConfigError(
        expected=f"scrubbing.recognizer.model to be {what}", actual=f"{config.model!r}, which is not here",
        mend="Install the model yourself, as pip install en_core_web_sm-3.8.0-py3-none-any.whl; none is downloaded.",
    )  # fmt: skip


def _check_labels(config: RecognizerConfig, folder: Path) -> None:
    meta = _json(folder / "meta.json")
    known = {label.upper() for labels in meta.get("labels", {}).values() for label in labels if isinstance(label, str)}
    missing = [kind for kind in config.kinds if not known & _LABELS[kind]]
    if missing:
        raise ConfigError(
            expected=f"a model with a label for each of scrubbing.recognizer.kinds ({', '.join(config.kinds)})",
            actual=f"none for {', '.join(missing)}",
            mend=f"Take {' and '.join(sorted(set(config.kinds) - set(missing))) or 'nothing'} from it alone, or "
            "another model.",
        )


def _check_gliner(folder: Path) -> None:
    """Refuse a folder for which the library would fetch something, or run code that came with a model."""
    settings = _json(folder / "gliner_config.json")
    whole = all((folder / name).is_file() for name in ("model.safetensors", "tokenizer_config.json"))
    encoders = ("encoder_config", *(["labels_encoder_config"] if settings.get("labels_encoder") else []))
    if not whole or not all(settings.get(name) for name in encoders):
        raise ConfigError(
            expected=f"model.safetensors, the tokenizer, and gliner_config.json with the encoder's config, in {folder}",
            actual="a folder without them", mend="model.save_pretrained(folder, safe_serialization=True) writes them.",
        )  # fmt: skip
    if any(b"auto_map" in path.read_bytes() for path in folder.glob("*.json")):
        raise ConfigError(
            expected=f"a model of the library's own kinds in {folder}", actual="one that brings code (auto_map)",
            mend="Take another model: a config can't run code here.",
        )  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        data = None
    if not isinstance(data, dict):
        raise ConfigError(expected=f"the model's {path.name} in {path.parent}", actual="none", mend="Name its folder.")
    return data


def _refuse_pickles(folder: Path) -> None:
    found = [path.name for path in _files(folder) if path.suffix in _PICKLES and path.name not in _SPACY_OWN]
    if found:
        raise ConfigError(
            expected=f"a model without pickles in {folder}", actual=", ".join(sorted(found)[:3]),
            mend="Loading a pickle runs what is in it: take a model with safetensors.",
        )  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _digest(config: RecognizerConfig, folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _DISTRIBUTIONS[config.engine]:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    for path in _files(folder):
        with path.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {part}\n".encode())
    return digest.hexdigest()


def _pieces(text: str, size: int, overlap: int) -> Iterator[tuple[int, str]]:
    """Give pieces of a text with their offsets, each cut at white space where there is some."""
    begin = 0
    while begin + size < len(text):
        cut = next((at for at in range(begin + size, begin + size - overlap, -1) if text[at].isspace()), begin + size)
        yield begin, text[begin:cut]
        begin = cut - overlap
    yield begin, text[begin:]


@cache
def _load(config: RecognizerConfig) -> Engine:
    folder = _folder(config)
    try:
        return _ENGINES[config.engine](config, folder)
    except Exception as error:
        raise ConfigError(
            expected=f"a model that {config.engine} can load: {config.model}",
            actual=type(error).__name__,
            mend="Load it by hand to see why.",
        ) from None


class _Spacy:
    def __init__(self, config: RecognizerConfig, folder: Path) -> None:
        self._nlp = _spacy_model(folder)

    def labels_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        return ((one.start_char, one.end_char, one.label_) for one in self._nlp(text).ents)


class _Presidio:
    """Presidio with spaCy's entities alone: its patterns are the work of the finders here."""

    def __init__(self, config: RecognizerConfig, folder: Path) -> None:
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer

        nlp = _spacy_model(folder)
        self._language, self._min_score = nlp.lang, config.min_score
        # Its own loading would download a model that it misses.
        engine = SpacyNlpEngine(models=[{"lang_code": nlp.lang, "model_name": config.model}])
        engine.nlp = cast("Any", {nlp.lang: nlp})
        registry = RecognizerRegistry(
            recognizers=[SpacyRecognizer(supported_language=nlp.lang)], supported_languages=[nlp.lang]
        )
        self._analyzer = AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=[nlp.lang])

    def labels_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        found = self._analyzer.analyze(text, self._language, score_threshold=self._min_score)
        return ((one.start, one.end, one.entity_type) for one in found)


class _Gliner:
    def __init__(self, config: RecognizerConfig, folder: Path) -> None:
        from gliner import GLiNER

        self._model = GLiNER.from_pretrained(str(folder), local_files_only=True)
        self._min_score = config.min_score
        self._asked = [kind.lower() for kind in config.kinds]

    def labels_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        found = self._model.predict_entities(text, self._asked, threshold=self._min_score)
        return ((one["start"], one["end"], one["label"]) for one in found)


def _spacy_model(folder: Path) -> Any:
    import spacy

    if (folder / "__init__.py").is_file():  # an installed package, whose model lies in a folder with its version
        meta = _json(folder / "meta.json")
        folder = folder / f"{folder.name}-{meta['version']}"
    return spacy.util.load_model_from_path(folder)


_ENGINES: dict[str, Callable[[RecognizerConfig, Path], Engine]] = {
    "spacy": _Spacy, "presidio": _Presidio, "gliner": _Gliner,
}  # fmt: skip
