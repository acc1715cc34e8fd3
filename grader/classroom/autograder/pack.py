"""The archive that is uploaded to Gradescope: `setup.sh`, `run_autograder`, the wheel and the settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from grader.classroom.autograder.wheel import archive, file_name, wheel
from grader.classroom.exports.gradescope import VISIBILITIES, Visibility
from grader.classroom.policy import attachments, read_policy
from grader.content import Content
from grader.errors import GradsmithError
from grader.model import Course, Disclosure

SETTINGS = "settings.json"
CONFIG = "class.toml"

SETUP = """\
#!/usr/bin/env bash
# Made by gradsmith: installs Python and the grader, once, when Gradescope builds the autograder.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
export DEBIAN_FRONTEND=noninteractive

new_enough() {
    command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
}
python=""
apt-get update
for name in python3.13 python3.12 python3.11 python3; do
    if new_enough "$name"; then python="$name"; break; fi
done
if [ -z "$python" ]; then
    apt-get install -y python3.11
    python="python3.11"
fi
apt-get install -y "$python-venv"
"$python" -m venv "$root/python"
"$root/python/bin/python" -m pip install --no-cache-dir "$root/source/@WHEEL@"
"""

RUN = """\
#!/usr/bin/env bash
# Made by gradsmith: grades one submission. Where the grader itself fails there is no results.json, not even one
# that the submission wrote: Gradescope then says that the autograder failed, and gives no score.
root="${AUTOGRADER_ROOT:-/autograder}"
python="${AUTOGRADER_PYTHON:-$root/python/bin/python}"
results="$root/results/results.json"
rm -f "$results"
"$python" -P -m grader.classroom.autograder.run "$root"
code=$?
if [ "$code" -ne 0 ]; then
    rm -f "$results"
    echo "The grader ended with code $code: no result. The fault is not the student's."
fi
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an autograder is told.

    Attributes
    ----------
    exercises : the names to grade; all where it is None.
    visibility : when students see the exercises.
    disclosure : the most that students are told of a check.
    config : whether there is a `class.toml` beside the settings.
    """

    exercises: tuple[str, ...] | None = None
    seed: int = 0
    timeout: float = 5.0
    visibility: Visibility = "visible"
    disclosure: str = "names"
    config: bool = False


def pack(content: Content, course: Course, settings: Settings, config: Path | None = None) -> bytes:
    """The archive. It has the topics that are graded, and no others.

    Parameters
    ----------
    config : a `class.toml`; it goes along with the files beside it that it names.

    Raises
    ------
    ContentError : the configuration breaks a rule.
    GradsmithError : a file cannot be read, or what the package needs is not known.
    """
    wanted = settings.exercises
    topics = tuple(
        topic
        for topic in course.topics
        if wanted is None or any(exercise.name in wanted for exercise in topic.exercises)
    )
    files: dict[str, bytes] = {
        "setup.sh": SETUP.replace("@WHEEL@", file_name()).encode(),
        "run_autograder": RUN.encode(),
        file_name(): wheel(content, replace(course, topics=topics)),
    }
    if config is not None:
        read_policy(config)
        settings = replace(settings, config=True)
        files[CONFIG] = config.read_bytes()
        for name in attachments(config):
            files[name] = (config.parent / name).read_bytes()
    files[SETTINGS] = (json.dumps(asdict(settings), indent=2) + "\n").encode()
    return archive(files, executable=("run_autograder", "setup.sh"))


def read_settings(file: Path) -> Settings:
    """The settings of an autograder.

    Raises
    ------
    GradsmithError : the file is not as `pack` writes it.
    """
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        exercises: Sequence[str] | None = data.pop("exercises")
        settings = Settings(None if exercises is None else tuple(exercises), **data)
        if settings.visibility not in VISIBILITIES:
            raise ValueError(f"visibility {settings.visibility!r}")
        Disclosure(settings.disclosure)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise GradsmithError(
            f"{file}: is no settings of an autograder ({error}); pack it again"
        ) from None
    return settings
