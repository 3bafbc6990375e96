"""What is told of this machine."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from edgeship_runtime.machine import cpu, free_bytes, temperature_c


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ([("cpu-thermal", "48312")], 48.312),  # a Raspberry Pi
        ([("acpitz", "16800"), ("iwlwifi_1", "none"), ("x86_pkg_temp", "61000")], 61.0),
        ([("acpitz", "-3000")], -3.0),
        ([("acpitz", "invalid")], None),
        ([], None),
    ],
)
def test_the_temperature_is_the_processors_where_linux_tells(
    tmp_path: Path, zones: list[tuple[str, str]], expected: float | None
) -> None:
    for number, (kind, value) in enumerate(zones):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(f"{kind}\n")
        (zone / "temp").write_text(f"{value}\n")

    assert temperature_c(tmp_path) == expected


def test_memory_that_is_left_is_the_least_that_the_kernel_and_the_control_groups_leave(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/system.slice/edgeship.service"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    assert free_bytes(tmp_path) is None

    (tmp_path / "proc/meminfo").write_text("MemTotal:  900 kB\nMemAvailable:  500 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/system.slice/edgeship.service\n")
    (group / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) == 500 * 1024

    (group.parent / "memory.max").write_text("400000\n")
    (group.parent / "memory.current").write_text("150000\n")
    (group.parent / "memory.stat").write_text("anon 1\ninactive_file 30000\nactive_file 20000\n")
    assert free_bytes(tmp_path) == 300_000


@pytest.mark.parametrize("seen_as", ["slurm/job_7", ""])
def test_memory_that_is_left_where_each_controller_has_its_own_tree(tmp_path: Path, seen_as: str) -> None:
    """Control groups of version 1; in a container its own group may be all that is there."""
    group = tmp_path / "sys/fs/cgroup/memory" / seen_as
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu,memory:/slurm/job_7\n1:name=systemd:/a:b\n0::/a:b\n")
    (group / "memory.limit_in_bytes").write_text("400000\n")
    (group / "memory.usage_in_bytes").write_text("150000\n")
    (group / "memory.stat").write_text("active_file 1\ntotal_inactive_file 30000\ntotal_active_file 20000\n")

    assert free_bytes(tmp_path) == 300_000


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: Intel(R) N100\nflags\t: avx2\n", "Intel(R) N100"),
        ("processor\t: 0\nCPU part\t: 0xd08\n\nModel\t: Raspberry Pi 4 Model B\n", "Raspberry Pi 4 Model B"),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", f"{platform.machine()} 0x41 0xd0c"),
    ],
)
def test_processors_that_have_no_name_are_told_apart_by_their_numbers(tmp_path: Path, cpuinfo: str, name: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(cpuinfo)

    assert cpu(tmp_path) == name
