"""Paths to submissions: what is found, what is refused, and that nothing hostile gets through."""

from __future__ import annotations

import codecs
import encodings
import io
import os
import stat
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from pkgutil import iter_modules

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import grader.submission
from grader.errors import UnreadableSubmissionError
from grader.model import Course, Difficulty, Exercise, Hints, Topic
from grader.submission import (
    MAX_ARCHIVE_BYTES,
    MAX_ENTRIES,
    MAX_SOURCE_BYTES,
    Source,
    Submission,
    calls_between,
    read_submission,
)

SOFTMAX = "def softmax(z, axis=-1):\n    return z\n"
ATTENTION = "def attend(Q, K, V):\n    return V\n"
TRAP = "raise SystemExit('a submission was run')\n"


def exercise(name: str, topic: str) -> Exercise:
    """An exercise of which only the name matters here."""
    hints = Hints("c", "e", "s", "l")
    return Exercise(name, topic, "T", f"{name}(x)", 1.0, Difficulty.EASY, 5, ("x",), hints)


COURSE = Course(
    "A course",
    (
        Topic("softmax", "S", "s", (exercise("softmax", "softmax"), exercise("vjp", "softmax"))),
        Topic("attention", "A", "a", (exercise("attend", "attention"),)),
    ),
)
BOTH = ("softmax", "attention")
NO_ATTENTION = "attention.py not found: its functions count as missing"


def write_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes | str]) -> Path:
    """An archive with these members, duplicates and odd names included."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")  # duplicates are made on purpose
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(name, data)
    return path


def member(name: str, mode: int) -> zipfile.ZipInfo:
    """A member with a Unix mode."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def named(name: str) -> zipfile.ZipInfo:
    """A member with any name at all: `ZipInfo` itself would cut it at a NUL."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    return info


def refused(path: Path) -> str:
    """The message with which a path is refused: one line that names the path."""
    with pytest.raises(UnreadableSubmissionError) as caught:
        read_submission(path, COURSE)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


class TestOneFile:
    """A .py file is scored on one topic."""

    def test_the_stem_names_the_topic(self, tmp_path: Path) -> None:
        """A file called after a topic is that topic's, whatever it defines."""
        file = tmp_path / "softmax.py"
        file.write_text(ATTENTION, encoding="utf-8")
        assert read_submission(file, COURSE) == Submission(
            "softmax.py", {"softmax": Source("softmax", "softmax.py", ATTENTION)}, ("softmax",)
        )

    @pytest.mark.parametrize(
        "text", [ATTENTION, f"import numpy\n{ATTENTION}", "async def attend(x): ...\n"]
    )
    def test_the_functions_name_the_topic(self, tmp_path: Path, text: str) -> None:
        """A file with a name of its own is placed by what it defines, without running it."""
        file = tmp_path / "homework 3.PY"
        file.write_text(TRAP + text, encoding="utf-8")
        submission = read_submission(file, COURSE)
        assert submission.topics == ("attention",)
        assert submission.sources["attention"].file == "homework 3.PY"

    @pytest.mark.parametrize(
        ("text", "fix"),
        [
            (SOFTMAX + ATTENTION, "defines functions of softmax and attention"),
            ("x = 1\n", "defines no function of the course"),
            ("class A:\n    def attend(self): ...\n", "defines no function of the course"),
            ("", "expected a file like softmax.py or attention.py"),
        ],
    )
    def test_a_file_of_no_topic_or_two_is_refused(
        self, tmp_path: Path, text: str, fix: str
    ) -> None:
        """What is expected is said."""
        file = tmp_path / "homework.py"
        file.write_text(text, encoding="utf-8")
        assert fix in refused(file)

    def test_a_string_is_a_path(self, tmp_path: Path) -> None:
        """Callers that have no Path are served."""
        file = tmp_path / "softmax.py"
        file.write_text(SOFTMAX, encoding="utf-8")
        assert read_submission(str(file), COURSE).topics == ("softmax",)  # type: ignore[arg-type]

    def test_the_given_path_may_be_a_link(self, tmp_path: Path) -> None:
        """A person chose it; only links inside a submission are refused."""
        (tmp_path / "real.py").write_text(SOFTMAX, encoding="utf-8")
        link = tmp_path / "softmax.py"
        link.symlink_to(tmp_path / "real.py")
        assert read_submission(link, COURSE).sources["softmax"].text == SOFTMAX


