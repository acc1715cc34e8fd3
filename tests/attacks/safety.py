"""What no attack of the corpus may have in it, so that each is harmless even where nothing holds it.

An attack that is held by nothing, because a level is broken or a path is wrong, runs as whoever runs the tests. It must
then do no more than it could do to files and processes that the test made for it.
"""

from __future__ import annotations

import ast
import re

WORDS = re.compile(
    r"\w*(?:rmtree|unlink|remove|rmdir|rename|truncate|fallocate|shutil|subprocess|popen|spawn|syscall|chmod|chown|chroot"
    r"|reboot|O_TRUNC|O_WRONLY|O_RDWR|write_text|write_bytes|tofile|memmap|savez|savetxt|CDLL)\w*"
    r"|os\.replace|np\.save\b|(?<!\w)system\(|kill(?:pg)?\(\s*-\w*|getattr\(os\b",
    re.IGNORECASE,
)
"""What deletes, renames, cuts short or overwrites, starts a program, or goes past Python."""
PLACES = ("@RESULTS@", "@SCRATCH@")
"""Files and folders that the test made to be written to."""
VICTIMS = {
    "kill": {"os.getpid()", "os.getppid()", "int('@VICTIM@')"},
    "killpg": {"0"},  # the group that it leads itself
}
"""Whom a signal may be for."""
PROGRAM = "'/bin/sh', ['sh', '-c', 'exit 0']"
"""The one program that an attack may become."""


def harm(code: str) -> list[str]:
    """Complaints about the code of an attack, each with its line; none where it may be run.

    Parameters
    ----------
    code : what follows the header.
    """
    found = []
    for number, line in enumerate(code.splitlines(), 1):
        found += [f"line {number}: {word[0]!r} is refused" for word in WORDS.finditer(line)]
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return found  # nothing of it can run
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (complaint := _of_call(node)):
            found.append(f"line {node.lineno}: {complaint}")
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "posix", "signal"):
            found.append(f"line {node.lineno}: import the whole of {node.module}, to be read here")
        elif isinstance(node, ast.Import) and any(
            a.name == "posix" or a.asname for a in node.names
        ):
            found.append(f"line {node.lineno}: modules keep their names, and posix is os")
    return found


def _of_call(call: ast.Call) -> str:
    """What is wrong with a call; empty where nothing is."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    arguments = ", ".join(ast.unparse(each) for each in call.args)
    first = ast.unparse(call.args[0]) if call.args else ""
    if name in VICTIMS and first not in VICTIMS[name]:
        return f"{name}({first}): a signal is for itself, its parent or @VICTIM@ alone"
    if (name.endswith("kill") and name not in VICTIMS) or re.search("_signal|sigqueue", name):
        return f"{name}: a signal is sent by os.kill or os.killpg"
    if re.fullmatch(r"exec[lv]\w*", name) and arguments != PROGRAM:
        return f"{name}({arguments}): it may become `sh -c 'exit 0'` and no other program"
    if name == "open" and isinstance(function, ast.Name):
        mode = next((k.value for k in call.keywords if k.arg == "mode"), None)
        mode = call.args[1] if len(call.args) > 1 else mode
        if mode is None:
            return ""
        if not isinstance(mode, ast.Constant):
            return f"open with mode {ast.unparse(mode)}: a mode is written out"
        overwrites = set(str(mode.value)) & set("wa+")
        if overwrites and not first.strip("'").startswith(PLACES):
            return f"open({first}, {mode.value!r}): it may overwrite; 'x' does not"
    return ""
