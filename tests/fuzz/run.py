"""Fuzz by coverage, with atheris: ``python tests/fuzz/run.py TARGET… [--seconds N]``.

Each target of `targets.py` runs in a process of its own, under a limit of its memory and of the seconds for one input.
What it has found stays in `--corpus` for the next time. An input that ends it is kept there as ``crash-…``, and then
the exit status is 1. Warnings are errors, as they are in the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY = 2 * 2**30
"""Bytes of address space: what libFuzzer, NumPy and the course take, and one input's worst."""
SLOW = 10
"""Seconds for one input."""
HERE = Path(__file__).parent


def main() -> int:
    """Run the targets one after another; 1 where one of them found something."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="by default all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (%(default)s)")
    parser.add_argument("--corpus", type=Path, default=None, help="a folder to keep inputs in")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    if options.alone:
        _fuzz(options.targets[0], options.seconds, options.corpus)
    import targets

    chosen = options.targets or list(targets.TARGETS)
    for name in chosen:
        if name not in targets.TARGETS:
            parser.error(f"no target {name!r}; there are {', '.join(targets.TARGETS)}")
    status = 0
    with tempfile.TemporaryDirectory(prefix="gradsmith-corpus-") as temporary:
        for name in chosen:
            corpus = (options.corpus or Path(temporary)) / name
            corpus.mkdir(parents=True, exist_ok=True)
            for seed in targets.SEEDS[name]():
                (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
            command = [sys.executable, __file__, name, "--alone", "--seconds", str(options.seconds)]
            print(f"== {name}", flush=True)
            done = subprocess.run([*command, "--corpus", str(corpus)], check=False)
            status |= int(done.returncode != 0)
    return status


def _fuzz(name: str, seconds: int, corpus: Path) -> None:
    """One target, until its time is over or something is found; does not return."""
    import resource
    import warnings

    import atheris

    with atheris.instrument_imports(include=["grader", "zipfile", "json", "tokenize"]):
        import targets
    # The scanner in C has no coverage to follow.
    import json.decoder
    import json.scanner

    json.scanner.make_scanner = json.scanner.py_make_scanner
    json.decoder.scanner.make_scanner = json.scanner.py_make_scanner
    warnings.simplefilter("error")
    one = targets.TARGETS[name]
    for seed in targets.SEEDS[name]():  # imports what is imported at the first use
        one(seed)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    atheris.Setup(
        [
            name, str(corpus), f"-max_total_time={seconds}", f"-timeout={SLOW}", "-rss_limit_mb=1500",
            f"-max_len={targets.LONGEST // 4}", f"-artifact_prefix={corpus}/", "-print_final_stats=1",
            "-verbosity=1", "-use_value_profile=1",
        ],
        one,
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
