"""How long a fleet takes: 200 boards that answer after half a second to a second, 50 at once, against what they must take.

python benchmarks/fleet.py
"""

from __future__ import annotations

import math
import random
import time

from edgeship_devices.fleet import everywhere

BOARDS, CONCURRENCY = 200, 50


def main() -> None:
    random.seed(0)
    takes_s = {f"board-{number}": random.uniform(0.5, 1.0) for number in range(BOARDS)}  # noqa: S311 - no secret
    began = time.perf_counter()
    list(everywhere(lambda name: time.sleep(takes_s[name]), list(takes_s), canary=(), concurrency=CONCURRENCY))
    wall_s = time.perf_counter() - began
    bound_s = math.ceil(BOARDS / CONCURRENCY) * max(takes_s.values())
    print(
        f"{BOARDS} boards, {CONCURRENCY} at once: {wall_s:.2f} s, {wall_s / bound_s:.2f} of {bound_s:.2f} s; allowed 1.10"
    )
    assert wall_s <= 1.1 * bound_s


if __name__ == "__main__":
    main()
