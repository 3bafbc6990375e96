"""Pages: self-contained HTML reports and their SVG charts, readable in light and dark. On the workstation."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgeship_runtime.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#6b7685"  # readable on white and on near-black, as the page may be either
_INKED = ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color")
_METADATA = ("Creator", "Date", "Format", "Type")  # left out: they come with the addresses of three vocabularies


def render(package: str, template: str, **values: object) -> str:
    """A page from a package's template, which builds on "page.html" or on others beside it; texts are escaped, charts are not.

    Raises:
        MissingExtraError: the workstation extra is not installed.
    """
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader
    except ImportError:
        raise MissingExtraError("HTML reports need jinja2: pip install 'edgeship[workstation]'") from None
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("edgeship_runtime")])
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
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
        figure.savefig(stream, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    text = stream.getvalue()
    # Groups are numbered anew in each chart, so two of them in a page would share their ids; nothing refers to those.
    return Markup(re.sub(r'<g id="[^"]*"', "<g", text[text.index("<svg") :]))  # noqa: S704 - drawn here
