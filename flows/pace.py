"""How long a stage still takes, from how far it has come: for the terminal and the dashboard alike."""

import time
from collections import deque

_LEAST_SECONDS = 3.0
_NUM_POINTS = 100


class Pace:
    """Tells the time that is left of one stage, at its speed over the later half of the time since it first spoke.

    So a slow beginning (workers that start, a model that is compiled) is forgotten, and what was there before (shards
    taken over, a checkpoint) makes nothing seem faster, for it is done when the stage first speaks.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._started = 0.0

    def left(self, done_ratio: float) -> float | None:
        """Give the seconds that are left; None as long as they can't be told.

        Args:
            done_ratio: Share done, 0 to 1.
        """
        now = time.monotonic()
        since, done = self._note(now, done_ratio)
        if now - self._started < _LEAST_SECONDS or done <= 0:
            return None
        return max(0.0, since * (1 - done_ratio) / done)

    def _note(self, now: float, done_ratio: float) -> tuple[float, float]:
        """Remember how far it is; give the seconds of the later half and the share done in them."""
        if not self._points:
            self._started = now
        elapsed = now - self._started
        while len(self._points) > 1 and self._points[1][0] <= now - elapsed / 2:
            self._points.popleft()
        if not self._points or now - self._points[-1][0] >= elapsed / _NUM_POINTS:
            self._points.append((now, done_ratio))
        return now - self._points[0][0], done_ratio - self._points[0][1]

    def added_to(self, message: str, done_ratio: float, between: str) -> str:
        """Give a message with the time that is left behind it."""
        words = self.words(done_ratio)
        return f"{message}{between}{words}" if words else message

    def words(self, done_ratio: float) -> str:
        """Say the time that is left, as `about 2 min left`; empty where it can't be told or there is none."""
        left = self.left(done_ratio)
        return f"{_duration(left)} left" if left else ""


def _duration(seconds: float) -> str:
    """Give seconds in the words of somebody who waits: no more precise than a forecast is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 90 else f"about {minutes // 60} h {minutes % 60} min"
