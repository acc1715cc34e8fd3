"""gradsmith: exercises and an autograder for the calculus of machine-learning interviews.

The command line is `grader`; an author of exercises needs `grader.checks`; a program
that grades needs `grader.grading`. Nothing heavy is imported here.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Give a notebook the magics `%check`, `%hint`, `%task`, `%solution`: what `%load_ext grader` calls."""
    from grader.kernel.magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Take the magics away: what `%unload_ext grader` calls."""
    from grader.kernel.magics import unload

    unload(shell)
