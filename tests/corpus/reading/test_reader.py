"""Files and folders become documents, and the report tells what did not."""

import gzip
import json
import os
import subprocess
import sys

import pytest
from sample_files import pdf, word, workbook

from hybrid.corpus.reading import Ingest, Skipped, ingest, read_documents
from hybrid.errors import BadInput
from hybrid.records import Document


@pytest.fixture
def put(tmp_path):
    """Writes a file below the test's folder, whose path is given back."""

    def put(name, data):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return put


def names(documents):
    return [(document.id, document.title) for document in documents]


def test_a_folder_is_read_in_order_without_hidden_and_other_files(put, tmp_path):
    put("b/notes.txt", "\ufeffPlain.")
    put("a.md", "# Warranty\n\nFive years.")
    put("c.RST.gz", gzip.compress(b"Service\n=======\n\nDaily."))
    put(".hidden/x.md", "x")
    put("~$c.docx", "x")
    put("picture.png", b"\x89PNG")
    found = ingest([tmp_path])
    assert names(found.documents) == [("a.md", "Warranty"), ("b/notes.txt", "notes"), ("c.RST.gz", "Service")]
    assert found.documents[1].text == "Plain."
    assert found.passed_over == {"hidden": 2, ".png": 1}


def test_files_of_every_kind_have_their_title_from_inside_or_their_name(put, tmp_path):
    put("a.pdf", pdf("Cover", title="Manual"))
    put("b.docx.gz", gzip.compress(word(("Heading 1", "Warranty"), "Five.")))
    put("c.xlsx", workbook(Sheet1=[["Model", "Years"], ["X1", 5]]))
    put("d.htm", "<p>Plain.")
    documents = read_documents([tmp_path])
    assert names(documents) == [
        ("a.pdf", "Manual"),
        ("b.docx.gz", "Warranty"),
        ("c.xlsx", "c"),
        ("d.htm", "d"),
    ]


def test_a_pattern_is_expanded_below_its_fixed_part(put, tmp_path):
    put("docs/a/x.md", "x")
    put("docs/y.md", "y")
    put("docs/z.txt", "z")
    documents = read_documents([tmp_path / "docs" / "**" / "*.md"])
    assert [document.id for document in documents] == ["a/x.md", "y.md"]
    with pytest.raises(BadInput, match="No such file"):
        read_documents([tmp_path / "*.rst"])


def test_a_file_with_the_bytes_of_an_earlier_one_is_left_out_and_told(put, tmp_path):
    put("a.md", "Same.")
    put("b.md", "Same.")
    found = ingest([tmp_path])
    assert [document.id for document in found.documents] == ["a.md"]
    assert [(entry.id, entry.kind, entry.reason) for entry in found.skipped] == [
        ("b.md", "duplicate", "has the same content as a.md")
    ]


def test_links_within_the_folder_are_read_and_those_to_folders_passed_over(put, tmp_path):
    put("docs/a.md", "a")
    (tmp_path / "docs" / "b.md").symlink_to("a.md")
    (tmp_path / "docs" / "again").symlink_to(".")
    found = ingest([tmp_path / "docs"])
    assert [entry.kind for entry in found.skipped] == ["duplicate"]
    assert found.passed_over == {"links to folders": 1}


def test_rows_keep_their_title_and_metadata(put):
    path = put("d.jsonl", '{"id": "a", "text": "A.", "metadata": {"group": "g"}}\n')
    assert read_documents([path]) == [Document("a", "", "A.", {"group": "g"})]


def test_a_table_needs_a_column_for_the_text(put):
    path = put("t.csv", '\ufefftext;price;id\n"Two\nlines; a";3;\nB.;;b\n')
    assert read_documents([path]) == [
        Document("t.csv:2", "", "Two\nlines; a", {"price": "3"}),
        Document("b", "", "B.", {}),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", "url,headline,body,lang\nu1,H,B.,de\n"),
        ("t.jsonl", json.dumps({"url": "u1", "headline": "H", "body": "B.", "lang": "de"})),
    ],
)
def test_columns_are_named_and_the_others_become_metadata(put, name, data):
    columns = {"id": "url", "title": "headline", "text": "body"}
    found = ingest([put(name, data)], columns=columns)
    assert found.documents == (Document("u1", "H", "B.", {"lang": "de"}),)


