"""Notify: telling systemd that a service is ready, alive, or on its way out (sd_notify(3)): a datagram to a socket that it names."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> bool:
    """Sends lines such as "READY=1"; whether anybody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # in the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False
    return True
