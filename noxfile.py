"""All that CI runs, in fresh environments: `nox`. The long sweeps: `nox -s nightly`."""

import nox

nox.options.sessions = ["lint", "types", "tests", "verify"]
nox.options.reuse_existing_virtualenvs = True
PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types of the package."""
    session.install(
        "-e",
        ".[cluster,nbgrader,site]",
        "mypy>=1.13",
        "types-greenlet>=3.1",
        "types-Pygments>=2.17",
        "types-PyYAML>=6.0",
    )
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests of the tool and of the content."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session
def verify(session: nox.Session) -> None:
    """Stubs are current, and every suite is proved at one seed."""
    session.install("-e", ".")
    session.run("grader", "stubs", "--check")
    session.run("grader", "verify", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The sweeps: 20 seeds of every suite, 10,000 gradients, and the evidence table."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-m", "slow", *session.posargs)
    session.run("grader", "verify", "--seeds", "20", "--table", "docs/evidence.md")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Bytes from outside, led by coverage: `nox -s fuzz -- payload topic --seconds 600`. Not part of CI."""
    session.install("-e", ".[dev]", "atheris>=3.0")  # for Linux and macOS alone
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Speed against the plain alternatives, side by side."""
    session.install("-e", ".[dev]")
    session.run("python", "benchmarks/grading.py")
    session.run("python", "benchmarks/gradient_checks.py")
    session.run("python", "benchmarks/watch_latency.py")
    session.run("python", "benchmarks/nbgrader_class.py")
