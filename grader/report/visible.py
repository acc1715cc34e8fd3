"""Text of others, made safe to look at."""

from __future__ import annotations

import unicodedata


def visible(text: str, *, kept: str = "") -> str:
    """`text`, with each character that would act instead of being seen replaced by its escape.

    Controls, formats (bidirectional overrides, invisible joiners), lone surrogates, private
    characters, line separators and variation selectors change what stands beside them, or cannot
    be seen at all.

    Parameters
    ----------
    kept : characters that stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each in kept else _shown(each) for each in text)


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    if hidden or "\ufe00" <= character <= "\ufe0f":
        return character.encode("unicode_escape").decode("ascii")
    return character
