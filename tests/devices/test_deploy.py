"""A file is brought to a board over a real ssh, proven there, and only then runs; whatever fails, the file before it stays."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from boards import Board, here
from edgeship_devices.session import Target, connect
from edgeship_runtime.files import sha256
from edgeship_runtime.manifest import EngineNeed, Manifest
from making import Run

Models = Callable[..., Path]


def test_a_deployed_file_runs_on_the_board(run: Run, board: Board, models: Models) -> None:
    model = models(1)

    done = run("deploy", model, board.url, "--runtime", here(), "--json")

    assert done.code == 0, done.err
    answer = done.json()
    assert isinstance(answer, dict)
    assert (answer["name"], answer["sha256"], answer["changed"]) == ("digits", sha256(model.read_bytes()), True)
    assert answer["engine"].startswith("litert ")
    current = board.home / "models" / "digits" / "current"
    assert (current / "model").read_bytes() == model.read_bytes()
    verified = subprocess.run([current / "environment" / "bin" / "edgeship", "verify", current / "model"], check=False)
    assert verified.returncode == 0


def test_the_same_file_again_changes_nothing(run: Run, board: Board, models: Models) -> None:
    model = models(1)
    run("deploy", model, board.url, "--runtime", here())

    again = run("deploy", model, board.url, "--runtime", here(), "--json").json()

    assert isinstance(again, dict)
    assert (again["changed"], again["generation"]) == (False, 1)


def test_rollback_goes_back_slot_by_slot_and_says_when_there_is_none(run: Run, board: Board, models: Models) -> None:
    made = [models(hour) for hour in (1, 2, 3)]
    digests = [sha256(path.read_bytes()) for path in made]
    for path in made:
        assert run("deploy", path, board.url, "--runtime", here()).code == 0

    first = run("rollback", board.url, "--name", "digits", "--json")
    assert board.current() == digests[1]
    second = run("rollback", board.url, "--name", "digits")
    assert board.current() == digests[0]
    none = run("rollback", board.url, "--name", "digits")

    answer = first.json()
    assert isinstance(answer, dict)
    assert (answer["left"]["sha256"], answer["now"]["sha256"]) == (digests[2], digests[1])
    assert "runs again" in second.out
    assert none.one_line_error().endswith("digits has no earlier slot to go back to")
    assert board.current() == digests[0]


def test_rolling_back_a_name_that_is_none_lists_those_that_are(run: Run, board: Board, models: Models) -> None:
    run("deploy", models(1), board.url, "--runtime", here(), "--name", "flowers")

    assert (
        run("rollback", board.url, "--name", "digits")
        .one_line_error()
        .endswith("nothing is deployed as digits; deployed: flowers")
    )


def test_so_many_old_slots_are_kept_as_were_asked_for(run: Run, board: Board, models: Models) -> None:
    for hour in (1, 2, 3, 4):
        run("deploy", models(hour), board.url, "--runtime", here(), "--keep", "1")

    slots = list((board.home / "models" / "digits" / "slots").iterdir())
    assert len(slots) == 2
    assert run("rollback", board.url, "--name", "digits").code == 0
    assert run("rollback", board.url, "--name", "digits").code == 1


def test_status_says_what_runs_and_whether_it_is_whole(run: Run, board: Board, models: Models) -> None:
    model = models(1)
    run("deploy", model, board.url, "--runtime", here(), "--name", "flowers")

    (entry,) = run("devices", "status", board.url, "--json").json()["models"]  # type: ignore[index]
    text = run("devices", "status", board.url)
    slot = board.home / "models" / "flowers" / "current" / "model"
    slot.write_bytes(slot.read_bytes()[:-1] + b"?")
    damaged = run("devices", "status", board.url)

    assert (entry["name"], entry["file"], entry["sha256"], entry["whole"]) == (
        "flowers",
        "digits.tflite",
        sha256(model.read_bytes()),
        True,
    )
    assert text.code == 0
    assert "flowers" in text.out
    assert damaged.code == 1
    assert "DAMAGED" in damaged.out


def test_a_file_that_answers_otherwise_there_is_not_run(run: Run, board: Board, models: Models) -> None:
    """Its golden samples were recorded somewhere else, with other answers."""
    run("deploy", models(1), board.url, "--runtime", here())
    before = board.current()

    def lying(manifest: Manifest) -> Manifest:
        first, *rest = manifest.golden
        scores = {label: 1 - score for label, score in first.scores.items()}
        return dataclasses.replace(manifest, golden=(dataclasses.replace(first, scores=scores), *rest))

    error = run("deploy", models(2, lying), board.url, "--runtime", here()).one_line_error()

    assert "verify failed there, at invoke: scores differ" in error
    assert board.current() == before is not None


def test_a_file_that_the_board_cannot_run_is_refused_before_anything_is_copied(
    run: Run, board: Board, models: Models
) -> None:
    def demanding(manifest: Manifest) -> Manifest:
        engines = {"litert": EngineNeed("99.0", "CONV_2D 99")}
        return dataclasses.replace(manifest, requirements=dataclasses.replace(manifest.requirements, engines=engines))

    error = run("deploy", models(1, demanding), board.url, "--runtime", here()).one_line_error()

    assert "CONV_2D 99 needs litert 99.0" in error
    assert not board.home.exists()


def test_a_profile_that_was_named_has_the_boards_own_python(
    run: Run, board: Board, models: Models, tmp_path: Path
) -> None:
    old = tmp_path / "old.toml"
    old.write_text('title = "Old"\nprocessor = "x86-64"\npython = "3.7"\n[engines]\nlitert = "2.2.0"\n')

    assert run("deploy", models(1), board.url, "--runtime", here(), "--device", old).code == 0


def test_what_a_killed_deploy_left_goes_when_the_next_one_begins(run: Run, board: Board, models: Models) -> None:
    """Before the free space is counted: an environment that was not finished takes hundreds of megabytes."""
    assert run("deploy", models(1), board.url, "--runtime", here()).code == 0
    place = board.home / "models" / "digits"
    left = [
        board.home / "staging/model",
        board.home / "environments/0123456789ab/lib/part",
        place / "slots/unnamed/model",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"part")
    links = [place / ".current.1.tmp", place / "generations/.000007.1.tmp"]
    for link in links:
        link.symlink_to("nowhere")

    assert run("deploy", models(2), board.url, "--runtime", here()).code == 0
    assert not any(path.exists() for path in left)
    assert not any(link.is_symlink() for link in links)


def test_an_unused_environment_and_files_of_benchmarks_are_kept_for_a_while(board: Board) -> None:
    fresh, old = (board.home / "environments" / name / "ready" for name in ("fresh", "old"))
    stored, forgotten = (board.home / "store" / name for name in ("stored", "forgotten"))
    for path in (fresh, old, stored, forgotten):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    month_ago = time.time() - 30 * 86400
    for path in (old, forgotten):
        os.utime(path, (month_ago, month_ago))

    def there(room_bytes: int) -> list[bool]:
        with connect(Target(board.url)) as session:
            session.lock(room_bytes)
            return [path.exists() for path in (fresh, old, stored, forgotten)]

    assert there(0) == [True, False, True, False]
    assert there(2**60) == [False] * 4, "room is needed"


def test_an_environment_that_no_longer_starts_is_not_ready(board: Board) -> None:
    """As after a power cut: the names are there, the bytes are not."""
    ready = board.home / "environments/0123456789ab/ready"
    python = ready.parent / "bin/python"
    python.parent.mkdir(parents=True)
    ready.touch()
    python.touch(0o755)

    with connect(Target(board.url)) as session:
        found = session.ask("environment", identity="0123456789ab")

    assert found == {"built": False, "prefix": None}
    assert not ready.exists()


def test_two_deploys_at_once_are_kept_apart(run: Run, board: Board, models: Models) -> None:
    import fcntl

    board.home.mkdir(parents=True)
    with (board.home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        error = run("deploy", models(1), board.url, "--runtime", here()).one_line_error()

    assert "somebody else deploys to this board right now" in error


def test_a_python_on_the_board_without_edgeship_is_refused(run: Run, board: Board, models: Models) -> None:
    error = run("deploy", models(1), board.url, "--runtime", "/bin/false").one_line_error()

    assert "/bin/false has no edgeship" in error


def test_a_name_that_leads_elsewhere_is_refused(run: Run, board: Board, models: Models) -> None:
    assert run("deploy", models(1), board.url, "--runtime", here(), "--name", "../x").code == 2
    assert "is no name" in run("rollback", board.url, "--name", "../x").one_line_error()


def test_json_says_nothing_else_on_stdout(run: Run, board: Board, models: Models) -> None:
    done = run("deploy", models(1), board.url, "--runtime", here(), "--json")

    json.loads(done.out)
    assert "deploy: verify on the board" in done.err