class TestOtherPaths:
    """What is no submission is refused in one line."""

    @pytest.mark.parametrize(
        ("name", "fix"),
        [
            ("work.ipynb", "is JSON but no notebook; save it again from Jupyter"),
            ("work.txt", "give a .py file, a notebook, a folder, or a .zip"),
            ("work.tar.gz", "this type of file is not read"),
            ("work", "this type of file is not read"),
        ],
    )
    def test_other_types(self, tmp_path: Path, name: str, fix: str) -> None:
        """The message says what is accepted."""
        (tmp_path / name).write_bytes(b"{}")
        assert fix in refused(tmp_path / name)

    def test_no_such_path(self, tmp_path: Path) -> None:
        """A path that does not exist, that is too long, or that holds a NUL."""
        assert "not found" in refused(tmp_path / "softmax.py")
        assert "not found" in refused(tmp_path / "no" / "softmax.py")
        assert "cannot be read" in refused(tmp_path / ("x" * 300))
        with pytest.raises(UnreadableSubmissionError, match="cannot be read"):
            read_submission(tmp_path / "a\0b.py", COURSE)

    def test_odd_names_do_not_reach_the_terminal(self, tmp_path: Path) -> None:
        """Escapes, line ends and broken bytes in a name are made visible, not passed on."""
        name = os.fsdecode(b"a\x1b[2J\n\xff\xe2\x80\xae.ipynb")
        with pytest.raises(UnreadableSubmissionError) as caught:
            read_submission(tmp_path / name, COURSE)
        assert str(caught.value).isprintable()
        folder = tmp_path / os.fsdecode(b"b\x1b\xff")
        folder.mkdir()
        (folder / "softmax.py").write_text(SOFTMAX, encoding="utf-8")
        assert read_submission(folder, COURSE).name.isprintable()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_never_opened(self, tmp_path: Path) -> None:
        """Opening a pipe that no one writes to would wait for ever."""
        os.mkfifo(tmp_path / "softmax.py")
        assert "not a regular file" in refused(tmp_path / "softmax.py")
        assert "(softmax.py is no regular file and was not read)" in refused(tmp_path)

    def test_without_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file or folder that cannot be opened is refused and named; root may read anything."""
        file = tmp_path / "softmax.py"
        file.write_text(SOFTMAX, encoding="utf-8")

        def deny(path: object, *_: object, **__: object) -> int:
            raise PermissionError(13, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", deny)
            assert "softmax.py: cannot be read (Permission denied)" in refused(file)
            with pytest.raises(UnreadableSubmissionError, match=r"softmax\.py: cannot be read"):
                read_submission(tmp_path, COURSE)
        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", deny)
            assert "cannot be read (Permission denied)" in refused(tmp_path)


@pytest.fixture(params=["folder", "zip"])
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a folder or an archive of the same files."""

    def make(**files: str) -> Path:
        root = tmp_path / "alice"
        if request.param == "zip":
            return write_zip(tmp_path / "alice.zip", *files.items())
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8", newline="")
        return root

    return make


