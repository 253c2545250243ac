"""A program that trains as the stage does: `python -m tests.unit.training.launching REQUEST`; a test kills it."""

import sys
from pathlib import Path

from gptmodel.training.request import Request
from gptmodel.training.stage import train

if __name__ == "__main__":
    request = Request.model_validate_json(Path(sys.argv[1]).read_bytes())
    train(request.work, request.model, request.training)
