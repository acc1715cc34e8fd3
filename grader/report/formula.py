"""A LaTeX formula as one line of Unicode text, for a terminal.

A tokenizer and a recursive-descent parser make a list of atoms, each with a kind as in TeX
(ordinary, operator, relation, …), and the spaces between two atoms follow from their kinds.
Sub- and superscripts are written as Unicode where all of their characters have one, and as
`x_c`, `x_(i,j)` and `e^(x−m)` elsewhere. What is not known is shown by its name.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    Index = tuple[str, int]
    """A letter and the length of its subscript."""

MAX_DEPTH: Final = 60
"""Commands and braces within each other; Python's stack bears more than four times as many."""


class _Atom(NamedTuple):
    text: str
    kind: str = "ord"  # or word op big bin sign rel punct colon open close slash frac root space


def _symbols(kind: str, pairs: str) -> dict[str, _Atom]:
    names = pairs.split()
    return {name: _Atom(text, kind) for name, text in zip(names[::2], names[1::2], strict=True)}


_CHARACTERS: Final = {
    **_symbols("bin", "+ + - − * *"),
    **_symbols("rel", "= = < < > > := :="),
    **_symbols("open", "( ( [ ["),
    **_symbols("close", ") ) ] ]"),
    **_symbols("punct", ", , ; ;"),
    **_symbols("colon", ": :"),
    **_symbols("slash", "/ /"),
    **_symbols("ord", "' ′"),
    "~": _Atom(" ", "space"),
}

_COMMANDS: Final = {
    **_symbols(
        "ord",
        "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ"
        " iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ"
        " varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ"
        " Upsilon Υ Phi Φ Psi Ψ Omega Ω ell ℓ hbar ℏ nabla ∇ infty ∞ top ⊤ bot ⊥"
        " star ⋆ ast * dagger † prime ′ forall ∀ exists ∃ neg ¬ lnot ¬ emptyset ∅ varnothing ∅"
        " Re Re Im Im degree ° angle ∠ | ‖ vert | Vert ‖ % % # # & & $ $ _ _ backslash \\",
    ),
    **_symbols("sign", "partial ∂"),
    **_symbols("word", "dots … ldots … cdots ⋯ vdots ⋮ ddots ⋱"),
    **_symbols(
        "op",
        "log log ln ln exp exp sin sin cos cos tan tan sinh sinh cosh cosh tanh tanh max max"
        " min min sup sup inf inf lim lim arg arg argmax argmax argmin argmin det det dim dim"
        " ker ker gcd gcd Pr Pr deg deg",
    ),
    **_symbols("big", "sum ∑ prod ∏ int ∫ iint ∬ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁"),
    **_symbols(
        "bin",
        "cdot · times × div ÷ pm ± mp ∓ odot ⊙ oplus ⊕ ominus ⊖ otimes ⊗ circ ∘ bullet •"
        " cap ∩ cup ∪ setminus ∖ wedge ∧ land ∧ vee ∨ lor ∨",
    ),
    **_symbols(
        "rel",
        "le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ ll ≪ gg ≫ approx ≈ equiv ≡"
        " sim ∼ simeq ≃ cong ≅ propto ∝ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃"
        " supseteq ⊇ to → rightarrow → leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒"
        " Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ iff ⟺ mapsto ↦ longrightarrow ⟶ mid |"
        " parallel ∥ perp ⊥ coloneqq := lt < gt >",
    ),
    **_symbols("open", "lVert ‖ lvert | langle ⟨ lfloor ⌊ lceil ⌈ lbrace { lbrack [ { {"),
    **_symbols("close", "rVert ‖ rvert | rangle ⟩ rfloor ⌋ rceil ⌉ rbrace } rbrack ] } }"),
    **{name: _Atom(" ", "space") for name in (",", ";", ":", ">", " ", "\n", "enspace")},
    "quad": _Atom("  ", "space"),
    "qquad": _Atom("    ", "space"),
}