class TestFoldersAndArchives:
    """The same files are found in a folder and in an archive of it."""

    @pytest.mark.parametrize("base", ["", "hw1/", "Meine Lösung/"])
    @pytest.mark.parametrize("inner", ["softmax.py", "softmax/softmax.py"])
    def test_where_files_are_looked_for(
        self, pack: Callable[..., Path], base: str, inner: str
    ) -> None:
        """At the top or in the one folder there, plainly or in a folder of the topic's name."""
        path = pack(
            **{
                base + inner: SOFTMAX,
                f"{base}attention.py": ATTENTION,
                "__MACOSX/._softmax.py": "junk",
                "__MACOSX/softmax.py": "junk",
                ".git/softmax.py": "junk",
                ".DS_Store": "junk",
                "read me.txt": "Hi",
            }
        )
        submission = read_submission(path, COURSE)
        assert submission.name == path.name
        assert submission.topics == BOTH
        assert submission.sources["softmax"] == Source("softmax", base + inner, SOFTMAX)
        assert submission.sources["attention"].text == ATTENTION
        assert (submission.notes, submission.problems) == ((), ())

    def test_missing_topics_are_told(self, pack: Callable[..., Path]) -> None:
        """The whole course is scored, and what is not there is noted."""
        submission = read_submission(pack(**{"softmax.py": SOFTMAX}), COURSE)
        assert submission.topics == BOTH
        assert list(submission.sources) == ["softmax"]
        assert submission.notes == (NO_ATTENTION,)

    def test_a_topic_folder_alone_is_no_wrapping_folder(self, pack: Callable[..., Path]) -> None:
        """`softmax/softmax.py` is found at the top; another topic's folder may be beside it."""
        submission = read_submission(
            pack(**{"softmax/softmax.py": SOFTMAX, "attention/notes.txt": "x"}), COURSE
        )
        assert submission.sources["softmax"].file == "softmax/softmax.py"
        assert submission.notes == (NO_ATTENTION,)

    @pytest.mark.parametrize(
        "files",
        [
            {"notes.txt": "x"},
            {"a/softmax.py": SOFTMAX, "b/attention.py": ATTENTION},
            {"a/b/softmax.py": SOFTMAX},
            {"softmax.py/x.txt": "x"},
        ],
    )
    def test_nothing_to_grade_is_refused(
        self, pack: Callable[..., Path], files: dict[str, str]
    ) -> None:
        """Two wrapping folders, or two levels of them, are not searched; the message says so."""
        message = refused(pack(**files))
        assert "holds no submission" in message
        assert "expected softmax.py or attention.py" in message

    @pytest.mark.parametrize(
        "near",
        ["Softmax.py", "softmax (1).py", "softmax - Copy.py", "softmax (1).ipynb", "softmax-2.py"],
    )
    def test_near_misses_are_told(self, pack: Callable[..., Path], near: str) -> None:
        """Names are exact; a name that was probably meant is pointed out."""
        submission = read_submission(pack(**{near: SOFTMAX, "attention.py": ATTENTION}), COURSE)
        assert list(submission.sources) == ["attention"]
        assert f"{near} was not read: only softmax.py would be" in submission.notes
        assert "softmax.py not found: its functions count as missing" in submission.notes

    def test_a_near_miss_alone_is_refused_with_its_name(self, pack: Callable[..., Path]) -> None:
        """The reason stands in the message."""
        assert "SOFTMAX.PY was not read" in refused(pack(**{"SOFTMAX.PY": SOFTMAX}))

    def test_the_second_place_is_told(self, pack: Callable[..., Path]) -> None:
        """Of two candidates the first is read and the other named."""
        submission = read_submission(
            pack(**{"softmax/softmax.py": "x = 1\n", "softmax.py": SOFTMAX}), COURSE
        )
        assert submission.sources["softmax"].text == SOFTMAX
        assert "softmax/softmax.py was not read: softmax.py was" in submission.notes

    @pytest.mark.parametrize("text", ["a = 1\r\nb = 2\r\n", "a = 1\rb = 2\r", "a = 1\n\x0cb = 2"])
    def test_line_ends_are_kept(self, pack: Callable[..., Path], text: str) -> None:
        """The text is the learner's, so that line numbers are too."""
        submission = read_submission(pack(**{"softmax.py": text}), COURSE)
        assert submission.sources["softmax"].text == text

    def test_files_that_would_be_imported_are_ignored(self, pack: Callable[..., Path]) -> None:
        """Only the named files are read: no conftest.py, numpy.py or sitecustomize.py."""
        names = ("conftest.py", "numpy.py", "sitecustomize.py", "pytest.ini", "x.pth")
        submission = read_submission(
            pack(**dict.fromkeys(names, TRAP), **{"softmax.py": SOFTMAX}), COURSE
        )
        assert list(submission.sources) == ["softmax"]

    def test_one_bad_file_does_not_cost_the_other(self, pack: Callable[..., Path]) -> None:
        """A file that is no text is a problem of its topic."""
        submission = read_submission(
            pack(**{"softmax.py": "x = '\0'\n", "attention.py": ATTENTION}), COURSE
        )
        assert list(submission.sources) == ["attention"]
        [problem] = submission.problems
        assert (problem.topic, problem.file) == ("softmax", "softmax.py")
        assert submission.notes == ()


