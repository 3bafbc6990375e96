"""What the documents tell people to type is what the verbs take."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

from edgeship_runtime import cli
from environments import ROOT

PEERS = ROOT / "benchmarks" / "peers"


def test_the_workflow_for_ci_is_one() -> None:
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "docs" / "benchmarking.md").read_text()
    (workflow,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    job = yaml.safe_load(workflow)["jobs"]["compare"]

    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}, "what is not named is taken away"
    runs = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    commands = [line.partition(">")[0] for line in runs if line.startswith("edgeship ")]
    assert len(commands) == 3
    for command in commands:
        _, verb, *arguments = shlex.split(command)
        module = importlib.import_module(cli.VERBS[verb].module)
        cli._parser(verb, module).parse_intermixed_args(arguments)
    written = re.findall(r"(?:--out|>) (\S+)", "\n".join(runs))
    assert all(path.startswith('"$RUNNER_TEMP/') for path in written), "a runner's own folders keep what was there"


def test_tools_over_an_engine_of_ours_are_measured_with_the_locked_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PEERS)
    monkeypatch.syspath_prepend(PEERS.parent)
    tools = importlib.import_module("tools")

    ours = [
        tool
        for tool in tools.TOOLS
        if {"ai-edge-litert", "onnxruntime"} & {re.split("[=<>]", one)[0] for one in tool.requirements}
    ]

    assert len(ours) == 2
    assert all(tool.locked and not any("=" in one for one in tool.requirements) for tool in ours)


@pytest.fixture(autouse=True)
def modules_of_the_peers_are_forgotten() -> None:
    for name in ("tools", "running", "page", "models"):
        if Path(getattr(sys.modules.get(name), "__file__", None) or "/").is_relative_to(PEERS.parent):
            del sys.modules[name]