_SUBSCRIPTS: Final = dict(
    zip(
        "0123456789+−=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)
_SUPERSCRIPTS: Final = dict(
    zip(
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδφχ⊤⋆*†′∘°",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᵠᵡᵀ**†′°°",
        strict=True,
    )
)
_ACCENTS: Final = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0305", "underline": "\u0332", "dot": "\u0307",
    "ddot": "\u0308", "vec": "\u20d7", "check": "\u030c",
}  # fmt: skip
_DOUBLE_STRUCK: Final = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
_UPRIGHT: Final = ("mathrm", "mathsf", "mathtt", "operatorname", "operatorname*")
_TEXT: Final = ("text", "textrm", "textbf", "textit", "texttt", "mbox")
_FONTS: Final = (
    "mathbf", "mathit", "mathcal", "mathscr", "mathfrak", "boldsymbol", "bm", "substack",
    "underbrace", "overbrace", "boxed",
)  # fmt: skip
_SIZES: Final = re.compile(r"([bB]igg?|left|right|middle)([lrm]?)")
_NOTHING: Final = (
    "!", "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "hline", "nonumber",
)  # fmt: skip
_BRACKETS: Final = {
    "pmatrix": ("(", ")"), "vmatrix": ("|", "|"), "Vmatrix": ("‖", "‖"), "cases": ("{ ", ""),
}  # fmt: skip
_LINES: Final = ("aligned", "align", "align*", "split", "gathered", "gather", "gather*")

_NAMES: Final = (["word"], ["op"])
_LISTS: Final = ("punct", "colon")
_RELATIONS: Final = ("bin", "rel")
_LOUD: Final = ("word", "op", "big", "frac", "root")
_TIMES: Final = ("ord", "sign", "open", *_LOUD)
_BEFORE_SIGN: Final = ("", "sign", "open", "op", "big", "slash", *_RELATIONS, *_LISTS)
_BEFORE_OPEN: Final = ("punct", "big", "frac", *_RELATIONS)
_SUMS: Final = frozenset(("op", "big", "slash", "frac", *_RELATIONS, *_LISTS))
_RAISED: Final = frozenset((*_SUBSCRIPTS.values(), *_SUPERSCRIPTS.values()))

_TOKEN: Final = re.compile(r"\\(?:[A-Za-z]+\*?\s*|.|$)|:=|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_SPELLED: Final = re.compile(r"[_^]\w+$")  # a script into which a letter behind it would run


def formula(latex: str, spelled: Container[Index] = ()) -> str:
    """Write a formula as text, e.g. ``\\frac{\\partial L}{\\partial z_i}`` as `∂L/∂zᵢ`.

    Lines of an `aligned` environment are separated by newlines. Indices in `spelled`, which
    `spelled_indices` finds, are written `k_h`, though there is a `ₕ`. Any string is taken.
    """
    return _join(_Parser(latex, spelled).atoms())


def spelled_indices(formulas: Iterable[str]) -> set[Index]:
    """Find the letters that have a subscript which Unicode lacks: `k_h` is not to meet `k_w`."""
    misfits: set[Index] = set()
    for latex in formulas:
        parser = _Parser(latex)
        parser.atoms()
        misfits |= parser.misfits
    return misfits


class _Parser:
    """Reads tokens from left to right; each method leaves `at` behind what it has read."""

    def __init__(self, latex: str, spelled: Container[Index] = ()) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0
        self.depth = 0
        self.spelled = spelled
        self.misfits: set[Index] = set()

    def peek(self) -> str:
        """The next token, without the spaces that end a command; '' at the end."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        return token.rstrip() if token[1:2].isalpha() else token

    def skip_spaces(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def atoms(self, *stops: str) -> list[_Atom]:
        """Read up to one of the tokens `stops`, which is left, or to the end."""
        found: list[_Atom] = []
        while (token := self.peek()) and token not in stops:
            self.at += 1
            if token in ("^", "_"):
                while found and found[-1].kind == "space":
                    found.pop()
                self.at -= 1
                found.append(self.scripts(found.pop() if found else _Atom("")))
            elif token == "\\\\":  # a new line within a subscript
                comma = [] if found and found[-1].kind in _LISTS else [_Atom(",", "punct")]
                found += [*comma, _Atom(" ", "space")]
            else:
                found += self.one(token)
        return found

    def one(self, token: str) -> list[_Atom]:
        """What a token stands for that has just been read, with its arguments."""
        if token == "{" and self.depth < MAX_DEPTH:
            group = self.argument(token)
            self.skip_spaces()
            if self.peek() in ("^", "_") and len(_factors(group)) > 1:
                return [_Atom(f"({_join(group)})")]
            return group
        if token in ("{", "}", "&", "\\"):
            return []
        if token[0] == "\\":
            return self.command(token[1:])
        return [_Atom(" ", "space") if token.isspace() else _CHARACTERS.get(token, _Atom(token))]

    def argument(self, token: str = "") -> list[_Atom]:
        """A group, or one token with its arguments; `token` is its start if that has been read."""
        if not token:
            self.skip_spaces()
            token = self.peek()
            if token[:1].isdigit():  # `\frac12` is one half
                self.tokens[self.at] = token[1:]
                self.at += not token[1:]
                return [_Atom(token[0])]
            if token in ("}", "") or self.depth >= MAX_DEPTH:
                return []
            self.at += 1
        self.depth += 1
        if token == "{":
            found = self.atoms("}")
            self.at += 1
        else:
            found = self.one(token)
        self.depth -= 1
        return found

    def raw(self) -> str:
        """A group as it is written."""
        self.skip_spaces()
        start = self.at
        depth = 0
        while token := self.peek():
            self.at += 1
            depth += (token == "{") - (token == "}")
            if depth <= 0:
                break
        text = "".join(self.tokens[start : self.at])
        return re.sub(r"\\(\W)", r"\1", text[1:-1] if text[:1] == "{" else text)

    def scripts(self, base: _Atom) -> _Atom:
        """`base` with the scripts that follow it."""
        found: dict[str, list[_Atom]] = {}
        while (mark := self.peek()) in ("^", "_"):
            self.at += 1
            found[mark] = found.get(mark, []) + self.argument()
        sub, sup = found.get("_", []), found.get("^", [])
        text = f"({base.text})" if base.kind in ("frac", "root") else base.text
        low, high = _raised(sub, _SUBSCRIPTS), _raised(sup, _SUPERSCRIPTS)
        index = (text, len(_join(sub, tight=True)))
        if low is None and base.kind == "ord":
            self.misfits.add(index)
        if base.kind == "big" and None in (low, high):
            low = high = None
        elif index in self.spelled or base.kind == "word":
            low = None
        text += _spelled("_", sub) if low is None else low
        return base._replace(text=text + (_spelled("^", sup) if high is None else high))

    def command(self, name: str) -> list[_Atom]:
        """What a command stands for that has just been read, with its arguments."""
        if name in _COMMANDS:
            return [_COMMANDS[name]]
        if self.depth >= MAX_DEPTH:
            return [_Atom(name, "word")]
        self.depth += 1
        found = self.construct(name)
        self.depth -= 1
        return found

    def construct(self, name: str) -> list[_Atom]:
        """What a command with arguments stands for."""
        if name in ("frac", "tfrac", "dfrac", "cfrac"):
            over, under = _factor(self.argument(), product=True), self.argument()
            if _factors(under)[:1] == ["big"] and (_SUMS - {"big"}).isdisjoint(_factors(under)):
                return [_Atom(f"{over} / {_join(under)}", "frac")]
            return [_Atom(f"{over}/{_factor(under)}", "frac")]
        if name == "sqrt":
            power: list[_Atom] = []
            if self.peek() == "[":
                self.at += 1
                power = self.atoms("]", "}")
                self.at += self.peek() == "]"
            raised = _raised(power, _SUPERSCRIPTS) or ""
            return [_Atom(f"{raised}√{_factor(self.argument())}", "root")]
        if name in _ACCENTS:
            return [_accented(name.removeprefix("wide"), self.argument(), _ACCENTS[name])]
        if name == "mathbb":
            return [_Atom("".join(_DOUBLE_STRUCK.get(c, c) for c in _join(self.argument())))]
        if name in _UPRIGHT:
            word = _join(self.argument())
            return [_Atom(word, "op" if name[0] == "o" else "word" if len(word) > 1 else "ord")]
        if name in _TEXT:
            text = self.raw()
            words = _Atom(" ".join(text.split()), "word")
            if text != text.strip():  # words between two formulas, not a name
                return [_Atom(" ", "space"), words._replace(kind="rel"), _Atom(" ", "space")]
            return [words]
        if name in _FONTS:
            return self.argument()
        if size := _SIZES.fullmatch(name):
            return self.delimiter(size[1], size[2])
        if name == "begin":
            return self.environment(self.raw().strip())
        if name == "end":
            self.raw()
            return []
        return [] if name in _NOTHING else [_Atom(name, "word")]

    def delimiter(self, size: str, side: str) -> list[_Atom]:
        """The bracket behind `\\left`, `\\Bigr` and so on; a dot stands for none."""
        self.skip_spaces()
        token = self.peek()
        if token in ("", "}"):
            return []
        self.at += 1
        if token == ".":
            return []
        found = self.one(token)
        kind = {"left": "open", "l": "open", "right": "close", "r": "close"}.get(side or size)
        return [atom._replace(kind=kind or atom.kind) for atom in found]

    def environment(self, name: str) -> list[_Atom]:
        """A matrix row by row, `[a, b; c, d]`; the lines of an equation; cases."""
        if name == "array":
            self.raw()
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(_join(self.atoms("&", "\\\\", "\\end", "}")))
            token = self.peek()
            if token not in ("&", "\\\\"):
                break
            self.at += 1
            if token == "\\\\":
                rows.append([])
        if self.peek() == "\\end":
            self.at += 1
            self.raw()
        rows = [row for row in rows if any(row)]
        if name in _LINES:
            return [_Atom("\n".join(" ".join(filter(None, row)) for row in rows))]
        opening, closing = _BRACKETS.get(name, ("[", "]"))
        cells = "; ".join(", ".join(cell.rstrip(",") for cell in row) for row in rows)
        return [_Atom(f"{opening}{cells}{closing}")]


def _accented(name: str, atoms: list[_Atom], accent: str) -> _Atom:
    if len(atoms) != 1 or (len(atoms[0].text) > 1 and atoms[0].text.isalpha()):
        return _Atom(f"{name}({_join(atoms)})", "word")
    text = atoms[0].text
    return _Atom(unicodedata.normalize("NFC", text[:1] + accent) + text[1:])


def _raised(atoms: list[_Atom], table: dict[str, str]) -> str | None:
    """A script in Unicode, or None if there is none for it; words are left as they are."""
    text = _join(atoms, tight=True)
    if any(atom.kind in ("word", "op") for atom in atoms) or not all(c in table for c in text):
        return None
    return "".join(table[c] for c in text)


def _spelled(mark: str, atoms: list[_Atom]) -> str:
    """A script behind its mark; in brackets unless it reads as one name."""
    text = _join(atoms, tight=True)
    kinds = {atom.kind for atom in atoms}
    a_name = text.isalnum() and _RAISED.isdisjoint(text) and len(kinds - {"space"}) == 1
    if not text or (a_name and (mark == "_" or len(atoms) == 1)):
        return mark[: len(text)] + text
    return f"{mark}({_join(atoms) if 'space' in kinds else text})"


def _factors(atoms: list[_Atom]) -> list[str]:
    """Kinds of what stands outside brackets; a bracket is one, and none behind `log`."""
    found: list[str] = []
    depth = 0
    for kind in (atom.kind for atom in atoms if atom.kind != "space"):
        depth -= kind == "close" and depth > 0
        if not depth and kind != "close" and not (kind == "open" and found[-1:] in _NAMES):
            found.append(kind)
        depth += kind == "open"
    return found


def _factor(atoms: list[_Atom], *, product: bool = False) -> str:
    """Text that may stand behind `/` or `√`, or before `/` if products are taken as well."""
    text, kinds = _join(atoms), _factors(atoms)
    if product:
        plain = _SUMS.isdisjoint(kinds[kinds[:1] == ["bin"] :])
    else:
        differential = text[:1] == "∂" or (text[:1] == "d" and len(kinds) == 2)
        plain = differential and {"ord", "sign"}.issuperset(kinds)
    return text if kinds != ["frac"] and (plain or len(kinds) <= 1) else f"({text})"


def _join(atoms: list[_Atom], *, tight: bool = False) -> str:
    """The text of atoms with the spaces that their kinds ask for; in scripts there are fewer."""
    text = before = hint = last = ""
    following = [atom.kind for atom in reversed(atoms) if atom.kind != "space"]
    for atom in atoms:
        if atom.kind == "space":
            hint = max(hint, atom.text, key=len)
            continue
        shown, kind = atom.text, atom.kind
        if kind == "bin" and before in _BEFORE_SIGN:
            kind = "sign"
        following.pop()
        after = following[-1] if following else ""
        if kind == "frac" and (before == "slash" or after in _TIMES):
            shown = f"({shown})"
        if text and before != "open" and kind not in ("close", *_LISTS):
            space = _space(before, kind, tight)
            if kind in ("ord", "sign") and _SPELLED.search(last):
                space = " "
            text += max(space, "" if tight or before == "sign" else hint, key=len)
        text += shown
        before, last, hint = kind, shown, ""
    return text


def _space(before: str, after: str, tight: bool) -> str:
    """The space between atoms of two kinds, if the author has put none."""
    if before == "sign" or (after == "open" and before not in _BEFORE_OPEN):
        return ""
    if before in _RELATIONS or after in _RELATIONS or before == "punct":
        return "" if tight else " "
    if before in _LOUD and after not in ("slash", "colon"):
        return " "
    return " " if after in _LOUD and before not in ("slash", "colon", "open") else ""
