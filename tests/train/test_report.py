"""The report of a training is one page that needs nothing else, and says what the files beside it say."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime.cli import main
from edgeship_runtime.data import open_data
from edgeship_runtime.labelled import LabelledPicture
from edgeship_runtime.model_file import ModelFile
from edgeship_train import config_file
from edgeship_train.config import TrainingConfig
from edgeship_train.survey import sizes
from making import Run, paint

LABELS = {"<b>bold": 60, "R&D": 12, "t-shirt": 12}
OPTIONS = ["--archs", "conv3,lenet", "--size", "16", "--epochs", "2", "--augmentation", "standard", "--batch-size", "8"]


@dataclass(frozen=True)
class Made:
    """A model, its report, what it was trained on, and the folder in which it is compared with another."""

    data: Path
    model: Path
    page: str
    comparison: Path

    @property
    def folder(self) -> Path:
        return self.model.with_suffix(".report")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Trained on pictures that are hard to tell apart, with every fault that a folder can have."""
    folder = tmp_path_factory.mktemp("report")
    data = blur(folder / "data" / "train", LABELS, seed=1)
    blur(folder / "data" / "validation", dict.fromkeys(LABELS, 12), seed=2)
    blur(folder / "data" / "test", dict.fromkeys(LABELS, 40), seed=3)
    shutil.copy(data / "R&D/00.png", data / "t-shirt/same.png")
    shutil.copy(data / "R&D/01.png", data / "R&D/twice.png")
    (data / "t-shirt" / "torn <i>.png").write_bytes(b"")
    assert main(["train", str(data.parent), "--out", str(folder / "m.keras"), *OPTIONS]) == 0
    page = (folder / "m.conv3.report" / "report.html").read_text()
    return Made(data.parent, folder / "m.conv3.keras", page, folder / "m.report")


def blur(folder: Path, labels: dict[str, int], seed: int) -> Path:
    """Noisy pictures of different sizes, each label in a colour of its own that is hard to tell from the others."""
    random = np.random.default_rng(seed)
    for number, (label, count) in enumerate(labels.items()):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            tint = random.uniform(0, 70, 3)
            tint[number % 3] += 45
            noisy = random.integers(0, 120, (30, 20 + index % 7, 3)) + tint
            Image.fromarray(noisy.astype(np.uint8)).save(folder / label / f"{index:02}.png")
    return folder


def elements(page: str, tag: str) -> list[dict[str, str]]:
    """Attributes of every element of a kind; the address of a picture last."""
    found: list[dict[str, str]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
            if tag in (name, "*"):
                found.append({key: value or "" for key, value in attributes} | {"tag": name})

    Parser().feed(page)
    return found


def section(page: str, name: str) -> str:
    """The HTML of a section, or of what follows a heading up to the next."""
    if f'id="{name}"' in page:
        return page.split(f'<section id="{name}">')[1].split("</section>", maxsplit=1)[0]
    return page.split(f"<h3>{name}</h3>")[1].split("<h3>", maxsplit=1)[0].split("</section>", maxsplit=1)[0]


def pixels(uri: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))
    return np.asarray(image.convert("RGB"))


def check_self_contained(page: str) -> None:
    for element in elements(page, "*"):
        assert element["tag"] not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "xlink:href", "srcset"):
            assert element.get(name, "#").startswith(("#", "data:", "../")), element
    without_names = re.sub(r'xmlns(:xlink)?="[^"]*"', "", page)
    assert "//" not in re.sub(r"base64,[^\"')]*", "", without_names).replace("://", "//x")
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_page_needs_nothing_from_elsewhere(made: Made) -> None:
    check_self_contained(made.page)
    assert len(elements(made.page, "svg")) >= 4


def test_labels_and_names_are_text_whatever_they_contain(made: Made) -> None:
    tags = {element["tag"] for element in elements(made.page, "*")}

    assert not tags & {"b", "d"}
    assert "&lt;b&gt;bold" in made.page
    assert "R&amp;D" in made.page
    assert "torn &lt;i&gt;.png: the file is empty" in made.page


