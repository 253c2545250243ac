"""What a training tells of itself when it is done."""

from pydantic import BaseModel, ConfigDict


class RuntimeAccount(BaseModel):
    """What depends on clock and machine; no part of the output's digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seconds: float
    """Wall time of this attempt, from opening the data to the saved model."""
    tokens_per_second: float
    """Tokens trained on for each second spent in steps, in this attempt."""
    resumed_from_step: int | None
    """Step that this attempt went on from; None: it began at the beginning."""
    device: str
    """cpu or cuda."""
    precision: str
    """fp32 or bf16."""
    compiled: bool
    """Whether the training step was compiled."""
    num_threads: int
    """CPU threads."""
    note: str = ""
    """Why a GPU that is there was not used; empty otherwise."""


class TrainResult(BaseModel):
    """What the train stage made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_parameters: int
    """Parameters of the model."""
    num_tokens: int
    """Tokens trained on, repeats included."""
    num_steps: int
    """Optimizer steps."""
    train_loss: float
    """Mean loss over the last stretch of the curve, nats a token."""
    validation_loss: float
    """Loss on the validation batches after the last step, nats a token."""
    runtime: RuntimeAccount
