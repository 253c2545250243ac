"""Figures of this project, beside its peers where they are at hand; run from a checkout, never in the test run.

Every program that is measured is a process of its own, so that what it costs is what the system says of it.
"""