def test_the_worst_mistake_is_the_surest_wrong_answer(run: Run, made: Made) -> None:
    found = run("run", made.model, *sorted((made.data / "test").rglob("*.png")), "--json").lines()
    answers = [answer for answer in found if isinstance(answer, dict)]
    wrong = [answer for answer in answers if Path(answer["source"]).parent.name != answer["label"]]
    wrong.sort(key=lambda answer: -answer["score"])

    cards = re.findall(r"<figure>.*?</figure>", section(made.page, "mistakes"), re.DOTALL)
    names = [html.unescape(re.findall(r"<small>(.*?)</small>", card)[0]) for card in cards]

    assert len(wrong) > 24
    assert names[0] == str(Path(wrong[0]["source"]).relative_to(made.data))
    assert set(names) == {str(Path(answer["source"]).relative_to(made.data)) for answer in wrong[:24]}
    assert (
        f'answer <strong class="failed">{html.escape(wrong[0]["label"])}</strong> {wrong[0]["score"]:.2f}' in cards[0]
    )
    assert f"The 24 of {len(wrong)} wrong answers" in made.page


def test_the_files_beside_it_say_the_same(made: Made) -> None:
    evaluation = json.loads((made.folder / "evaluation.json").read_text())
    manifest = ModelFile.open(made.model).manifest
    trust = evaluation["reliability"]

    assert f"{100 * evaluation['accuracy']:.1f} %" in made.page
    assert evaluation["part"] == "test"
    assert trust["samples"] == evaluation["samples"] == 120
    assert trust["accuracy"] == evaluation["accuracy"]
    assert len(trust["bins"]) == 15
    assert sum(one["samples"] for one in trust["bins"]) == 120
    by_hand = sum(one["samples"] * abs(one["accuracy"] - one["confidence"]) for one in trust["bins"] if one["samples"])
    assert trust["ece"] == pytest.approx(by_hand / 120)
    assert f"{100 * trust['ece']:.2f} points" in made.page
    options = config_file.read(made.folder / "train.toml")
    assert TrainingConfig(**options).to_text() == manifest.provenance.configuration  # type: ignore[arg-type]
    assert html.escape((made.folder / "train.toml").read_text()).replace("&quot;", "&#34;") in made.page


def test_problems_with_the_pictures_are_named(made: Made) -> None:
    words = re.sub(r"<[^>]*>", "", html.unescape(section(made.page, "data")))

    assert "1 picture cannot be read" in words
    assert "1 picture with two labels" in words
    assert "train/R&D/00.png is train/t-shirt/same.png too" in words
    assert "2 exact duplicates left out" in words
    assert re.search(r"The largest label has [56] times as many training pictures", words)
    assert "--balance weights" in words
    assert "2 labels with fewer than 20 training pictures" in words
    assert "The validation part is small: 36 pictures" in words


def test_augmented_pictures_are_those_that_training_saw(made: Made) -> None:
    from edgeship_train.batches import Shuffled
    from edgeship_train.dataset import read_dataset
    from edgeship_train.resolving import augmentation_of, preprocessing_of

    options = config_file.read(made.folder / "train.toml")
    config = TrainingConfig(**options)  # type: ignore[arg-type]
    part = read_dataset(open_data(str(made.data)), preprocessing_of(config), config.seed).parts["train"]
    batches = Shuffled(part, 3, len(part), config.seed, augmentation_of(config), config.balance)
    figures = re.findall(r"<figure>.*?</figure>", section(made.page, "Augmentation"), re.DOTALL)
    shown = [[pixels(image["src"]) for image in elements(figure, "img")] for figure in figures]

    seen = []
    for epoch in range(3):
        batches.begin(epoch)
        seen.append(np.rint(batches[0][0]).astype(np.uint8))

    assert len(shown) == 8
    for original, *changed in shown:
        assert any(np.array_equal(original, one) for one in part.pixels[:])
        for one, epoch_pictures in zip(changed, seen, strict=True):
            assert any(np.array_equal(one, picture) for picture in epoch_pictures)
        assert not np.array_equal(original, changed[0])


