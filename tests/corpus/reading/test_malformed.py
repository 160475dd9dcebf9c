"""Whatever is wrong with a file, it is one entry that names it: no traceback, nothing waited for."""

import gzip
import os
import socket

import pytest
from sample_files import archive, mail, pdf, rewritten, slides, word, workbook

from hybrid.corpus.reading import Ingest, Limits, ingest
from hybrid.errors import BadInput

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE w:document [<!ENTITY a "haha">%s]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>""" % b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in b"bcdefghij"
)
"""Four letters, ten times ten times … nine times over."""

MEGABYTE = 2**20


def of(build, *arguments, **options):
    """Makes a file of the bytes that a function gives."""
    return lambda path: path.write_bytes(build(*arguments, **options))


def cut(build, length, *arguments, **options):
    return lambda path: path.write_bytes(build(*arguments, **options)[:length])


def zeros():
    return gzip.compress(bytes(MEGABYTE)) * 90


def blank_lines():
    return gzip.compress((b" " * 1023 + b"\n") * 90 * 1024)


def bomb():
    return archive(**{"[Content_Types]__xml": b" " * 90 * MEGABYTE})


def laughing():
    return rewritten(word("x"), "word/document.xml", lambda _: LAUGHS)


def torn():
    return rewritten(workbook(A=[["a", "b"]]), "xl/worksheets/sheet1.xml", lambda content: content[:99])


def link(target):
    return lambda path: path.symlink_to(target)


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        # Its address must be short, so it is made from within the folder.
        made.bind(path.name)


# Name → content or what makes it, kind, a part of the reason, row.
CASES = {
    "utf8.md": (b"ab\xe9", "unreadable", "not UTF-8 at byte 2", None),
    "nul.txt": (b"a\0", "unreadable", "NUL at character 1", None),
    "utf16.txt": ("Text".encode("utf-16"), "unreadable", "UTF-16", None),
    "bom.md": (b"\xef\xbb\xbf", "no text", "has no text", None),
    "empty.md": (b"", "empty", "is empty", None),
    "empty.pdf": (b"", "empty", "is empty", None),
    "blank.rst": (b" \n\f\t\n", "no text", "has no text", None),
    "large.md": (b"x" * 9 * MEGABYTE, "too large", "holds more than 8 MB", None),
    "junk.md.gz": (b"junk", "unreadable", "not a whole gzip file", None),
    "short.md.gz": (gzip.compress(b"Text.")[:-9], "unreadable", "not a whole gzip file", None),
    "bomb.md.gz": (of(zeros), "too large", "holds more than 8 MB", None),
    "bomb.html.gz": (of(zeros), "too large", "holds more than 80 MB", None),
    "deep.jsonl": (b'{"id": "a", "text": ' + b"[" * 99_999, "bad row", "", 1),
    "list.jsonl": (b'{"id": "a", "text": "A."}\n[]', "bad row", "should be an object", 2),
    "missing.jsonl": (b'{"id": "a"}', "bad row", "text: Field required", 1),
    "unknown.jsonl": (b'{"id": "a", "text": "A.", "url": ""}', "bad row", "url: unknown key", 1),
    "twice.jsonl": (b'{"id": "a", "text": "A."}\n' * 2, "repeated id", '"a" stands in row 1', 2),
    "cut.jsonl": (b'{"id": "a", "text": "A."}\n{"id', "bad row", "Invalid JSON", 2),
    "letters.jsonl": (b'\n{"id": "\xff"}', "bad row", "not UTF-8 at byte 8", 2),
    "surrogate.jsonl": (rb'{"id": "a", "text": "\ud800"}', "bad row", "Invalid JSON", 1),
    "long.jsonl": (b'{"id": "' + b"x" * 9 * MEGABYTE, "too large", "the row has more than 8 MB", 1),
    "norows.jsonl": (b"\n\n", "empty", "holds no rows", None),
    "bomb.jsonl.gz": (of(zeros), "too large", "the row has more than 8 MB", 1),
    "lines.jsonl.gz": (of(blank_lines), "too large", "holds more than", None),
    "nocolumn.csv": (b"id,body\n1,A.\n", "unreadable", 'no column "text", but id, body', 1),
    "twocolumns.csv": (b"text,text\nA.,B.\n", "unreadable", 'two columns are named "text"', 1),
    "ragged.csv": (b"id,text\n1,A.\n2\n", "bad row", "has 1 cells, the header has 2", 3),
    "wide.csv": (b"id,text\n1,A, then B.\n", "bad row", "has 3 cells, the header has 2", 2),
    "quotes.csv": (b'id,text\n1,A.\n2,"B.\n3,C.\n', "unreadable", "not CSV", 3),
    "nul.csv": (b"id,text\n1,A\0\n", "unreadable", "NUL", 2),
    "blank.csv": (b"id,text\n1, \n", "bad row", "text: is no text", 2),
    "header.csv": (b"id,text\n", "empty", "holds no rows", None),
    "nothing.csv": (b"\n", "empty", "holds no rows", None),
    "junk.pdf": (b"junk", "unreadable", "cannot be parsed", None),
    "cut.pdf": (cut(pdf, 300, "Text"), "unreadable", "cannot be parsed", None),
    "locked.pdf": (of(pdf, "Text", password="secret"), "encrypted", "password", None),
    "scanned.pdf": (of(pdf, "", ""), "no text", "has no text layer", None),
    "junk.docx": (b"junk", "unreadable", "not an Office file", None),
    "other.docx": (of(archive, a="a"), "unreadable", "cannot be parsed", None),
    "locked.docx": (b"\xd0\xcf\x11\xe0" + bytes(99), "encrypted", "encrypted, or of the format before", None),
    "blank.docx": (of(word, " "), "no text", "has no text", None),
    "bomb.docx": (of(bomb), "too large", "unpacks to 94.37 MB", None),
    "laughs.docx": (of(laughing), "unreadable", "cannot be parsed", None),
    "noslides.pptx": (of(slides), "no text", "has no text", None),
    "junk.pptx": (of(archive, b="b"), "unreadable", "cannot be parsed", None),
    "junk.xlsx": (cut(workbook, 500, A=[["a", "b"]]), "unreadable", "not an Office file", None),
    "blank.xlsx": (of(workbook, A=[]), "no text", "has no text", None),
    "torn.xlsx": (of(torn), "unreadable", "cannot be parsed", None),
    "nobody.eml": (of(mail, Subject="Hello"), "no text", "no body", None),
    "attached.eml": (of(mail, Subject="Hello", attachment=b"x"), "no text", "no body", None),
    "junk.eml": (b"\0\1 junk", "unreadable", "is no mail", None),
    "scripts.html": (b"<script>alert(1)</script><style>p {}</style>", "no text", "no visible text", None),
    "blank.html": (b" \n", "no text", "no visible text", None),
    "comment.html": (b"<!-- x -->", "no text", "no visible text", None),
    "nested.html": (b"<div>" * 100_000, "no text", "no visible text", None),
    "out.md": (link("/etc/passwd"), "outside", "leads out of the folder", None),
    "outer": (link("/etc"), "outside", "leads out of the folder", None),
    "round.md": (link("round.md"), "unreadable", "symbolic links", None),
    "gone.md": (link("nothing.md"), "unreadable", "No such file", None),
    "pipe.md": (os.mkfifo, "unreadable", "is no file but a pipe", None),
    "socket.md": (bound_socket, "unreadable", "is no file but a socket", None),
}
LIMITS = Limits(unpacked_bytes=80_000_000, text_bytes=8_000_000)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All of them in one folder, read once, beside one that is well."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "well.md").write_text("# Well\n\nRead.")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, (content, *_) in CASES.items():
            make = of(bytes, content) if isinstance(content, bytes) else content
            make(folder / name)
    return ingest([folder], limits=LIMITS, skip=True)


@pytest.mark.parametrize("name", CASES)
def test_it_is_told_with_its_kind_reason_and_row(found, name):
    _, kind, reason, row = CASES[name]
    [entry] = [entry for entry in found.skipped if entry.id == name]
    assert (entry.kind, entry.row) == (kind, row), entry
    assert reason in entry.reason
    assert entry.path.endswith(f"/{name}")


@pytest.mark.parametrize("name", CASES)
def test_without_skip_it_is_one_line_that_names_it(found, name):
    entry = next(entry for entry in found.skipped if entry.id == name)
    with pytest.raises(BadInput) as caught:
        Ingest(skipped=(entry,)).check()
    assert str(caught.value).startswith(f"{entry.place}: ")
    assert "\n" not in str(caught.value)


def test_what_is_well_beside_it_is_read(found):
    told = {entry.id for entry in found.skipped}
    assert told == CASES.keys()
    assert [document.id for document in found.documents] == ["a", "a", "1", "a", "well.md"]


def test_without_skip_the_first_is_named_and_the_others_are_counted(tmp_path):
    for name in ("a.md", "b.md", "c.jsonl"):
        (tmp_path / name).write_bytes(b"\xff")
    with pytest.raises(BadInput) as caught:
        ingest([tmp_path])
    assert str(caught.value).startswith(f"{tmp_path}/a.md: not UTF-8 at byte 0 … and 2 more")


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(seconds=0.001), "too slow"),
        (Limits(memory_bytes=260_000_000), "too large"),
        (Limits(file_bytes=9), "too large"),
        (Limits(text_bytes=9), "too large"),
    ],
    ids=["seconds", "memory", "file", "text"],
)
def test_a_limit_refuses_one_file_and_not_the_next(tmp_path, limits, kind):
    (tmp_path / "a.html").write_bytes(b"<p>" + b"text " * 4_000_000)
    (tmp_path / "b.md").write_text("Read.")
    found = ingest([tmp_path], limits=limits, skip=True)
    assert [(entry.id, entry.kind) for entry in found.skipped] == [("a.html", kind)]
    assert [document.id for document in found.documents] == ["b.md"]


def test_a_name_that_is_not_utf8_is_told_in_utf8(tmp_path):
    (tmp_path / "a.md").write_text("Read.")
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("Read, too.")
    [entry] = ingest([tmp_path], skip=True).skipped
    assert (entry.id, entry.reason) == (r"\udcff.md", "its name is not UTF-8")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_permission_is_told(tmp_path):
    (tmp_path / "a.md").touch(mode=0)
    with pytest.raises(BadInput, match=r"a\.md: Permission denied"):
        ingest([tmp_path])
