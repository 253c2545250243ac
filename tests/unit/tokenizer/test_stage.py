"""The tokenizer: exact round trips, special ids out of reach of any text, bounded and deterministic learning."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.split_table import Split
from gptmodel.errors import ConfigError, CorpusTooSmallError, StoreError
from gptmodel.store import Workspace
from gptmodel.tokenizer import END_OF_DOCUMENT, PADDING, Tokenizer, learn, train_tokenizer
from tests.unit.splits import write_splits

PLACEHOLDERS = ("<EMAIL>", "<PERSON>")
TEXTS = [f"The function number {n} returns a list of names. 函数返回名称的列表。\n" * 3 for n in range(20)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn(TEXTS, TokenizerConfig(vocab_size=400), PLACEHOLDERS)


def write_inputs(root: Path, documents: list[Document], splits: dict[str, Split] | None = None) -> Workspace:
    """Lay out the folders of scrub and split as the stages before would."""
    for name in ("scrub", "split", "out"):
        (root / name).mkdir(parents=True, exist_ok=True)
    write_shard(shard_path(root / "scrub", 0), documents[::2])
    write_shard(shard_path(root / "scrub", 1), documents[1::2])
    write_splits(root / "scrub", root / "split", lambda item: (splits or {}).get(item.id, "train"))
    return Workspace(root / "out", {"scrub": root / "scrub", "split": root / "split"})


def document(number: int, text: str, lang: str = "en", planted: str = "") -> Document:
    path = f"{number}.txt"
    return Document(document_id("s", path, "0"), "s", path, text, lang, planted)  # type: ignore[arg-type]


@given(st.text())
def test_any_text_comes_back_exactly(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\r\n\n\t  x ",
        "👩‍👩‍👧 emoji é e\u0301",
        "使用Python模块，返回12345。",
        "\x00\x7f",
        "<EMAIL><PERSON> <EMAIL",
    ],
)
def test_awkward_texts_come_back_exactly(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode_bytes(tokenizer.encode(text)) == text.encode()


def test_a_lone_surrogate_becomes_the_replacement_character(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


@given(st.lists(st.sampled_from([END_OF_DOCUMENT, PADDING, "<|", "endoftext", "|>", " a", "<EMAIL>"])))
def test_text_never_produces_a_special_id(tokenizer: Tokenizer, parts: list[str]) -> None:
    special = {tokenizer.end_of_document_id, tokenizer.padding_id}
    assert not special & set(tokenizer.encode("".join(parts)))


def test_a_loaded_tokenizer_keeps_special_ids_out_of_reach(tokenizer: Tokenizer, tmp_path: Path) -> None:
    loaded = Tokenizer.load(tokenizer.save(tmp_path))
    assert loaded.end_of_document_id not in loaded.encode(f"a{END_OF_DOCUMENT}b")


def test_a_loaded_tokenizer_encodes_as_the_saved_one(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert [loaded.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_placeholder_is_one_token_that_decodes(tokenizer: Tokenizer, placeholder: str) -> None:
    ids = tokenizer.encode(f"to{placeholder}now")
    single = [number for number in ids if tokenizer.decode([number]) == placeholder]
    assert len(single) == 1


def test_special_tokens_decode_to_nothing(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([tokenizer.end_of_document_id, tokenizer.padding_id]) == ""


def test_special_ids_are_the_first_two(tokenizer: Tokenizer) -> None:
    assert (tokenizer.end_of_document_id, tokenizer.padding_id) == (0, 1)


def test_all_256_bytes_are_tokens(tokenizer: Tokenizer) -> None:
    single = {tokenizer.decode_bytes([number]) for number in range(tokenizer.vocab_size)}
    assert single >= {bytes([byte]) for byte in range(256)}


def test_han_runs_do_not_join_latin_words() -> None:
    tokenizer = learn(["使用Python " * 50], TokenizerConfig(vocab_size=400))
    assert "用P" not in {tokenizer.decode([number]) for number in range(tokenizer.vocab_size)}


def test_learning_twice_gives_the_same_file(tmp_path: Path) -> None:
    config = TokenizerConfig(vocab_size=400)
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        learn(TEXTS, config, PLACEHOLDERS).save(folder)
    assert (first / "tokenizer.json").read_bytes() == (second / "tokenizer.json").read_bytes()


def test_encode_batch_equals_encode(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode_batch(TEXTS) == [tokenizer.encode(text) for text in TEXTS]


def test_no_merge_contains_part_of_a_placeholder() -> None:
    tokenizer = learn(["<EMAIL> " * 100], TokenizerConfig(vocab_size=400), PLACEHOLDERS)
    tokens = [tokenizer.decode_bytes([number]) for number in range(tokenizer.vocab_size)]
    assert [token for token in tokens if b"MAI" in token] == [b"<EMAIL>"]


def test_a_vocabulary_without_room_is_refused() -> None:
    names = [f"<KIND{n}>" for n in range(60)]
    with pytest.raises(ConfigError, match=r"vocab_size of at least 318"):
        learn(TEXTS, TokenizerConfig(vocab_size=300), names)


def test_the_stage_reports_a_vocabulary_smaller_than_asked(tmp_path: Path) -> None:
    work = write_inputs(tmp_path, [document(n, text) for n, text in enumerate(TEXTS)])
    result = train_tokenizer(work, TokenizerConfig(vocab_size=4096), PLACEHOLDERS)
    assert 258 < result.vocab_size < 4096
    assert result.vocab_size == Tokenizer.load(work.path).vocab_size


def test_the_stage_reports_bytes_per_token_by_language(tmp_path: Path) -> None:
    documents = [document(1, "The list of names. " * 30, "en"), document(2, "函数返回名称" * 30, "zh")]
    result = train_tokenizer(write_inputs(tmp_path, documents), TokenizerConfig(vocab_size=320), ())
    tokenizer = Tokenizer.load(tmp_path / "out")
    expected = {item.lang: len(item.text.encode()) / len(tokenizer.encode(item.text)) for item in documents}
    assert result.bytes_per_token_by_language == pytest.approx(expected, abs=1e-4)


def test_the_stage_reports_tokens_per_character_by_language(tmp_path: Path) -> None:
    documents = [document(1, "The list of names. " * 30, "en"), document(2, "函数返回名称" * 30, "zh")]
    result = train_tokenizer(write_inputs(tmp_path, documents), TokenizerConfig(vocab_size=320), ())
    tokenizer = Tokenizer.load(tmp_path / "out")
    expected = {item.lang: len(tokenizer.encode(item.text)) / len(item.text) for item in documents}
    assert result.tokens_per_character_by_language == pytest.approx(expected, abs=1e-4)


def test_held_out_and_planted_text_is_not_learned(tmp_path: Path) -> None:
    held_out, planted = document(1, "zqzqzqzq " * 99), document(2, "wjwjwjwj " * 99, planted="in_clear")
    work = write_inputs(tmp_path, [held_out, planted, document(3, TEXTS[0])], {held_out.id: "test"})
    result = train_tokenizer(work, TokenizerConfig(vocab_size=500), ())
    tokenizer = Tokenizer.load(work.path)
    tokens = b" ".join(tokenizer.decode_bytes([number]) for number in range(tokenizer.vocab_size))
    assert b"zq" not in tokens
    assert b"wj" not in tokens
    assert result.num_train_bytes == len(TEXTS[0].encode())


def test_the_text_read_is_bounded(tmp_path: Path) -> None:
    work = write_inputs(tmp_path, [document(n, text) for n, text in enumerate(TEXTS)])
    size = max(len(text.encode()) for text in TEXTS)
    result = train_tokenizer(work, TokenizerConfig(vocab_size=400, max_train_bytes=5 * size), ())
    assert 3 * size < result.num_train_bytes <= 5 * size


def test_the_order_of_documents_does_not_matter(tmp_path: Path) -> None:
    documents = [document(n, text) for n, text in enumerate(TEXTS)]
    digests = set()
    for name, order in (("1", documents), ("2", documents[::-1])):
        work = write_inputs(tmp_path / name, order)
        train_tokenizer(work, TokenizerConfig(vocab_size=400, max_train_bytes=1500), PLACEHOLDERS)
        digests.add(hashlib.sha256((work.path / "tokenizer.json").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_an_empty_train_split_is_refused(tmp_path: Path) -> None:
    only = document(1, "some text")
    with pytest.raises(CorpusTooSmallError, match="text in the train split"):
        train_tokenizer(write_inputs(tmp_path, [only], {only.id: "test"}), TokenizerConfig(), ())


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StoreError, match=r"a tokenizer in .*tokenizer.json"):
        Tokenizer.load(path)