def test_twelve_pictures_make_a_report_that_claims_little(run: Run, tmp_path: Path) -> None:
    data = paint(tmp_path / "data", {"a": 6, "b": 6})

    assert run("train", data, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 8, "--arch", "conv3").code == 0

    page = (tmp_path / "m.report/report.html").read_text()
    check_self_contained(page)
    assert "Too few pictures to judge" in page
    assert "Expected calibration error" not in page
    assert "Every picture is 40×30 pixels; the model takes 8×8." in page


def test_many_labels_have_a_map_and_a_list(run: Run, tmp_path: Path) -> None:
    labels = [f"kind {number}" for number in range(70)]
    data = blur(tmp_path / "data", dict.fromkeys(labels, 4), seed=5)

    assert run("train", data, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 8, "--arch", "conv3").code == 0

    page = (tmp_path / "m.report/report.html").read_text()
    (plan,) = [image for image in elements(page, "img") if image.get("class") == "map"]
    assert pixels(plan["src"]).shape == (70, 70, 3)
    assert "Most frequent confusions" in page
    assert section(page, "labels").count(">kind 7</td>") >= 1
    assert "<summary>all labels</summary>" in section(page, "data")
    assert "of 48 of the 70 labels" in page
    assert len(page) < 1_500_000
    check_self_contained(page)


