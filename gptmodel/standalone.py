"""The code of `load.py`, with which a model folder speaks where only torch and tokenizers are installed.

`served_code` joins `errors`, `model` and this file into one and `bundle` puts it beside the weights, so that it may
import those two, torch, tokenizers and the standard library. The folder's files are read here by their formats alone,
a second time beside `checkpoint`, `tokenizer` and `generation`; the same prompt and seed give the same text as there.

    python load.py "The function returns" --temperature 0.8 --seed 7

What the model says goes out as it is: there is no output filter here.
"""

import argparse
import codecs
import hashlib
import json
import random
import sys
from functools import cache
from pathlib import Path
from typing import Any

import tokenizers
import torch
from torch import Tensor

from gptmodel.errors import ConfigError, GPTModelError, RegistryError
from gptmodel.model import GPTModel

FOLDER = Path(__file__).resolve().parent
END_OF_DOCUMENT, PADDING = "<|endoftext|>", "<|padding|>"
_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class StandaloneModel:
    """A model folder, checked and loaded.

    Args:
        folder: Folder with `digests.json` and the files that it names.

    Raises:
        RegistryError: A file is missing, was changed, or stands in the folder without being named.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        files = read_files(folder)
        self.model = GPTModel(**json.loads(files["config.json"]))
        self.model.load_state_dict(read_tensors(files["model.safetensors"]))
        self.model.eval()
        self.tokenizer: Any = tokenizers.Tokenizer.from_str(files["tokenizer.json"].decode())
        # Not part of tokenizer.json: without it a text that spells a special token becomes that token.
        self.tokenizer.encode_special_tokens = True
        self._added = self.tokenizer.get_added_tokens_decoder()
        self._byte_of = _byte_of_printable()

    def complete(self, prompt: str, max_new_tokens: int = 64, temperature: float = 1.0, seed: int = 0) -> str:
        """Give what follows a prompt; a character that the last token left unfinished is not part of it.

        Args:
            prompt: Text that stands at the beginning of a document; its last `context_length` tokens are read.
            max_new_tokens: Most tokens added; fewer where the model ends the document.
            temperature: 0 takes the likeliest token, 1 the model's own distribution, more is more even.
            seed: Seed of the random numbers.

        Raises:
            ConfigError: A parameter out of range.
        """
        if max_new_tokens < 0 or not 0.0 <= temperature < float("inf"):
            actual = f"max_new_tokens {max_new_tokens}, temperature {temperature}"
            raise ConfigError(expected="both 0 or more", actual=actual, mend="Give values in that range.")
        ids = [self._id_of(END_OF_DOCUMENT), *self._encode(prompt)]
        num_given = len(ids)
        self._grow(ids, max_new_tokens, temperature, random.Random(f"{seed}/0"))
        return codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(map(self._bytes_of, ids[num_given:])))

    def _encode(self, text: str) -> list[int]:
        # A lone surrogate, which UTF-8 can't hold, becomes U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _bytes_of(self, token: int) -> bytes:
        if token in self._added:
            return b"" if self._added[token].special else self._added[token].content.encode()
        return bytes(self._byte_of[char] for char in self.tokenizer.id_to_token(token))

    def _id_of(self, token: str) -> int:
        return int(self.tokenizer.token_to_id(token))

    @torch.inference_mode()
    def _grow(self, ids: list[int], max_new_tokens: int, temperature: float, draw: random.Random) -> None:
        """Add tokens to `ids`, with a KV cache; when it is full, the later half of what it held is read again."""
        kept = None
        for _ in range(max_new_tokens):
            if kept is None or kept.length == kept.capacity:
                kept = self.model.new_cache(1)
                read = _window(ids, self.model.context_length)
            else:
                read = ids[-1:]
            scores = self.model.logits(self.model.hidden_states(torch.tensor([read]), cache=kept)[:, -1]).float()
            scores[:, self._id_of(PADDING)] = -float("inf")
            scores[:, self.tokenizer.get_vocab_size() :] = -float("inf")
            token = _pick(scores, temperature, draw)
            if token == self._id_of(END_OF_DOCUMENT):
                return
            ids.append(token)


@cache
def load(folder: Path = FOLDER) -> StandaloneModel:
    """Load a model folder once; without argument the one in which this file lies."""
    return StandaloneModel(folder)


def complete(prompt: str, max_new_tokens: int = 64, temperature: float = 1.0, seed: int = 0) -> str:
    """Complete a prompt with the model beside this file; see `StandaloneModel.complete`."""
    return load().complete(prompt, max_new_tokens, temperature, seed)


def read_files(folder: Path) -> dict[str, bytearray]:
    """Read a model folder's files and check each against `digests.json`; what was checked is what is given.

    Raises:
        RegistryError: A file is missing, was changed, or stands in the folder without being named.
    """
    try:
        named = json.loads((folder / "digests.json").read_bytes())["files"]
        known = {"digests.json", *named}
        extra = sorted(path.name for path in folder.iterdir() if path.name[0] not in "._" and path.name not in known)
        if extra:
            raise _refused(folder, f"{extra[0]} is not named by digests.json")
        return {name: _checked(folder, name, entry) for name, entry in named.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(folder, "no readable digests.json") from error


def read_tensors(raw: bytearray) -> dict[str, Tensor]:
    """Read a safetensors file: 8 bytes with the header's length, the header as JSON, the tensors one after another.

    Source:
        https://github.com/huggingface/safetensors, README, "Format".
    """
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    return {name: _tensor(raw, start, entry) for name, entry in header.items()}


def _tensor(raw: bytearray, start: int, entry: dict[str, Any]) -> Tensor:
    first, end = entry["data_offsets"]
    kind = _TYPES[entry["dtype"]]
    count = (end - first) // kind.itemsize
    return torch.frombuffer(raw, dtype=kind, count=count, offset=start + first).view(entry["shape"])


def _checked(folder: Path, name: str, entry: dict[str, Any]) -> bytearray:
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise _refused(folder, f"{name} is missing")
    raw = bytearray(path.stat().st_size)
    with path.open("rb") as file:
        file.readinto(raw)
    if len(raw) != entry["num_bytes"] or hashlib.sha256(raw).hexdigest() != entry["sha256"]:
        raise _refused(folder, f"{name} was changed")
    return raw


def _refused(folder: Path, what: str) -> RegistryError:
    mend = "Don't use this copy: take the model from the registry again."
    return RegistryError(expected=f"the files of {folder} as registered", actual=what, mend=mend)


def _window(ids: list[int], context_length: int) -> list[int]:
    """Give the end of a text that fits into the context; its start moves on by half a context at a time."""
    stride = max(1, context_length // 2)
    excess = max(0, len(ids) - context_length)
    return ids[-(-excess // stride) * stride :]


def _pick(scores: Tensor, temperature: float, draw: random.Random) -> int:
    """Choose a token: scores (1, V) -> id."""
    if temperature == 0.0:
        return int(scores.argmax())
    sums = (scores.double() / temperature).softmax(-1).cumsum(-1)
    # The first token whose sum exceeds the target; one of weight 0 never does.
    target = draw.random() * sums[:, -1:]
    return min(int(torch.searchsorted(sums, target, right=True)), scores.size(-1) - 1)


def _byte_of_printable() -> dict[str, int]:
    """Invert GPT-2's mapping of bytes to printable characters (github.com/openai/gpt-2 src/encoder.py)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


def main() -> None:
    """Complete the prompt that the command line gives and write the text."""
    parser = argparse.ArgumentParser(description="Complete a prompt with the model in this folder.")
    parser.add_argument("prompt")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=1.0, help="0 takes the likeliest token")
    parser.add_argument("--seed", type=int, default=0)
    wish = parser.parse_args()
    try:
        text = complete(wish.prompt, wish.max_new_tokens, wish.temperature, wish.seed)
    except GPTModelError as error:
        sys.exit(f"load.py: {error}")
    sys.stdout.buffer.write(f"{text}\n".encode())  # whatever the locale


if __name__ == "__main__":
    main()
