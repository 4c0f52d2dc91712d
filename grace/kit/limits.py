"""Request limits: a token bucket per caller, in this process."""

import time
from collections import OrderedDict

from grace.kit.errors import TooMany

CALLERS = 50_000


class Limits:
    """Buckets that hold one minute's worth and refill evenly; the least recent callers are forgotten."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, caller: str, per_minute: int) -> None:
        """Take one request; TooMany says in how many seconds the next one is there."""
        now = time.monotonic()
        tokens, at = self._buckets.pop(caller, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + (now - at) * per_minute / 60)
        if tokens < 1:
            self._buckets[caller] = (tokens, now)
            raise TooMany(
                f"At most {per_minute} requests a minute.",
                retry_after=max(1, round((1 - tokens) * 60 / per_minute)),
            )
        self._buckets[caller] = (tokens - 1, now)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)
