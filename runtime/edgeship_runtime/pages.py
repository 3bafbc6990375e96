"""Pages: self-contained HTML reports and their SVG charts, readable in light and dark. On the workstation."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

from edgeship_runtime.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#6b7685"  # readable on white and on near-black, as the page may be either
_INKED = ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color")


def render(package: str, template: str, **values: object) -> str:
    """A page from a package's template, which extends "page.html"; texts are escaped, charts (`chart`) are not.

    Raises:
        MissingExtraError: the workstation extra is not installed.
    """
    try:
        from jinja2 import DictLoader, Environment
    except ImportError:
        raise MissingExtraError("HTML reports need jinja2: pip install 'edgeship[workstation]'") from None
    texts = {
        "page.html": resources.files("edgeship_runtime").joinpath("templates/page.html").read_text("utf-8"),
        template: resources.files(package).joinpath(f"templates/{template}").read_text("utf-8"),
    }
    environment = Environment(loader=DictLoader(texts), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(template).render(**values)


def chart(width: float, height: float, draw: Callable[[Figure], None]) -> str:
    """An SVG element, `width`×`height` inches, that `draw` has drawn into; without background, and the same bytes each time."""
    try:
        import matplotlib as mpl
        from markupsafe import Markup
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("charts need matplotlib: pip install 'edgeship[workstation]'") from None

    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "edgeship", **dict.fromkeys(_INKED, INK)}
    with mpl.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    return Markup(text[text.index("<svg") :])  # noqa: S704 - drawn here
