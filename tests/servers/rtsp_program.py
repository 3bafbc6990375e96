"""An RTSP camera, for Debian's Python and GStreamer (no wheel has these): plays the H.264 of a file round and round.

Usage: /usr/bin/python3 rtsp_program.py FILE PORT     prints "ready"; lines on stdin: "stall", "garbage", "go"
"""

from __future__ import annotations

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402

RATE = 30
PLAY = (
    "( appsrc name=source is-live=true format=time caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
stalled, spoilt = threading.Event(), threading.Event()


def access_units(path: str) -> list[bytes]:
    """Each picture of the file as its encoder left it."""
    pipeline = Gst.parse_launch(
        f"filesrc location={path} ! qtdemux ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au "
        "! appsink name=sink sync=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    sink, units = pipeline.get_by_name("sink"), []
    while (sample := sink.pull_sample()) is not None:
        buffer = sample.get_buffer()
        units.append(buffer.extract_dup(0, buffer.get_size()))
    pipeline.set_state(Gst.State.NULL)
    return units


class Camera(GstRtspServer.RTSPMediaFactory):
    def __init__(self, units: list[bytes]) -> None:
        super().__init__()
        self.units = units
        self.set_launch(PLAY)
        self.set_shared(False)

    def do_configure(self, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_by_name("source")
        state = {"sent": 0}

        def push() -> bool:
            if stalled.is_set():
                return True
            number = state["sent"]
            unit = self.units[number % len(self.units)]
            if spoilt.is_set():  # slices of pictures that no encoder made
                unit = unit[:40] + bytes(value ^ 0x5A for value in unit[40:])
            buffer = Gst.Buffer.new_wrapped(unit)
            buffer.pts = buffer.dts = number * Gst.SECOND // RATE
            buffer.duration = Gst.SECOND // RATE
            state["sent"] = number + 1
            return source.emit("push-buffer", buffer) == Gst.FlowReturn.OK

        GLib.timeout_add(1000 // RATE, push)


def obey() -> None:
    for line in sys.stdin:
        word = line.strip()
        stalled.set() if word == "stall" else stalled.clear()
        spoilt.set() if word == "garbage" else spoilt.clear()
    loop.quit()


Gst.init(None)
assert GstApp
loop = GLib.MainLoop()
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[2])
camera = Camera(access_units(sys.argv[1]))
camera.connect("media-configure", lambda _, media: camera.do_configure(media))
server.get_mount_points().add_factory("/live", camera)
server.attach(None)
threading.Thread(target=obey, daemon=True).start()
print("ready", flush=True)  # noqa: T201
loop.run()
