"""Prefect and the terminal around the package gptmodel: no maths, no parsing, no file formats."""
