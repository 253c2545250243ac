"""Invented values: valid by the standards' own check, drawn from a seed, and nobody's where a range is set aside."""

import importlib
import random
from collections.abc import Callable

import phonenumbers
import pytest

from gptmodel.corpus import invented

NUM = 60


def drawn(make: Callable[[random.Random], str], seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [make(draw) for _ in range(NUM)]


@pytest.mark.parametrize(
    ("make", "module"),
    [
        (invented.visa_card, "luhn"),
        (invented.other_card, "luhn"),
        (invented.german_iban, "iban"),
        (invented.other_iban, "iban"),
        (invented.us_ssn, "us.ssn"),
        (invented.bitcoin_address, "bitcoin"),
        (invented.segwit_address, "bitcoin"),
        (invented.brazilian_cpf, "br.cpf"),
        (invented.polish_pesel, "pl.pesel"),
        (invented.spanish_dni, "es.dni"),
        (invented.nhs_number, "gb.nhs"),
        (invented.dutch_bsn, "nl.bsn"),
        (invented.french_nir, "fr.nir"),
    ],
)
def test_numbers_have_their_standards_checksum(make: Callable[[random.Random], str], module: str) -> None:
    is_valid = importlib.import_module(f"stdnum.{module}").is_valid
    assert all(is_valid(value.replace(" ", "")) for value in drawn(make))


def test_chinese_identity_numbers_have_their_check_character() -> None:
    iso7064 = importlib.import_module("stdnum.iso7064.mod_11_2")
    assert all(iso7064.is_valid(value) for value in drawn(invented.chinese_id))


@pytest.mark.parametrize(
    ("make", "region"),
    [
        (invented.us_phone, "US"),
        (invented.london_phone, "GB"),
        (invented.german_phone, "DE"),
        (invented.chinese_landline, "CN"),
        (invented.chinese_mobile, "CN"),
    ],
)
def test_phone_numbers_are_valid_in_their_country(make: Callable[[random.Random], str], region: str) -> None:
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(value, region)) for value in drawn(make))


def test_addresses_are_of_domains_set_aside() -> None:
    for value in [*drawn(invented.email), *drawn(invented.tagged_email)]:
        assert value.lower().rpartition(".")[0].endswith("example")


def test_the_same_seed_gives_the_same_values_and_another_gives_others() -> None:
    assert drawn(invented.password) == drawn(invented.password)
    assert set(drawn(invented.password)).isdisjoint(drawn(invented.password, seed=1))
