"""Telephone numbers by the words of many languages."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    ("Mobil 0171 6628 043, Büro 040/3281-5544", ["0171 6628 043", "040/3281-5544"]),
    ("Sie erreichen uns unter 0351 4273 618 oder gar nicht", ["0351 4273 618"]),
    ("Standard : 022 733 41 18 (Genève)", ["022 733 41 18"]),
    ("Llámame al 654 218 903", ["654 218 903"]),
    ("Ligue para +351 912 774 308 ou 21 884 3390", ["+351 912 774 308", "21 884 3390"]),
    ("Chiamami al 348 221 9076", ["348 221 9076"]),
    ("Bel me op 06-48213390", ["06-48213390"]),
    ("Zadzwoń: 601 337 482", ["601 337 482"]),
    ("Звоните: +7 (495) 228-41-17 или 8 916 340 22 85", ["+7 (495) 228-41-17", "8 916 340 22 85"]),
    ("お問い合わせは 03-5412-8876 まで", ["03-5412-8876"]),
    ("문의 02-312-9876", ["02-312-9876"]),
    ("公司总机0755-8276 3391，分机号216", ["0755-8276 3391"]),
    ("客服热线400-820-7719，周一至周五", ["400-820-7719"]),
    ("https://wa.me/447911284617", ["447911284617"]),
    ("Fax: (202) 456\n-8821", ["(202) 456\n-8821"]),
    ("My Israeli number is 09-7625 400", ["09-7625 400"]),
]

LEFT_ALONE = [
    "手机号12345678901不存在", "手机号23812345678格式有误", "PL49 8316 1337 8178 7883 7266 6874",
    "DE06 4950 0085 6307 7429 16", "Bestellung 0171 6628", "ANSI/IEEE standard 854-1987", "bureau 75008 Paris 2024",
    "Sie finden uns unter 48.1371, 11.5754", "contacto 2024-05-12", "mobile 2024 report 12",
]  # fmt: skip


@pytest.mark.parametrize(("text", "values"), FOUND)
def test_a_number_is_found_after_a_word_of_its_language(text: str, values: list[str]) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("PHONE", "CN_PHONE"))] == values


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_another_number_stays(text: str) -> None:
    assert find(text, kinds=("PHONE", "CN_PHONE", "CREDIT_CARD")) == []


def test_a_number_beside_an_account_is_found() -> None:
    text = "DE88 3704 0044 0532 0130 00 / 030-32815544"
    assert [text[one.start : one.end] for one in find(text, kinds=("PHONE",))] == ["030-32815544"]
