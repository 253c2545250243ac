from pathlib import Path
from typing import Any

from flows.stage_run import Begun, StageRun
from gptmodel.mlflow_http import ServerAway
from gptmodel.open_runs import End


def opener(*answers: Any) -> Any:
    left = list(answers)

    def open_run(started_ms: int) -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    return open_run


def test_it_is_opened_by_the_first_that_finds_the_server_and_once(tmp_path: Path) -> None:
    run = StageRun("http://127.0.0.1:9", opener(ServerAway(expected="a", actual="b", mend="c"), "run"))
    (tmp_path / "metrics").write_text('{"time": 1, "step": 0, "key": "a", "value": 1}\n')
    run.try_metrics(tmp_path / "metrics")
    assert run.run_id is None
    assert [run.open(), run.open()] == ["run", "run"]


def test_without_a_metrics_file_nobody_is_asked(tmp_path: Path) -> None:
    run = StageRun("http://127.0.0.1:9", opener())
    run.send_metrics(tmp_path / "metrics")
    assert run.run_id is None


def test_a_run_that_was_begun_is_gone_on_with_and_keeps_its_end() -> None:
    run = StageRun("http://127.0.0.1:9", opener(), Begun("earlier", End("FINISHED", 5)))
    assert (run.open(), run.end) == ("earlier", End("FINISHED", 5))
