"""Secrets in command lines, headers, sentences and beside a user's name."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    ("mysql -u root -pvK3wq9LpZr2", "vK3wq9LpZr2"),
    ("sshpass -p vK3wq9LpZr2 ssh a@b", "vK3wq9LpZr2"),
    ("docker login -u x -p vK3wq9LpZr2 registry.example", "vK3wq9LpZr2"),
    ("net user bob Winter72 /add", "Winter72"),
    ("run --db-password vK3wq9LpZr2 --fast", "vK3wq9LpZr2"),
    ("curl -u admin:vK3wq9LpZr2 https://host.example", "vK3wq9LpZr2"),
    ("Authorization: Basic YWRtaW46dkszd3E5THBacjI=", "YWRtaW46dkszd3E5THBacjI="),
    ("CREATE USER 'a'@'b' IDENTIFIED BY 'vK3wq9LpZr2';", "vK3wq9LpZr2"),
    ('get(url, auth=("ada", "vK3wq9LpZr2"))', "vK3wq9LpZr2"),
    ("ENV DB_PASSWORD vK3wq9LpZr2", "vK3wq9LpZr2"),
    ("machine ftp.example login ada password vK3wq9LpZr2", "vK3wq9LpZr2"),
    ("the password is r&UuTtBRhMU#dTSU", "r&UuTtBRhMU#dTSU"),
    ("username: ada\npassword: swallow", "swallow"),
    ("用户名：ada 密码：swallow", "swallow"),
]

LEFT_ALONE = [
    "curl -u $USER:$PASSWORD https://host.example",
    "run --password-file /etc/app/password.txt",
    "set genobj.__context__ to None",
    "Your username and password are required to log in.",
    "The user forgot which password was used for this.",
    "mkdir -p one/two/three4",
    "the password is required",
]


@pytest.mark.parametrize(("text", "value"), FOUND)
def test_a_secret_is_found_where_a_command_or_sentence_puts_it(text: str, value: str) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == [value]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_command_or_sentence_without_a_secret_stays(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []
