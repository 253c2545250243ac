"""The char task's data: characters as tokens for our trainer, and a copy of the peer with the text in its place."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.char_data import copy_peer, read_text, split_text, write_inputs
from benchmarks.processes import ProgramError
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import TokenSplit

TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 20


def test_each_character_is_a_token_of_a_vocabulary_of_the_alphabet_and_two_special_tokens(tmp_path: Path) -> None:
    inputs = write_inputs(TEXT, tmp_path)
    tokenizer = Tokenizer.load(inputs["tokenizer"])
    assert tokenizer.vocab_size == len(set(TEXT)) + 2
    train, validation = (TokenSplit.open(inputs["pack"], name) for name in ("train", "validation"))
    assert (len(train), len(validation)) == (len(TEXT) * 9 // 10, len(TEXT) - len(TEXT) * 9 // 10)
    assert tokenizer.decode(train[0 : len(train)].tolist()) == split_text(TEXT)[0]


def test_text_of_a_folder_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "tinyshakespeare.txt").write_text(TEXT)
    assert read_text(tmp_path) == TEXT


def test_text_with_characters_of_several_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("naïve")
    with pytest.raises(ProgramError, match="ASCII"):
        read_text(tmp_path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    data = tmp_path / "peer" / "data" / "shakespeare_char"
    data.mkdir(parents=True)
    (data / "prepare.py").write_text(
        "import os\nfolder = os.path.dirname(__file__)\n"
        "size = len(open(os.path.join(folder, 'input.txt')).read())\n"
        "open(os.path.join(folder, 'val.bin'), 'w').write(str(size))\n"
    )
    (tmp_path / "peer" / "train.py").write_text("torch.manual_seed(1337 + seed_offset)\n")
    return tmp_path / "peer"


def test_the_peer_is_prepared_in_a_copy_with_the_seed_asked_for(checkout: Path, tmp_path: Path) -> None:
    copy = copy_peer(checkout, TEXT, tmp_path / "copy", seed=7)
    assert (copy / "data" / "shakespeare_char" / "val.bin").read_text() == str(len(TEXT))
    assert (copy / "train.py").read_text() == "torch.manual_seed(7 + seed_offset)\n"
    assert not (checkout / "data" / "shakespeare_char" / "input.txt").exists()


def test_a_checkout_without_the_line_of_the_seed_is_refused(checkout: Path, tmp_path: Path) -> None:
    (checkout / "train.py").write_text("seed()\n")
    with pytest.raises(ProgramError, match="holds the seed"):
        copy_peer(checkout, TEXT, tmp_path / "copy", seed=7)


def test_scores_are_nats_a_token_over_whole_windows() -> None:
    import torch

    from benchmarks.char_score import mean_loss

    tokens = np.arange(11, dtype="<u2") % 4
    even = mean_loss(lambda inputs, targets: torch.zeros(*inputs.shape, 4), tokens, 3)
    known = mean_loss(lambda inputs, targets: 50.0 * torch.eye(4)[targets], tokens, 3)
    assert even == pytest.approx(np.log(4))
    assert known == pytest.approx(0.0, abs=1e-6)
