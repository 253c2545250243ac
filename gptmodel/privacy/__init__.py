"""The leak test of a trained model: planted test phrases, verbatim copies, and samples scanned by the finders.

`stage.py` runs the three tries and `verdict.py` puts their answer into one Decision, which carries its numbers, how
sensitive the test was on this very model, and what was searched. It never says "anonymous", and no value found is
logged, stored or returned. The quality of the text itself is other rooms' business.
"""

from gptmodel.privacy.account import AuditResult, Exposure, Extraction, Repetition, Samples
from gptmodel.privacy.stage import audit, audit_model
from gptmodel.privacy.training_text import TrainingText

__all__ = [
    "AuditResult",
    "Exposure",
    "Extraction",
    "Repetition",
    "Samples",
    "TrainingText",
    "audit",
    "audit_model",
]
