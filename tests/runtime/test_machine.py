"""What is told of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeship_runtime.machine import temperature_c


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
