"""A trade file as it comes: plain or gzip, in one of several encodings, of any size; read as a stream of lines.

`examine` reads the whole file once, so that a broken or wrongly written one is refused before anything is booked.
"""

import codecs
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec

from backend.core.errors import Fault
from backend.core.text import N_
from backend.trade import rules
from backend.trade.mapping import FileMapping
from backend.trade.reasons import Why
from backend.trade.rules import FileRefused

BLOCK = 1 << 18
LONGEST_LINE = 1 << 20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NUL_SHOWN = "\N{SYMBOL FOR NULL}"


class Source(msgspec.Struct, frozen=True):
    """A file that was read to its end: its encoding, and a hash of what it says (the same packed or not)."""

    path: Path
    encoding: str
    digest: bytes
    size: int
    changed_at_ns: int


def refused(field: str, value: object, sentence: str, **facts: object) -> FileRefused:
    """A refusal of the whole file for one cause."""
    return FileRefused([Fault(field, value, sentence, {"value": value, **facts})])


def examine(path: Path, mapping: FileMapping, progress: Callable[[int, int], None]) -> Source:
    """Read the whole file: it must be complete and in one of the mapping's encodings. Reports bytes read and all."""
    status = _status(path)
    if status.st_size == 0:
        raise refused("file", path.name, N_("The file “%(value)s” is empty. Export it again."))
    with path.open("rb") as raw:
        head = raw.read(4)
    if head[:2] == b"PK" or head == b"\xd0\xcf\x11\xe0":
        raise refused(
            "file", path.name, N_("“%(value)s” is a workbook or an archive. Save the sheet as CSV, or unpack it.")
        )
    with _unpacked(path) as (stream, raw):
        first = _guarded(stream, path, 4)
    if not first:
        raise refused("file", path.name, N_("The file “%(value)s” is empty. Export it again."))
    marked = next((encoding for mark, encoding in MARKS if first.startswith(mark)), None)
    wrong: FileRefused | None = None
    for encoding in (marked,) if marked else mapping.encodings:
        try:
            digest = _decoded_to_the_end(path, encoding, status.st_size, progress)
        except FileRefused as refusal:
            if wrong is None:
                wrong = refusal
            if refusal.faults[0].field != "encoding":
                raise
        else:
            return Source(path, encoding, digest, status.st_size, status.st_mtime_ns)
    assert wrong is not None
    raise wrong


@contextmanager
def opened(source: Source) -> Iterator[tuple[TextIO, Callable[[], int]]]:
    """The text of the file, line ends as ``\\n``, and how many bytes of it were read so far."""
    with _unpacked(source.path) as (stream, raw):
        text = io.TextIOWrapper(io.BufferedReader(stream, BLOCK), encoding=source.encoding, errors="strict")  # type: ignore[type-var]
        try:
            yield text, raw.tell
        finally:
            text.detach()


def require_unchanged(source: Source) -> None:
    """Refuse a file that was written to since it was examined."""
    status = _status(source.path)
    if (status.st_size, status.st_mtime_ns) != (source.size, source.changed_at_ns):
        raise rules.FileChanged(name=source.path.name)


class Lines:
    """The lines of a text, of bounded length whatever the file holds.

    `spoiled` tells which of the lines ahead are not to be trusted and why; `current` is the line given last. A line
    longer than LONGEST_LINE is cut; with a quotation mark in it nobody knows where its cells end, so it is refused.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.spoiled: dict[int, Why] = {}
        self.current = ""

    def __iter__(self) -> Iterator[str]:
        number = 0
        rest = ""
        while block := self._text.read(BLOCK):
            cut = block.rfind("\n") + 1
            if not cut:
                rest += block
                if len(rest) > LONGEST_LINE:
                    number += 1
                    rest = yield from self._too_long(rest, number)
                continue
            whole = rest + block[:cut]
            rest = block[cut:]
            if "\0" in whole:
                whole = self._without_nul(whole, number)
            number += whole.count("\n")
            for line in io.StringIO(whole):
                self.current = line
                yield line
        if rest:
            self.current = self._without_nul(rest, number) if "\0" in rest else rest
            yield self.current

    def _without_nul(self, whole: str, before: int) -> str:
        for number, line in enumerate(whole.split("\n"), before + 1):
            if "\0" in line:
                self.spoiled[number] = Why.NUL
        return whole.replace("\0", NUL_SHOWN)

    def _too_long(self, start: str, number: int) -> Generator[str, None, str]:
        """Give the beginning of an endless line and skip the rest of it; returns what follows it."""
        piece, rest = start, ""
        while True:
            if '"' in piece:
                raise refused(
                    f"line {number}",
                    start[: rules.SHOWN],
                    N_(
                        "Line %(line)s is longer than %(most)s characters and has quotation marks: where its cells end "
                        "cannot be known. Correct the line. It begins: %(value)s"
                    ),
                    line=number,
                    most=LONGEST_LINE,
                )
            piece = self._text.read(BLOCK)
            if not piece:
                break
            end = piece.find("\n") + 1
            if end:
                piece, rest = piece[:end], piece[end:]
                if '"' not in piece:
                    break
        self.spoiled[number] = Why.TOO_LONG
        self.current = start[: rules.SHOWN].replace("\0", NUL_SHOWN) + "\n"
        yield self.current
        return rest


def _status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:
        raise refused(
            "file", str(path), N_("The file “%(value)s” cannot be read: %(problem)s."), problem=error.strerror
        ) from None
    if path.is_dir():
        raise refused("file", str(path), N_("“%(value)s” is a folder. Give the path of a file."))
    return status


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The content of the file, unpacked when it is gzip, and the file itself."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise refused(
            "file", str(path), N_("The file “%(value)s” cannot be read: %(problem)s."), problem=error.strerror
        ) from None
    with raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream, raw  # type: ignore[misc]
        else:
            yield raw, raw


def _guarded(stream: BinaryIO, path: Path, size: int) -> bytes:
    try:
        return stream.read(size)
    except EOFError:
        raise refused(
            "file", path.name, N_("The gzip file “%(value)s” is cut off. Copy or download it again.")
        ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise refused(
            "file", path.name, N_("The gzip file “%(value)s” is damaged. Copy or download it again.")
        ) from None


def _decoded_to_the_end(path: Path, encoding: str, size: int, progress: Callable[[int, int], None]) -> bytes:
    decoder = codecs.getincrementaldecoder(encoding)()
    digest = hashlib.blake2b(digest_size=16)
    lines = 1
    with _unpacked(path) as (stream, raw):
        while True:
            block = _guarded(stream, path, BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + error.object[: error.start].count(b"\n")
                raise refused(
                    "encoding",
                    error.object[error.start : error.end].hex(" "),
                    N_("Line %(line)s holds the bytes %(value)s, which are not %(encoding)s. Save the file as UTF-8."),
                    line=line,
                    encoding=encoding.removesuffix("-sig").upper(),
                ) from None
            if not block:
                return digest.digest()
            lines += text.count("\n")
            digest.update(block)
            progress(raw.tell(), size)
