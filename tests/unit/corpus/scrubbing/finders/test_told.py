"""Secrets told in sentences, in many languages."""

import pytest

from gptmodel.corpus.scrubbing import find
from gptmodel.corpus.scrubbing.finders.secret_words import PASSWORDS, in_code

FOUND = [
    ("Das Passwort für den Drucker ist Wolkig-Heiter9.", "Wolkig-Heiter9"),
    ("Zugang: Benutzer mkern, Passwort qTrXpLdWzKb", "qTrXpLdWzKb"),
    ("Le mot de passe du wifi est Citron+Menthe8", "Citron+Menthe8"),
    ("Clé API de l'équipe : 7f3b9a1c2d4e5f60718a93b4c5d6e7f8", "7f3b9a1c2d4e5f60718a93b4c5d6e7f8"),
    ("La contraseña del portal es Rojo.Tigre77", "Rojo.Tigre77"),
    ("A senha do cofre é Azul@Mar99", "Azul@Mar99"),
    ("La password del server è Gatto_nero9", "Gatto_nero9"),
    ("Het wachtwoord is Fiets_pomp3", "Fiets_pomp3"),
    ("Lösenordet är Björk_kaffe9", "Björk_kaffe9"),
    ("Hasło do wifi: Kot_w_butach7", "Kot_w_butach7"),
    ("Jelszó: Paprika_55", "Paprika_55"),
    ("Пароль от почты - Lipa#2044x", "Lipa#2044x"),
    ("新しいパスワード：Hana_Bi7", "Hana_Bi7"),
    ("APIトークンは kd83JdkLq92mZx01PwqT77 です", "kd83JdkLq92mZx01PwqT77"),
    ("비밀번호는 Hangang_88 입니다", "Hangang_88"),
    ("路由器密码改成Huanghe#77!了", "Huanghe#77!"),
    ("微信 AppSecret：3f7a9c1e5b8d2046a7c3e9f1b5d80246", "3f7a9c1e5b8d2046a7c3e9f1b5d80246"),
    ("the passphrase for the vault is now maple-otter-drift-41", "maple-otter-drift-41"),
    ("try it with pwd hunter-Elk-77 please", "hunter-Elk-77"),
    ("the signing secret was 9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e until May", "9b1c7e2d4f6a8b0c3d5e7f9a1b2c3d4e"),
    ("**Password:** Plum!Jam88", "Plum!Jam88"),
    ("Your PIN is 482913", "482913"),
]

LEFT_ALONE = [
    "Use SHA-256 for the password, as RFC2617 says.",
    "The password must contain 8-64 characters, 1digit and 1 symbol.",
    "password manager: Bitwarden2024.1",
    "Failed password for invalid user admin42 from host-7",
    "password: ${DB_PASSWORD_2}",
    "The key finding was 3.5x faster inference on A100-80GB.",
    "ssh public key fingerprint Kd83JdkLq92mZx01PwqT77aabbccddee",
    "Das Passwort muss mindestens 8Zeichen lang sein.",
    "Le mot de passe est stocké sous forme MD5.",
    "La clave del éxito es la constancia en 2024.",
    "Пароль хранится в виде SHA-512.",
    "密码长度为8-16位",
    "密码采用SHA256加密",
    "Pin 13: GPIO27",
    "Forgot your password? Write to support@example",
]


@pytest.mark.parametrize(("text", "value"), FOUND)
def test_a_secret_told_in_a_sentence_is_found(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == [value]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_sentence_about_secrets_stays(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []


@pytest.mark.parametrize("language", PASSWORDS)
def test_a_password_of_any_language_in_the_table_is_found(language: str) -> None:
    word = PASSWORDS[language].split("|")[0].replace("?", "").replace("(:en)", "").replace("(:et)", "")
    assert find(f"{word}: Tr4il_jCkJ", kinds=("SECRET",)) != []


def test_words_in_code_may_lose_their_accents_and_spaces() -> None:
    assert in_code({"es": "contraseñas?"}) == "contrase[n?]as?"
