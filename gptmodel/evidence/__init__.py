"""The evidence of a version for an auditor: one folder with a page, the same as data, and the digests of everything.

`gathering` collects what the home knows, `open_points` names what an auditor would stop at, `questions` says where
the answers are, `page` draws it, `folder` writes it as a whole. The store and the home's own files are read, and what
the caller brings of the registry's answer; no server is asked, and neither mlflow nor torch is imported. Counts,
digests, names and sentences go in; never a value, text of a document, its identity, or a key.
"""
