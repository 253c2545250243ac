"""Secrets in columns that are named after them."""

import pytest

from gptmodel.corpus.scrubbing import find

FOUND = [
    ("user;role;password\nmara;admin;Teal-Cup7\njens;guest;Plum!Jam88\n", ["Teal-Cup7", "Plum!Jam88"]),
    ('"name","pwd"\n"jo","Plum!Jam88"\n', ["Plum!Jam88"]),
    ("| user | password |\n|---|---|\n| jo | `Plum!Jam88` |\n", ["Plum!Jam88"]),
    ("姓名,密码\n甲,Teal-Cup7\n", ["Teal-Cup7"]),
    ("| Password | Plum!Jam88 |", ["Plum!Jam88"]),
    ("<tr><td>Password</td><td>Plum!Jam88</td></tr>", ["Plum!Jam88"]),
    (
        "INSERT INTO users (id, login, pwd) VALUES (1, 'jo, x', 'Plum!Jam88'), (2, 'bo', 'Teal-Cup7');",
        ["Plum!Jam88", "Teal-Cup7"],
    ),
]

LEFT_ALONE = [
    "user,role,token_count\njo,admin,12345678\n",
    "| Option | Password policy |\n|---|---|\n| min_length2 | 12chars |\n",
    "| key | value |\n|---|---|\n| host | web-01.prod |\n",
    "<td>Password</td><td>required</td>",
    "INSERT INTO keys (id, key) VALUES (1, 'primary_key_2');",
    "Enter name, password, and mail2\nthen Route66x, Area51x, Zone7x\n",
]


@pytest.mark.parametrize(("text", "values"), FOUND)
def test_a_secret_is_found_in_its_column(text: str, values: list[str]) -> None:
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == values


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_other_cells_stay(text: str) -> None:
    assert find(text, kinds=("SECRET",)) == []


def test_a_table_ends_at_an_empty_line() -> None:
    text = "name,password\njo,Plum!Jam88\n\nbo,Teal-Cup7\n"
    assert [text[one.start : one.end] for one in find(text, kinds=("SECRET",))] == ["Plum!Jam88"]
