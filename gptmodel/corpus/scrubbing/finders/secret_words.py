"""Words for passwords and keys, by language, as labels of a value in code and in sentences.

A clear word (`password`) announces any value that mixes characters; a vague one (`key`, `token`) only one that looks
drawn by a machine.
"""

import re
import unicodedata

PASSWORDS: dict[str, str] = {
    "en": "passwords?|passwd|passphrase|passcode|pass ?phrase|pwd|pw",
    "de": "passwort|kennwort|passw(?:ö|oe)rter|wlan-?schlüssel|netzwerkschlüssel|zugangscode|losung",
    "fr": "mots? de passe|mdp|phrase secrète|code d.accès",
    "es": "contraseñas?|contrasenas?|clave|clave de acceso",
    "pt": "senhas?|palavra passe",
    "it": "parola d.ordine|parola chiave|frase segreta",
    "nl": "wachtwoord(?:en)?|wachtzin",
    "nordic": "lösenord(?:et)?|passord(?:et)?|adgangskoden?|kodeord(?:et)?|salasana|lykilorð|løsenord",
    "slavic": "hasło|hasla|hasło|heslo|hesla|lozinka|lozinku|geslo|šifra",
    "baltic": "parool|salasõna|parole|slaptažodis",
    "other": "jelszó|jelszava|parola|parolă|şifre|sifre|mật khẩu|kata sandi|kata laluan|sandi",
}
"""What names a password, in letters of Latin script and in lower case."""

PASSWORDS_UNSPACED = (
    "密\\s?码|密\\s?碼|口\\s?令|密钥|密匙|秘钥|密鑰|令牌|授权码|提取码|暗号|"
    "[Пп]арол(?:ь|я|ем|и)|ПАРОЛЬ|[Пп]арола|[Кк]одовое слово|[Κκ]ωδικός|[Σσ]υνθηματικό|"
    "パスワード|パスフレーズ|暗証番号|合言葉|비밀번호|비번|암호|패스워드|"
    "รหัสผ่าน|كلمة المرور|كلمة السر|סיסמה|סיסמא|पासवर्ड"
)
"""The same in other scripts."""

KEYS: dict[str, str] = {
    "en": "(?:api|access|auth|secret|private|master|routing|integration|encryption|signing|license|subscription|deploy|"
    "session|webhook|shared|service|account|write|ingest|client|bot|bearer|refresh|security|app) ?"
    "(?:key|token|secret)|key|token|secret",
    "de": "(?:api|zugangs|zugriffs|geheim|lizenz)-?schlüssel|schlüssel|zugriffstoken",
    "fr": "clés? (?:d.)?api|clé (?:secrète|privée|d.accès)|clé|jeton",
    "es": "clave (?:de )?api|clave (?:secreta|privada)|llave|ficha de acceso",
    "pt": "chave (?:de |da )?api|chave (?:secreta|privada|de acesso)|chave",
    "it": "chiave (?:api|segreta|privata|di accesso)|chiave|gettone",
    "nl": "api-?sleutel|toegangssleutel|sleutel",
    "nordic": "api-?nyckel|nyckel|api-?nøkkel|nøkkel|api-?nøgle|nøgle|api-avain|avain",
    "slavic": "klucz(?: api| dostępu)?|klíč|kľúč|ključ",
    "other": "api kulcs|kulcs|cheie|api anahtarı|anahtar|khóa api|kunci api",
}
"""What names a key or token, in letters of Latin script and in lower case."""

KEYS_UNSPACED = (
    "[Аа][Пп][Ии]-?ключ|[Кк]люч|[Тт]окен|キー|トークン|シークレット|秘密鍵|アクセスキー|토큰|시크릿|키|私钥|密鑰|κλειδί"
)
"""The same in other scripts."""

LINKS = (
    # is, was, will be, reads, set to, by language
    "is(?: now)?|was|will be|=|are|(?:re)?set to|changed to|equals|"
    "ist|lautet|war|heißt|wurde auf|est|était|sera|c.est|es|será|era|é|foi|è|sarà|is nu|luidt|är|er|on|jest|to|je|este|"
    "là|adalah|ialah|yra|on nüüd|это|теперь"
)
"""What may stand between a word and its value in a sentence."""

LINKS_UNSPACED = "是|为|為|就是|改成|改为|改為|設為|设为|换成|更新为|は|が|：|는|은|가|이|คือ|هي|היא|है"
"""The same in other scripts."""


_BARE = {"ł": "l", "ø": "o", "ı": "i", "đ": "d"}  # what Unicode does not take apart


def in_code(words: dict[str, str]) -> str:
    """Give words as identifiers spell them, for text in lower case with `?` for each letter that is not ASCII.

    Example:
        >>> in_code({"es": "contraseñas?"})
        'contrase[n?]as?'
    """
    plain = "".join(char if char.isascii() else f"[{_bare(char)}?]" for char in "|".join(words.values()))
    return spaced(plain)


def spaced(words: str) -> str:
    """Give words with any of the signs that may stand where they have a space."""
    return re.sub(r" \??", r"[ _.\\-]?", words)


def _bare(char: str) -> str:
    base = _BARE.get(char, unicodedata.normalize("NFD", char)[0])
    return base if base.isascii() else ""
