"""`tune` finds a configuration that `train` gives again, alone or with others, and goes on where it was stopped."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeship_runtime.cli import main
from edgeship_train.config import TrainingConfig
from edgeship_train.tuning import database
from edgeship_train.tuning.plan import default_space, opened
from edgeship_train.tuning.space import Choice, Range, Space
from making import Result, Run

SPACE = """
learning_rate = {low = 1e-4, high = 1e-2, log = true}
dropout = [0.0, 0.2, 0.5]
"""
# Tracing a network takes seconds, one of a single layer does not.
LINEAR = """
from keras import Sequential, layers

def linear(shape, labels):
    rescaling = layers.Rescaling(1 / 127.5, offset=-1.0)
    return Sequential([layers.Input(shape), rescaling, layers.Flatten(), layers.Dense(labels), layers.Softmax()])
"""
QUICK = ("--augmentation", "none", "--optimizer", "adam", "--epochs", 1)
DIGITS = ("digits", "--arch", "linear_network:linear", *QUICK)
LIMIT_S = 120


@pytest.fixture(autouse=True)
def linear(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of DIGITS, also for processes that a test starts."""
    folder = tmp_path_factory.mktemp("networks")
    (folder / "linear_network.py").write_text(LINEAR)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a search of two trials, two epochs each, and its space beside it. Copied by whoever goes on with it."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "space.toml").write_text(SPACE)
    options = ["--epochs", "2", "--space", str(folder / "space.toml"), "--out", str(folder / "out")]
    assert main(["tune", "digits", "--trials", "2", *options]) == 0
    return folder


@pytest.fixture
def go_on(searched: Path, tmp_path: Path, run: Run) -> Callable[..., Result]:
    """Runs the command of `searched` again, on a copy of what it left in tmp_path / "out"."""
    shutil.copytree(searched / "out", tmp_path / "out")
    options = ["--epochs", 2, "--space", searched / "space.toml", "--out", tmp_path / "out"]
    return lambda *more: run("tune", "digits", *options, *more)


def trials_of(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "trials.json").read_text())["trials"]
    return found


def test_the_best_configuration_gives_its_validation_accuracy_again(searched: Path, tmp_path: Path, run: Run) -> None:
    found = json.loads((searched / "out/trials.json").read_text())
    best = found["trials"][found["best"] - 1]

    trained = run(
        "train", "digits", "--config", searched / "out/train.toml", "--out", tmp_path / "m.keras", "--json"
    ).json()

    assert isinstance(trained, dict)
    assert trained["metrics"]["validation"]["accuracy"] == best["accuracy"] == best["value"]
    assert best["value"] == max(trial["value"] for trial in found["trials"])


def test_trials_differ_in_the_space_only_and_keep_to_it(searched: Path) -> None:
    found = trials_of(searched / "out")

    assert [trial["number"] for trial in found] == [1, 2]
    assert len({trial["options"]["learning_rate"] for trial in found}) == 2
    for trial in found:
        assert set(trial["options"]) == {"learning_rate", "dropout"}
        assert 1e-4 <= trial["options"]["learning_rate"] <= 1e-2
        assert trial["options"]["dropout"] in (0.0, 0.2, 0.5)


def test_the_page_stands_alone(searched: Path) -> None:
    page = (searched / "out/tuning.html").read_text()

    assert page.count("<svg") == 2 + 2  # history, courses; a slice of each option; importances take more trials
    assert "src=" not in page
    assert "href=" not in page.replace('href="#', "")
    assert "://" not in page.replace("http://www.w3.org", "")


def test_the_same_command_goes_on_with_what_is_missing_and_no_more(
    go_on: Callable[..., Result], tmp_path: Path, searched: Path
) -> None:
    went_on = go_on("--trials", 3, "--json")
    again = go_on("--trials", 3, "--json")

    assert "2 trials are already there; 1 more" in went_on.err
    assert "trial 3/3: validation accuracy" in went_on.err
    assert "3 trials are already there; none is missing" in again.err
    assert went_on.json() == again.json()
    assert trials_of(tmp_path / "out")[:2] == trials_of(searched / "out")


