"""`load.py`: the model folder speaks with torch and tokenizers alone, as it speaks here, and only while unchanged."""

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from gptmodel.bundle import DIGESTS, LOADER, assemble_bundle
from gptmodel.config import TokenizerConfig
from gptmodel.errors import ConfigError, RegistryError
from gptmodel.generation import Generator
from gptmodel.model import GPTModel
from gptmodel.model_folder import save_model
from gptmodel.served_code import loading_code
from gptmodel.standalone import StandaloneModel, read_files
from gptmodel.tokenizer import END_OF_DOCUMENT, learn

CONTEXT = 12
PROMPTS = [
    "",
    "The function",
    "函数返回 a list",
    "Mail <EMAIL> to",
    f"a{END_OF_DOCUMENT}b é" * 5,
    "lone \ud800 half",
    "é" * 40,
]

# Refuses every import but those of the standard library and of what torch and tokenizers are made of.
ALONE = """
import sys
class Alone:
    def find_spec(self, name, path=None, target=None):
        allowed = sys.stdlib_module_names | {"torch", "torchgen", "functorch", "tokenizers", "typing_extensions"}
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Alone())
"""


def write_bundle(root: Path, tie_embeddings: bool) -> Path:
    texts = [f"The function number {n} returns a list of names. 函数返回名称的列表。\n" for n in range(20)]
    tokenizer = learn(texts, TokenizerConfig(vocab_size=300), ["<EMAIL>"])
    torch.manual_seed(0)
    model = GPTModel(tokenizer.vocab_size, 16, 32, 2, 2, context_length=CONTEXT, tie_embeddings=tie_embeddings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6.0 if parameter.dim() > 1 else 1.0)  # so that the text is not the same token for ever
    save_model(root, model)
    assemble_bundle(root / "bundle", model_dir=root, tokenizer_path=tokenizer.save(root))
    return root / "bundle"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("model"), tie_embeddings=True)


@pytest.fixture(scope="module")
def generator(folder: Path) -> Generator:
    return Generator.load(folder)


@pytest.fixture(scope="module")
def standalone(folder: Path) -> StandaloneModel:
    return StandaloneModel(folder)


def alone(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code where nothing but torch and tokenizers can be imported, in isolated mode and far from the checkout."""
    return subprocess.run(
        [sys.executable, "-I", "-B", "-c", ALONE + code, str(folder), *arguments], cwd=folder.parent,
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip


@pytest.mark.parametrize("wish", [{"temperature": 0.0}, {"seed": 7}, {"temperature": 0.7, "seed": 3}])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_gives_the_text_that_generation_gives(
    standalone: StandaloneModel, generator: Generator, prompt: str, wish: dict[str, float]
) -> None:
    expected = generator.generate([prompt], max_new_tokens=30, **wish)[0].text  # type: ignore[arg-type]
    assert standalone.complete(prompt, 30, **wish) == expected  # type: ignore[arg-type]


def test_a_model_with_an_output_layer_of_its_own_gives_the_same_text(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, tie_embeddings=False)
    expected = Generator.load(folder).generate(["The function"], max_new_tokens=9)[0].text
    assert StandaloneModel(folder).complete("The function", 9) == expected


def test_the_file_alone_gives_the_same_text(folder: Path, standalone: StandaloneModel) -> None:
    expected = [standalone.complete(prompt, 20, seed=7) for prompt in PROMPTS[:4]]
    code = (
        "import importlib.util, json\n"
        "spec = importlib.util.spec_from_file_location('load', sys.argv[1] + '/load.py')\n"
        "load = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(load)\n"
        f"print(json.dumps([load.complete(prompt, 20, seed=7) for prompt in {PROMPTS[:4]!r}]))"
    )
    done = alone(folder, code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_the_file_is_a_command(folder: Path, standalone: StandaloneModel) -> None:
    run = "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0] + '/load.py', {}, '__main__')"
    done = alone(folder, run, "The function", "--max-new-tokens", "9", "--temperature", "0")
    assert done.stdout == standalone.complete("The function", 9, 0.0) + "\n", done.stderr


def test_the_file_defines_no_name_twice_and_imports_nothing_of_ours() -> None:
    tree = ast.parse(loading_code())
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    names += [target.id for node in tree.body if isinstance(node, ast.Assign)
              for target in node.targets if isinstance(target, ast.Name)]  # fmt: skip
    assert [name for name, count in Counter(names).items() if count > 1] == []
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any(str(module).startswith("gptmodel") for module in modules)


@pytest.mark.parametrize("wish", [{"max_new_tokens": -1}, {"temperature": -0.1}, {"temperature": float("nan")}])
def test_a_parameter_out_of_range_is_refused(standalone: StandaloneModel, wish: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="0 or more"):
        standalone.complete("x", **wish)  # type: ignore[arg-type]


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", LOADER])
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    raw = bytearray((copy / name).read_bytes())
    raw[-1] ^= 1
    (copy / name).write_bytes(raw)
    with pytest.raises(RegistryError, match=f"{name} was changed"):
        read_files(copy)


def test_a_missing_file_is_refused(copy: Path) -> None:
    (copy / "config.json").unlink()
    with pytest.raises(RegistryError, match=r"config\.json is missing"):
        read_files(copy)


def test_a_file_that_the_digests_do_not_name_is_refused(copy: Path) -> None:
    (copy / "torch.py").write_text("")
    with pytest.raises(RegistryError, match=r"torch\.py is not named"):
        read_files(copy)


@pytest.mark.parametrize("text", ["", "[]", '{"files": {"model.safetensors": {}}}', None])
def test_digests_that_can_not_be_read_are_refused(copy: Path, text: str | None) -> None:
    (copy / DIGESTS).unlink() if text is None else (copy / DIGESTS).write_text(text)
    with pytest.raises(RegistryError, match=r"as registered"):
        read_files(copy)


def test_digests_that_name_a_file_outside_are_refused(copy: Path) -> None:
    digests = json.loads((copy / DIGESTS).read_text())
    (copy.parent / "outside").write_text("")
    digests["files"]["../outside"] = {"num_bytes": 0, "sha256": "0"}
    (copy / DIGESTS).write_text(json.dumps(digests))
    with pytest.raises(RegistryError, match="outside is missing"):
        read_files(copy)
