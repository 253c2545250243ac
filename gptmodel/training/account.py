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
    micro_batch_size: int
    """Sequences computed at once."""
    num_processes: int = 1
    """Processes that shared each step, on all machines."""
    mfu: float
    """Model FLOPs utilisation near the end, 0 to 1: what was computed of what the machine could."""
    note: str = ""
    """Why a GPU that is there was not used; empty otherwise."""


class TrainResult(BaseModel):
    """What the train stage made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_parameters: int
    """Parameters of the model."""
    num_tokens: int
    """Tokens that the kept model was trained on, repeats included."""
    num_steps: int
    """Optimizer steps of the kept model."""
    num_steps_taken: int
    """Optimizer steps in all: more than that where early stopping kept an earlier model."""
    stopped: str
    """Why it ended before its schedule did; empty if it did not."""
    train_loss: float
    """Mean loss over the last stretch of the curve, nats a token."""
    validation_loss: float
    """Loss of the kept model on the validation batches, nats a token."""
    validation_bits_per_byte: float
    """The same over the UTF-8 bytes of their text."""
    runtime: RuntimeAccount
