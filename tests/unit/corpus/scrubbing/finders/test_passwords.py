"""Secrets known by their label: what is one, and what only stands after such a label."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    ('const adafruitKey = "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c";', "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"),
    ('var plaid_token string = "x8f2k9d3m4n7q1w5e6r2t8y3"', "x8f2k9d3m4n7q1w5e6r2t8y3"),
    ("<looker_token>a8F3kd92LLq0ZpW7vT1x</looker_token>", "a8F3kd92LLq0ZpW7vT1x"),
    ('client.setToken("a8F3kd92LLq0ZpW7vT1x")', "a8F3kd92LLq0ZpW7vT1x"),
    ("TRELLO_API_TOKEN:-a8F3kd92LLq0ZpW7vT1x", "a8F3kd92LLq0ZpW7vT1x"),
    ('if ("vK3$wq9LpZr2" == password) {', "vK3$wq9LpZr2"),
    ('PASSWORD = os.getenv("P", "hunter22")', "hunter22"),
    ('password = "correct horse battery staple"', "correct horse battery staple"),
    ('{\\"password\\": \\"vK3$wq9LpZr2\\"}', "vK3$wq9LpZr2"),
    ('password = "zephyrine"', "zephyrine"),
    ("password=iVsYIUtk!&user=x", "iVsYIUtk!"),
    ("password: q{{w}e)r${t]y(u[i_>-_$#opx", "q{{w}e)r${t]y(u[i_>-_$#opx"),
    ("mot de passe : Tr4il_jCkJ", "Tr4il_jCkJ"),
    ("contraseña: Tr4il_jCkJ", "Tr4il_jCkJ"),
    ("пароль: Tr4il_jCkJ", "Tr4il_jCkJ"),
    ("パスワード：Tr4il_jCkJ", "Tr4il_jCkJ"),
    ("?sv=2024&sig=N1PTT2NsIxaUaV3TJpdIyJyekwqrSpAHCgmqQQPk250x&se=1", "N1PTT2NsIxaUaV3TJpdIyJyekwqrSpAHCgmqQQPk250x"),
    ("rootpw: Tr4il_jCkJ", "Tr4il_jCkJ"),
    ("【密码】Shan#River2031", "Shan#River2031"),
    ("密 码：Shan#River2031请保存", "Shan#River2031"),
    ("BUNDLE_GEMS__CONTRIBSYS__COM=0badcafe:feedf00d", "0badcafe:feedf00d"),
    ('AccountKey="HxQFjcsi8WsJBKd7z6Vj9PPALfXGPR6+A4OJU/dx=="', "HxQFjcsi8WsJBKd7z6Vj9PPALfXGPR6+A4OJU/dx=="),
]

LEFT_ALONE = [
    'password = "Please enter your password"',
    '<input name="password" autocomplete="off">',
    '{"password": "Passwort", "type": "password"}',
    'pass "--exec /usr/sbin/sshd" to start-stop-daemon',
    "you can pass `spec=True` or `spec_set=1`",
    "'user[:passwd]', 'host[:port]'",
    "credentialsId: '0badcafe-1234-4321-8888-feedf00dfeed'",
    'github_sha = "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c9f8a7b6c"',
    "monkey = 'a8F3kd92LLq0ZpW7vT1x'",
    "password=user->password",
    "PASSWORD=%DB_PASSWORD%",
]


@pytest.mark.parametrize(("text", "value"), FOUND)
def test_a_labelled_secret_is_found_without_its_label(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == [value]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_stands_after_a_label_stays(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []
