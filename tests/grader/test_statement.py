"""Statements in the terminal: what formulas read as, what stays as it is, and widths."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from grader.report.formula import formula, spelled_indices
from grader.report.statement import print_statement

STATEMENTS = sorted((Path(__file__).parents[2] / "exercises").glob("*/README.md"))
CODE = re.compile(r"^```.*?^```|`[^`]*`", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)|[_^&]", re.DOTALL)

FORMULAS = {
    # what the later topics use
    r"f = \frac{F + m_p l\, \dot\theta^2 \sin\theta}{M}, \qquad \ddot\theta = \frac{g \sin\theta - f \cos\theta}{l\,\big(\frac{4}{3} - m_p \cos^2\theta / M\big)}, \qquad \ddot{x} = f - \frac{m_p l\, \ddot\theta \cos\theta}{M}": "f = (F + mₚ l θ̇² sin θ)/M,    θ̈ = (g sin θ − f cos θ)/(l (4/3 − mₚ cos² θ/ M)),    ẍ = f − (mₚ l θ̈ cos θ)/M",  # noqa: E501 - as in a statement
    r"\bar\alpha_t = \prod_{s=0}^{t} (1 - \beta_s)": "ᾱₜ = ∏ₛ₌₀ᵗ (1 − βₛ)",
    r"E\,D^* = \int \frac{p_{data}\, p_{model}}{p_{data} + p_{model}} \leq \int \min(p_{data}, p_{model}) = 2\Phi(-\mathrm{gap}/2)": "E D* = ∫ p_data p_model/(p_data + p_model) ≤ ∫ min(p_data, p_model) = 2Φ(−gap/2)",  # noqa: E501 - as in a statement
    r"E[\varepsilon \mid x_t]": "E[ε | xₜ]",
    r"(x, y) \mapsto (x - \mathrm{lr}\, A y,\ y + \mathrm{lr}\, A^\top x)": "(x, y) ↦ (x − lr A y, y + lr Aᵀx)",
    r"n + \lambda = \alpha^2 (n + \kappa)": "n + λ = α² (n + κ)",
    r"a \sim \pi": "a ∼ π",
    r"\gamma": "γ",
    r"\theta' = \theta + \mathrm{lr} \cdot c \cdot g, \qquad c = \min\left(1, \frac{\mathrm{max\_norm}}{\|g\|}\right), \quad \|g\| = \sqrt{\sum_{\text{all entries of all four arrays}} g_i^2}": "θ′ = θ + lr · c · g,    c = min(1, max_norm/(‖g‖)),  ‖g‖ = √(∑_(all entries of all four arrays) gᵢ²)",  # noqa: E501 - as in a statement
    r"\Sigma": "Σ",
    r"\epsilon": "ε",
    r"f \ll 0": "f ≪ 0",
    r"|\lambda|^2 = 1 + \mathrm{lr}^2 \sigma^2 \geq 1": "|λ|² = 1 + lr² σ² ≥ 1",
    r"\Theta": "Θ",
    r"\chi^2": "χ²",
    r"\varphi": "φ",
    r"1-\tanh^2": "1 − tanh²",
    r"t = 0 \ldots T-1": "t = 0 … T − 1",
    r"\tau = 0.02": "τ = 0.02",
    r"\frac{1}{80} \sum_n x_n x_n^\top \otimes J_n": "(1/80) ∑ₙ xₙ xₙᵀ ⊗ Jₙ",
    # letters and scripts
    r"x": "x",
    r"\mu": "μ",
    r"x_i": "xᵢ",
    r"x^2": "x²",
    r"b_u^2": "bᵤ²",
    r"z_{ij}": "zᵢⱼ",
    r"x_{t-1}": "xₜ₋₁",
    r"\theta_{t+1}": "θₜ₊₁",
    r"h^{(l)}": "h⁽ˡ⁾",
    r"2^{53}": "2⁵³",
    r"e^{-c}": "e⁻ᶜ",
    r"s_{nc}": "s_nc",
    r"z_{i,j}": "z_(i,j)",
    r"z_{n, y_n}": "z_(n, yₙ)",
    r"e^{z_i}": "e^(zᵢ)",
    r"e^{z_j - m}": "e^(zⱼ − m)",
    r"\tilde{x}_{r + p,\; c + p}": "x̃_(r + p, c + p)",
    r"k_h \times k_w": "k_h × k_w",
    r"\mathrm{out}_h": "out_h",
    r"\text{mask}_{ij}": "mask_ij",
    r"x_{\max}": "x_max",
    r"f'(x)": "f′(x)",
    r"\hat r_j": "r̂ⱼ",
    r"\hat{y}": "ŷ",
    r"\bar{x}": "x̄",
    r"\hat{xy}": "hat(xy)",
    r"p^\star": "p*",
    r"A^\top": "Aᵀ",
    r"A^{-\top}": "A⁻ᵀ",
    r"J^\top g": "Jᵀg",
    r"s s^\top": "s sᵀ",
    r"{(a+b)}^2": "(a + b)²",
    r"{a+b}^2": "(a + b)²",
    # operators and the spaces around them
    r"-2e\,q_i+2\lambda p_u": "−2e qᵢ + 2λpᵤ",
    r"a = -b": "a = −b",
    r"s \odot (g-1)": "s ⊙ (g − 1)",
    r"p \cdot q_i \pm 1": "p · qᵢ ± 1",
    r"\lambda \ge 0": "λ ≥ 0",
    r"j \le i < n \ne m": "j ≤ i < n ≠ m",
    r"\sqrt{512} \approx 22.6": "√512 ≈ 22.6",
    r"b \leftarrow b + \eta(e - \lambda b)": "b ← b + η(e − λb)",
    r"x \in \mathbb{R}^n": "x ∈ ℝⁿ",
    r"\mathbb{E}[X]": "E[X]",
    r"f: A \to B": "f: A → B",
    r"\log s_i": "log sᵢ",
    r"\log\sum_k e^{z_k}": "log ∑ₖ e^(zₖ)",
    r"c = \max_j z_j": "c = maxⱼ zⱼ",
    r"p^\star = \arg\min_p L": "p* = arg minₚ L",
    r"\min(H, W)": "min(H, W)",
    r"\sum_{j} x_j": "∑ⱼ xⱼ",
    r"\sum_{j=1}^{n} x_j": "∑ⱼ₌₁ⁿ xⱼ",
    r"\sum_{c=0}^{C-1} x_c": "∑_(c=0)^(C−1) x_c",
    r"\sum_{\substack{i,\,m:\\ i s + m = r}} w": "∑_(i, m: i s + m = r) w",
    r"\sum_{l \text{ allowed}} e": "∑_(l allowed) e",
    r"x \text{ for allowed } j": "x for allowed j",
    r"(j, c)\; \text{is the maximum}\; m": "(j, c) is the maximum m",
    r"\cosh^{-2}(\Delta/2)": "cosh⁻²(Δ/2)",
    r"\mathrm{diag}(s)": "diag(s)",
    r"A^\top \mathrm{residuals}": "Aᵀ residuals",
    r"\operatorname{tr} A": "tr A",
    r"A = Q[\mathrm{items}]": "A = Q[items]",
    r"\partial L/\partial\,\text{output}": "∂L/∂output",
    r"\nabla_W L": "∇_W L",
    r"\infty, \ell, \rho\sigma, \delta, \nabla": "∞, ℓ, ρσ, δ, ∇",
    r"a, \quad b, \qquad c": "a,  b,    c",
    r"h_0 \;\cdots\; h_n, \dots": "h₀ ⋯ hₙ, …",
    # fractions and roots
    r"\frac{a}{b}": "a/b",
    r"\frac{\partial L}{\partial z_i}": "∂L/∂zᵢ",
    r"\frac{q_i \cdot k_j}{\sqrt{d_k}}": "(qᵢ · kⱼ)/√dₖ",
    r"\frac{a}{2N}": "a/(2N)",
    r"\frac{1}{N} \sum_n x_n": "(1/N) ∑ₙ xₙ",
    r"-\frac{\eta}{2}\nabla": "−(η/2) ∇",
    r"\tfrac{1}{2}x": "(1/2) x",
    r"\frac12": "1/2",
    r"\frac{e^{z_i}}{\sum_j e^{z_j}}": "e^(zᵢ) / ∑ⱼ e^(zⱼ)",
    r"\frac{\frac{a}{b}}{c}": "(a/b)/c",
    r"\sqrt{x}": "√x",
    r"\sqrt{n-1}/n": "√(n − 1)/n",
    r"\sqrt[3]{x}": "³√x",
    r"\sqrt{x}^2": "(√x)²",
    # brackets, matrices, environments
    r"\lVert p_u \rVert^2": "‖pᵤ‖²",
    r"\|J\|_F": "‖J‖_F",
    r"\Big[ \big( a \big) \Big]": "[(a)]",
    r"\left\lfloor \frac{n - k}{s} \right\rfloor + 1": "⌊(n − k)/s⌋ + 1",
    r"\lfloor -1/2 \rfloor": "⌊−1/2⌋",
    r"\langle x, y \rangle": "⟨x, y⟩",
    r"\left. x \right|": "x|",
    r"\{1, 2\}": "{1, 2}",
    r"\begin{bmatrix} 3 & 1 \\ 1 & 2 \end{bmatrix} p": "[3, 1; 1, 2] p",
    r"\begin{cases} x, & x > 0 \\ 0 & \text{otherwise} \end{cases}": "{ x, x > 0; 0, otherwise",
    r"\begin{aligned} a &= b \\ c &= d \end{aligned}": "a = b\nc = d",
    # what is not known, and what is broken
    r"\heartsuit x": "heartsuit x",
    r"\frac{a": "a/",
    r"a}": "a",
    r"x_": "x",
    r"x^a^b": "xᵃᵇ",
    "\\": "",
    "": "",
}


def printed(text: str, width: int = 80, encoding: str = "utf-8") -> str:
    """What `print_statement` writes for a console of this width and encoding."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    print_statement(Console(file=file, width=width, legacy_windows=False, _environ={}), text)
    file.flush()
    return raw.getvalue().decode(encoding)


