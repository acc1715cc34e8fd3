"""The program `grader`: ``python -m grader`` and the command are the same."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line. Ctrl-C while it is still being loaded ends it without a word, as later."""
    known = signal.getsignal(signal.SIGINT)
    if known is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from grader.cli import main as run

    signal.signal(signal.SIGINT, known)
    run()


if __name__ == "__main__":
    main()
