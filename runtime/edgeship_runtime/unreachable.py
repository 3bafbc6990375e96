"""Unreachable: why a camera or a broker cannot be connected to, in words a person can act on."""

from __future__ import annotations

import socket
import ssl

from edgeship_runtime.files import reason


def why(error: OSError) -> str:
    """What came in the way."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); SSL_CERT_FILE=FILE.pem names one that is"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it ({error.reason or error})"
    return reason(error)