def course_formulas(statement: Path) -> list[str]:
    """The formulas of a statement, found without the parser under test."""
    text = CODE.sub("code", statement.read_text(encoding="utf-8"))
    return [found[1] or found[2] for found in FORMULA.finditer(text)]


# Formulas


@pytest.mark.parametrize(("latex", "text"), FORMULAS.items())
def test_formula_reads_as(latex: str, text: str) -> None:
    """A formula becomes the text that a person would type."""
    assert formula(latex) == text or formula(latex, spelled_indices([latex])) == text


def test_formula_is_never_composed_of_what_it_drops() -> None:
    """Each command that statements use stands in the table above; add a row for a new one."""
    known = {command for latex in FORMULAS for command in COMMAND.findall(latex)}
    used = {
        command
        for statement in STATEMENTS
        for latex in course_formulas(statement)
        for command in COMMAND.findall(latex)
    }
    assert not used - known


def test_spelled_indices_keep_one_letter_alike() -> None:
    """There is a subscript h but no w: both are spelled, and two-letter indices are left alone."""
    spelled = spelled_indices([r"k_w", r"k_{ij}"])
    assert formula("k_h", spelled) == "k_h"
    assert formula("k_{ij}", spelled) == "kᵢⱼ"
    assert formula("x_h", spelled) == "xₕ"