class TestFolder:
    """Folders: links and their size."""

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        """A link could point at the solutions or at another's work."""
        secret = tmp_path / "secret" / "softmax.py"
        secret.parent.mkdir()
        secret.write_text("SECRET = 1\n", encoding="utf-8")
        folder = tmp_path / "alice"
        folder.mkdir()
        (folder / "attention.py").write_text(ATTENTION, encoding="utf-8")
        (folder / "softmax.py").symlink_to(secret)
        submission = read_submission(folder, COURSE)
        assert list(submission.sources) == ["attention"]
        assert "softmax.py is a symbolic link and was not read" in submission.notes
        (folder / "softmax.py").unlink()
        (folder / "softmax").symlink_to(secret.parent)
        submission = read_submission(folder, COURSE)
        assert list(submission.sources) == ["attention"]
        assert "softmax is a symbolic link and was not read" in submission.notes

    def test_a_wrapping_link_is_not_followed(self, tmp_path: Path) -> None:
        """Neither is a link in the wrapping folder's place."""
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "softmax.py").write_text(SOFTMAX, encoding="utf-8")
        (tmp_path / "alice").mkdir()
        (tmp_path / "alice" / "hw").symlink_to(tmp_path / "real")
        assert "holds no submission" in refused(tmp_path / "alice")

    def test_a_file_swapped_for_a_link_is_not_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between looking and opening, the file can change; the opening looks again."""
        (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
        folder = tmp_path / "alice"
        folder.mkdir()
        (folder / "softmax.py").write_text(SOFTMAX, encoding="utf-8")
        plain_open = os.open

        def swap(path: Path, flags: int) -> int:
            path.unlink()
            path.symlink_to(tmp_path / "secret.txt")
            return plain_open(path, flags)

        monkeypatch.setattr(os, "open", swap)
        with pytest.raises(UnreadableSubmissionError, match="cannot be read"):
            read_submission(folder, COURSE)

    def test_a_huge_folder_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder of a whole disk is no submission; no more than the limit is listed."""
        monkeypatch.setattr(grader.submission, "MAX_ENTRIES", 20)
        (tmp_path / "softmax.py").write_text(SOFTMAX, encoding="utf-8")
        for i in range(19):
            (tmp_path / f"{i}").touch()
        assert read_submission(tmp_path, COURSE).sources
        (tmp_path / "one more").touch()
        assert "holds over 20 files" in refused(tmp_path)


