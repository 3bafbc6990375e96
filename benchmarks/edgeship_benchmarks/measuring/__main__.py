"""The door for another machine: `python -m edgeship_benchmarks.measuring STORE < plan.json > results.json`.

STORE is the folder with the plan's files. What is being done comes on stderr, a line for each process. Exit code 1, and one line, when
nothing can be measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edgeship_benchmarks.measuring import session
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.store import Store
from edgeship_runtime import record
from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.terminal import answer, native_output_hidden, say


def main() -> int:
    """Reads a Plan from stdin and prints Results."""
    try:
        plan = record.from_json(Plan, json.load(sys.stdin), "plan")
        with native_output_hidden():
            results = session.run(plan, Store(Path(sys.argv[1])), say)
            answer(record.to_bytes(results).decode())
    except (EdgeshipError, ValueError, IndexError) as error:
        say(f"edgeship: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
