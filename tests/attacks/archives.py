"""Archives that mean harm or are odd, made by code, each with what must come of it.

Each is handed in three ways: by itself and as one student's entry among others, of which the same must come, and, its
members in a folder of that student's, as the archive of a whole class. What comes of it is ``read`` (the honest source is
taken), ``problem: <words>`` (its topic's file costs that topic), ``refused: <words>`` or, of a class, ``absent`` (nothing
of that student's is found); other students' entries are read, but where the archive of a whole class is ``all refused:
<words>``. ``or`` stands between what may differ by the version of Python.
"""

from __future__ import annotations

import binascii
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

HONEST = b"def scaled_square_grad(x, c):\n    return 2.0 * c * x\n"
TRAP = b"CANARY = 1\n"
MEMBER = "toy.py"
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
NONE = "refused: holds no submission"
UNSOUND = "refused: not a sound .zip archive"


@dataclass(frozen=True)
class Packed:
    """A member, with what its headers say of it where that is not the truth.

    Attributes
    ----------
    at : where the central directory says that it begins; by default where it does.
    local : its name in front of its data; by default the same.
    """

    name: bytes
    data: bytes = HONEST
    method: int = STORED
    flags: int = 0x800  # names are UTF-8
    mode: int = 0
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    extra: bytes = b""
    at: int | None = None
    local: bytes | None = None


def pack(members: Iterable[Packed], *, comment: bytes = b"", before: bytes = b"") -> bytes:
    """An archive, written by hand: zipfile would not write most of these."""
    out, central, n = [before], [], 0
    length = len(before)
    for member in members:
        data = member.data
        if member.method == DEFLATED:
            packer = zlib.compressobj(1, zlib.DEFLATED, -15)
            data = packer.compress(data) + packer.flush()
        crc = binascii.crc32(member.data) if member.crc is None else member.crc
        packed_size = len(data) if member.packed_size is None else member.packed_size
        size = len(member.data) if member.size is None else member.size
        fields = (20, member.flags, member.method, 0, 33, crc, packed_size, size)
        local = member.name if member.local is None else member.local
        at = length if member.at is None else member.at
        if member.at is None:
            out.append(struct.pack("<4s5H3I2H", b"PK\3\4", *fields, len(local), 0) + local + data)
            length += len(out[-1])
        head = struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 3 << 8 | 20, *fields, len(member.name), len(member.extra), 0, 0, 0,
            member.mode << 16, at,
        )  # fmt: skip
        central.append(head + member.name + member.extra)
        n += 1
    directory = b"".join(central)
    n = min(n, 0xFFFF)  # zipfile goes by the directory's length
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, n, n, len(directory), length, len(comment))
    return b"".join(out) + directory + end + comment


@dataclass(frozen=True)
class Trick:
    """One archive.

    Attributes
    ----------
    alone : what must come of it by itself.
    whole : what must come of it as the archive of a class.
    build : makes it, its members in a folder.
    members : how many it has, where that is many.
    """

    alone: str
    whole: str
    build: Callable[[bytes], bytes]
    members: int = 0

    @property
    def name(self) -> str:
        return self.build.__name__.strip("_")

    def made(self, prefix: bytes = b"") -> bytes:
        """It, its members in a folder."""
        return self.build(prefix)


TRICKS: list[Trick] = []


