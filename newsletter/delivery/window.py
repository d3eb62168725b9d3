"""The window of a relay: how many messages may be under way over one of its connections, by the measured round trip."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MOST = 8
"""More would leave more recipients uncertain when the run is killed, for little: at eight a relay is seldom idle."""

_FAR_S = ((0.040, MOST), (0.020, 4), (0.010, 2))
"""From which round trip on how many. Below it a message costs more time than its way: one at a time is as fast."""


@dataclass(slots=True)
class RelayWindow:
    """`setting` is the configured number, None to decide by the round trip."""

    setting: int | None
    closed: str = field(default="", init=False)
    """Why this run sends one message after the other from now on; empty while it need not."""

    _round_trip_s: float = field(default=math.inf, init=False)

    def note_round_trip(self, seconds: float) -> None:
        """The shortest counts: the others contain waits for something else."""
        self._round_trip_s = min(self._round_trip_s, seconds)

    @property
    def size(self) -> int:
        """How many messages at most; 1 for one after the other."""
        if self.closed:
            return 1
        if self.setting is not None:
            return max(1, min(self.setting, MOST))
        if self._round_trip_s == math.inf:
            return 1
        return next((size for least, size in _FAR_S if self._round_trip_s >= least), 1)
