"""What runs on the board: the stopwatch, the warm-up, looks at the machine, blocks, and the door for another machine."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeship_benchmarks.measuring.blocks import run_blocks
from edgeship_benchmarks.measuring.conditions import conditions
from edgeship_benchmarks.measuring.disturbance import counted, marked
from edgeship_benchmarks.measuring.duration import duration_s, tried_ms
from edgeship_benchmarks.measuring.environment import environment
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.plan import Configuration, Plan, PlannedModel, PlannedPicture
from edgeship_benchmarks.measuring.process import in_fresh_process
from edgeship_benchmarks.measuring.results import Results, Run, Timed
from edgeship_benchmarks.measuring.stopwatch import Stopwatch
from edgeship_benchmarks.measuring.store import Store
from edgeship_benchmarks.measuring.warm_up import warm_up
from edgeship_runtime import record
from making import Digits
from reports import QUIET, timed


@pytest.fixture
def crowded() -> Iterator[None]:
    """This process shares one core with a program that wants all of it."""
    if not hasattr(os, "sched_setaffinity") or not Path("/proc/self/schedstat").exists():
        pytest.skip("this system does not say how long a thread waited for a CPU")
    allowed = os.sched_getaffinity(0)
    core = {max(allowed)}
    spinning = "import os; print(flush=True)\nwhile True: pass"
    os.sched_setaffinity(0, core)
    with subprocess.Popen([sys.executable, "-c", spinning], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            yield
        finally:
            os.sched_setaffinity(0, allowed)
            other.kill()


def test_time_that_others_had_the_cpu_is_taken_out(crowded: None) -> None:
    def work() -> None:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass

    watch = Stopwatch(subtract=True)
    waited = watch.waited_ms()

    lap = watch.lap(work)

    assert watch.waited_ms() > waited
    assert lap.wall_ms - lap.net_ms == pytest.approx(watch.waited_ms() - waited)


def test_sleep_is_part_of_a_call(crowded: None) -> None:
    assert Stopwatch(subtract=True).lap(lambda: time.sleep(0.05)).net_ms > 45


def test_without_subtraction_the_clock_is_what_counts() -> None:
    lap = Stopwatch(subtract=False).lap(lambda: None)

    assert lap.net_ms == lap.wall_ms


def test_a_warm_up_ends_when_inferences_get_no_faster() -> None:
    laps = iter([50.0, 40.0, 40.0, 30.0, 30.0, 30.0] + [20.0] * 100)

    warmed = warm_up(lambda: next(laps))

    assert warmed.steady
    assert 3 * 4 <= warmed.inferences <= 20


def test_a_warm_up_that_never_settles_ends_too_and_says_so() -> None:
    latency = 1000.0

    def faster() -> float:
        nonlocal latency
        latency *= 0.97
        return latency

    assert not warm_up(faster).steady


def test_a_raspberry_pi_tells_clock_temperature_and_throttling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the cores that the process may use, the one that works: the other is clocked down, and a third belongs to others."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    for name, text in {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1400000\n",
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq": "1800000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/class/thermal/thermal_zone0/temp": "81234\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        "proc/stat": "cpu  100 20 30 4000 5 6 7 8 0 0\ncpu0 1 2 3\n",
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/cpuinfo": "processor: 0\nFeatures\t: fp asimd evtstrm crc32 asimddp cpuid\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    look, where = conditions(tmp_path), environment(tmp_path)

    assert (look.clock_mhz, look.temperature_c) == (1400, 81.234)
    assert look.throttled == ("under-voltage", "throttled")
    assert look.throttle_events == 2
    tick = os.sysconf("SC_CLK_TCK")
    assert (look.busy_s, look.steal_s) == (163 / tick, 8 / tick)
    assert (where.board, where.governor) == ("Raspberry Pi 4 Model B Rev 1.4", "ondemand")
    assert where.cpu_features == ("asimd", "asimddp")


def test_a_machine_that_tells_nothing_is_none(tmp_path: Path) -> None:
    look, where = conditions(tmp_path), environment(tmp_path)

    assert (look.clock_mhz, look.temperature_c, look.throttled, look.busy_s) == (None, None, (), None)
    assert (where.board, where.governor, where.cpu_features) == (None, None, ())


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (timed(waiting=0.31), "others had the CPU 31% of the time"),
        (timed(after=dataclasses.replace(QUIET, steal_s=0.05)), "the hypervisor took 10% of a core"),
        (timed(after=dataclasses.replace(QUIET, throttled=("throttled",))), "throttled"),
        (timed(after=dataclasses.replace(QUIET, throttle_events=3)), "throttled"),
        (timed(after=dataclasses.replace(QUIET, clock_mhz=600.0)), "clock at 600 of 1500 MHz"),
        (timed(reference_ms=0.6), "machine 20% slower than usual"),
    ],
)
def test_a_disturbed_run_says_by_what(measured: Timed, said: str) -> None:
    runs = [Run(0, block, again=False, at_s=block, timed=timed()) for block in range(5)]
    runs.append(Run(0, 5, again=False, at_s=5, timed=measured))

    *quiet, disturbed = marked(runs)

    assert disturbed.disturbed == (said,)
    assert all(run.disturbed == () for run in quiet)


def test_configurations_that_run_at_other_clocks_disturb_nobody() -> None:
    """One thread boosts to 1900 MHz, four to 1500: neither is throttled."""
    boosted = timed(after=dataclasses.replace(QUIET, clock_mhz=1900.0))
    runs = [
        Run(number, block, again=False, at_s=block, timed=measured)
        for block in range(5)
        for number, measured in enumerate((boosted, timed()))
    ]

    assert all(run.disturbed == () for run in marked(runs))


def test_disturbed_runs_count_only_for_want_of_quiet_ones() -> None:
    quiet = [Run(0, block, again=False, at_s=block, timed=timed()) for block in range(5)]
    disturbed = dataclasses.replace(quiet[0], disturbed=("throttled",))

    assert counted([disturbed, *quiet], 5) == quiet
    assert counted([disturbed, *quiet[:4]], 5) == [disturbed, *quiet[:4]]


def plan(count: int, *, blocks: int, most_blocks: int, precision: float = 0.01) -> Plan:
    model, picture = PlannedModel("0" * 64, "m.tflite"), PlannedPicture("1" * 64, "p.png")
    ways = tuple(Configuration(0, "auto", threads + 1) for threads in range(count))
    return Plan((model,), (picture,), ways, count, precision, blocks, most_blocks, 0.1)


def test_each_block_has_every_configuration_once_in_an_order_of_its_own() -> None:
    runs = run_blocks(plan(6, blocks=5, most_blocks=9), range(6), lambda *_: timed(), lambda _: None)

    orders = [[run.configuration for run in runs if run.block == block] for block in range(5)]
    assert len(runs) == 30
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_blocks_go_on_until_the_precision_is_reached() -> None:
    def steady_from_the_eighth(configuration: int, block: int) -> Timed:
        return timed(10.0 if block >= 2 else 12.0)

    reached = run_blocks(plan(1, blocks=5, most_blocks=30), [0], steady_from_the_eighth, lambda _: None)
    never = run_blocks(plan(1, blocks=5, most_blocks=8), [0], lambda _, block: timed(10 + block), lambda _: None)

    assert 5 < len(reached) < 30
    assert len(never) == 8


def test_a_disturbed_run_is_repeated_at_the_end_of_its_block() -> None:
    made: Counter[tuple[int, int]] = Counter()

    def timer(configuration: int, block: int) -> Timed:
        made[configuration, block] += 1
        disturbed = (configuration, block) == (1, 2) and made[1, 2] == 1
        return timed(waiting=0.5) if disturbed else timed()

    runs = run_blocks(plan(3, blocks=5, most_blocks=5), range(3), timer, lambda _: None)

    third = [run for run in runs if run.block == 2]
    assert [(run.configuration, run.again) for run in third if run.configuration == 1] == [(1, False), (1, True)]
    assert third[-1].again
    assert len(runs) == 16
    assert len(counted([run for run in runs if run.configuration == 1], 5)) == 5


def test_where_everything_is_disturbed_nothing_is_repeated_for_ever() -> None:
    runs = run_blocks(plan(2, blocks=5, most_blocks=5), range(2), lambda *_: timed(waiting=0.5), lambda _: None)

    assert len(runs) == 10


def test_a_configuration_that_fails_drops_out() -> None:
    def timer(configuration: int, block: int) -> Timed | None:
        return None if (configuration, block) == (1, 1) else timed()

    runs = run_blocks(plan(2, blocks=5, most_blocks=5), range(2), timer, lambda _: None)

    assert Counter(run.configuration for run in runs) == {0: 5, 1: 1}


def test_another_machine_needs_only_the_files_and_the_plan(digits: Digits, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.folder.mkdir()
    model = PlannedModel(store.add(digits.int8.read_bytes(), ".tflite"), digits.int8.name)
    paths = sorted(digits.pictures.glob("*/*.png"))
    pictures = tuple(PlannedPicture(store.add(path.read_bytes()), path.name) for path in paths)
    asked = Plan((model,), pictures, (Configuration(0, "auto", 1),), 1, 0.01, 1, 1, 0.02)

    done = _measuring(store.folder, record.to_bytes(asked))

    assert done.returncode == 0, done.stderr
    results = record.from_json(Results, json.loads(done.stdout), "results")
    assert len(results.runs) == 1
    assert len(results.answers[0].answered.top) == 20
    assert results.environment.packages["numpy"]
    assert done.stderr.splitlines() == ["answers", "block 1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 99}', "plan: field 'models' is missing"),
        ("{", "Expecting property name"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    done = _measuring(tmp_path, text.encode())

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_a_plan_of_another_format_is_refused(tmp_path: Path) -> None:
    other = {**record.to_json(plan(1, blocks=5, most_blocks=5)), "format": 99}

    done = _measuring(tmp_path, json.dumps(other).encode())

    assert done.stderr == "edgeship: plan: plan has format 99; this version measures format 2\n"


def _measuring(store: Path, text: bytes) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgeship_benchmarks.measuring", str(store)]
    return subprocess.run(command, input=text.decode(), capture_output=True, text=True, check=False)


def test_peak_memory_is_what_edgeship_run_takes(digits: Digits, tmp_path: Path) -> None:
    """Within 5 % of GNU time's "Maximum resident set size" of a process that classifies the same pictures."""
    timer = shutil.which("time")
    if timer is None:
        pytest.skip("no GNU time here: apt-get install time")
    import numpy as np

    np.save(tmp_path / "inputs.npy", np.zeros((2, 8, 8, 1), np.uint8))
    pictures = tuple(map(str, sorted(digits.pictures.glob("*/*.png"))[:6]))
    job = Job("time", str(digits.int8), "litert", 1, 1, str(tmp_path / "inputs.npy"), pictures, 0.05)

    stated = in_fresh_process(job, Timed).peak_rss_bytes

    edgeship = [Path(sys.executable).with_name("edgeship"), "run", digits.int8, *pictures, "--threads", "1", "--json"]
    subprocess.run([timer, "-v", "-o", tmp_path / "told", *edgeship], capture_output=True, check=True)
    told = (tmp_path / "told").read_text()
    kbytes = int(next(line for line in told.splitlines() if "Maximum resident set size" in line).rpartition(":")[2])
    assert stated == pytest.approx(kbytes * 1024, rel=0.05)


def test_how_long_it_takes_is_known_by_a_try_where_many_pictures_are_to_be_answered(
    digits: Digits, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    model = PlannedModel(store.add(digits.int8.read_bytes(), ".tflite"), digits.int8.name)
    broken = PlannedModel(store.add(b"none", ".tflite"), "broken.tflite")
    path = next(digits.pictures.glob("*/*.png"))
    one = PlannedPicture(store.add(path.read_bytes()), path.name)

    def asked(pictures: int) -> Plan:
        ways = (Configuration(0, "auto", 1), Configuration(1, "auto", 1))
        return Plan((model, broken), (one,) * pictures, ways, 2, 0.01, 5, 15, 0.6)

    few, many = tried_ms(asked(20), store), tried_ms(asked(6000), store)

    assert few == {}
    assert many.keys() == {0}
    assert duration_s(asked(6000), {0: 0.1, 1: 0.1})[0] < duration_s(asked(6000), {})[0] - 50
    assert duration_s(asked(20), {0: 200.0})[0] > duration_s(asked(20), {})[0] + 20
