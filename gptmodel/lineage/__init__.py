"""Lineage in both directions: from a version to all it came from, and from a document to the versions that saw it.

`versions` lists what was registered, `ancestry` follows one version back to code, config and raw files, `documents`
follows a document forward. All of it reads the store alone and imports neither mlflow nor torch.
"""
