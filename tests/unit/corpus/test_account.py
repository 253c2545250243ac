"""The account of each document, on a corpus of which everything is known."""

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.account import DocumentAccount, read_accounts
from gptmodel.corpus.funnel import build_funnel
from gptmodel.corpus.split_table import SPLITS
from tests.unit.corpus import known as corpus
from tests.unit.corpus.known import IN, Fate, Known


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return corpus.build(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def told(known: Known) -> list[DocumentAccount]:
    return list(read_accounts(known.folders))


def fate(account: DocumentAccount) -> Fate:
    return (IN if account.status in SPLITS else account.status, account.stage, account.reason)


def test_every_file_record_and_document_is_accounted_for_as_it_is(known: Known, told: list[DocumentAccount]) -> None:
    found: defaultdict[tuple[str, str], list[Fate]] = defaultdict(list)
    for account in told:
        if not account.is_planted:
            found[account.source, account.path].append(fate(account))
    assert {place: sorted(fates) for place, fates in found.items()} == known.truth


def test_the_accounts_add_up_to_the_funnel(known: Known, told: list[DocumentAccount]) -> None:
    for source in build_funnel(known.accounts).sources:
        mine = [account for account in told if account.source == source.name]
        found = Counter(account.status for account in mine)
        assert found["quarantined"] == source.num_quarantined
        assert found["dropped"] == source.dropped.num_documents
        assert {split: found[split] for split in SPLITS} == {
            split: count.num_documents for split, count in source.splits.items()
        }
        kept = [account.num_bytes or 0 for account in mine if account.status in SPLITS]
        assert sum(kept) == source.kept.num_bytes


def one(known: Known, path: str) -> DocumentAccount:
    [account] = read_accounts(known.folders, path=path)
    return account


def test_findings_are_counted_by_kind(known: Known, told: list[DocumentAccount]) -> None:
    assert {account.path: account.findings for account in told if account.findings and not account.is_planted} == {
        "n30.txt": {"EMAIL": 2}
    }


def test_a_duplicate_names_the_document_that_is_kept(known: Known) -> None:
    original = one(known, "n25.txt")
    [copy] = [account for account in read_accounts(known.folders, path="sent") if account.reason == "exact"]
    assert (copy.cluster, copy.status) == (original.id, "dropped")
    assert original.cluster == original.id


def test_what_could_not_be_read_has_a_position_and_no_id(known: Known) -> None:
    broken = [account for account in read_accounts(known.folders, path="sent") if account.status == "quarantined"]
    assert {(account.id, account.position, account.num_bytes) for account in broken} == {("", 11, None), ("", 12, None)}


def test_what_cleaning_dropped_has_its_bytes(known: Known) -> None:
    assert one(known, "short.txt").num_bytes == len("Hi.")


def test_planted_test_phrases_are_marked_and_go_to_train(known: Known, told: list[DocumentAccount]) -> None:
    planted = [account for account in told if account.is_planted]
    assert len(planted) == known.accounts["ingest"]["num_planted"]
    assert {(account.status, account.reason) for account in planted} == {("train", "")}


@pytest.fixture(scope="module")
def without_mail(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return corpus.build(tmp_path_factory.mktemp("without"), ScrubbingConfig(replacement_of={"EMAIL": "drop"}))


def test_what_scrubbing_left_out_has_its_kind_its_bytes_and_its_findings(without_mail: Known) -> None:
    account = one(without_mail, "n30.txt")
    assert fate(account) == ("dropped", "scrub", "holds EMAIL")
    assert account.findings == {"EMAIL": 2}
    assert account.num_bytes == len(f"{corpus.prose(30)} Write to {corpus.SECRET} or {corpus.SECRET}.")


def test_the_accounts_of_a_scrubbing_that_leaves_out_add_up_to_the_funnel(without_mail: Known) -> None:
    funnel = build_funnel(without_mail.accounts)
    [notes] = [source for source in funnel.sources if source.name == "notes"]
    told = list(read_accounts(without_mail.folders, source="notes"))
    assert funnel.imbalances() == []
    assert notes.lost_by("scrub")["holds EMAIL"].num_documents == 1
    assert sum(account.status == "dropped" for account in told) == notes.dropped.num_documents


def test_a_planted_test_phrase_that_is_left_out_is_marked_and_counted_as_caught(without_mail: Known) -> None:
    planted = [account for account in read_accounts(without_mail.folders) if account.is_planted]
    left_out = [account for account in planted if account.stage == "scrub"]
    scrubbed = without_mail.accounts["scrub"]
    assert len(planted) == without_mail.accounts["ingest"]["num_planted"]
    assert left_out
    assert {account.status for account in left_out} == {"dropped"}
    assert scrubbed["num_planted_caught"] == scrubbed["num_planted"]
    assert scrubbed["num_dropped"] == 1


def test_a_document_is_found_by_its_id(known: Known, told: list[DocumentAccount]) -> None:
    for account in (told[-1], *(one_ for one_ in told if one_.path in ("short.txt", "n30.txt", "judged.txt"))):
        assert list(read_accounts(known.folders, document=account.id)) == [account]


def test_the_parts_of_a_text_are_found_by_its_id(known: Known, told: list[DocumentAccount]) -> None:
    parts = [account for account in told if account.path == "long.txt"]
    whole = parts[0].id.partition(".")[0]
    assert list(read_accounts(known.folders, document=whole)) == parts
    assert len(parts) == 3


@pytest.mark.parametrize(("source", "path", "number"), [
    ("mail", "", 12), ("mail", "sent", 12), ("mail", "sent/", 12), ("mail", "sent/mail.jsonl", 12),
    ("notes", "sent", 0), ("notes", "n01", 0), ("", "n01.txt", 1), ("notes", "photo.png", 1), ("nobody", "", 0),
])  # fmt: skip
def test_accounts_are_found_by_source_and_path(known: Known, source: str, path: str, number: int) -> None:
    assert len(list(read_accounts(known.folders, source=source, path=path))) == number


def test_an_unknown_id_has_no_account(known: Known) -> None:
    assert list(read_accounts(known.folders, document="0" * 32)) == []


def test_before_the_split_documents_are_kept_by_the_last_stage(known: Known) -> None:
    folders = {stage: known.folders[stage] for stage in ("ingest", "clean", "scrub")}
    assert {fate(account)[:2] for account in read_accounts(folders, path="n01.txt")} == {("kept", "scrub")}
    folders["deduplicate"] = known.folders["deduplicate"]
    assert {fate(account)[:2] for account in read_accounts(folders, path="n01.txt")} == {("kept", "deduplicate")}


def test_no_account_holds_a_text(told: list[DocumentAccount]) -> None:
    everything = " ".join(map(str, told))
    assert corpus.SECRET not in everything
    assert " and the " not in everything


def test_accounts_are_read_without_torch_and_mlflow() -> None:
    code = "import gptmodel.corpus.account, sys; print({'torch', 'mlflow', 'prefect'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "set()"
