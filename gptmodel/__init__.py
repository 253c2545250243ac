"""From a team's own raw text to a registered GPT: the library that every stage of the pipeline calls.

Plain Python and torch. It never imports prefect or flows, and nothing runs at import.
"""

__version__ = "0.1.0"
