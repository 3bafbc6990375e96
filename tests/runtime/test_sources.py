"""SOURCE: one grammar; folders and lists in order; passwords are never repeated."""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_runtime.cli import main
from edgeship_runtime.errors import DataError, EdgeshipError
from edgeship_runtime.sinks import check
from edgeship_runtime.sources import parse
from edgeship_runtime.sources.addresses import Live, redacted
from edgeship_runtime.sources.listing import Pictures, Problem
from edgeship_runtime.sources.videos import Video


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(name: str | Path) -> list[Path]:
    items = list(Pictures(str(name)))
    assert not any(isinstance(item, Problem) for item in items), items
    return items  # type: ignore[return-value]


# Pictures


def test_a_folder_is_searched_to_its_depths_in_the_order_of_paths(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in ("a/1.jpg", "a/b/2.PNG", "a/b.webp", "b.gif", "c/x.tiff")]
    touch(*wanted, tmp_path / "notes.txt", tmp_path / "clip.mp4", tmp_path / ".hidden.jpg", tmp_path / ".git/3.jpg")

    assert found(tmp_path) == sorted(wanted)


def test_a_link_that_leads_back_up_is_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "2.jpg").symlink_to(tmp_path / "a" / "1.jpg")

    assert [path.name for path in found(tmp_path)] == ["1.jpg", "2.jpg"]


def test_a_folder_that_one_stands_in_may_have_closed_ones_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "p/1.jpg")
    monkeypatch.chdir(tmp_path)
    real = os.stat

    def closed(path: Any, *rest: Any, **more: Any) -> os.stat_result:
        if str(path) in map(str, tmp_path.parents):
            raise PermissionError(errno.EACCES, "permission denied")
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "stat", closed)

    assert found("p") == [Path("p/1.jpg")]


def test_a_link_to_a_folder_elsewhere_is_followed_and_each_folder_is_gone_through_once(tmp_path: Path) -> None:
    touch(tmp_path / "far/a/1.jpg", tmp_path / "far/2.jpg", tmp_path / "here/own/3.jpg")
    (tmp_path / "here/far").symlink_to(tmp_path / "far")
    (tmp_path / "here/far again").symlink_to("../far")
    (tmp_path / "here/same").symlink_to("own")

    assert [str(path.relative_to(tmp_path / "here")) for path in found(tmp_path / "here")] == [
        "far/2.jpg",
        "far/a/1.jpg",
        "own/3.jpg",
    ]


def test_a_pattern_does_not_follow_links_round_in_circles(tmp_path: Path) -> None:
    """Two links that lead back double what there is at each of forty levels."""
    touch(tmp_path / "a/b/1.jpg", tmp_path / "far/2.jpg")
    for name, target in (("up", ".."), ("here", "."), ("far", "../far")):
        (tmp_path / "a" / name).symlink_to(target)

    assert found(tmp_path / "a/**/*.jpg") == [tmp_path / "a/b/1.jpg", tmp_path / "a/far/2.jpg"]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("**/*.jpg", ["1.jpg", "a/2.jpg", "a/b/3.jpg", "c[1]/4.jpg"]),
        ("**", ["1.jpg", "a/2.jpg", "a/b/3.jpg", "c[1]/4.jpg", "c[1]/5.png"]),
        ("./a/**/**/*.jpg", ["./a/2.jpg", "./a/b/3.jpg"]),
        ("**/b/*", ["a/b/3.jpg"]),
        ("**/a/**/[23].jpg", ["a/2.jpg", "a/b/3.jpg"]),
        ("*/**/*.png", ["c[1]/5.png"]),
    ],
)
def test_two_stars_are_a_folder_and_those_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, wanted: list[str]
) -> None:
    touch(
        *(
            tmp_path / name
            for name in ("1.jpg", "a/2.jpg", "a/b/3.jpg", "c[1]/4.jpg", "c[1]/5.png", ".x/6.jpg", "7.txt")
        )
    )
    monkeypatch.chdir(tmp_path)

    assert found(pattern) == [Path(name) for name in wanted]
    assert found(tmp_path / pattern) == [tmp_path / name for name in wanted]


def test_folders_may_lie_deeper_than_functions_may(tmp_path: Path) -> None:
    place = tmp_path.joinpath(*"a" * 200)
    touch(place / "1.jpg")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        pictures = found(tmp_path)
    finally:
        sys.setrecursionlimit(limit)

    assert pictures == [place / "1.jpg"]


