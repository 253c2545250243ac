"""A secret told from code, paths and prose."""

import pytest

from gptmodel.corpus.scrubbing.finders.secret_values import (
    is_jumbled,
    is_path,
    is_quoted_secret,
    is_random,
    is_unbalanced,
)


@pytest.mark.parametrize("value", ["ErhwNLkPZrkJ", "kLqPzWxTyB"])
def test_letters_that_change_case_at_random_are_jumbled(value: str) -> None:
    assert is_jumbled(value)


@pytest.mark.parametrize("value", ["getUserPassword", "PasswordAuthenticator", "lowercase", ""])
def test_words_in_camel_case_are_not_jumbled(value: str) -> None:
    assert not is_jumbled(value)


def test_brackets_that_do_not_pair_are_unbalanced() -> None:
    assert is_unbalanced("a{b)c")
    assert not is_unbalanced("f(a[0], {b})")


def test_base64_with_slashes_is_no_path() -> None:
    assert is_path("usr/lib/python3/dist")
    assert not is_path("HxQFjcsi8WsJBKd7z6Vj9PPA/fXGPR6+A4/JU/dx0B")


def test_a_passphrase_is_a_secret_and_an_instruction_is_none() -> None:
    assert is_quoted_secret("correct horse battery staple")
    assert not is_quoted_secret("enter your password here")


def test_joined_words_are_not_random() -> None:
    assert not is_random("my-service-account-v2-2024")
    assert is_random("x8f2k9d3m4n7q1w5e6r2t8y3")