@given(st.text(st.sampled_from(list("\\{}[]()^_&$ \n'12aB|-+=/,:.")), max_size=60))
def test_formula_takes_any_string(latex: str) -> None:
    """Broken LaTeX is shown as well as it can be."""
    formula(latex, spelled_indices([latex]))


COMMANDS = sorted({c for latex in FORMULAS for c in COMMAND.findall(latex)} | {"{", "}", "[", "x"})


@given(st.lists(st.sampled_from(COMMANDS), max_size=40))
def test_formula_takes_any_commands(commands: list[str]) -> None:
    """Commands without their arguments raise nothing."""
    latex = " ".join(commands)
    formula(latex, spelled_indices([latex]))


@pytest.mark.parametrize(
    "unit", ["{", "x^{", r"\frac", r"\hat", r"\sqrt[", r"\left", r"\begin{bmatrix}", "x_", r"\text"]
)
def test_formula_survives_depth(unit: str) -> None:
    """Ten thousand of anything inside each other is no recursion too deep."""
    formula(unit * 10_000)


# Statements


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_statement_shows_no_latex(statement: Path, width: int) -> None:
    """Nothing of LaTeX is left in any statement of the course, and no line is too long."""
    text = CODE.sub("code", statement.read_text(encoding="utf-8"))
    shown = printed(text, width)
    assert not re.findall(r"\\|\$|[{}]|\*\*", shown)
    assert max(cell_len(line) for line in shown.splitlines()) <= min(width, 100)
    assert not re.search(r" $|\n\n\n", shown, re.MULTILINE)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda path: path.parent.name)
