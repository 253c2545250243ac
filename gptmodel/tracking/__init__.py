"""Runs, metrics, datasets and registered versions in MLflow: the only door to `import mlflow`, always inside functions.

Flows open a run for the pipeline and one nested for each stage that ran, log what a stage made, deliver the training's
metrics file (`runs`, with `datasets`), and register the model folder (`versions`, with `logged_model` and
`saved_model`). Every call names its server and its run: nothing hangs on MLflow's global active run, so that two flows
in one process never mix. Moving aliases and closing left-open runs is `registry`'s.
"""

from gptmodel.tracking.datasets import DatasetRef
from gptmodel.tracking.runs import close_run, deliver_metrics, log_stage, open_pipeline_run, open_stage_run
from gptmodel.tracking.versions import register_version

__all__ = [
    "DatasetRef",
    "close_run",
    "deliver_metrics",
    "log_stage",
    "open_pipeline_run",
    "open_stage_run",
    "register_version",
]