def trick(
    alone: str, whole: str = "", members: int = 0
) -> Callable[[Callable[[bytes], bytes]], Callable[[bytes], bytes]]:
    """Enter what a function makes into `TRICKS`."""

    def entered(build: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        TRICKS.append(Trick(alone, whole or alone, build, members))
        return build

    return entered


def _class(folder: bytes, members: Iterable[Packed], **options: bytes) -> bytes:
    """Members in a folder, and in the archive of a class somebody else's beside it."""
    inside = [*members]
    if folder:
        inside.append(Packed(b"bob/toy.py"))
    return pack(inside, **options)


# ---- names


@trick("read")
def zip_slip(folder: bytes) -> bytes:
    """Names that climb out of the folder that they are unpacked in."""
    names = (b"../toy.py", b"../../../../../../tmp/gradsmith-pwned", b"toy/../../x.py")
    return _class(
        folder, [Packed(folder + b"toy.py"), *(Packed(folder + name, TRAP) for name in names)]
    )


@trick(NONE, "absent")
def absolute(folder: bytes) -> bytes:
    """Names that begin at the root."""
    return _class(folder, [Packed(b"/toy.py"), Packed(b"/tmp/gradsmith-pwned/toy.py")])


@trick(NONE, "absent")
def of_windows(folder: bytes) -> bytes:
    """Names that climb or begin at a drive where a backslash divides."""
    return _class(
        folder, [Packed(b"..\\toy.py"), Packed(b"C:\\toy.py"), Packed(b"C:toy.py"), Packed(b"\\\\x\\y\\toy.py")]
    )  # fmt: skip


@trick(NONE, "absent")
def nul_in_a_name(folder: bytes) -> bytes:
    """A name that ends earlier for C than for Python."""
    return _class(folder, [Packed(folder + b"toy.py\0.exe", TRAP)])


@trick(NONE)
def looks_alike(folder: bytes) -> bytes:
    """Names that look like the topic's: another alphabet's letter, turned around, with a mark, in another form."""
    names = (
        "t\u043ey.py",
        "\u202eyp.yot",
        "toy.py\u200b",
        "toy\u2024py",
        "\u0074\u006f\u0301y.py",
        "toy.py\x1b[2J",
    )
    return _class(folder, [Packed(folder + name.encode(), TRAP) for name in names])


@trick(UNSOUND, "all " + UNSOUND)
def name_that_is_no_text(folder: bytes) -> bytes:
    """A name that says it is UTF-8 and is not."""
    return _class(folder, [Packed(folder + b"toy.py"), Packed(folder + b"\xff\xfe", TRAP)])


@trick("read")
def long_names(folder: bytes) -> bytes:
    """Names of 60,000 characters, in one part and in thousands."""
    return _class(
        folder,
        [Packed(folder + b"a" * 60_000), Packed(folder + b"a/" * 30_000), Packed(folder + b"toy.py"),
         *(Packed(folder + b"%d/" % i * 10_000, b"") for i in range(20))],
    )  # fmt: skip


@trick(NONE)
def folder_named_like_the_file(folder: bytes) -> bytes:
    """A folder in the place of the file, with files in it."""
    inside = folder + b"toy.py/"
    return _class(folder, [Packed(inside, b""), Packed(inside + b"x.py", TRAP)])


@trick("read")
def case_clash(folder: bytes) -> bytes:
    """Names that are one on some systems, the last of which would win."""
    names = (b"toy.py", b"TOY.PY", b"Toy.py", b"toy.PY")
    return _class(folder, [Packed(folder + n, HONEST if n == b"toy.py" else TRAP) for n in names])


@trick("problem: more than once")
def duplicates(folder: bytes) -> bytes:
    """Two members of one name: which is graded?"""
    return _class(folder, [Packed(folder + b"toy.py"), Packed(folder + b"toy.py", TRAP)])


@trick("problem: more than once")
def duplicates_by_a_dot(folder: bytes) -> bytes:
    """Two members whose names mean one file."""
    return _class(folder, [Packed(folder + b"toy.py"), Packed(folder + b"./toy.py", TRAP)])


@trick(UNSOUND)
def two_names_for_one_member(folder: bytes) -> bytes:
    """One name in the directory, another in front of the data."""
    return _class(folder, [Packed(folder + b"toy.py", local=folder + b"t0y.py")])


# ---- links and the like


@trick("refused: a symbolic link")
def link(folder: bytes) -> bytes:
    """A link in the place of the file."""
    return _class(folder, [Packed(folder + b"toy.py", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)])


@trick("refused: a symbolic link")
def linked_folder(folder: bytes) -> bytes:
    """A link in the place of the folder, and a member that would be written through it."""
    return _class(
        folder,
        [Packed(folder + b"toy", b"/tmp", mode=stat.S_IFLNK | 0o777), Packed(folder + b"toy/toy.py", TRAP)],
    )  # fmt: skip


@trick("refused: no regular file")
def pipe(folder: bytes) -> bytes:
    """A pipe that would be waited for without end."""
    return _class(folder, [Packed(folder + b"toy.py", mode=stat.S_IFIFO | 0o644)])


# ---- sizes


@trick("problem: over 1 MiB")
def hundred_megabytes(folder: bytes) -> bytes:
    """One member of 100 MB, a thousandth of that when packed."""
    return _class(folder, [Packed(folder + b"toy.py", bytes(10**8), DEFLATED)])


@trick("read")
def hundred_megabytes_beside(folder: bytes) -> bytes:
    """A member of 100 MB beside the source, which nobody asks for."""
    return _class(
        folder, [Packed(folder + b"data.bin", bytes(10**8), DEFLATED), Packed(folder + b"toy.py")]
    )


@trick(NONE)
def nested(folder: bytes) -> bytes:
    """Archives in archives, five deep, the last of which hold a gigabyte together."""
    data = pack([Packed(b"toy.py", bytes(10**7), DEFLATED)])
    for _ in range(5):
        data = pack([Packed(b"%d.zip" % i, data, DEFLATED) for i in range(3)])
    return _class(folder, [Packed(folder + b"toy.zip", data), Packed(folder + b"1.zip", data)])


@trick("read or " + UNSOUND)
def overlapping(folder: bytes) -> bytes:
    """A thousand members that are one piece of data, as in a bomb without nesting."""
    first = Packed(folder + b"toy.py")
    return _class(
        folder,
        [first, *(Packed(folder + b"%d.py" % i, at=0) for i in range(1000))],
    )


@trick("refused: over 10000 files", "read", 100_000)
def hundred_thousand_members(folder: bytes) -> bytes:
    """A hundred thousand members beside the source."""
    others = (Packed(folder + b"d/%d" % i, b"") for i in range(100_000))
    return _class(folder, [Packed(folder + b"toy.py"), *others])


@trick("refused: over 10000 files", "read")
def signatures(folder: bytes) -> bytes:
    """A comment that looks like the beginning of 16,000 members."""
    return _class(folder, [Packed(folder + b"toy.py")], comment=b"PK\1\2" * 16_000)


@trick("problem: NUL", "problem: NUL")
def zeros(folder: bytes) -> bytes:
    """A source of zeros, packed well."""
    return _class(folder, [Packed(folder + b"toy.py", bytes(10**6), DEFLATED)])


@trick("refused: over 64 MiB", "read")
def large(folder: bytes) -> bytes:
    """An archive of 70 MiB."""
    return _class(
        folder, [Packed(folder + b"data.bin", bytes(70 * 2**20)), Packed(folder + b"toy.py")]
    )


# ---- lies and damage


@trick("refused: encrypted")
def encrypted(folder: bytes) -> bytes:
    """A member that wants a password."""
    return _class(folder, [Packed(folder + b"toy.py", flags=0x801)])


@trick(UNSOUND)
def wrong_sum(folder: bytes) -> bytes:
    """A member whose checksum is another's."""
    return _class(folder, [Packed(folder + b"toy.py", crc=1)])


@trick(UNSOUND, "all " + UNSOUND)
def truncated(folder: bytes) -> bytes:
    """The first half of an archive, without its directory."""
    whole = _class(folder, [Packed(folder + b"toy.py")])
    return whole[: len(whole) // 2]


@trick(UNSOUND, "all " + UNSOUND)
def no_archive(folder: bytes) -> bytes:
    """A source that is called an archive."""
    return HONEST


@trick(NONE, "all refused: no submission found")
def empty(folder: bytes) -> bytes:
    """An archive of nothing."""
    return pack([])


@trick(UNSOUND)
def size_of_less(folder: bytes) -> bytes:
    """A member that says it is shorter than it is, so that a check would see its beginning alone."""
    return _class(folder, [Packed(folder + b"toy.py", HONEST * 9, DEFLATED, size=10)])


@trick(UNSOUND)
def size_of_more(folder: bytes) -> bytes:
    """A member that says it is 4 GB."""
    return _class(folder, [Packed(folder + b"toy.py", size=2**32 - 2, packed_size=2**32 - 2)])


@trick(UNSOUND)
def begins_past_the_end(folder: bytes) -> bytes:
    """A member that lies where there is nothing."""
    return _class(folder, [Packed(folder + b"toy.py", at=2**31)])


@trick("refused: unusual method")
def packed_by_lzma(folder: bytes) -> bytes:
    """A method that would take the memory that it says it needs."""
    return _class(folder, [Packed(folder + b"toy.py", method=zipfile.ZIP_LZMA)])


@trick("refused: unusual method")
def packed_by_nothing(folder: bytes) -> bytes:
    """A method that there is not."""
    return _class(folder, [Packed(folder + b"toy.py", method=255)])


# ---- sound, but unusual


@trick("read")
def zip64(folder: bytes) -> bytes:
    """Lengths of 64 bits, for a file that does not need them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in (folder + b"toy.py", *([b"bob/toy.py"] if folder else [])):
            with archive.open(name.decode(), "w", force_zip64=True) as member:
                member.write(HONEST)
    return file.getvalue()


@trick(UNSOUND)
def zip64_without_measure(folder: bytes) -> bytes:
    """Lengths of 64 bits that are as long as can be."""
    extra = struct.pack("<2H2Q", 1, 16, 2**63, 2**63)
    return _class(
        folder, [Packed(folder + b"toy.py", size=2**32 - 1, packed_size=2**32 - 1, extra=extra)]
    )


@trick("read")
def data_before(folder: bytes) -> bytes:
    """An archive that is another file too: a program in front of it."""
    return _class(folder, [Packed(folder + b"toy.py")], before=b"#!/bin/sh\nexit 1\n" * 100)


@trick("read")
def data_before_untold(folder: bytes) -> bytes:
    """The same, with offsets that know nothing of it."""
    return b"\x7fELF" + bytes(1000) + _class(folder, [Packed(folder + b"toy.py")])


@trick("read")
def data_behind(folder: bytes) -> bytes:
    """Something behind the archive."""
    return _class(folder, [Packed(folder + b"toy.py")]) + b"%PDF-1.7\n" * 100


@trick("read")
def one_behind_another(folder: bytes) -> bytes:
    """Two archives in one file: the last is the one that all programs see."""
    return _class(folder, [Packed(folder + b"toy.py", TRAP)]) + _class(
        folder, [Packed(folder + b"toy.py")]
    )