@pytest.mark.parametrize("width", [1400, 400])
def test_long_names_of_labels_leave_room_for_the_figures(long_names: Path, browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(long_names.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") == width
    figure, counts = page.locator("#labels td.share").first, page.locator("table.confusion td:not(.name)")
    box = figure.bounding_box()
    assert box["x"] + box["width"] <= width
    assert counts.first.bounding_box()["x"] < width / 2
    header, first = (page.locator("table.confusion tr").nth(number).bounding_box() for number in (0, 1))
    assert header["height"] < 250
    assert first["height"] < 80
    assert page.locator(".bar i").first.bounding_box()["width"] > 50
    page.close()


def test_colours_that_tell_something_are_printed(long_names: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto(long_names.as_uri())

    cell = page.locator("table.confusion td[style]").first
    assert cell.evaluate("cell => getComputedStyle(cell).printColorAdjust") == "exact"
    page.close()


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of labels that sentences, or words without an end, name; so many that their columns are written upright."""
    folder = tmp_path_factory.mktemp("long")
    names = [f"{'x' * 110} {number}" for number in range(6)] + [f"{'a long name ' * 9}{number}" for number in range(6)]
    data = blur(folder / "data", dict.fromkeys(names, 10), seed=4)
    options = ["--epochs", "1", "--size", "8", "--arch", "conv3"]
    assert main(["train", str(data), "--out", str(folder / "m.keras"), *options]) == 0
    return folder / "m.report" / "report.html"


def test_networks_stand_side_by_side(made: Made) -> None:
    data = json.loads((made.comparison / "comparison.json").read_text())
    page = (made.comparison / "comparison.html").read_text()

    beside = {arch: made.comparison.with_name(f"m.{arch}.report") for arch in ("conv3", "lenet")}
    evaluations = {arch: json.loads((folder / "evaluation.json").read_text()) for arch, folder in beside.items()}
    assert {model["arch"]: model["accuracy"] for model in data["models"]} == {
        arch: evaluation["accuracy"] for arch, evaluation in evaluations.items()
    }
    assert data["models"][0]["accuracy"] >= data["models"][1]["accuracy"]
    (against,) = data["against_best"]
    difference = (against["best_only"] - against["other_only"]) / data["samples"]
    assert difference == pytest.approx(data["models"][0]["accuracy"] - data["models"][1]["accuracy"])
    links = [link["href"] for link in elements(page, "a")]
    assert {(made.comparison / link).resolve() for link in links} == {
        (folder / "report.html").resolve() for folder in beside.values()
    }
    check_self_contained(page)
    assert "&lt;b&gt;bold" in page


def test_pictures_that_only_one_network_gets_right_are_shown(run: Run, made: Made) -> None:
    page = (made.comparison / "comparison.html").read_text()
    right = {}
    for arch in ("conv3", "lenet"):
        found = run(
            "run", made.model.with_name(f"m.{arch}.keras"), *sorted((made.data / "test").rglob("*.png")), "--json"
        )
        sources = [Path(row["source"]) for row in found.lines() if row["label"] == Path(row["source"]).parent.name]  # type: ignore[index]
        right[arch] = {str(source.relative_to(made.data)) for source in sources}

    assert right["conv3"] != right["lenet"]
    for arch, other in (("conv3", "lenet"), ("lenet", "conv3")):
        shown = page.split(f"Right with m.{arch}, wrong with m.{other}</h3>")[1].split("<h3>", maxsplit=1)[0]
        names = {html.unescape(name) for name in re.findall(r"<small>(.*?)</small>", shown)}
        assert names <= right[arch] - right[other]
        assert len(names) == min(12, len(right[arch] - right[other]))
        assert (f"12 of {len(right[arch] - right[other])}, those first" in shown) == (
            len(right[arch] - right[other]) > 12
        )


def headers(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names of files whose pixels are missing, and the size that their headers state."""
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    for name, options, size in (
        ("upright.jpg", {}, (400, 300)),
        ("turned.jpg", {"exif": exif}, (300, 400)),
        ("plain.png", {}, (400, 300)),
        ("turned.png", {"exif": exif}, (300, 400)),
        ("turned.webp", {"exif": exif, "lossless": True}, (300, 400)),
    ):
        stream = io.BytesIO()
        pattern = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
        Image.fromarray(pattern).save(stream, {"jpg": "JPEG"}.get(name[-3:], name.partition(".")[2].upper()), **options)
        data = stream.getvalue()
        (folder / name).write_bytes(data if name.endswith("webp") else data[: len(data) // 2])
        yield name, size


def test_sizes_are_read_from_headers_alone(tmp_path: Path) -> None:
    expected = dict(headers(tmp_path))
    pictures = [LabelledPicture(name, "x", tmp_path / name) for name in expected]
    (tmp_path / "none.jpg").write_bytes(b"no picture")

    found = sizes([*pictures, LabelledPicture("none.jpg", "x", tmp_path / "none.jpg")])

    assert [tuple(size) for size in found.tolist()] == list(expected.values())


def test_sizes_of_at_most_two_thousand_pictures_are_looked_at() -> None:
    pictures = [LabelledPicture(str(n), "x", np.zeros((1, n + 1), np.uint8)) for n in range(4001)]

    found = sizes(pictures)

    assert 1300 < len(found) <= 2000
    assert found[:, 0].max() > 3990


def events(folder: Path, tag: str) -> list[tuple[int, float]]:
    """Step and value of a quantity in the logs of a folder, of all runs that are in it."""
    import tensorflow as tf

    files = sorted(str(path) for path in folder.iterdir())
    found = [
        (event.step, value)
        for file in files
        for event in tf.compat.v1.train.summary_iterator(file)
        for value in event.summary.value
    ]
    return [(step, float(tf.make_ndarray(value.tensor))) for step, value in found if value.tag == tag]


def test_logs_for_tensorboard_are_of_this_run_alone(run: Run, painted: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    options = ("--size", 8, "--arch", "conv3", "--tensorboard", "--force")

    for epochs in (3, 2):
        assert run("train", painted, "--out", out, *options, "--epochs", epochs).code == 0

    history = json.loads((tmp_path / "m.report/history.json").read_text())
    logged = events(tmp_path / "m.report/tensorboard/validation", "epoch_loss")
    assert [step for step, _ in logged] == [0, 1]
    assert [value for _, value in logged] == pytest.approx(history["val_loss"], rel=1e-4)


def test_tensorboard_that_is_not_installed_is_said_before_the_work(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    result = run("train", painted, "--out", tmp_path / "m.keras", "--tensorboard")

    assert result.one_line_error().endswith("--tensorboard needs TensorBoard: pip install 'edgeship[tensorboard]'")
    assert "data:" not in result.err
