"""The scripts behind the README's figures: run by hand, seldom, so what they import may have moved meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
# Started by the others with arguments, and finished when their last line is: they have no part that only defines.
WITHOUT_MAIN = {"plain_export.py", "ten_lines.py"}
SCRIPTS = [
    path
    for path in [*sorted(FOLDER.glob("*.py")), *sorted(FOLDER.glob("*/__main__.py"))]
    if path.name not in WITHOUT_MAIN
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_all_that_a_script_imports_is_there(script: Path) -> None:
    load = f"import runpy, sys; sys.path.insert(0, {str(script.parent)!r}); runpy.run_path({str(script)!r}, run_name='loaded')"
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
