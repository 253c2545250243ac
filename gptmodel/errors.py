"""Every error a caller may meet, each with what was expected, what came, and how to mend it.

    GPTModelError
    |-- ConfigError (ValueError)           a preset, key or value that does not fit           exit 2
    |-- SourceError (ValueError)           a source that is missing, empty or unreadable      exit 2
    |-- CorpusTooSmallError (ValueError)   not enough text for the split or the context       exit 1
    |-- ModelInputError (ValueError)       token ids, masks or shapes the model can't take    exit 1
    |-- StoreError (OSError)               a stage's output that is damaged, busy or full     exit 1
    |   |-- StoreBusyError                 another living run computes the same output
    |   `-- DiskFullError                  no space left while a stage was written
    |-- ResumeError (RuntimeError)         a checkpoint made with other data or settings      exit 1
    |-- TrainingError (RuntimeError)       a loss that is no number or jumps, with its batch  exit 1
    |-- ServerError (ConnectionError)      Prefect or MLflow does not answer                  exit 1
    |-- RegistryError (LookupError)        a model URI that names nothing, a changed file     exit 1
    `-- GateError (RuntimeError)           the quality or privacy gate said no                exit 3

Catch all of them with one clause::

    try:
        config = load_config("tiny")
    except GPTModelError as error:
        print(error.expected, error.actual, error.mend)
"""


class GPTModelError(Exception):
    """Base of all errors raised on purpose.

    Args:
        expected: What would have been right.
        actual: What came instead. Never document text, never a found secret.
        mend: What to do about it; a command where there is one.
    """

    exit_code = 1

    def __init__(self, *, expected: str, actual: str, mend: str) -> None:
        self.expected = expected
        self.actual = actual
        self.mend = mend
        super().__init__(f"expected {expected}; got {actual}. {mend}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by keyword, so that the error survives the way back from a worker process."""
        return _rebuild, (type(self), self.expected, self.actual, self.mend)


def _rebuild(kind: type[GPTModelError], expected: str, actual: str, mend: str) -> GPTModelError:
    return kind(expected=expected, actual=actual, mend=mend)


class ConfigError(GPTModelError, ValueError):
    """A preset, key or value does not fit; raised before any work starts."""

    exit_code = 2


class SourceError(GPTModelError, ValueError):
    """A source as a whole is missing, empty or unreadable; single bad records are quarantined instead."""

    exit_code = 2


class CorpusTooSmallError(GPTModelError, ValueError):
    """What is left of the corpus can't fill the splits or one context window."""


class ModelInputError(GPTModelError, ValueError):
    """Token ids, a mask or a shape the model can't take."""


class StoreError(GPTModelError, OSError):
    """A stage's stored output can't be read or written."""


class StoreBusyError(StoreError):
    """Another living process is computing the same output."""


class DiskFullError(StoreError):
    """The disk ran out of space while a stage was written; nothing half-written counts as done."""


class ResumeError(GPTModelError, RuntimeError):
    """A checkpoint belongs to other data, another tokenizer or another model."""


class TrainingError(GPTModelError, RuntimeError):
    """Training can't go on: the loss is not a number or jumped, or the device has too little memory."""


class ServerError(GPTModelError, ConnectionError):
    """A Prefect or MLflow server does not answer."""


class RegistryError(GPTModelError, LookupError):
    """A model URI names nothing, or what it names fails its digests."""


class GateError(GPTModelError, RuntimeError):
    """The quality or privacy gate said no, and the run ends there."""

    exit_code = 3
