"""Count how often a key came before, for millions of keys in little memory. Called by reading."""

from array import array

_FIRST_SLOTS = 1024


class Occurrences:
    """How often each key was seen, kept as 64 bits of its digest in an open-addressed table: 16 to 32 bytes a key.

    Two of 10 million keys share these bits with a probability of 3 in a million; the second is then taken for a
    repetition of the first, the same way each time.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._num_keys = 0
        self._repeated: dict[int, int] = {}

    def count(self, digest: bytes) -> int:
        """Give how often a key was counted before, and count it.

        Args:
            digest: Digest of the key, 8 bytes or more.
        """
        mark = int.from_bytes(digest[:8]) or 1  # 0 is an empty slot
        if self._is_new(mark):
            return 0
        self._repeated[mark] = self._repeated.get(mark, 0) + 1
        return self._repeated[mark]

    def _is_new(self, mark: int) -> bool:
        slots, place = self._slots, mark & (len(self._slots) - 1)
        while slots[place]:
            if slots[place] == mark:
                return False
            place = (place + 1) & (len(slots) - 1)
        slots[place] = mark
        self._num_keys += 1
        if 2 * self._num_keys > len(slots):
            self._grow()
        return True

    def _grow(self) -> None:
        before = self._slots
        self._slots, self._num_keys = array("Q", bytes(16 * len(before))), 0
        for mark in before:
            if mark:
                self._is_new(mark)
