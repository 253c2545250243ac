"""The whole chain through the command, on the preset smoke and real servers."""

import json
from pathlib import Path

import httpx
import pytest

from gptmodel.chain import STAGE_NAMES
from gptmodel.config_file import load_config
from gptmodel.corpus.documents import read_documents
from gptmodel.corpus.split_table import SPLITS
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import TokenSplit
from tests.e2e.conftest import Command, Ended

pytestmark = pytest.mark.timeout(900)

RUN_KEYS = {
    "flow_run_id", "mlflow_run_id", "stages", "corpus", "findings", "tokenizer", "training", "evaluation", "privacy",
    "decision", "model",
}  # fmt: skip


def test_the_first_run_computes_thirteen_stages_and_promotes_version_one(shared_home: Command) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    assert [stage["name"] for stage in first["stages"]] == list(STAGE_NAMES)
    assert not any(stage["cached"] for stage in first["stages"])
    assert (first["model"]["version"], first["decision"]["passed"], first["privacy"]["passed"]) == (1, True, True)


def test_the_record_has_the_keys_others_script_against(shared_home: Command) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    assert RUN_KEYS <= set(first)
    assert set(first["training"]) >= {
        "num_parameters",
        "num_tokens",
        "seconds",
        "tokens_per_second",
        "resumed_from_step",
    }
    assert set(first["stages"][0]) >= {"name", "fingerprint", "cached", "seconds", "reason"}


def test_the_account_adds_up(shared_home: Command) -> None:
    corpus = json.loads((shared_home.home / "first.json").read_text())["corpus"]
    assert corpus["num_read"] == corpus["num_kept"] + corpus["num_dropped"] + corpus["num_quarantined"]
    assert corpus["num_dropped"] == sum(corpus["dropped_by_reason"].values()) > 0


@pytest.fixture(scope="module")
def again(shared_home: Command) -> Ended:
    """The same run once more."""
    return shared_home.smoke()


def test_a_repeat_finds_everything_cached_and_makes_no_new_version(shared_home: Command, again: Ended) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    assert again.code == 0, again.err
    assert all(stage["cached"] for stage in again.record["stages"])
    assert again.record["model"] == first["model"]
    assert again.record["mlflow_run_id"] == first["mlflow_run_id"]


def test_the_dashboards_state_says_what_happened(shared_home: Command, addresses: dict[str, str]) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    flow_run = httpx.get(f"{addresses['PREFECT_API_URL']}/flow_runs/{first['flow_run_id']}").json()
    assert flow_run["state"]["name"] == "Promoted v1"


def test_a_cached_stage_shows_as_cached_on_the_dashboard(again: Ended, addresses: dict[str, str]) -> None:
    query = {"flow_runs": {"id": {"any_": [again.record["flow_run_id"]]}}}
    task_runs = httpx.post(f"{addresses['PREFECT_API_URL']}/task_runs/filter", json=query).json()
    assert {run["state"]["name"] for run in task_runs} == {"Cached"}
    assert len(task_runs) == len(STAGE_NAMES)


def test_mlflow_has_one_run_for_the_pipeline_and_one_nested_for_each_stage(
    shared_home: Command, addresses: dict[str, str]
) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    parent = httpx.get(f"{api}/runs/get", params={"run_id": first["mlflow_run_id"]}).json()["run"]
    query = {
        "experiment_ids": [parent["info"]["experiment_id"]],
        "filter": f"tags.mlflow.parentRunId = '{first['mlflow_run_id']}'",
    }
    children = httpx.post(f"{api}/runs/search", json=query).json()["runs"]
    assert {run["info"]["run_name"] for run in children} == set(STAGE_NAMES)
    assert {run["info"]["status"] for run in [parent, *children]} == {"FINISHED"}
    assert parent["inputs"]["dataset_inputs"]
    tags = {tag["key"]: tag["value"] for tag in parent["data"]["tags"]}
    assert tags["prefect.flow_run_id"] == first["flow_run_id"]


def test_the_first_version_is_champion_and_generates_in_a_fresh_process(shared_home: Command) -> None:
    name = json.loads((shared_home.home / "first.json").read_text())["model"]["name"]
    ended = shared_home("generate", "--model", f"models:/{name}@champion", "--prompt", "The", "--max-new-tokens", "8",
                        "--seed", "3", "--json")  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.record["num_tokens"] <= 8
    assert ended.record["seed"] == 3


def test_the_same_seed_gives_the_same_text(shared_home: Command) -> None:
    name = json.loads((shared_home.home / "first.json").read_text())["model"]["name"]
    asked = ("generate", "--model", f"models:/{name}/1", "--prompt", "你好", "--max-new-tokens", "6", "--json")
    assert shared_home(*asked).record["text"] == shared_home(*asked).record["text"]


