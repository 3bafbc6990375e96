"""An RTSP camera, for Debian's Python and GStreamer (no wheel has these): plays the H.264 of a file round and round.

Usage: /usr/bin/python3 rtsp_program.py PORT FILE…    prints "ready"; lines on stdin: "stall", "garbage", "next" (file), "go"
$CAMERA_PASSWORD: USER:PASSWORD that is asked for, by digest
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NamedTuple

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402

RATE = 30
PLAY = (
    "( appsrc name=source is-live=true format=time caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
stalled, spoilt, turned = threading.Event(), threading.Event(), {"film": 0}


class Unit(NamedTuple):
    """A picture as its encoder left it. B-frames come after pictures that are shown later: `shown` is not in order then."""

    data: bytes
    sent: int
    shown: int


def access_units(path: str) -> list[Unit]:
    pipeline = Gst.parse_launch(
        f"filesrc location={path} ! qtdemux ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au "
        "! appsink name=sink sync=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    sink, buffers = pipeline.get_by_name("sink"), []
    while (sample := sink.pull_sample()) is not None:
        buffers.append(sample.get_buffer())
    begin = buffers[0].dts
    units = [Unit(item.extract_dup(0, item.get_size()), item.dts - begin, item.pts - begin) for item in buffers]
    pipeline.set_state(Gst.State.NULL)
    return units


class Camera(GstRtspServer.RTSPMediaFactory):
    def __init__(self, films: list[list[Unit]]) -> None:
        super().__init__()
        self.films = films
        self.set_launch(PLAY)
        self.set_shared(False)

    def begin(self, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_by_name("source")
        state = {"film": 0, "number": 0, "begin": 0}

        def push() -> bool:
            if stalled.is_set():
                return True
            units, number = self.films[state["film"]], state["number"]
            if number % len(units) == 0 and state["film"] != turned["film"]:  # at a key frame
                state["begin"] += number * Gst.SECOND // RATE
                state["film"], number = turned["film"], 0
                units = self.films[state["film"]]
            unit = units[number % len(units)]
            begin = state["begin"] + number // len(units) * len(units) * Gst.SECOND // RATE
            # Slices of pictures that no encoder made.
            spoil = unit.data[:40] + bytes(value ^ 0x5A for value in unit.data[40:])
            buffer = Gst.Buffer.new_wrapped(spoil if spoilt.is_set() else unit.data)
            buffer.pts, buffer.dts = begin + unit.shown, begin + unit.sent
            buffer.duration = Gst.SECOND // RATE
            state["number"] = number + 1
            return source.emit("push-buffer", buffer) == Gst.FlowReturn.OK

        GLib.timeout_add(1000 // RATE, push)


def obey() -> None:
    for line in sys.stdin:
        word = line.strip()
        stalled.set() if word == "stall" else stalled.clear()
        spoilt.set() if word == "garbage" else spoilt.clear()
        turned["film"] = (turned["film"] + (word == "next")) % len(sys.argv[2:])
    loop.quit()


def ask_for(server: GstRtspServer.RTSPServer, camera: Camera, user: str, password: str) -> None:
    token, permissions, auth = GstRtspServer.RTSPToken(), GstRtspServer.RTSPPermissions(), GstRtspServer.RTSPAuth()
    token.set_string("media.factory.role", user)
    for what in ("access", "construct"):
        permissions.add_permission_for_role(user, f"media.factory.{what}", True)  # noqa: FBT003 - theirs
    camera.set_permissions(permissions)
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)


Gst.init(None)
assert GstApp
loop = GLib.MainLoop()
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
camera = Camera([access_units(path) for path in sys.argv[2:]])
camera.connect("media-configure", lambda _, media: camera.begin(media))
server.get_mount_points().add_factory("/live", camera)
if "CAMERA_PASSWORD" in os.environ:
    ask_for(server, camera, *os.environ["CAMERA_PASSWORD"].split(":", 1))
server.attach(None)
threading.Thread(target=obey, daemon=True).start()
print("ready", flush=True)  # noqa: T201
loop.run()