def test_matches_that_are_no_pictures_are_not_said_to_be_missing(tmp_path: Path) -> None:
    touch(tmp_path / "clip.mp4")

    (problem,) = Pictures(f"{tmp_path}/*.mp4")

    assert isinstance(problem, Problem)
    assert "videos and folders are given by their own names" in problem.error


def test_without_a_stdin_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert list(Pictures("-")) == [Problem("-", "there is no stdin to read paths from")]


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")

    (problem,) = Pictures(str(tmp_path))

    assert isinstance(problem, Problem)
    assert "no pictures in this folder" in problem.error


def test_a_glob_gives_pictures_in_order(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b/2.jpg", "a/1.jpg", "a/notes.txt", "3.jpg")))

    assert found(tmp_path / "*" / "*") == [tmp_path / "a/1.jpg", tmp_path / "b/2.jpg"]
    assert len(found(tmp_path / "**" / "*.jpg")) == 3


def test_photos_of_phones_that_cannot_be_read_are_told_and_not_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "IMG_1.HEIC", tmp_path / "IMG_2.jpg")

    assert found(tmp_path) == found(tmp_path / "*") == [tmp_path / "IMG_1.HEIC", tmp_path / "IMG_2.jpg"]


def test_a_list_on_stdin_is_paths_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"a b.jpg\n\n \xff\xfe.png\r\nlast"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))

    assert found("-") == [Path("a b.jpg"), Path(os.fsdecode(b" \xff\xfe.png")), Path("last")]


def test_what_cannot_be_looked_at_is_told_in_its_place(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg", tmp_path / "z.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("gone.jpg")  # told when it is read

    for name in (tmp_path, tmp_path / "*.jpg"):
        first, problem, *last = Pictures(str(name))
        assert (first, last) == (tmp_path / "a.jpg", [tmp_path / "nowhere.jpg", tmp_path / "z.jpg"])
        assert problem == Problem(str(tmp_path / "loop.jpg"), "too many levels of symbolic links")


def test_a_name_that_is_too_long_is_one_line() -> None:
    with pytest.raises(DataError, match="file name too long"):
        parse("x" * 5000)
    assert list(Pictures("x" * 5000)) == [Path("x" * 5000)]  # told when it is read


# What a SOURCE is


def test_files_are_told_apart_by_what_they_hold(shared_data: Path, tmp_path: Path) -> None:
    clip, photo = shared_data / "video/realshort.mp4", shared_data / "images_small/parrot.jpg"
    (tmp_path / "film").write_bytes(clip.read_bytes())
    (tmp_path / "photo.mp4").write_bytes(photo.read_bytes())

    assert isinstance(parse(str(clip)), Video)
    assert isinstance(parse(str(tmp_path / "film")), Video)
    assert isinstance(parse(str(photo)), Pictures)
    assert isinstance(parse(str(tmp_path / "photo.mp4")), Pictures)
    assert isinstance(parse(str(shared_data / "video/newtonscradle.gif")), Pictures)
    assert isinstance(parse(str(tmp_path)), Pictures)
    assert parse("-") == Pictures("-")


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("camera:0", Live("camera:0", "camera", "0")),
        ("camera:2?size=1280x720&fps=15", Live("camera:2", "camera", "2", (1280, 720), 15.0)),
        ("picamera:0?fps=7.5", Live("picamera:0", "picamera", "0", None, 7.5)),
        ("rtsp://h/live", Live("rtsp://h/live", "rtsp", "rtsp://h/live")),
        ("https://me:pw@h:8443/a", Live("https://me:***@h:8443/a", "http", "https://me:pw@h:8443/a")),
    ],
)
def test_cameras_and_streams(text: str, live: Live) -> None:
    assert parse(text) == live


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing.jpg", "does not exist; wanted a picture"),
        ("", "a SOURCE is empty; wanted a picture"),
        ("camera:", "number of a camera"),
        ("camera:0?zoom=2", "no option 'zoom'; known: size="),
        ("camera:0?size=big", "wanted WIDTHxHEIGHT"),
        ("camera:0?size=0x0", "wanted WIDTHxHEIGHT"),
        ("camera:0?fps=-1", "wanted frames a second"),
        ("camera:0?fps=nan", "wanted frames a second"),
        ("ftp://me:secret@h/x", "ftp:// cannot be read; wanted rtsp://"),
        ("rtsp:///x", "there is no host"),
        ("rtsp://me:sec/ret@h/x", "rtsp://me:***@h/x: "),
        ("http://h:port/", "http://h:port/: "),
    ],
)
def test_what_is_no_source_is_told_why(text: str, words: str) -> None:
    with pytest.raises(DataError) as refused:
        parse(text)

    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


# Passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://host/live", "rtsp://host/live"),
        ("rtsp://me@host/live", "rtsp://me@host/live"),
        ("rtsp://me:secret@host:554/live", "rtsp://me:***@host:554/live"),
        ("rtsp://me:se@cr/et@host/live", "rtsp://me:***@host/live"),
        ("http://h/x?email=a@b.c", "http://h/x?email=a@b.c"),
        ("http://[fe80::1]/x@y", "http://[fe80::1]/x@y"),
        ("http://h/x?user=a&pwd=secret&n=1", "http://h/x?user=a&pwd=***&n=1"),
        ("rtsp://h/user=admin_password=secret_channel=1.sdp", "rtsp://h/user=admin_password=***_channel=1.sdp"),
        ("http://h/x?bypass=1&token=secret#y", "http://h/x?bypass=1&token=***#y"),
        ("http://h/x?pwd=my_secret&n=1", "http://h/x?pwd=***&n=1"),
        ("http://h/x?psw=s/e=c&loginpas=s&accessToken=s&n=1", "http://h/x?psw=***&loginpas=***&accessToken=***&n=1"),
        ("http://h/x?loginpass=s;t&user_pw=s&n=1", "http://h/x?loginpass=***&user_pw=***&n=1"),
        ("rtsp:/me:secret@h/x", "rtsp:/me:***@h/x"),
        ("rtsp:me:secret@h/x", "rtsp:me:***@h/x"),
        ("me:secret@h/x", "me:***@h/x"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://me:ALPHA/OMEGA@h/x",
        "rtsp://me:ALPHA?OMEGA@h/x",
        "rtsp://me:ALPHA#OMEGA@h/x",
        "rtsp://me:ALPHA]OMEGA@h/x",
        "rtsp:/me:ALPHA/OMEGA@h/x",
        "rtsp:me:ALPHA:OMEGA@h/x",
        "rstp://me:ALPHA/OMEGA@h/x",
        "camera:0?password=ALPHA_OMEGA",
        "http:/h/x?pwd=ALPHA_OMEGA",
    ],
)
def test_a_source_or_a_sink_that_is_refused_tells_no_half_of_its_password(url: str) -> None:
    said = []
    with pytest.raises(EdgeshipError) as refused:
        parse(url)
    said.append(str(refused.value))
    for sink in (url, url.replace("rtsp:", "mqtt:"), url.replace("rtsp:", "mqtts:"), url.replace("rtsp:", "view:")):
        try:
            check([sink, sink], force=False, append=False)
        except EdgeshipError as error:
            said.append(str(error))

    assert len(said) >= 2
    assert not [line for line in said if "ALPHA" in line or "OMEGA" in line]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3).filter(lambda text: "***" not in text))
def test_no_password_is_ever_shown(password: str) -> None:
    """Whatever it is made of, also signs that should have been written as %40 and the like."""
    shown = redacted(f"rtsp://me:{password}@camera.example/live")

    assert password not in shown.removeprefix("rtsp://me:***").removesuffix("camera.example/live")


@pytest.mark.parametrize("secret", ["ALPHA/OMEGA", "ALPHA OMEGA", "ALPHA:OMEGA", "ALPHA//OMEGA"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["URL"],
        ["run", "URL", "x.jpg"],
        ["run", "x.jpg", "URL"],
        ["run", "x.jpg", "x.jpg", "--too", "URL"],
        ["run", "x.jpg", "x.jpg", "--agree", "URL"],
        ["run", "x.jpg", "x.jpg", "--config=URL"],
        ["run", "x.jpg", "--to", "jsonl:URL", "x.jpg"],
        ["evaluate", "m.tflite", "URL"],
        ["capture", "URL", "out", "--label", "x", "--nonsense", "URL"],
        ["devices", "URL"],
        ["service", "install", "URL", "--nonsense"],
    ],
)
def test_a_url_in_the_wrong_place_is_said_without_its_password(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    secret: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(Path("x.jpg"))

    code = main([word.replace("URL", f"rtsp://me:{secret}@h.invalid/x") for word in arguments])

    said = "".join(capsys.readouterr())
    assert code != 0
    assert said
    assert "ALPHA" not in said
    assert "OMEGA" not in said


@pytest.mark.parametrize("url", ["rtsp://a..b/x", f"http://{'a' * 64}.b/x"])
def test_a_host_whose_name_cannot_be_one_is_one_line(url: str) -> None:
    with pytest.raises(DataError, match="wanted a host, or a host and a number as its port"):
        parse(url)
