from typing import Any

import pytest

from flows.closing import closing_lines
from flows.stack import Addresses

WHERE = Addresses("http://127.0.0.1:4200/api", "http://127.0.0.1:5000")
WHOLE: dict[str, Any] = {
    "flow_run_id": "f1",
    "corpus": {"num_read": 12, "num_kept": 8, "num_dropped": 3, "num_quarantined": 1, "num_divided": 0,
               "dropped_by_reason": {"too short": 3}},
    "findings": {"EMAIL": 4, "PHONE": 0}, "not_searched": ["ADDRESS"],
    "tokenizer": {"vocab_size": 512, "bytes_per_token": 1.9},
    "evaluation": {"loss": 4.2, "perplexity": 66.7, "bits_per_byte": 1.74, "baselines": {"xz": 2.4}},
    "privacy": {"passed": True, "reason": "passed: nothing leaked", "scope": "all"},
    "model": {"name": "gpt", "version": 3, "uri": "models:/gpt/3"},
    "links": {"version page": "http://127.0.0.1:5000/#/models/gpt/versions/3"},
    "samples": [{"step": 0, "prompt": "The", "text": "aa\nbb"}, {"step": 40, "prompt": "The", "text": "the cat"}],
    "curve": [{"step": step, "train_loss": 6.0 - step / 100} for step in range(95)],
}  # fmt: skip


def said(summary: dict[str, Any], seconds: float = 12.34) -> list[str]:
    return list(closing_lines("Promoted v3", "better.", summary, seconds, WHERE))


def test_a_whole_run_is_told_with_figures_links_and_what_to_type_next() -> None:
    text = "\n".join(said(WHOLE))
    for words in (
        "12 read, 8 kept, 3 dropped (too short 3), 1 set aside",
        "EMAIL 4",
        "not searched: ADDRESS",
        "6.00 -> 5.06",
        "same text: xz 2.40; lower is better",
        "passed: nothing leaked",
        "Promoted v3 in 12.3 s. better.",
        "http://127.0.0.1:4200/runs/flow-run/f1",
        "http://127.0.0.1:5000/#/models/gpt/versions/3",
        'gptmodel generate --model models:/gpt/3 --prompt "The"',
    ):
        assert words in text
    assert "PHONE" not in text


def test_every_line_is_one_line() -> None:
    assert not any("\n" in line for line in said(WHOLE))


@pytest.mark.parametrize("num_steps", [1, 2, 47, 48, 49, 95, 96, 97, 1000])
def test_the_loss_fits_on_one_line_for_any_number_of_steps(num_steps: int) -> None:
    curve = [{"step": step, "train_loss": 6.0 - step / num_steps} for step in range(num_steps)]
    [line] = [line for line in said(WHOLE | {"curve": curve}) if line.startswith("loss")]
    marks = line.split()[1]
    assert len(marks) <= 48
    assert set(marks) <= set("▁▂▃▄▅▆▇█")


def test_a_flat_loss_can_be_drawn() -> None:
    curve = [{"step": step, "train_loss": 5.0} for step in range(5)]
    assert any("▁▁▁▁▁" in line for line in said(WHOLE | {"curve": curve}))


def test_a_run_without_a_model_says_where_it_is_and_nothing_it_did_not_do() -> None:
    text = "\n".join(closing_lines("Reached split", "", {"flow_run_id": "f1", "corpus": WHOLE["corpus"]}, 75.0, WHERE))
    assert "Reached split in 1 min 15 s." in text
    assert "runs/flow-run/f1" in text
    assert not any(word in text for word in ("loss", "leak test", "generate", "None", "findings"))


def test_no_findings_and_nothing_left_out_are_said() -> None:
    text = "\n".join(said(WHOLE | {"findings": {}, "not_searched": []}))
    assert "none" in text
    assert "not searched: nothing left out" in text