def test_evaluate_scores_any_text(shared_home: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A plain sentence about nothing in particular. " * 5)
    name = json.loads((shared_home.home / "first.json").read_text())["model"]["name"]
    ended = shared_home("evaluate", "--model", f"models:/{name}/1", "--data", str(tmp_path / "a.txt"), "--json")
    assert ended.code == 0, ended.err
    assert set(ended.record) == {"loss", "perplexity", "bits_per_byte", "num_bytes", "num_documents"}
    assert ended.record["num_documents"] == 1


def test_evaluate_without_data_scores_the_versions_own_test_split(shared_home: Command) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    ended = shared_home("evaluate", "--model", f"models:/{first['model']['name']}/1", "--json")
    assert ended.record["bits_per_byte"] == pytest.approx(first["evaluation"]["bits_per_byte"], rel=1e-3)


def test_every_output_lies_beside_the_config_that_made_it(shared_home: Command) -> None:
    saved = list((shared_home.home / "store").glob("*/*/notes/config.toml"))
    assert {path.parent.parent.parent.name for path in saved} == {name.replace(" ", "-") for name in STAGE_NAMES}
    assert load_config(saved[0]).preset == "smoke"


def test_the_home_is_the_owners_alone(shared_home: Command) -> None:
    open_to_others = [path for path in shared_home.home.rglob("*") if path.stat().st_mode & 0o077]
    assert open_to_others == []


VALUES = ("yuanyuan@example.com", "viktor@example.com", "4111 1111 1111 1111")


def test_a_sensitive_value_of_the_sample_is_in_the_raw_text_and_in_nothing_made_of_it(shared_home: Command) -> None:
    store = shared_home.home / "store"
    [raw], [scrubbed] = (list((store / name).glob("*")) for name in ("ingest", "scrub"))
    texts = {folder: "\n".join(document.text for document in read_documents(folder)) for folder in (raw, scrubbed)}
    assert [value for value in VALUES if value not in texts[raw]] == []
    assert [value for value in VALUES if value in texts[scrubbed]] == []
    [tokenizer], [packed] = (list((store / name).glob("*")) for name in ("tokenizer", "pack"))
    tokens = [TokenSplit.open(packed, split) for split in SPLITS]
    decoded = "".join(Tokenizer.load(tokenizer).decode([int(n) for n in split[0 : len(split)]]) for split in tokens)
    assert "<EMAIL>" in decoded
    assert [value for value in VALUES if value in decoded] == []
    later = ("train", "evaluate", "privacy-audit", "register", "promote")
    files = [path for name in later for path in (store / name).rglob("*") if path.is_file()]
    files += [
        path for name in ("reports", "logs", "prefect", "mlflow") for path in (shared_home.home / name).rglob("*.*")
    ]
    assert [path for path in files for value in VALUES if path.is_file() and value.encode() in path.read_bytes()] == []


def test_a_changed_setting_runs_only_what_depends_on_it_and_says_why(shared_home: Command) -> None:
    ended = shared_home.smoke("--set", "evaluation.seed=1", "--until", "privacy audit")
    stages = {stage["name"]: stage for stage in ended.record["stages"]}
    assert [name for name, stage in stages.items() if not stage["cached"]] == ["evaluate"]
    assert stages["evaluate"]["reason"] == "evaluation.seed 0 -> 1"


def test_the_plan_says_what_the_run_then_does(shared_home: Command) -> None:
    ended = shared_home("plan", "--config", "smoke", "--set", "split.seed=5", "--json")
    stages = {stage["name"]: stage for stage in ended.record["stages"]}
    assert set(stages["split"]) == {"name", "cached", "reason", "seconds", "bytes"}
    assert (stages["deduplicate"]["cached"], stages["split"]["cached"]) == (True, False)
    assert "split.seed 0 -> 5" in stages["split"]["reason"]


def test_a_candidate_that_is_not_better_is_kept_out(shared_home: Command) -> None:
    ended = shared_home.smoke("--set", "training.max_steps=5")
    assert ended.code == 0, ended.err
    assert ended.record["decision"]["passed"] is False
    assert shared_home("status", "--json").code == 0
    champion = shared_home.smoke().record
    assert champion["model"]["version"] == 1


def test_the_report_is_one_file_without_network(shared_home: Command) -> None:
    [report] = (shared_home.home / "reports").glob("*-1/index.html")
    text = report.read_text(encoding="utf-8")
    assert "default-src 'none'" in text  # its own policy: the browser would load nothing
    assert 'src="http' not in text
    assert "<svg" in text


def test_deleted_text_is_made_again_when_a_later_stage_turns_out_to_need_it(command: Command, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for number in range(30):
        (tmp_path / "text" / f"{number}.txt").write_text(f"Note {number}: write to note{number}@example.org. " * 3)
    first = command.smoke("--source", str(tmp_path / "text"), "--until", "scrub")
    assert first.code == 0, first.err
    assert not list((command.home / "store" / "clean").glob("*/shards/*"))
    changed = ("--force", "ingest", "--set", "scrubbing.find_names=false")
    again = command.smoke("--source", str(tmp_path / "text"), "--until", "scrub", *changed)
    assert again.code == 0, again.err
    assert again.record["findings"]["EMAIL"] == first.record["findings"]["EMAIL"] > 0
    assert not list((command.home / "store" / "clean").glob("*/shards/*"))


def test_the_quality_gates_no_ends_the_run_with_its_sentence(shared_home: Command, addresses: dict[str, str]) -> None:
    ended = shared_home.smoke("--set", "quality.min_documents=100000")
    assert ended.code == 3, ended.err
    assert (ended.record["decision"]["passed"], ended.record["model"]) == (False, None)
    flow_run = httpx.get(f"{addresses['PREFECT_API_URL']}/flow_runs/{ended.record['flow_run_id']}").json()
    assert (flow_run["state"]["type"], flow_run["state"]["name"]) == ("FAILED", "Blocked: quality")
