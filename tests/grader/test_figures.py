"""The figures: they show what the functions return, can be read, and fail in one line."""

from __future__ import annotations

import importlib
import io
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from grader import cli
from grader.catalog import load_course
from grader.content import locate
from grader.errors import CheckFailure, FigureError, Halted, SubmissionRaised
from grader.figures import FIGURES, FORMATS, draw, render
from grader.model import Failure, Problem, Status
from grader.report.progress import Waiting
from grader.sandbox.local import local_topic
from grader.workspace import create_workspace

CONTENT = locate()
COURSE = load_course(CONTENT)
TOPICS = {topic.slug: [exercise.name for exercise in topic.exercises] for topic in COURSE.topics}
NAMES = [name for name, entry in FIGURES.items() if entry.topic in TOPICS]
SEEDLESS = {"activations"}
"""Figures without anything random."""


def reference(name: str) -> Any:
    """The solutions' functions that a figure draws."""
    topic = FIGURES[name].topic
    return local_topic(CONTENT.source(topic), topic, TOPICS[topic])


@pytest.fixture(scope="module")
def drawn() -> Callable[[str], Figure]:
    """The reference figures, each drawn once; do not change them."""
    figures: dict[str, Figure] = {}

    def get(name: str) -> Figure:
        if name not in figures:
            figures[name] = draw(name, reference(name), 0)
        return figures[name]

    return get


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the figures that run a training loop train for a moment only."""
    monkeypatch.setattr("grader.figures.policy_gradient.N_UPDATES", 2)
    monkeypatch.setattr("grader.figures.matrix_factorization.N_EPOCHS", 2)


def texts(figure: Figure) -> list[tuple[str, Any]]:
    """All texts that are seen, with their boxes in pixels at 800 pixels' width."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = {
        label
        for ax in figure.axes
        for axis, (low, high) in (
            (ax.xaxis, sorted(ax.get_xlim())),
            (ax.yaxis, sorted(ax.get_ylim())),
        )
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        for label in (tick.label1, tick.label2)
        if not (axis.get_visible() and ax.axison and low <= tick.get_loc() <= high)
    }
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def heatmaps(figure: Figure) -> list[tuple[np.ndarray, list[str]]]:
    """The matrices that are drawn as heatmaps, with the numbers in their cells."""
    return [
        (
            np.ma.getdata(image.get_array()),
            [text.get_text() for text in ax.texts if text.get_gid() == "number"],
        )
        for ax in figure.axes
        for image in ax.images
    ]


# ---- the registry


def test_registry_holds_what_is_there() -> None:
    """Each figure has its module and function; what it needs are exercises of its topic."""
    for name, entry in FIGURES.items():
        assert name == entry.name
        assert callable(getattr(importlib.import_module(entry.module), entry.function))
        if entry.topic in TOPICS:
            assert set(entry.needs) <= set(TOPICS[entry.topic])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
def test_needs_are_what_it_calls(name: str) -> None:
    """A figure calls the functions that it says it needs, and no others."""
    called: set[str] = set()
    functions = reference(name)

    class Spy:
        def __getattr__(self, function: str) -> Any:
            called.add(function)
            return getattr(functions, function)

    draw(name, Spy(), 1)
    assert called == set(FIGURES[name].needs)


# ---- what is seen


@pytest.mark.parametrize("name", NAMES)
def test_axes_have_labels_and_titles(name: str, drawn: Callable[[str], Figure]) -> None:
    """Each axis says what it is, unless it shares the one beside it; each figure and panel has a title."""
    figure = drawn(name)
    assert figure.get_suptitle()
    panels = [ax for ax in figure.axes if ax.axison and ax.get_label() != "<colorbar>"]
    for ax in panels:
        assert ax.get_xlabel()
        shared = any(
            ax.get_shared_y_axes().joined(ax, other) for other in panels if other is not ax
        )
        assert ax.get_ylabel() or shared
        assert ax.get_title() or len(panels) == 1
    for ax in figure.axes:
        if ax.get_label() == "<colorbar>":
            assert ax.get_xlabel() or ax.get_ylabel()