def test_statement_keeps_its_words(statement: Path) -> None:
    """Every piece of code of a statement is on the screen."""
    text = statement.read_text(encoding="utf-8")
    shown = re.sub(r"\s", "", printed(text, 100))
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    blocks = re.findall(r"^```\w*\n(.*?)^```$", prose, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", prose, flags=re.MULTILINE | re.DOTALL)
    for code in [*blocks, *re.findall(r"`([^`]+)`", prose)]:
        assert re.sub(r"\s", "", code) in shown


def test_displayed_formula_has_its_own_indented_line() -> None:
    """A displayed formula stands between blank lines, four cells from the left."""
    shown = printed("Before\n\n$$\n\\frac{a_1}{b} = c\n$$\n\nafter")
    assert shown == "Before\n\n    a₁/b = c\n\nafter\n"


def test_displayed_formula_interrupts_a_paragraph() -> None:
    """No blank line is needed around a displayed formula, in a list neither."""
    assert printed("Before\n$$x$$\nafter") == "Before\n\n    x\n\nafter\n"
    assert "\n       x²\n" in printed("1. Before\n\n   $$x^2$$\n\n   after")
    assert "\n    x²\n" in printed("So $$x^2$$ holds.")


def test_displayed_formula_is_broken_at_its_gaps() -> None:
    """Equations that do not fit side by side have a line each."""
    shown = printed(r"$$a = bbbbbbbb + c, \qquad d = eeeeeeee$$", 30)
    assert shown == "    a = bbbbbbbb + c,\n    d = eeeeeeee\n"


def test_displayed_formula_is_broken_before_a_relation() -> None:
    """A line that goes on starts with a relation or an operator, further to the right."""
    shown = printed(r"$$yyyyyyyyyyyy = f(aaaa = bbbb) = cccccccc$$", 36)
    assert shown == "    yyyyyyyyyyyy = f(aaaa = bbbb)\n        = cccccccc\n"


def test_short_formula_is_not_broken() -> None:
    """A line does not end within a short formula or a short piece of code."""
    for text in ("word " * 14 + "$a = b + c + d$", "word " * 14 + "`a = b + c + d`"):
        assert printed(text).splitlines()[1] == "a = b + c + d"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$a_1 * b_2 * c_3$ and $d_4$", "a₁ * b₂ * c₃ and d₄"),
        ("$a*b*c$ *$x_f$ so*", "a * b * c x_f so"),
        ("$$a_f * b_f * c_f$$", "    a_f * b_f * c_f"),
        ("$$\na\n- b\n$$", "    a − b"),
        ("`$x_1$` and ``a $ b``", "$x_1$ and a $ b"),
        ("```sh\necho $HOME $PATH\n  x\n```", "    echo $HOME $PATH\n      x"),
        ("It costs $5 or $6.", "It costs $5 or $6."),
        ("From $5-$6 on", "From $5-$6 on"),
        (r"\$x\$ and $y$", "$x$ and y"),
        ("a $ b", "a $ b"),
        ("$x$ is 5", "x is 5"),
        ("$5 is `a$`", "$5 is a$"),
        (r"$a \$ b$", "a $ b"),
    ],
)
def test_dollars(text: str, shown: str) -> None:
    """Mathematics is not touched by Markdown, nor are code and prices by mathematics."""
    assert printed(text) == f"{shown}\n"


