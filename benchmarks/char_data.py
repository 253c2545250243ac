"""The char-Shakespeare task for both sides: characters as tokens, the last tenth of the text as validation."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import ProgramError

TRAIN_RATIO = 0.9
SEED = 1337
"""The seed that nanoGPT's train.py sets; its command line has none."""

_PEER_DATA = Path("data") / "shakespeare_char"
_SEED_LINE = "torch.manual_seed(1337 + seed_offset)"


def read_text(data: Path) -> str:
    """Read the text: a file, or the file tinyshakespeare.txt or input.txt of a folder.

    Raises:
        ProgramError: There is none, or a character takes more than one byte: the sides would count differently.
    """
    names = [data] if data.is_file() else [data / name for name in ("tinyshakespeare.txt", "input.txt")]
    found = next((path for path in names if path.is_file()), None)
    if found is None:
        raise ProgramError(f"expected a text file at --data {data}, or tinyshakespeare.txt in it; there is none")
    text = found.read_text(encoding="utf-8")
    if not text.isascii():
        raise ProgramError(f"expected ASCII text, a byte for each character; {found} holds others")
    return text


def split_text(text: str) -> tuple[str, str]:
    """Give training and validation text, cut where nanoGPT's prepare.py cuts."""
    place = int(len(text) * TRAIN_RATIO)
    return text[:place], text[place:]


def write_inputs(text: str, folder: Path) -> Mapping[str, Path]:
    """Write what our training reads: a tokenizer of the text's characters, and the packed splits.

    Returns:
        The folders of the stages `tokenizer` and `pack`.
    """
    inputs = {name: folder / name for name in ("tokenizer", "pack")}
    for path in inputs.values():
        path.mkdir(parents=True)
    backend = backend_of(byte_level_alphabet(text))
    backend.save(str(inputs["tokenizer"] / "tokenizer.json"))
    for name, part in zip(("train", "validation"), split_text(text), strict=True):
        ids = backend.encode(part, add_special_tokens=False).ids
        np.array(ids, dtype="<u2").tofile(inputs["pack"] / f"{name}-00000.bin")
    return inputs


def backend_of(tokens: Sequence[str]) -> Any:
    """Give byte-level BPE without merges: these tokens, after the two special ones."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    from gptmodel.tokenizer import END_OF_DOCUMENT, PADDING

    vocabulary = {token: number for number, token in enumerate((END_OF_DOCUMENT, PADDING, *tokens))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([END_OF_DOCUMENT, PADDING])
    return backend


def byte_level_alphabet(text: str) -> list[str]:
    """Give the characters of a text as byte-level BPE writes them."""
    from tokenizers import pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pieces = byte_level.pre_tokenize_str("".join(sorted(set(text))))
    return sorted(character for piece, _ in pieces for character in piece)


def copy_peer(checkout: Path, text: str, folder: Path, seed: int) -> Path:
    """Copy nanoGPT's checkout, put the text into its place, prepare it with its own program, and set the seed.

    Raises:
        ProgramError: The checkout is another than this program knows.
    """
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".git", "*.ipynb", "assets"))
    (folder / _PEER_DATA / "input.txt").write_text(text, encoding="utf-8")
    prepared = subprocess.run(
        [sys.executable, _PEER_DATA / "prepare.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    if prepared.returncode:
        raise ProgramError(f"nanoGPT's prepare.py failed:\n{prepared.stderr[-2000:]}")
    program = folder / "train.py"
    source = program.read_text(encoding="utf-8")
    if _SEED_LINE not in source:
        raise ProgramError(f"expected the line {_SEED_LINE!r} in {checkout / 'train.py'}: it holds the seed")
    program.write_text(source.replace(_SEED_LINE, _SEED_LINE.replace(str(SEED), str(seed))), encoding="utf-8")
    return folder