@pytest.mark.parametrize("name", NAMES)
def test_texts_neither_overlap_nor_leave_the_picture(
    name: str, drawn: Callable[[str], Figure]
) -> None:
    """No text covers another or is cut off, and no legend lies on data."""
    figure = drawn(name)
    boxes = texts(figure)
    assert len(boxes) > 5
    for (a, box), (b, other) in itertools.combinations(boxes, 2):
        assert not box.padded(-0.5).overlaps(other.padded(-0.5)), f"{a!r} and {b!r}"
    width, height = figure.bbox.size
    assert width == 800
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for legend in figure.legends:
        frame = legend.get_window_extent()
        assert not any(frame.overlaps(ax.get_window_extent()) for ax in figure.axes)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_bytes(name: str) -> None:
    """The picture is made by its seed alone; another seed gives another one."""
    first, again, other = (render(draw(name, reference(name), seed), "png") for seed in (0, 0, 1))
    assert first == again
    assert (first == other) == (name in SEEDLESS)


@pytest.mark.parametrize("format_", FORMATS)
def test_formats_hold_no_date(format_: str, drawn: Callable[[str], Figure]) -> None:
    """Each format is what its suffix says, the same at any time, and carries no time stamp."""
    content = render(drawn("softmax"), format_)
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[format_])
    assert content == render(draw("softmax", reference("softmax"), 0), format_)
    assert b"Date" not in content
    assert b"Software" not in content


def test_own_settings_change_nothing(drawn: Callable[[str], Figure]) -> None:
    """A person's Matplotlib settings have no effect on a figure, and are there afterwards."""
    usual = render(drawn("softmax"), "svg")
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        assert render(draw("softmax", reference("softmax"), 0), "svg") == usual
        assert mpl.rcParams["font.size"] == 30


def check_softmax(figure: Figure, ask: Any) -> None:
    """Its heatmaps are softmax(z/T) and the Jacobian of the logits under the columns."""
    (probs, numbers), (jacobian, entries) = heatmaps(figure)
    labels = [text.get_text().split("\n")[1] for text in figure.axes[0].get_xticklabels()]
    z = np.array([float(label.replace("−", "-")) for label in labels])
    scores = z / np.array([[0.1], [0.5], [1.0], [2.0], [10.0]])
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(probs, expected, atol=0.02)  # the labels have two digits, and T is 0.1
    assert np.allclose(jacobian, np.diag(probs[2]) - np.outer(probs[2], probs[2]))
    for matrix, cells in ((probs, numbers), (jacobian, entries)):
        shown = [float(cell.replace("−", "-")) for cell in cells]
        assert np.allclose(shown, matrix.ravel(), atol=0.005)


def check_attention(figure: Figure, ask: Any) -> None:
    """Its heatmaps are two softmaxes of the same scores, without a mask and under the causal one."""
    (free, numbers), (masked, entries) = heatmaps(figure)
    kept = np.tril(free)
    assert np.allclose(masked, kept / kept.sum(axis=1, keepdims=True))
    for matrix, cells in ((free, numbers), (masked, entries)):
        assert np.allclose([float(cell) for cell in cells], matrix.ravel(), atol=0.005)
    assert entries[1] == "0"


def check_convolution(figure: Figure, ask: Any) -> None:
    """Output and gradients belong to the input, kernel and upstream gradient that are drawn."""
    x, w, y, grad_x, grad_w, grad_y = (matrix for matrix, _ in heatmaps(figure))
    padded, expected = np.pad(x, 1), np.zeros((3, 3))
    back_w, back_x = np.zeros((3, 3)), np.zeros((8, 8))
    for i, j in np.ndindex(3, 3):
        rows, columns = slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3)
        expected[i, j] = np.sum(padded[rows, columns] * w)
        back_w += grad_y[i, j] * padded[rows, columns]
        back_x[rows, columns] += grad_y[i, j] * w
    assert np.array_equal(y, expected)
    assert np.array_equal(grad_w, back_w)
    assert np.array_equal(grad_x, back_x[1:-1, 1:-1])
    for matrix, cells in heatmaps(figure):
        assert [int(cell.replace("−", "-")) for cell in cells] == matrix.ravel().tolist()


def check_mf_convergence(figure: Figure, ask: Any) -> None:
    """The training error falls at every rate, and the penalty costs training error."""
    left, right = figure.axes
    for line in left.get_lines()[:3]:
        assert line.get_ydata()[-1] < 0.9 * line.get_ydata()[0]
    train, held_out = (line.get_ydata() for line in right.get_lines()[:2])
    assert np.all(np.diff(train) > 0)
    assert np.all(held_out > train)


