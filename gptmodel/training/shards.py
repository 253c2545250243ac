"""A training's state cut among processes, and put together again for any number of them.

Under FSDP every process holds some rows of each tensor. It writes them as plain tensors whose name says which rows they
are, `model.embedding.weight[17:33]`, so that the files describe themselves and any number of processes can read them,
one included: nothing of torch.distributed's own format, whose reader unpickles.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

_PIECE = re.compile(r"(?P<name>.+)\[(?P<start>\d+):(?P<stop>\d+)\]")


def rows_of(num_rows: int, rank: int, size: int) -> tuple[int, int]:
    """Give the first row of a process and the one behind its last: as many each as `torch.chunk` gives."""
    each = -(-num_rows // size)
    return min(rank * each, num_rows), min((rank + 1) * each, num_rows)


def piece_name(name: str, start: int, stop: int) -> str:
    """Give the name under which rows start:stop of a tensor are written."""
    return f"{name}[{start}:{stop}]"


@dataclass
class Pieces:
    """One tensor as it was written: whole, or cut into rows.

    Its tensors may be mapped from files: only the rows that are asked for are read.

    Attributes:
        name: Name of the tensor.
        whole: The tensor, where it was written whole.
        by_first_row: Its pieces, where it was cut.
    """

    name: str
    whole: Tensor | None = None
    by_first_row: dict[int, Tensor] = field(default_factory=dict)

    @property
    def shape(self) -> torch.Size:
        """Shape of the whole tensor."""
        if self.whole is not None:
            return self.whole.shape
        pieces = list(self.by_first_row.values())
        return torch.Size([sum(piece.size(0) for piece in pieces), *pieces[0].shape[1:]])

    def read(self) -> Tensor:
        """Give the whole tensor.

        Raises:
            ValueError: Rows are missing, or stand in two pieces.
        """
        return self.whole if self.whole is not None else self.rows(0, self.shape[0])

    def rows(self, start: int, stop: int) -> Tensor:
        """Give rows start:stop.

        Raises:
            ValueError: Rows are missing, or stand in two pieces.
        """
        if self.whole is not None:
            return self.whole[start:stop]
        found, end = [], 0
        for first, piece in sorted(self.by_first_row.items()):
            if first != end:
                raise ValueError(f"{self.name} lacks rows from {end} on, or has some twice")
            end += piece.size(0)
            found.append(piece[max(0, start - first) : max(0, stop - first)])
        return torch.cat(found)


def pieces_by_name(written: Mapping[str, Tensor]) -> dict[str, Pieces]:
    """Sort what several processes wrote by tensor."""
    found: dict[str, Pieces] = {}
    for key, tensor in written.items():
        match = _PIECE.fullmatch(key)
        if match is None:
            found[key] = Pieces(key, tensor)
        else:
            name = match["name"]
            found.setdefault(name, Pieces(name)).by_first_row[int(match["start"])] = tensor
    return found


def assembled(written: Mapping[str, Tensor], place: Callable[[Pieces], Tensor] = Pieces.read) -> dict[str, Tensor]:
    """Put together what several processes wrote; what is whole stays as it is.

    Args:
        written: Tensors and pieces of tensors.
        place: Gives what is wanted of a tensor; by default all of it.

    Raises:
        ValueError: Rows are missing, or stand in two pieces.
    """
    return {name: place(pieces) for name, pieces in pieces_by_name(written).items()}