def test_heading_is_at_the_left_and_underlined() -> None:
    """Headings are told from text without colours."""
    shown = printed("# The *topic*\n\n## `softmax(z, axis=-1)`\n\n### More\n\ntext")
    assert shown == (
        "The topic\n═════════\n\nsoftmax(z, axis=-1)\n───────────────────\n\nMore\n\ntext\n"
    )


def test_list_numbers_have_a_point() -> None:
    """A numbered item reads as one also if it starts with a number."""
    assert printed("1. 2 is even\n2. $x$\n") == "1. 2 is even\n2. x\n"


def test_long_code_is_broken_between_rows() -> None:
    """Of a long list of lists, no row is cut in two."""
    rows = ", ".join(f"[{n}, {n}]" for n in range(10, 25))
    lines = printed(f"`[{rows}]`", 60).splitlines()
    assert len(lines) == 3
    assert all(line.endswith(("],", "]]")) for line in lines)


def test_table_keeps_code_and_formulas() -> None:
    """Cells of a table are rendered like text."""
    shown = printed("| a | $x_i$ |\n|--:|---|\n| `k` | $\\frac{1}{2}$ |")
    assert [line.split() for line in shown.splitlines() if "─" not in line and line] == [
        ["a", "xᵢ"],
        ["k", "1/2"],
    ]


def test_ascii_console_shows_latex() -> None:
    """A console without Unicode gets formulas as they are written, and nothing that it lacks."""
    shown = printed("# A … z\n\n- a − b ≥ $\\alpha_i$ ü", encoding="ascii")
    assert shown == "A ... z\n=======\n\n * a - b >= \\alpha_i ?\n"


def test_text_cannot_act_on_the_terminal() -> None:
    """Escape sequences do not come through, however they are written."""
    shown = printed("a \x1b[2J b &#27;[2J c \u202e d `\x1b[2J` $\x1b[2J$ \x07")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)


MARKDOWN = st.lists(
    st.sampled_from(
        ["# ", "## ", "- ", "1. ", "> ", "```\n", "`", "``", "$", "$$", "*", "**", "~~", "_", "|",
         "|---|\n", "\n", "\n\n", "    ", "[a](b)", "![a](b)", "[", "](", "<kbd>", "</kbd>", "<b>",
         "<!-- x -->", "\\", "&#27;", "\t", "x", "x_1", "\\frac{a}{b}", "\ue000", "中", "\ud800",
         "\x00", "---\n", "===\n", " ", "999999999. "]
    ) | st.text(max_size=5),
    max_size=40,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(MARKDOWN, st.integers(1, 120))
def test_any_text_is_printed(parts: list[str], width: int) -> None:
    """Whatever stands in a file is printed within the width, and nothing is raised."""
    for encoding in ("utf-8", "ascii"):
        shown = printed("".join(parts), width, encoding)
        assert all(cell_len(line) <= max(width, 2) for line in shown.split("\n"))


def test_import_is_light() -> None:
    """Neither NumPy nor the Markdown parser is loaded before a statement is printed."""
    code = "import sys, grader.report.statement as s; print(*sys.modules)"
    run = subprocess.run(  # a fresh interpreter, for here everything is loaded
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "markdown_it", "rich.markdown", "pygments"} & set(run.stdout.split())
