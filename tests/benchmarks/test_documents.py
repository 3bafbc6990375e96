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


def test_a_tool_that_failed_in_one_round_has_its_row_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(PEERS)
    monkeypatch.syspath_prepend(PEERS.parent)
    tools, running, page = (importlib.import_module(name) for name in ("tools", "running", "page"))
    model, photos = tmp_path / "m.tflite", [Path("shoes/1.jpg"), Path("hat/2.jpg")]
    model.write_bytes(b"model")
    ours, naive, *_ = tools.TOOLS

    def ran(whole_ms: float, *answers: str) -> object:
        return running.Ran("1.0", answers, whole_ms, 2.0, 300.0, 70.0)

    text = page.page(
        [
            page.Entry(ours, model, 200.0, [ran(4.0, "shoes", "hat"), ran(8.0, "shoes", "hat")]),
            page.Entry(naive, model, 100.0, [ran(5.0, "shoes", "shoes")], "it ended with exit code 1"),
        ],
        photos,
        2,
    )

    assert "| edgeship 1.0 | 2 | 2 | 6.00 (4.00–8.00) | 1.00 |" in text
    assert "| the tutorials' loop over LiteRT 1.0 | 1 | 1 | 5.00 (5.00–5.00) | 1.25 |" in text
    assert "is measured in 1 rounds only: it ended with exit code 1" in text


@pytest.fixture(autouse=True)
def modules_of_the_peers_are_forgotten() -> None:
    for name in ("tools", "running", "page", "models"):
        if Path(getattr(sys.modules.get(name), "__file__", None) or "/").is_relative_to(PEERS.parent):
            del sys.modules[name]