def check_returns(figure: Figure, ask: Any) -> None:
    """The policy learns: the last returns are more than twice the first."""
    mean = figure.axes[0].get_lines()[0].get_ydata()
    assert np.mean(mean[-5:]) > 2 * mean[0]


def check_ekf_track(figure: Figure, ask: Any) -> None:
    """The estimate is nearer to the truth than the measurements, by the distances drawn."""
    measured, estimate, _ = (line.get_ydata() for line in figure.axes[1].get_lines())
    assert np.mean(estimate) < 0.8 * np.mean(measured)
    assert len(figure.axes[0].patches) == 10


def check_bilinear_game(figure: Figure, ask: Any) -> None:
    """Simultaneous steps lie on the curve of the theory; alternating ones stay in a ring."""
    simultaneous, alternating, theory = (line.get_ydata() for line in figure.axes[1].get_lines())
    assert np.allclose(simultaneous, theory)
    assert np.all((alternating > 0.8) & (alternating < 1.2))


def check_diffusion(figure: Figure, ask: Any) -> None:
    """Nearly all points end within four standard deviations of a mean."""
    means, sigmas = np.array([[-1.6, -0.9], [1.7, -0.7], [0.1, 1.7]]), np.array([0.35, 0.3, 0.25])
    for ax in figure.axes[:2]:
        ends = max((np.array(line.get_xydata()) for line in ax.get_lines()), key=len)
        off = np.linalg.norm(ends[:, None] - means, axis=2) / sigmas
        assert np.mean(off.min(axis=1) < 4) > 0.95


def check_activations(figure: Figure, ask: Any) -> None:
    """The circles, which are slopes of the activation, lie on the derivative."""
    for ax in [ax for ax in figure.axes if ax.axison]:
        _, derivative, slopes = ax.get_lines()
        at, slope = slopes.get_data()
        assert np.allclose(np.interp(at, *derivative.get_data()), slope, atol=2e-3)


CHECKS: dict[str, Callable[[Figure, Any], None]] = {
    "softmax": check_softmax,
    "attention": check_attention,
    "convolution": check_convolution,
    "mf-convergence": check_mf_convergence,
    "returns": check_returns,
    "ekf-track": check_ekf_track,
    "bilinear-game": check_bilinear_game,
    "diffusion": check_diffusion,
    "activations": check_activations,
}


@pytest.mark.parametrize("name", NAMES)
def test_figure_shows_what_the_functions_give(name: str, drawn: Callable[[str], Figure]) -> None:
    """What is drawn has the property that right functions have; see `check_<name>`."""
    CHECKS[name](drawn(name), reference(name))


# ---- wrong functions


