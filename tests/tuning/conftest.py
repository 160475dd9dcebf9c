import pytest
import yaml

from hybrid.questions import write_questions
from hybrid.records import Gold, Question
from hybrid.specs import PipelineSpec, SuiteSpec
from hybrid.suites import Suite

ABSTENTION = "I don't know."


@pytest.fixture
def training(small_corpus):
    """What each fruit of the small corpus costs, and a question that it does not answer."""
    questions = []
    for row, document in enumerate(small_corpus.documents()):
        answer = f"1{row} cents"
        start = document.text.index(answer)
        gold = (Gold(document.id, start, start + len(answer)),)
        text = f"What does one {document.title.lower()} cost?"
        questions.append(Question(document.id, text, (answer,), gold=gold, part="train"))
    return (*questions, Question("none", "Who grows quinces?", (), answerable=False, gold=(), part="train"))


@pytest.fixture
def suite(small_corpus, training):
    return Suite("fruit", SuiteSpec(corpus="fruit", questions="q.jsonl"), small_corpus, (), training, ())


@pytest.fixture
def pipeline(tiny_weights):
    """14 steps or so, with a checkpoint after the tenth."""
    return PipelineSpec(
        suite="fruit",
        model=str(tiny_weights.path),
        retrieval={"embedder": "hashing:64", "k": 3},
        generation={"max_new_tokens": 8, "device": "cpu"},
        tuning={
            "rows": 60,
            "batch_tokens": 1480,
            "max_row_tokens": 2000,
            "learning_rate": 0.01,
            "lora": {"rank": 4, "alpha": 8},
        },
    )


@pytest.fixture
def pipeline_file(pipeline, training, tmp_path):
    """The pipeline as a YAML file, with the suite ``mine`` of the training questions beside it."""
    write_questions(tmp_path / "training.jsonl", training)
    write_questions(tmp_path / "questions.jsonl", [Question("other", "Who sells figs?")])
    files = {"questions": "questions.jsonl", "training": "training.jsonl"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"corpus": "fruit"} | files))
    spec = pipeline.model_dump(mode="json") | {"suite": str(tmp_path / "mine.yaml")}
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path
