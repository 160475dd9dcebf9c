from dataclasses import dataclass, field

from hybrid.corpus.reading.llama_index import from_llama_index
from hybrid.records import Document


@dataclass
class Loaded:
    """A document with the attributes of one of LlamaIndex."""

    id_: str
    text: str
    metadata: dict = field(default_factory=dict)


def test_id_text_title_and_json_metadata_are_taken():
    loaded = Loaded(
        "1", "Five years.", {"title": "Warranty", "page": 3, "parsed": object(), "score": float("nan")}
    )
    assert from_llama_index([loaded, Loaded("2", " ")]) == [
        Document("1", "Warranty", "Five years.", {"page": 3})
    ]


def test_a_document_of_llama_index_is_taken():
    from llama_index.core.schema import Document as LlamaDocument

    loaded = LlamaDocument(text="Five years.", id_="1", metadata={"file_name": "a.pdf"})
    assert from_llama_index([loaded]) == [Document("1", "", "Five years.", {"file_name": "a.pdf"})]