class TestText:
    """Bytes become text as Python itself would read them, or a problem with its place."""

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"\xef\xbb\xbfx = '\xc3\xa9'\n", "x = 'é'\n"),
            (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n"),
            (b"#!x\r\n# vim: set fileencoding=cp1251 :\r\n'\xe9'", None),
            (b"# coding: cp1252\rx = '\x80'\r", "# coding: cp1252\rx = '€'\r"),
            (b"x = 1\n\n# coding: no-such-thing\n", "x = 1\n\n# coding: no-such-thing\n"),
            (b"", ""),
        ],
    )
    def test_encodings(self, tmp_path: Path, data: bytes, text: str | None) -> None:
        """PEP 263: a declaration in the first two lines, a byte-order mark, else UTF-8."""
        (tmp_path / "softmax.py").write_bytes(data)
        source = read_submission(tmp_path / "softmax.py", COURSE).sources["softmax"]
        assert source.text == (data.decode("cp1251") if text is None else text)

    @pytest.mark.parametrize(
        ("data", "line", "column", "fix"),
        [
            (b"x = 1\ny = '\xff'\n", 2, None, "byte 0xff is not utf-8"),
            (b"\n\r\n\ry = '\xe9'\n", 4, None, "byte 0xe9 is not utf-8"),
            (b"\xef\xbb\xbfx = 1\n\n\n\xff\n", 4, None, "byte 0xff is not utf-8"),
            (b"x = '\xff'\n", 1, None, "byte 0xff is not utf-8"),
            (b"# coding: ascii\nx = '\xe9'\n", 2, None, "byte 0xe9 is not ascii"),
            (b"x = 1\nab\0c\n", 2, 3, "NUL"),
            (b"\0", 1, 1, "NUL"),
            ("x = 1\n".encode("utf-16"), 1, None, "UTF-16"),
            (b"# coding: no-such-thing\n", 1, None, "unknown encoding: no-such-thing"),
            (b"# coding: " + b"x" * 500_000 + b"\n", 1, None, "unknown encoding"),
            (b"# coding: \x1b[2J\n", None, None, ""),
            (b"\xef\xbb\xbf# coding: latin-1\n", 1, None, "encoding problem"),
            (b"# coding: utf-7\nx = 1 +AAo-y = 2\n", 1, None, "encoding utf-7 is not taken"),
            (b"# coding: unicode_escape\n", 1, None, "is not taken"),
            (b"# coding: raw_unicode_escape\n", 1, None, "is not taken"),
            (b"# coding: punycode\n" + b"a-" * 400_000, 1, None, "is not taken"),
            (b"# coding: idna\n", 1, None, "is not taken"),
            (b"# coding: undefined\n", 1, None, "is not taken"),
            (b"# coding: rot13\n", 1, None, "is not taken"),
            (b"# coding: zip\n", 1, None, "is not taken"),
            (b"# coding: utf-16\n", 1, None, "is not taken"),
            (b"x" * (MAX_SOURCE_BYTES + 1), None, None, "over 1 MiB"),
        ],
    )
    def test_bytes_that_are_no_text(
        self, tmp_path: Path, data: bytes, line: int | None, column: int | None, fix: str
    ) -> None:
        """The problem has the file, the line, and what to do; nothing is raised."""
        (tmp_path / "softmax.py").write_bytes(data)
        submission = read_submission(tmp_path / "softmax.py", COURSE)
        if not fix:  # no declaration after all
            assert submission.problems == ()
            return
        assert submission.topics == ("softmax",)
        assert submission.sources == {}
        [problem] = submission.problems
        assert (problem.topic, problem.file) == ("softmax", "softmax.py")
        assert (problem.line, problem.column) == (line, column)
        assert fix in problem.message
        assert problem.message.isprintable()
        assert len(problem.message) < 250

    def test_a_nameless_file_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        """Without a topic there is nothing to charge the problem to."""
        (tmp_path / "homework.py").write_bytes(b"\xff\xfe")
        assert "UTF-16" in refused(tmp_path / "homework.py")

    def test_the_largest_source_is_read(self, tmp_path: Path) -> None:
        """The limit itself is allowed."""
        (tmp_path / "softmax.py").write_bytes(b"#" * MAX_SOURCE_BYTES)
        source = read_submission(tmp_path / "softmax.py", COURSE).sources["softmax"]
        assert len(source.text) == MAX_SOURCE_BYTES

    @pytest.mark.parametrize("encoding", sorted(m.name for m in iter_modules(encodings.__path__)))
    def test_every_encoding_is_ascii_or_refused(self, tmp_path: Path, encoding: str) -> None:
        """No declared encoding gives ASCII bytes another meaning than they show."""
        text = "x = 'a' + \"b\" - 1  # \\x41 \\u0041 +AGE- ~{ \x1b$B .xn--bcher-kva.xn--bcher-kva."
        data = f"# coding: {encoding}\n{text}\n".encode()
        (tmp_path / "softmax.py").write_bytes(data)
        submission = read_submission(tmp_path / "softmax.py", COURSE)
        if submission.sources:
            assert submission.sources["softmax"].text == data.decode("ascii")
        else:
            assert submission.problems[0].line == 1

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        head=st.sampled_from([b"", b"\xef\xbb\xbf", b"# coding: "]),
        name=st.sampled_from([b"", *[n.encode() for n in ("big5", "utf-8", "shift_jis", "hz")]]),
        data=st.binary(max_size=200),
    )
    def test_any_bytes_are_text_or_a_problem(
        self, tmp_path: Path, head: bytes, name: bytes, data: bytes
    ) -> None:
        """Whatever the bytes: a source that can be sent as UTF-8, or a problem."""
        file = tmp_path / "softmax.py"
        file.write_bytes(head + name + b"\n" + data)
        submission = read_submission(file, COURSE)
        assert len(submission.sources) + len(submission.problems) == 1
        for source in submission.sources.values():
            source.text.encode()
            assert "\0" not in source.text


