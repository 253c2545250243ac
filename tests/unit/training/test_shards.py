"""A state cut among processes is the same state, however many cut it and however many read it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.training.shards import assembled, piece_name, pieces_by_name, rows_of

sizes = st.integers(1, 9)


def cut(tensor: torch.Tensor, size: int) -> dict[str, torch.Tensor]:
    ranges = (rows_of(tensor.size(0), rank, size) for rank in range(size))
    return {piece_name("w[0]", *rows): tensor[slice(*rows)] for rows in ranges if rows[0] < rows[1]}


@given(st.integers(1, 40), sizes)
def test_the_rows_are_those_of_chunk(num_rows: int, size: int) -> None:
    chunks = [chunk.tolist() for chunk in torch.arange(num_rows).chunk(size)]
    ours = [list(range(*rows_of(num_rows, rank, size))) for rank in range(size)]
    assert [rows for rows in ours if rows] == chunks


@given(st.integers(1, 40), sizes, sizes)
def test_any_number_reads_what_any_number_wrote(num_rows: int, writers: int, readers: int) -> None:
    tensor = torch.rand(num_rows, 3)
    pieces = pieces_by_name(cut(tensor, writers))["w[0]"]
    read = [pieces.rows(*rows_of(num_rows, rank, readers)) for rank in range(readers)]
    assert pieces.shape == tensor.shape
    assert torch.equal(torch.cat(read), tensor)
    assert torch.equal(pieces.read(), tensor)


def test_what_is_whole_stays_whole() -> None:
    written = {"rng.cpu": torch.arange(5), "step": torch.tensor(3.0)}
    assert all(torch.equal(found, written[name]) for name, found in assembled(written).items())


@pytest.mark.parametrize("lost", [0, 1])
def test_missing_rows_are_refused(lost: int) -> None:
    pieces = list(cut(torch.rand(9, 2), 3).items())
    del pieces[lost]
    with pytest.raises(ValueError, match="lacks rows from"):
        assembled(dict(pieces))