def test_a_line_that_was_cut_off_in_writing_is_lost_and_no_more(go_on: Callable[..., Result], tmp_path: Path) -> None:
    """The disk was full, or the power gone: what is appended next must not be glued to the half of a line."""
    journal = tmp_path / "out/trials.journal"
    journal.write_bytes(journal.read_bytes()[:-15])

    for _ in range(2):
        result = go_on("--trials", 3)

        assert result.code == 0, result.err
        assert [trial["state"] for trial in trials_of(tmp_path / "out")] == ["complete"] * 3
    assert all(json.loads(line) for line in journal.read_text().splitlines())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trials(searched: Path, tmp_path: Path, run: Run) -> None:
    options = ["--epochs", 2, "--space", searched / "space.toml", "--out", tmp_path / "out"]
    assert run("tune", "digits", "--trials", 1, *options).code == 0

    (again,) = trials_of(tmp_path / "out")
    first = trials_of(searched / "out")[0]

    for name in ("options", "value", "loss", "history"):
        assert again[name] == first[name]


def test_another_space_in_the_same_search_is_refused(go_on: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("dropout = [0.1, 0.3]")

    line = go_on("--trials", 4, "--space", tmp_path / "other.toml").one_line_error()

    assert "differs" in line
    assert "learning_rate" in line


def test_files_of_another_search_are_not_overwritten(go_on: Callable[..., Result], tmp_path: Path) -> None:
    before = (tmp_path / "out/train.toml").read_bytes()

    line = go_on("--trials", 1, "--seed", 5).one_line_error()

    assert "another search" in line
    assert "--force" in line
    assert (tmp_path / "out/train.toml").read_bytes() == before


def test_a_trial_that_lags_behind_is_pruned(go_on: Callable[..., Result], tmp_path: Path) -> None:
    import optuna

    with study_in(tmp_path / "out/trials.journal") as study:
        for _ in range(5):  # trials that were perfect from the first epoch on
            model = study.trials[0]
            study.add_trial(
                optuna.create_trial(
                    params=model.params,
                    distributions=model.distributions,
                    value=1.0,
                    intermediate_values={1: 1.0, 2: 1.0},
                    user_attrs={"accuracy": 1.0, "loss": 0.0},
                )
            )

    result = go_on("--trials", 8, "--json")

    assert "trial 8/8: pruned after 1 epoch" in result.err
    answer = result.json()
    assert isinstance(answer, dict)
    assert (answer["trials"], answer["pruned"], answer["failed"]) == (8, 1, 0)
    assert trials_of(tmp_path / "out")[7]["state"] == "pruned"


@contextlib.contextmanager
def study_in(journal: Path) -> Iterator[Any]:
    """The only study of a journal, through Optuna itself."""
    import optuna

    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    yield optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))


def test_a_grid_ends_when_all_is_tried_and_a_failed_trial_does_not_end_it(tmp_path: Path, run: Run) -> None:
    (tmp_path / "grid.toml").write_text("l2 = [0.0, 1e38]")

    result = run(
        "tune",
        *DIGITS,
        "--trials",
        9,
        "--sampler",
        "grid",
        "--space",
        tmp_path / "grid.toml",
        "--out",
        tmp_path / "out",
    )

    assert result.code == 0
    assert sorted(trial["options"]["l2"] for trial in trials_of(tmp_path / "out")) == [0.0, 1e38]
    (failed,) = [trial for trial in trials_of(tmp_path / "out") if trial["state"] == "failed"]
    assert "the loss became" in failed["reason"]
    assert f"trial {failed['number']}/2: failed: {failed['reason']}; l2 1e+38" in result.err
    assert failed["reason"] in (tmp_path / "out/tuning.html").read_text()
    assert "l2 = 0.0" in (tmp_path / "out/train.toml").read_text()