def changed(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """A returned value with `change` applied to each of its floating arrays and numbers."""
    if isinstance(value, tuple | list):
        return type(value)(changed(member, change) for member in value)
    if isinstance(value, dict):
        return {key: changed(member, change) for key, member in value.items()}
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    after = change(array)
    return float(after) if isinstance(value, float) and isinstance(after, np.ndarray) else after


def wrong(name: str, change: Callable[[np.ndarray], Any], *only: str) -> SimpleNamespace:
    """A figure's functions, those of `only` or all, with `change` on what they return."""
    functions = reference(name)

    def wrapped(function: str) -> Callable[..., Any]:
        right = getattr(functions, function)
        if only and function not in only:
            return right
        return lambda *args, **kwargs: changed(right(*args, **kwargs), change)

    return SimpleNamespace(**{need: wrapped(need) for need in FIGURES[name].needs})


def one_nan(array: np.ndarray) -> np.ndarray:
    if array.size > 1:
        array = array.copy()
        array.flat[0] = np.nan
        array.flat[1] = np.inf
    return array


FINITE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zeros": np.zeros_like,
    "negative": lambda a: -a,
    "huge": lambda a: np.full_like(a, 1e200),
    "one NaN": one_nan,
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", FINITE)
@pytest.mark.parametrize("name", NAMES)
def test_wrong_values_are_drawn_or_told_in_one_line(
    name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong numbers make a picture, which is what a figure is for, and no warning."""
    functions = wrong(name, FINITE[kind])
    told = None
    with caplog.at_level(logging.WARNING):
        try:
            assert render(draw(name, functions, 0), "png").startswith(b"\x89PNG")
        except FigureError as error:
            told = str(error)
    assert told is None or (kind != "zeros" and "\n" not in told)
    assert not caplog.records


USELESS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "NaN": (lambda a: np.full_like(a, np.nan), "is NaN"),
    "wrong shape": (lambda a: [[[[0.5]]]], "expected"),
    "None": (lambda a: None, "expected"),
    "text": (lambda a: "0.5", "expected"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", USELESS)
@pytest.mark.parametrize(("name", "need"), [(n, need) for n in NAMES for need in FIGURES[n].needs])
def test_useless_values_are_told_in_one_line(name: str, need: str, kind: str) -> None:
    """A wrong shape, NaN everywhere or no array: one line with the function's name."""
    change, words = USELESS[kind]
    mask = need == "causal_mask"  # boolean: what is not floating is left as it is
    functions = wrong(name, change, need)
    if mask:
        functions.causal_mask = lambda n: np.zeros((n, n))
    with pytest.raises(FigureError, match=f"figure {name}: `{need}`") as caught:
        draw(name, functions, 0)
    assert mask or words in str(caught.value)
    assert "\n" not in str(caught.value)


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: object) -> Any:
        raise error

    return function


PROBLEM = Problem("softmax", "softmax.py", "SyntaxError: x", line=3)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (
            raising(Halted(Status.MISSING, "still a stub")),
            " needs `softmax`, which is still a stub",
        ),
        (raising(NotImplementedError()), " needs `softmax`, which is still a stub"),
        (
            raising(Halted(Status.MISSING, "it calls `logsumexp`, which is still a stub")),
            " needs `softmax`: it calls `logsumexp`, which is still a stub",
        ),
        (
            raising(Halted(Status.TIMEOUT, "no answer within 5 s")),
            ": `softmax`: no answer within 5 s",
        ),
        (
            raising(Halted(Status.ERROR, "softmax.py cannot be imported: SyntaxError: x", PROBLEM)),
            ": softmax.py cannot be imported: SyntaxError: x (line 3)",
        ),
        (
            raising(SubmissionRaised("ValueError", "two\nlines \x1b[31m", line=7)),
            ": `softmax` raised ValueError: two lines [31m (line 7)",
        ),
        (raising(ZeroDivisionError()), ": `softmax` raised ZeroDivisionError"),
        (raising(AttributeError("no x")), ": `softmax` raised AttributeError: no x"),
        (
            raising(CheckFailure(Failure("the function returned an object"))),
            ": `softmax`: the function returned an object",
        ),
        (
            lambda z: np.zeros(3),
            ": `softmax`: probabilities has shape (3,), expected (5, 5)",
        ),
    ],
)
def test_what_goes_wrong_is_one_line(function: Callable[..., Any], line: str) -> None:
    """Stubs, exceptions and late functions: what happened, in one line, without control characters."""
    with pytest.raises(FigureError) as caught:
        draw("softmax", SimpleNamespace(softmax=function), 0)
    assert str(caught.value).startswith(f"figure softmax{line}")


def test_long_message_is_cut_and_missing_function_named() -> None:
    """A message of a page is cut; a function that is not there is named."""
    with pytest.raises(FigureError) as caught:
        draw("softmax", SimpleNamespace(softmax=raising(ValueError("x" * 5000))), 0)
    assert len(str(caught.value)) < 400
    with pytest.raises(FigureError, match="needs `softmax`, which is not there"):
        draw("softmax", SimpleNamespace(), 0)


# ---- the command


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `grader figure …` in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*args: str) -> tuple[int, str, str]:
        code = cli.run(["figure", *args])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A fresh workspace, all stubs, in the folder `practice`."""
    return create_workspace(tmp_path / "practice", CONTENT, COURSE).root


def test_list_fits_80_columns(run: Run) -> None:
    """Without a name: all figures of the course's topics, with what they need."""
    code, out, _ = run()
    assert code == 0
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    words = out.replace(",", " ").split()
    for name in NAMES:
        assert {name, *FIGURES[name].needs} <= set(words)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_reference_is_drawn(run: Run, tmp_path: Path, suffix: str) -> None:
    """--reference draws the solutions; the path is printed; the file is what `render` gives."""
    code, out, err = run("softmax", "--reference", "--output", f"picture{suffix}", "--seed", "4")
    assert code == 0, err
    assert out == f"picture{suffix}\n"
    expected = render(draw("softmax", reference("softmax"), 4), suffix.lower()[1:])
    assert (tmp_path / f"picture{suffix}").read_bytes() == expected


