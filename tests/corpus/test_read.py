import gzip

import pytest

from hybrid.corpus.read import read_documents
from hybrid.errors import BadInput


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_folder_is_read_in_order_without_hidden_and_other_files(tmp_path):
    put(tmp_path / "b" / "notes.txt", "Plain.")
    put(tmp_path / "a.md", "# Warranty\n\nFive years.")
    put(tmp_path / "c.rst.gz", gzip.compress(b"Service\n=======\n\nDaily."))
    put(tmp_path / ".hidden" / "x.md", "x")
    put(tmp_path / "picture.png", b"\x89PNG")
    documents = read_documents([tmp_path])
    assert [(document.id, document.title) for document in documents] == [
        ("a.md", "Warranty"),
        ("b/notes.txt", "notes"),
        ("c.rst.gz", "Service"),
    ]
    assert documents[1].text == "Plain."


def test_rows_keep_their_title_and_metadata(tmp_path):
    path = put(tmp_path / "d.jsonl", '{"id": "a", "text": "A.", "metadata": {"group": "g"}}\n')
    (document,) = read_documents([path])
    assert (document.id, document.title, document.text, document.group) == ("a", "", "A.", "g")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", "x", 'a.docx: unknown ending ".docx"; known: .jsonl, .markdown, .md, .rst, .txt'),
        ("a.md", b"ab\xe9", "a.md: not UTF-8 at byte 2"),
        ("a.md", "a\0", "a.md: NUL at character 1"),
        ("a.md", " \n", "a.md: has no text"),
        ("d.jsonl", '{"id": "a", "text": "A."}\n{"id": "b", "text": ""}', "d.jsonl:2: text: is blank"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, data, reason):
    with pytest.raises(BadInput) as caught:
        read_documents([put(tmp_path / name, data)])
    assert reason in str(caught.value)


def test_nothing_to_read_is_a_fault(tmp_path):
    with pytest.raises(BadInput, match="none found"):
        read_documents([tmp_path])
    with pytest.raises(BadInput, match="No such file"):
        read_documents([tmp_path / "gone.md"])