def test_a_network_that_cannot_be_built_is_no_search_of_failed_trials(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mended, the same command begins. (Weights may be missing, and be put where the line says.)"""
    monkeypatch.setenv("MISSING", "yes")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "at_times.py").write_text(
        "import os\nimport linear_network\n\ndef network(shape, labels):\n"
        "    assert 'MISSING' not in os.environ\n    return linear_network.linear(shape, labels)\n"
    )
    command = ["tune", "digits", "--arch", "at_times:network", *QUICK, "--trials", 1, "--out", tmp_path / "out"]

    line = run(*command).one_line_error()
    monkeypatch.delenv("MISSING")
    mended = run(*command)

    assert "it raised AssertionError" in line
    assert mended.code == 0, mended.err
    assert "already there" not in mended.err


def test_when_every_trial_fails_the_first_reason_is_said(tmp_path: Path, run: Run) -> None:
    (tmp_path / "space.toml").write_text("l2 = [1e38]")

    storage = f"sqlite:///{tmp_path}/trials.db"

    result = run(
        "tune",
        *DIGITS,
        "--trials",
        1,
        "--space",
        tmp_path / "space.toml",
        "--out",
        tmp_path / "out",
        "--storage",
        storage,
    )

    assert "all 1 trials failed, the first so: the loss became" in result.one_line_error()
    assert not (tmp_path / "out/train.toml").exists()


def test_interrupted_it_reports_and_the_trial_begins_again(tmp_path: Path, run: Run) -> None:
    (tmp_path / "space.toml").write_text("learning_rate = {low = 1e-4, high = 1e-2}")
    journal = tmp_path / "out/trials.journal"
    command = ["tune", *DIGITS, "--trials", 2, "--space", tmp_path / "space.toml", "--out", tmp_path / "out"]
    command += ["--epochs", 6, "--patience", 0]
    with started(*command) as process:
        begin(process)
        assert wait_for(journal, '"trial_id":1,"step":1')
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
    left = trials_of(tmp_path / "out")
    resumed = run(*command)

    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("edgeship: interrupted: what 1 of 2 trials gave is in ")
    assert said.endswith("the same command goes on from here\n")
    assert [trial["state"] for trial in left] == ["complete"]
    assert resumed.code == 0
    assert "1 trial is already there; 1 more" in resumed.err
    assert [trial["state"] for trial in trials_of(tmp_path / "out")] == ["complete", "complete"]
    with study_in(journal) as study:
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
        assert study.trials[1].params == study.trials[2].params


def wait_for(file: Path, text: str) -> bool:
    """Whether a file came to hold a text."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        if file.exists() and text in file.read_text():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.slow
def test_processes_share_a_journal_and_take_over_from_one_that_was_killed(tmp_path: Path, run: Run) -> None:
    journal = tmp_path / "shared.journal"
    command = ["tune", *DIGITS, "--trials", 3, "--storage", journal]
    with (
        started(*command, "--out", tmp_path / "killed") as killed,
        started(*command, "--out", tmp_path / "other") as other,
    ):
        begin(killed)
        assert wait_for(journal, '"claimed":0')
        killed.kill()
        begin(other)
        assert wait_for(journal, '"claimed":1')
        mine = run(*command, "--out", tmp_path / "mine")
        _, said = other.communicate(timeout=LIMIT_S)

    assert (mine.code, other.returncode) == (0, 0), (mine.err, said)
    found = trials_of(tmp_path / "mine")
    assert found == trials_of(tmp_path / "other")
    assert [trial["state"] for trial in found] == ["complete"] * 3
    shares = [sum(line.startswith("trial ") for line in text.splitlines()) for text in (mine.err, said)]
    assert sum(shares) == 3
    assert min(shares) > 0
    with study_in(journal) as study:
        assert [trial.number for trial in study.trials if trial.state.name == "FAIL"] == [0]


@contextlib.contextmanager
def started(*command: object) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that is ready, and waits to `begin`."""
    code = "import sys, keras; from edgeship_runtime.cli import main; input(); sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def begin(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a database on a server of its own."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    pytest.importorskip("psycopg")
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # the server refuses to run as root
    folder = Path(subprocess.check_output([*user, "mktemp", "-d"], text=True).strip())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"

    def server(tool: str, *arguments: str) -> None:
        subprocess.run([*user, str(binaries[-1] / tool), *arguments], check=True, stdout=subprocess.DEVNULL)

    data = str(folder / "data")
    (folder / "password").write_text(PASSWORD)
    server("initdb", "-D", data, "-N", "-A", "scram-sha-256", f"--pwfile={folder}/password")
    server("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        server("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


PASSWORD = "opensesame"  # noqa: S105 - of a server that lives for a test


@pytest.mark.slow
def test_a_search_in_postgresql_takes_over_and_keeps_the_password(
    postgresql: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import optuna

    command = ["tune", *DIGITS, "--storage", postgresql, "--out", tmp_path / "out"]
    first = run(*command, "--trials", 1)
    storage = optuna.storages.RDBStorage(postgresql)
    study = optuna.load_study(study_name=None, storage=storage)
    storage.record_heartbeat(study.ask()._trial_id)  # of a process that then dies
    monkeypatch.setattr(database, "GRACE_S", 1)
    time.sleep(1.5)

    second = run(*command, "--trials", 2)

    assert (first.code, second.code) == (0, 0), second.err
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert len(trials_of(tmp_path / "out")) == 2
    written = [file.read_text() for file in (tmp_path / "out").iterdir()]
    assert not any(PASSWORD in text for text in [*written, first.out, first.err, second.out, second.err])
    storage.engine.dispose()


def test_a_database_that_refuses_is_one_line_without_the_password(postgresql: str, tmp_path: Path, run: Run) -> None:
    wrong = postgresql.replace(PASSWORD, "wrongword")

    line = run("tune", *DIGITS, "--storage", wrong, "--out", tmp_path / "out").one_line_error()

    assert "password authentication failed" in line
    assert "wrongword" not in line


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("postgresql+psycopg://me:opensesame@127.0.0.1:1/x", "Connection refused"),
        ("postgresql+psycopg://me:open@sesame@127.0.0.1/x", "%40"),
        ("postgresql+psycopg://me:opensesame", "its port is no number"),
        ("mysql://me:opensesame@127.0.0.1/x", "needs MySQLdb"),
        ("redis://:opensesame@127.0.0.1", "no such database"),
        ("sqlite:////nowhere/x.db", "unable to open"),
        ("/nowhere/trials.journal", "mkdir -p /nowhere"),
        (f"{__file__}", "no journal"),
    ],
)
def test_a_storage_that_cannot_be_is_one_line(storage: str, words: str, tmp_path: Path, run: Run) -> None:
    line = run("tune", *DIGITS, "--storage", storage, "--out", tmp_path / "out").one_line_error()

    assert words in line
    assert "sesame" not in line


@pytest.mark.parametrize("lines", ['{"op_code": 99, "worker_id": "x"}', '{"op_code": 4}', "[1]", '{"op_code": 0'])
def test_a_journal_of_another_version_or_a_damaged_one_is_one_line(lines: str, tmp_path: Path, run: Run) -> None:
    journal = tmp_path / "some.journal"
    journal.write_text(f"{lines}\n")

    line = run("tune", *DIGITS, "--storage", journal, "--out", tmp_path / "out").one_line_error()

    assert "is no journal of Optuna's, is damaged, or is of a newer version" in line
    assert journal.read_text() == f"{lines}\n"


def test_an_empty_storage_is_not_the_usual_one(tmp_path: Path, run: Run) -> None:
    """As from a variable that is not set."""
    result = run("tune", *DIGITS, "--storage", "", "--out", tmp_path / "out")

    assert result.code == 2
    assert "--storage is empty" in result.err


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("lerning_rate = [0.1]", "did you mean learning_rate?"),
        ("dropout = [1.5]", "dropout is 1.5"),
        ("dropout = 0.5", "wanted a list"),
        ("dropout = []", "empty list"),
        ("dropout = {low = 0.1}", "wanted low and high"),
        ("dropout = {low = 0.5, high = 0.1}", "low below high"),
        ("dropout = {low = 0.0, high = 0.5, log = true}", "low above 0"),
        ("batch_size = {low = 8.0, high = 64}", "whole number"),
        ('arch = ["lenett"]', "no architecture 'lenett'"),
        ("dropout = [", "no TOML"),
        ("", "is empty"),
    ],
)
def test_a_space_that_cannot_be_is_one_line(space: str, words: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "space.toml").write_text(space)

    line = run("tune", *DIGITS, "--space", tmp_path / "space.toml", "--out", tmp_path / "out").one_line_error()

    assert words in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sampler", "grid"], "takes lists only, and learning_rate is a range"),
        (["--sampler", "cma"], "invalid choice"),
        (["--trials", "0"], "at least 1"),
        (["--space", "space.toml", "--dropout", "0.1"], "--dropout is given, and searched"),
        (["--space", "seed.toml"], "seed cannot be searched"),
        (["--space", "smoothing.toml", "--objective", "loss"], "label_smoothing is part of the loss"),
    ],
)
def test_options_that_contradict_each_other_are_usage(
    options: list[str], words: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.toml").write_text("dropout = [0.1, 0.2]")
    Path("seed.toml").write_text("seed = [1, 2]")
    Path("smoothing.toml").write_text("label_smoothing = [0.0, 0.1]")

    result = run("tune", *DIGITS, *options)

    assert result.code == 2
    assert words in result.err
    assert not Path("digits.tuning").exists()


def test_options_that_are_given_are_not_searched() -> None:
    base = TrainingConfig(dropout=0.1, optimizer="sgd")

    found = default_space(base, ["dropout"], "accuracy")

    assert set(found.options) == {"learning_rate", "augmentation", "label_smoothing"}
    assert found.to_json()["learning_rate"] == {"low": 0.005, "high": 0.5, "log": True}  # as is usual for sgd


def test_a_preset_that_a_file_spells_out_can_still_be_searched() -> None:
    """As in a train.toml that a search or a training run wrote."""
    base = TrainingConfig(augmentation="light", rotation=5.0, shift=0.05, zoom=0.3)

    left = opened(base, Space({"augmentation": Choice(("light", "strong"))}), kept=["shift"])

    assert (left.rotation, left.shift, left.zoom) == (None, 0.05, 0.3)


def test_a_number_that_is_searched_has_three_digits_and_stays_in_its_range() -> None:
    assert Range(0.001234, 1.0).used(0.5678) == 0.568
    assert Range(0.001234, 1.0).used(0.001234) == 0.001234
    assert Range(1, 4096).used(4095) == 4095


def test_steps_end_below_the_highest_number_where_they_do_not_meet_it() -> None:
    import optuna

    study = optuna.create_study()
    space = Space({"dropout": Range(0.0, 0.5, step=0.2), "batch_size": Range(8, 30, step=8)})

    found = [space.suggest(study.ask()) for _ in range(40)]

    assert {options["dropout"] for options in found} == {0.0, 0.2, 0.4}
    assert {options["batch_size"] for options in found} == {8, 16, 24}


def test_help_imports_neither_numpy_nor_optuna() -> None:
    code = "import sys; from edgeship_runtime.cli import main; main(['tune', '--help']); print(*sys.modules)"

    out = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert not {"numpy", "optuna", "keras"} & set(out.splitlines()[-1].split())
