"""Erasure requests: which documents they mean, what every later run leaves out, and what is deleted of them.

A request does not change a trained model. It is a small file of keyed hashes in the home (`requests`), made from what
the store knows of documents and their duplicates (`matching`); ingest leaves out what it covers. `purging` deletes
what is stored of them, `closing` tells when a request is answered. Needs neither mlflow nor torch.
"""
