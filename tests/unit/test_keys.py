"""Keys and keyed hashes."""

from pathlib import Path

import pytest

from gptmodel.errors import ConfigError
from gptmodel.keys import Keys, home_key, key_id, keyed_hash, pseudonym_key

KEY = b"a key of this test"


def test_a_homes_key_is_made_once(tmp_path: Path) -> None:
    assert home_key(tmp_path / "home.key") == home_key(tmp_path / "home.key")


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    assert home_key(tmp_path / "a.key") != home_key(tmp_path / "b.key")


def test_a_homes_key_is_its_owners_alone(tmp_path: Path) -> None:
    home_key(tmp_path / "home.key")
    assert (tmp_path / "home.key").stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    home_key(tmp_path / "home.key")
    (tmp_path / "home.key").chmod(0o640)
    with pytest.raises(ConfigError, match="0640"):
        home_key(tmp_path / "home.key")


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home.key").touch(mode=0o600)
    with pytest.raises(ConfigError, match="0 characters"):
        home_key(tmp_path / "home.key")


def test_the_pseudonym_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_PSEUDONYM_KEY", "0123456789abcdef")
    assert pseudonym_key() == b"0123456789abcdef"


def test_the_pseudonym_key_comes_from_a_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home_key(tmp_path / "p.key")
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY", raising=False)
    monkeypatch.setenv("GPTMODEL_PSEUDONYM_KEY_FILE", str(tmp_path / "p.key"))
    assert pseudonym_key() == home_key(tmp_path / "p.key")


def test_without_a_name_in_the_environment_there_is_no_pseudonym_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY", raising=False)
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY_FILE", raising=False)
    assert pseudonym_key() is None


def test_a_short_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_PSEUDONYM_KEY", "swordfish")
    with pytest.raises(ConfigError) as raised:
        pseudonym_key()
    assert "swordfish" not in str(raised.value)


def test_a_hash_depends_on_its_key() -> None:
    assert keyed_hash(KEY, "EMAIL", "ada@example.com") != keyed_hash(b"another key of it", "EMAIL", "ada@example.com")


def test_the_parts_of_a_hash_are_kept_apart() -> None:
    assert keyed_hash(KEY, "ab", "c") != keyed_hash(KEY, "a", "bc")


def test_keys_do_not_show() -> None:
    assert "a key" not in repr(Keys(KEY, KEY))
    assert len(key_id(KEY)) == 12
