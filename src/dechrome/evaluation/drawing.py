"""Displays -> SVG for a page: text of the page's own font, colours of its style sheet.

Matplotlib draws with placeholder colours, which are then replaced by ``currentColor`` and custom
properties, so that one drawing serves the light and the dark scheme.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any

from dechrome.evaluation.displays import INSTALL, Display

__all__ = ["draw_svg"]

#: Colours drawn with and what the page's style sheet puts in their place.
_PAGE_COLOURS = {
    "#010203": "currentColor",
    "#010204": "var(--rule)",
    "#010205": "var(--muted)",
    "#010206": "var(--series-1)",
    "#010207": "var(--series-2)",
}
_TEXT, _RULE, _MUTED, _FIRST, _SECOND = _PAGE_COLOURS
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.size": 10.5, "legend.fontsize": 10,
    "legend.title_fontsize": 10, "text.color": _TEXT, "axes.labelcolor": _TEXT, "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED, "ytick.color": _MUTED, "xtick.labelcolor": _TEXT, "ytick.labelcolor": _TEXT,
    "grid.color": _RULE, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "legend.frameon": False,
}  # fmt: skip


def draw_svg(display: Display, name: str, title: str, width: float = 4.7, height: float = 3.5) -> str:
    """Draw a display as an SVG element for a page: no fonts, its colours those of the page.

    Parameters
    ----------
    display : Display
    name : str
        Letters; makes the element's ids its own.
    title : str
        What a screen reader says of it.
    width, height : float
        In inches; text is 10.5 points.

    Returns
    -------
    str
        ``<svg>...</svg>``, with ``currentColor``, ``--rule``, ``--muted``, ``--series-1`` and ``--series-2``.
    """
    try:
        import matplotlib
        from cycler import cycler
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(INSTALL) from error
    palette = [_FIRST, _SECOND, *[_MUTED] * 6]
    style: Any = _STYLE | {"svg.hashsalt": name, "axes.prop_cycle": cycler(color=palette)}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        display.plot(figure.subplots())
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _adapt_svg(file.getvalue(), name, title)


def _adapt_svg(svg: str, name: str, title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", svg, count=1)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?![mp][0-9a-f]{10}")[^"]*"', "", svg)
    svg = re.sub(r'( id="|href="#|url\(#)(?=[mp][0-9a-f]{10})', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    for drawn, shown in _PAGE_COLOURS.items():
        svg = svg.replace(drawn, shown)
    label = html.escape(title)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" class="figure-{name}" ', 1).strip()