class TestHostileArchives:
    """Archives are read in memory, by name, with a bound."""

    @pytest.mark.parametrize(
        "name",
        [
            "../softmax.py",
            "hw/../softmax.py",
            "/softmax.py",
            "//softmax.py",
            "hw//softmax.py",
            "C:/softmax.py",
            "C:softmax.py",
            "hw\\softmax.py",
            "..\\softmax.py",
            "..",
            "/",
        ],
    )
    def test_unsafe_names_are_not_read(self, tmp_path: Path, name: str) -> None:
        """They are counted in a note, and nothing is written anywhere."""
        path = write_zip(tmp_path / "a.zip", (name, TRAP), ("attention.py", ATTENTION))
        submission = read_submission(path, COURSE)
        assert list(submission.sources) == ["attention"]
        assert "1 of the archive's members, with unsafe names such as" in submission.notes[0]
        assert os.listdir(tmp_path) == ["a.zip"]

    def test_a_name_with_a_nul_is_unsafe(self, tmp_path: Path) -> None:
        """`softmax.py` in front of a NUL is what some programs would see."""
        path = write_zip(tmp_path / "a.zip", ("softmax.pyX.exe", TRAP), ("attention.py", ATTENTION))
        path.write_bytes(path.read_bytes().replace(b"softmax.pyX", b"softmax.py\0"))
        submission = read_submission(path, COURSE)
        assert list(submission.sources) == ["attention"]
        assert "unsafe names" in submission.notes[0]

    def test_a_dot_in_front_is_harmless(self, tmp_path: Path) -> None:
        """Some packers write `./softmax.py`."""
        path = write_zip(tmp_path / "a.zip", ("./", ""), ("./softmax.py", SOFTMAX))
        assert read_submission(path, COURSE).sources["softmax"].file == "softmax.py"

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            (stat.S_IFLNK | 0o777, "a symbolic link"),
            (stat.S_IFIFO | 0o644, "no regular file"),
            (stat.S_IFCHR | 0o644, "no regular file"),
        ],
    )
    def test_links_and_devices_are_not_read(self, tmp_path: Path, mode: int, kind: str) -> None:
        """A link's content is a path, not a source."""
        path = write_zip(
            tmp_path / "a.zip",
            (member("softmax.py", mode), "/etc/passwd"),
            ("attention.py", ATTENTION),
        )
        submission = read_submission(path, COURSE)
        assert list(submission.sources) == ["attention"]
        assert f"softmax.py is {kind} and was not read" in submission.notes

    def test_a_linked_folder_is_not_entered(self, tmp_path: Path) -> None:
        """A link followed by members below it is an old way out of a folder."""
        path = write_zip(
            tmp_path / "a.zip",
            (member("softmax", stat.S_IFLNK | 0o777), "/etc"),
            ("softmax/softmax.py", TRAP),
            ("attention.py", ATTENTION),
        )
        submission = read_submission(path, COURSE)
        assert list(submission.sources) == ["attention"]
        assert "softmax is a symbolic link and was not read" in submission.notes

    @pytest.mark.parametrize("second", ["softmax.py", "./softmax.py"])
    def test_duplicates_are_a_problem(self, tmp_path: Path, second: str) -> None:
        """Programs differ in which of two they take, so neither is."""
        path = write_zip(
            tmp_path / "a.zip",
            ("softmax.py", SOFTMAX),
            (second, TRAP),
            ("attention.py", ATTENTION),
            ("x.txt", "1"),
            ("x.txt", "2"),
        )
        submission = read_submission(path, COURSE)
        assert list(submission.sources) == ["attention"]
        [problem] = submission.problems
        assert problem.topic == "softmax"
        assert "more than once" in problem.message

    def test_a_folder_of_the_same_name_changes_nothing(self, tmp_path: Path) -> None:
        """`softmax.py/` beside `softmax.py` is no second file."""
        for order in (1, -1):
            members = [("softmax.py", SOFTMAX), ("softmax.py/", ""), ("softmax.py/x", "")][::order]
            path = write_zip(tmp_path / "a.zip", *members)
            assert read_submission(path, COURSE).sources["softmax"].text == SOFTMAX

    def test_bombs_are_read_up_to_the_limit(self, tmp_path: Path) -> None:
        """64 MiB of zeros in 64 KiB cost their topic, and no memory."""
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("attention.py", ATTENTION)
            with archive.open("softmax.py", "w", force_zip64=True) as bomb:
                for _ in range(64):
                    bomb.write(bytes(2**20))
        tracemalloc.start()
        try:
            submission = read_submission(path, COURSE)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert list(submission.sources) == ["attention"]
        assert "over 1 MiB" in submission.problems[0].message
        assert peak < 8 * MAX_SOURCE_BYTES

    def test_bombs_beside_the_sources_are_not_opened(self, tmp_path: Path) -> None:
        """Other members are never unpacked, so their content does not matter."""
        path = write_zip(tmp_path / "a.zip", ("softmax.py", SOFTMAX), ("data.bin", bytes(2**24)))
        assert read_submission(path, COURSE).sources["softmax"].text == SOFTMAX

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_unusual_methods_are_refused(self, tmp_path: Path, method: int) -> None:
        """Their readers unpack a whole block at once, without a bound."""
        with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
            archive.writestr("softmax.py", bytes(2**20))
        assert "softmax.py is packed by an unusual method" in refused(tmp_path / "a.zip")

    def test_thousands_of_members_are_refused(self, tmp_path: Path) -> None:
        """They are counted before an object is made of each."""
        members = [(f"{i}.txt", b"") for i in range(MAX_ENTRIES + 1)]
        path = write_zip(tmp_path / "a.zip", ("softmax.py", SOFTMAX), *members[2:])
        assert list(read_submission(path, COURSE).sources) == ["softmax"]
        path = write_zip(tmp_path / "a.zip", ("softmax.py", SOFTMAX), *members)
        assert f"over {MAX_ENTRIES} files" in refused(path)

    def test_deep_names_cost_nothing(self, tmp_path: Path) -> None:
        """A name of 30,000 folders is not taken apart into 30,000 listings."""
        members = [("a/" * 30_000 + f"{i}", b"") for i in range(50)]
        path = write_zip(tmp_path / "a.zip", ("softmax.py", SOFTMAX), *members)
        tracemalloc.start()
        try:
            read_submission(path, COURSE)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 * path.stat().st_size

    def test_a_large_archive_is_refused(self, tmp_path: Path) -> None:
        """An archive is held in memory, so its size has a bound; the file here is sparse."""
        with (tmp_path / "a.zip").open("wb") as file:
            file.truncate(MAX_ARCHIVE_BYTES + 1)
        assert "over 64 MiB" in refused(tmp_path / "a.zip")

    def test_an_encrypted_member_is_refused(self, tmp_path: Path) -> None:
        """The message says so, not that a password is wrong."""
        path = write_zip(tmp_path / "a.zip", ("softmax.py", SOFTMAX))
        data = bytearray(path.read_bytes())
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(data)
        assert "softmax.py is encrypted; pack without a password" in refused(path)

    def test_damaged_archives_are_refused(self, tmp_path: Path) -> None:
        """Cut at any byte, or of another kind, or empty."""
        path = tmp_path / "a.zip"
        data = write_zip(path, ("softmax.py", SOFTMAX * 3)).read_bytes()
        for end in range(len(data)):
            path.write_bytes(data[:end])
            assert "not a sound .zip archive" in refused(path)
        path.write_bytes(b"Rar!\x1a\x07\x00" + bytes(100))
        assert "not a sound .zip archive (File is not a zip file)" in refused(path)
        path.write_bytes(data.replace(b"softmax", b"softmix", 1))
        assert "not a sound .zip archive" in refused(path)
        broken = bytearray(data)
        broken[45] ^= 0xFF
        path.write_bytes(broken)
        assert "not a sound .zip archive" in refused(path)

    @pytest.mark.parametrize("value", [0x64, 0xFFFFFFFF])
    def test_lies_about_size_are_caught(self, tmp_path: Path, value: int) -> None:
        """The declared size and the checksum bind what is read, not the archive's word alone."""
        path = write_zip(tmp_path / "a.zip", ("softmax.py", bytes(2**22)))
        data = bytearray(path.read_bytes())
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, value)
        path.write_bytes(data)
        try:
            submission = read_submission(path, COURSE)
        except UnreadableSubmissionError:
            return
        assert submission.sources == {}

    @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_archive_is_read_or_refused(self, tmp_path: Path, data: st.DataObject) -> None:
        """Bytes of a sound archive changed at will: our exception or a submission, no other."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("softmax.py", SOFTMAX)
            archive.writestr("hw/é.py", ATTENTION)
            archive.writestr(zipfile.ZipInfo("attention.py"), ATTENTION)
        content = bytearray(buffer.getvalue())
        for _ in range(data.draw(st.integers(0, 4))):
            position = data.draw(st.integers(0, len(content) - 1))
            content[position] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()):
            extra = data.draw(st.binary(max_size=30))
            position = data.draw(st.integers(0, len(content)))
            content[position:position] = extra
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        try:
            submission = read_submission(path, COURSE)
        except UnreadableSubmissionError as error:
            message = str(error)
        else:
            message = "".join(submission.notes)
            for source in submission.sources.values():
                assert source.text in (SOFTMAX, ATTENTION)  # the checksum holds
        assert message.isprintable() or not message

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.text(min_size=1, max_size=20), max_size=6))
    def test_any_member_names_are_read_or_refused(self, tmp_path: Path, names: list[str]) -> None:
        """Whatever the members are called, the sound one is found and messages stay printable."""
        path = write_zip(
            tmp_path / "a.zip",
            ("attention.py", ATTENTION),
            *[(named(name), b"x") for name in names],
        )
        submission = read_submission(path, COURSE)
        assert {note.isprintable() for note in submission.notes} <= {True}
        if "attention.py" not in names:
            assert submission.sources["attention"].text == ATTENTION


def test_nothing_is_run_or_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading text that would raise, warn or not parse is only reading."""
    import builtins

    def forbidden(*_: object, **__: object) -> object:
        raise AssertionError("a submission was compiled")

    for name in ("compile", "exec", "eval"):
        monkeypatch.setattr(builtins, name, forbidden)
    (tmp_path / "softmax.py").write_text(TRAP + "def (: '\\d'\n" + "(" * 10_000, encoding="utf-8")
    submission = read_submission(tmp_path, COURSE)
    monkeypatch.undo()
    assert submission.sources["softmax"].text.startswith(TRAP)


def test_codecs_are_not_taken_from_the_submission(tmp_path: Path) -> None:
    """A declared encoding names a codec of Python's own, never a module beside the source."""
    (tmp_path / "evil.py").write_text(TRAP, encoding="utf-8")
    (tmp_path / "softmax.py").write_text("# coding: evil\n", encoding="utf-8")
    [problem] = read_submission(tmp_path, COURSE).problems
    assert "unknown encoding: evil" in problem.message
    with pytest.raises(LookupError):
        codecs.lookup("evil")


def test_a_text_without_functions_calls_nothing() -> None:
    """An empty file, and one that is no Python."""
    assert calls_between("", {"f"}) == {}
    assert calls_between("def (\n", {"f"}) == {}
    assert calls_between("def f():\n    g()\ndef g(): pass\n", {"f", "g"})["f"] == {"g"}
