"""How all figures look: fonts, colours that colour-blind people can tell apart, heatmaps with numbers."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grader.figures.answers import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

WIDTH, HEIGHT = 8.0, 5.0
"""Inches."""
DPI = 150
"""Dots per inch of a PNG; at 100, which makes 800 dots of the width, all text can still be read."""

# The palette of Okabe and Ito (2008), "Color universal design", less its yellow, which is too light for lines.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
)  # fmt: skip
INK, GREY, LIGHT = "#222222", "#6B6B6B", "#D4D4D4"
SEQUENTIAL = "cividis"
DIVERGING = "PuOr"
NOT_A_NUMBER = "#BFBFBF"
"""The colour of a cell that holds NaN or an infinity."""

LARGEST_DRAWN = 1e30
"""Larger numbers are left out of curves: Matplotlib's own arithmetic overflows not far above."""

_STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "figure.titlesize": 12.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    "svg.hashsalt": "gradsmith",
    "svg.fonttype": "path",
}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What would change from run to run, or from one release of Matplotlib to the next, left out."""


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's defaults and this style, whatever a person's own settings; restored at the end."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams  # the names that its type admits differ between releases
        settings.update(_STYLE)
        yield


def new_figure(title: str, *, width: float = WIDTH, height: float = HEIGHT) -> Figure:
    """An empty figure with a title that says what one sees."""
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(width, height), layout=layout)
    figure.suptitle(title)
    return figure


def rendered(figure: Figure, format_: str) -> bytes:
    """The file of a figure: the same bytes for the same figure."""
    file = io.BytesIO()
    with styled():
        figure.savefig(file, format=format_, dpi=DPI, metadata=_METADATA[format_])
    return file.getvalue()


def drawable(values: Array) -> Array:
    """The values, with NaN, that is a gap, where Matplotlib cannot draw them."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) <= LARGEST_DRAWN, values, np.nan)


def heatmap(
    ax: Axes,
    values: Array,
    *,
    limits: tuple[float, float] | None = None,
    digits: int = 2,
    size: float = 9,
) -> AxesImage:
    """Draw a matrix as coloured cells with their numbers, its first row on top.

    Parameters
    ----------
    limits : of the sequential colours, light for large; without them colours are signed, and symmetrical
        about zero.
    digits : after the point; none where all numbers are whole.
    size : of the numbers, in points.
    """
    finite = values[np.isfinite(values)]
    if limits is None:
        bound = float(np.max(np.abs(finite), initial=0.0))
        bound = min(bound, LARGEST_DRAWN) or 1.0
        limits = (-bound, bound)
        colours = mpl.colormaps[DIVERGING].with_extremes(bad=NOT_A_NUMBER)
    else:
        colours = mpl.colormaps[SEQUENTIAL].with_extremes(bad=NOT_A_NUMBER)
    scale = Normalize(*limits)
    image = ax.imshow(np.ma.masked_invalid(values), cmap=colours, norm=scale, aspect="auto")
    whole = bool(np.all(finite == np.round(finite)))
    for (i, j), value in np.ndenumerate(values):
        red, green, blue, _ = colours(float(np.clip(scale(value), 0, 1)))
        light = not np.isfinite(value) or 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
        ax.text(
            j, i, number(float(value), 0 if whole else digits), ha="center", va="center",
            fontsize=size, color="black" if light else "white", gid="number",
            in_layout=False,
        )  # fmt: skip
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def number(value: float, digits: int) -> str:
    """A number that fits into a cell: an exact zero is 0, a small number 0.00."""
    if value == 0:
        return "0"
    if not np.isfinite(value):
        return "nan" if np.isnan(value) else ("inf" if value > 0 else "−inf")
    if abs(value) >= 1000:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e").replace("-", "−")
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def reach(*arrays: Array, least: float, most: float) -> float:
    """The largest finite magnitude, at least `least`, and at most `most`: what an axis has to show."""
    found = least
    for values in arrays:
        found = max(found, float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0)))
    return min(found, most)


def legend_below(figure: Figure, handles: Sequence[Any], *, columns: int) -> None:
    """A legend under all panels, outside of the data."""
    figure.legend(handles=list(handles), loc="outside lower center", ncols=columns)
