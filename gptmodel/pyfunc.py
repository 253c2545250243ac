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
MOST_NEW_TOKENS = 4096  # in one request: a model that never ends its text would hold a worker for ever


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
            params: Sampling parameters; what is missing or null is taken from DEFAULTS.

        Returns:
            Columns `text` (the completion without its prompt) and `num_tokens`, rows as they came.

        Raises:
            MlflowException: A parameter out of range, or a prompt that is no text; the server answers 400.
        """
        from gptmodel.errors import ConfigError

        wish = DEFAULTS | {key: value for key, value in (params or {}).items() if value is not None}
        prompts = list(model_input["prompt"])
        if not all(isinstance(prompt, str) for prompt in prompts):
            raise MlflowException.invalid_parameter_value("expected a text in each row of the column prompt")
        if wish["max_new_tokens"] > MOST_NEW_TOKENS:
            raise MlflowException.invalid_parameter_value(f"expected max_new_tokens of at most {MOST_NEW_TOKENS}")
        try:
            results = self._generator.generate(
                prompts,
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