def test_own_functions_are_drawn(run: Run, workspace: Path, tmp_path: Path) -> None:
    """By default the workspace's functions are drawn, as they are, to NAME.png."""
    file = workspace / "softmax" / "softmax.py"
    text = CONTENT.source("softmax").read_text()
    file.write_text(text)
    assert run("softmax", "--workspace", "practice")[:2] == (0, "softmax.png\n")
    right = (tmp_path / "softmax.png").read_bytes()
    assert right == render(draw("softmax", reference("softmax"), 0), "png")
    file.write_text(
        text.replace("return s[..., :, None] * (np.eye(n)", "return s[..., :, None] * (")
    )
    assert run("softmax", "--workspace", "practice")[0] == 0
    assert (tmp_path / "softmax.png").read_bytes() != right


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "figure softmax needs `softmax`, which is still a stub"),
        ("def softmax(z):\n    return 1 / 0\n", "`softmax` raised ZeroDivisionError"),
        ("def softmax(z):\n    return (\n", "softmax.py cannot be imported: SyntaxError"),
        ("def softmax(z):\n    import os; os._exit(1)\n", "the process ended during the call"),
        ("x = 1\n", "softmax.py defines no function `softmax`"),
    ],
)
def test_failing_functions_leave_the_old_file(
    run: Run, workspace: Path, tmp_path: Path, body: str | None, words: str
) -> None:
    """One line, exit code 2, how to see the solution's, and the old picture is kept."""
    if body is not None:
        (workspace / "softmax" / "softmax.py").write_text(body)
    (tmp_path / "softmax.png").write_text("old")
    code, out, err = run("softmax", "--workspace", "practice")
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert err.endswith("`grader figure softmax --reference` draws the solution's\n")
    assert (tmp_path / "softmax.png").read_text() == "old"


def test_late_function_is_told(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that never returns costs one deadline."""
    import grader.grading

    monkeypatch.setitem(grader.grading.Grader.__init__.__kwdefaults__, "timeout", 0.5)
    (workspace / "softmax" / "softmax.py").write_text("def softmax(z):\n    while True: pass\n")
    code, _, err = run("softmax", "--workspace", "practice")
    assert code == 2
    assert "`softmax`: no answer within 0.5 s" in err


def test_failed_write_keeps_the_old_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full leaves the old file and nothing beside it."""
    import os

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    (tmp_path / "a.svg").write_text("old")
    code, _, err = run("softmax", "--reference", "-o", "a.svg")
    assert code == 2
    assert err == "Error: a.svg: cannot be written: No space left on device\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]
    assert (tmp_path / "a.svg").read_text() == "old"


def test_broken_solution_is_our_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the solutions give no picture, the exit code is 3, and nobody is told that it is theirs."""
    import grader.figures

    def burst(*_: object) -> None:
        raise FigureError("figure softmax: `softmax` raised ValueError")

    monkeypatch.setattr(grader.figures, "draw", burst)
    code, _, err = run("softmax", "--reference")
    assert code == 3
    assert "not yours" in err


def test_show_without_a_display_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--show where no window can be opened: the file is there, and one line says so."""
    monkeypatch.setattr(mpl, "use", None)
    code, out, err = run("softmax", "--reference", "--show")
    assert code == 2
    assert out == "softmax.png\n"
    assert err == "Error: --show: no window can be opened here; the picture is in softmax.png\n"


def test_show_opens_a_window(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--show hands the very figure to Pyplot and waits."""
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "test", raising=False)
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf().get_suptitle()))
    code, _, err = run("softmax", "--reference", "--show")
    assert code == 0, err
    assert shown[0].startswith("Softmax")


@pytest.fixture(autouse=True)
def no_windows() -> Iterator[None]:
    """Pyplot's figures end with the test that made them."""
    yield
    from matplotlib import pyplot

    pyplot.close("all")


# ---- the line that is there while one waits


@pytest.mark.parametrize("terminal", [True, False])
def test_waiting_is_told_on_a_terminal_only(terminal: bool) -> None:
    """A wait is told after the patience, and nothing is left of it; a file gets nothing."""
    import time

    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80, _environ={"TERM": "xterm"})
    with Waiting(console, "drawing returns", patience=0.01):
        time.sleep(0.2)
    text = file.getvalue()
    if not terminal:
        assert text == ""
        return
    assert "\rdrawing returns, 0 s" in text
    assert text.endswith(" \r")
    with Waiting(console, "quick", patience=10):
        pass
    assert "quick" not in file.getvalue()