@pytest.mark.parametrize(
    ("columns", "name", "data", "reason"),
    [
        ({"body": "text"}, "t.csv", "text\nA.", '"body=text" names no column'),
        ({"text": "body"}, "t.csv", "text\nA.", r't\.csv:1: there is no column "body", but text'),
        ({"title": "head"}, "t.csv", "text\nA.", r't\.csv:1: there is no column "head"'),
        ({"text": "body"}, "t.jsonl", '{"text": "A."}', r"t\.jsonl:1: body: is missing"),
        ({"text": "body"}, "t.jsonl", '{"body": 3}', r"t\.jsonl:1: body: is no text"),
        ({"id": "url"}, "t.jsonl", '{"text": "A."}', r"t\.jsonl:1: url: is missing"),
        ({"id": "url"}, "t.jsonl", '["text"]', r"t\.jsonl:1: is no JSON object"),
    ],
)
def test_columns_that_do_not_fit(put, columns, name, data, reason):
    with pytest.raises(BadInput, match=reason):
        ingest([put(name, data)], columns=columns)


def test_a_long_cell_is_read_and_the_bound_of_csv_stays(put):
    import csv

    before = csv.field_size_limit()
    [document] = read_documents([put("t.csv", f"text\n{'x' * 200_000}\n")])
    assert (len(document.text), csv.field_size_limit()) == (200_000, before)


def test_with_skip_the_good_rows_and_files_are_kept(put, tmp_path):
    put("a.jsonl", '{"id": "a", "text": "A."}\n{"id": "b"}\n')
    put("b.md", "")
    found = ingest([tmp_path], skip=True)
    assert [document.id for document in found.documents] == ["a"]
    assert [entry.place for entry in found.skipped] == [f"{tmp_path}/a.jsonl:2", f"{tmp_path}/b.md"]


@pytest.mark.parametrize("skip", [True, False])
def test_nothing_to_read_is_a_fault_also_with_skip(put, tmp_path, skip):
    with pytest.raises(BadInput, match="no documents found; known endings: .csv, .docx"):
        ingest([tmp_path], skip=skip)
    with pytest.raises(BadInput, match="No such file"):
        ingest([tmp_path / "gone"], skip=skip)
    with pytest.raises(BadInput, match=r'a.odt: unknown ending ".odt"; known: .csv'):
        ingest([put("a.odt", "x")], skip=skip)


def test_the_summary_has_a_line_for_each_kind_with_a_few_names():
    skipped = [Skipped(f"{name}.pdf", f"{name}.pdf", "no text", "") for name in "abcd"]
    skipped += [Skipped("t.csv", "t.csv:7", "bad row", "", 7), Skipped("x\n.md", "x", "duplicate", "")]
    found = Ingest((), tuple(skipped), {".pdf": 5000, ".csv": 1, ".md": 3}, {".png": 1200, "hidden": 2})
    assert found.summary() == [
        "4 of 5,000 PDF files without a text layer: a.pdf, b.pdf, c.pdf, …",
        "1 CSV rows not as they should be: t.csv:7",
        "1 of 3 Markdown files with the same content as an earlier one: x .md",
        "1,202 passed over: .png 1,200, hidden 2",
    ]


def test_reading_loads_a_parser_only_in_the_process_that_parses(put, tmp_path):
    put("a.html", "<p>Plain.")
    heavy = "{'docx', 'lxml', 'openpyxl', 'pptx', 'pypdf', 'torch', 'trafilatura'}"
    code = (
        "import sys, pathlib; from hybrid.corpus.reading import ingest\n"
        f"print(len(ingest([pathlib.Path(sys.argv[1])]).documents), {heavy} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.strip() == "1 set()"


def test_a_worker_that_died_is_started_again(put, tmp_path):
    from hybrid.corpus.reading.limits import Limits
    from hybrid.corpus.reading.sandbox import Sandbox

    with Sandbox(Limits()) as sandbox:
        assert sandbox.parse(".html", b"<p>One.").text == "One."
        os.kill(sandbox._process.pid, 9)
        assert sandbox.parse(".html", b"<p>Two.").text == "Two."
