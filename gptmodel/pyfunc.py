"""The code of the served model: prompts in, completions out.

MLflow copies this file beside a version's files and runs it there (`mlflow models serve`, `mlflow.pyfunc.load_model`),
so that nothing is pickled. Only MLflow and `tracking` import it. The digests of the model folder are checked before
the weights are read; a changed file is refused. There is no output filter here: the finders and what they rest on do
not travel with a version, so that what a served model says goes out as it is; the version's description says so too.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

DEFAULTS: dict[str, int | float] = {
    "max_new_tokens": 64,
    "temperature": 1.0,  # 0 takes the likeliest token
    "top_k": 0,  # 0 takes all tokens
    "top_p": 1.0,
    "seed": 0,
}


class ServedGPT(PythonModel):
    """A GPT behind MLflow's pyfunc interface: one row a prompt."""

    def load_context(self, context: PythonModelContext) -> None:
        """Verify the model folder and load it."""
        from gptmodel.bundle import verify_bundle
        from gptmodel.generation import Generator

        folder = Path(context.artifacts["model"])
        verify_bundle(folder)
        self._generator = Generator.load(folder)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Complete each prompt.

        Args:
            context: What MLflow passes; not used after loading.
            model_input: Column `prompt`, one text a row.
            params: Sampling parameters; what is missing is taken from DEFAULTS.

        Returns:
            Columns `text` (the completion without its prompt) and `num_tokens`, rows as they came.

        Raises:
            MlflowException: A parameter out of range; the server answers 400.
        """
        from gptmodel.errors import ConfigError

        wish = {**DEFAULTS, **(params or {})}
        try:
            results = self._generator.generate(
                [str(prompt) for prompt in model_input["prompt"]],
                max_new_tokens=int(wish["max_new_tokens"]),
                temperature=float(wish["temperature"]),
                top_k=int(wish["top_k"]) or None,
                top_p=None if wish["top_p"] == 1.0 else float(wish["top_p"]),
                seed=int(wish["seed"]),
            )
        except ConfigError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame({"text": [r.text for r in results], "num_tokens": [r.num_tokens for r in results]})


set_model(ServedGPT())
