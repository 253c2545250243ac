"""The folder of a registered model as MLflow serves it: the model folder, code, signature, example, requirements."""

import importlib.metadata
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gptmodel.bundle import DIGESTS, verify_bundle
from gptmodel.registry import MODEL_PATH
from gptmodel.served_code import copy_served_code

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

# What the served model needs to run; versions are those it was registered with.
_SERVED_WITH = ("mlflow", "numpy", "pandas", "psutil", "pydantic", "safetensors", "tokenizers", "torch")


def save_model(
    folder: Path, model: "LoggedModel", run_id: str, bundle_folder: Path, input_example: Sequence[str]
) -> Path:
    """Write what MLflow serves into a folder, and give the place.

    Args:
        folder: An empty folder, on the disk of the model folder if possible: files are linked, not copied.
        model: The logged model that it becomes.
        run_id: The run it belongs to.
        bundle_folder: The model folder.
        input_example: Prompts shown as the example.

    Raises:
        RegistryError: The model folder is damaged.
    """
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model

    from gptmodel import pyfunc

    staged = folder / Path(MODEL_PATH).name  # the name becomes part of the artifacts' paths
    staged.mkdir()
    for file in (DIGESTS, *verify_bundle(bundle_folder).files):
        _link_or_copy(bundle_folder / file, staged / file)
    target, code = folder / "saved", Path(pyfunc.__file__).resolve()
    mlflow.pyfunc.save_model(
        path=str(target),
        mlflow_model=Model(
            artifact_path=model.artifact_location, model_uuid=model.model_id, run_id=run_id, model_id=model.model_id
        ),
        python_model=str(code),
        artifacts={"model": str(staged)},
        code_paths=[str(copy_served_code(folder / "code"))],
        signature=_signature(pyfunc.DEFAULTS),
        input_example=(pd.DataFrame({"prompt": list(input_example)}), dict(pyfunc.DEFAULTS)),
        pip_requirements=_requirements(),
    )
    for cache in target.rglob("__pycache__"):
        shutil.rmtree(cache)
    _leave_out_folders(target / "MLmodel", code.parent, staged.parent)
    return target


def _leave_out_folders(file: Path, *folders: Path) -> None:
    # MLflow notes where things lay on this machine, though it reads the names alone; the version is for other eyes.
    text = file.read_text(encoding="utf-8")
    for folder in folders:
        text = text.replace(f"{folder}/", "")
    file.write_text(text, encoding="utf-8")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _signature(defaults: Mapping[str, int | float]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    kinds = {int: DataType.long, float: DataType.double}
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "prompt")]),
        outputs=Schema([ColSpec(DataType.string, "text"), ColSpec(DataType.long, "num_tokens")]),
        params=ParamSchema([ParamSpec(key, kinds[type(value)], value) for key, value in defaults.items()]),
    )


def _requirements() -> list[str]:
    # Without the local part (+cpu, +cu130): which build is right depends on the machine that serves.
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in _SERVED_WITH]
