"""What a user can fix is one line on stderr and exit 2, before anything was made."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from hybrid.corpus.store import Corpus

EVAL = "eval"


@pytest.fixture
def refused(hybrid_command, state_folder, tmp_path):
    """Runs a command that must be refused; gives its message."""

    def run(*arguments):
        before = made(state_folder)
        done = hybrid_command(*arguments)
        assert (done.code, done.out) == (2, ""), done
        assert done.err.startswith("Error: ") and done.err.count("\n") == 1, done.err
        assert made(state_folder) == before
        assert not (tmp_path / "out").exists()
        return done.err

    return run


def made(state_folder):
    """All corpora, suites, runs, adapters, answers and models that there are."""
    return {path.relative_to(state_folder).as_posix() for path in state_folder.glob("*/*")}


def suite_file(folder, **keys):
    (folder / "mine.yaml").write_text(yaml.safe_dump({"corpus": "warranty", "questions": "q.jsonl"} | keys))
    return folder / "mine.yaml"


def questions_file(folder, rows):
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cells", "base,tunde"], r'Unknown cell "tunde"'),
        (["--part", "train"], "--part"),
        (["--limit", "0"], "--limit"),
        (["--limit", "many"], "--limit"),
        (["--judge", "gpt"], 'Unknown judge "gpt". Available: classifier:MODEL, endpoint:MODEL@URL, '),
        (["--suite", "waranty"], 'Did you mean "warranty"?'),
        (["--corpus", "waranty"], 'Did you mean "warranty"?'),
        (["--set", "tuning.rows"], "is not KEY=VALUE"),
        (["--set", "tuning.rows=few"], "tuning.rows"),
        (["--set", "tuning.rows=[1"], "tuning.rows=[1"),
        (["--set", "tuning.row=1"], "tuning.row: unknown key. Known here: absent, batch_tokens, "),
        (["--set", "suite.name=1"], "suite"),
        (["--set", "model=/no/such/folder"], "hybrid models pull /no/such/folder"),
        (["--set", "model=bundled:llama"], 'Unknown bundled model "bundled:llama"'),
        (["--set", "retrieval.embedder=/no/such/folder"], "hybrid models pull /no/such/folder"),
        (["--adapter", "/no/such/folder"], "holds no adapter"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_of_eval_that_does_not_fit(refused, warranty, pipeline, tmp_path, options, message):
    assert message in refused(EVAL, pipeline, "--out", tmp_path / "out", *options)


def test_a_missing_model_leaves_not_even_the_built_in_corpus(refused, tmp_path):
    message = refused(EVAL, "smoke", "--set", "model=some/model", "--out", tmp_path / "out")
    assert "hybrid models pull some/model" in message


def test_an_unknown_pipeline(refused, tmp_path):
    message = refused(EVAL, "quickstrat", "--out", tmp_path / "out")
    assert message.startswith('Error: Unknown pipeline "quickstrat". Available: ')
    assert message.endswith('Did you mean "quickstart"?\n')
    assert "Unknown pipeline" in refused("ask", "Why?", "--pipeline", "quickstrat")
    assert "Unknown pipeline" in refused("tune", "quickstrat")


def test_an_unknown_command_or_argument(refused):
    assert "evil" in refused("evil")
    assert "question" in refused("ask")


@pytest.mark.parametrize("content", ["suite: warranty\nmodle: x\n", "- a\n", "", "a: [", "\xff\xfe"])
def test_a_pipeline_file_that_does_not_fit(refused, warranty, tmp_path, content):
    (tmp_path / "mine.yaml").write_bytes(content.encode("latin-1"))
    message = refused(EVAL, tmp_path / "mine.yaml", "--out", tmp_path / "out")
    assert "mine.yaml: " in message
    assert ("modle: unknown key. Known here: adapter, authority" in message) == ("modle" in content)


def test_a_suite_file_that_does_not_fit(refused, warranty, pipeline, tmp_path):
    run = (EVAL, pipeline, "--out", tmp_path / "out", "--suite")
    assert "thresh: unknown key" in refused(*run, suite_file(tmp_path, thresh=1))
    assert 'Unknown judge "gpt"' in refused(*run, suite_file(tmp_path, judge="gpt"))
    assert "q.jsonl: No such file" in refused(*run, suite_file(tmp_path))


def test_a_question_without_its_text_is_named_by_row(refused, warranty, pipeline, tmp_path):
    rows = [{"id": str(n), "question": "What?"} for n in range(1, 31)]
    del rows[16]["question"]
    questions_file(tmp_path, rows)
    message = refused(EVAL, pipeline, "--suite", suite_file(tmp_path), "--out", tmp_path / "out")
    assert f"{tmp_path / 'q.jsonl'}:17: question: Field required" in message


def test_a_faulty_set_is_not_half_imported(refused, warranty_set):
    lines = (warranty_set / "questions.jsonl").read_text().splitlines()
    (warranty_set / "questions.jsonl").write_text("\n".join([*lines * 2, '{"id": "x"}']))
    message = refused("corpus", "import", "new", "--format", "jsonl", warranty_set)
    assert "questions.jsonl:9: " in message


def test_documents_belong_to_pairs_alone(refused, warranty_set, tmp_path):
    (tmp_path / "pairs.csv").write_text("question,answer\nHow long?,1 years\n")
    pairs, texts = tmp_path / "pairs.csv", warranty_set / "documents.jsonl"
    named = "Error: --documents names the texts of --format pairs; the other formats bring their own.\n"
    assert refused("corpus", "import", "new", "--format", "pairs", pairs) == named
    for format in ("beir", "clapnq", "jsonl", "squad"):
        command = ("corpus", "import", "new", "--format", format, warranty_set, "--documents", texts)
        assert refused(*command) == named
    missing = refused("corpus", "import", "new", "--format", "pairs", pairs, "--documents", tmp_path / "gone")
    assert "gone: " in missing


def test_pairs_without_a_column_are_not_half_imported(refused, warranty_set, tmp_path):
    (tmp_path / "pairs.csv").write_text("question,reply\nHow long?,1 years\n")
    texts = ("--documents", warranty_set / "documents.jsonl")
    message = refused("corpus", "import", "new", "--format", "pairs", tmp_path / "pairs.csv", *texts)
    assert message == f"Error: {tmp_path / 'pairs.csv'}:2: answers: Field required\n"


def test_an_unknown_format(refused, warranty_set):
    assert "'pairs'" in refused("corpus", "import", "new", "--format", "csv", warranty_set)


def test_a_question_longer_than_the_context(refused, warranty, pipeline, tmp_path):
    questions_file(tmp_path, [{"id": "long", "question": "what " * 2000}])
    run = (EVAL, pipeline, "--suite", suite_file(tmp_path), "--cells", "base,base+rag")
    assert "takes 10" in refused(*run, "--out", tmp_path / "out")
    assert "takes 10" in refused(*run, "--estimate")
    assert "takes 10" in refused("ask", "what " * 2000, "--pipeline", pipeline)


def test_a_suite_without_training_questions(refused, warranty, pipeline, tmp_path):
    questions_file(tmp_path, [{"id": "1", "question": "What?"}])
    message = refused(EVAL, pipeline, "--suite", suite_file(tmp_path), "--out", tmp_path / "out")
    assert "--adapter" in message and "--cells base,base+rag" in message
    assert "no training questions" in refused("tune", pipeline, "--suite", suite_file(tmp_path))


def test_an_empty_corpus(refused, warranty, pipeline, tmp_path):
    Corpus.create("nothing").close()
    run = (EVAL, pipeline, "--out", tmp_path / "out")
    assert 'Corpus "nothing" is empty' in refused(*run, "--corpus", "nothing")
    with Corpus.open("warranty") as corpus:
        corpus.remove([document.id for document in corpus.documents()])
    assert 'Corpus "warranty" is empty' in refused(*run)
    assert 'Corpus "warranty" is empty' in refused("tune", pipeline)
    assert 'Corpus "warranty" is empty' in refused("ask", "Why?", "--pipeline", pipeline)


def test_a_file_that_is_not_utf8(refused, warranty, warranty_set, tmp_path):
    (tmp_path / "latin.txt").write_bytes("Äpfel".encode("latin-1"))
    assert "latin.txt: not UTF-8 at byte 0" in refused("corpus", "create", "new", tmp_path / "latin.txt")
    assert "latin.txt: not UTF-8" in refused("corpus", "add", "warranty", tmp_path / "latin.txt")
    (warranty_set / "documents.jsonl").write_bytes("Äpfel".encode("latin-1"))
    assert "documents.jsonl: not UTF-8" in refused(
        "corpus", "import", "new", "--format", "jsonl", warranty_set
    )
    assert Corpus.open("warranty").generation == 1


def test_a_folder_without_documents(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    told = refused("corpus", "create", "new", tmp_path / "empty")
    assert f"{tmp_path / 'empty'}: no documents found" in told


def test_an_adapter_of_another_architecture(refused, hybrid_command, warranty, pipeline, tmp_path):
    adapter = hybrid_command("tune", pipeline).out.strip()
    weights = yaml.safe_load(pipeline.read_text())["model"]
    (tmp_path / "other").mkdir()
    narrower_model(weights, tmp_path / "other")
    run = ("--set", f"model={tmp_path / 'other'}", "--adapter", adapter)
    assert "does not fit" in refused(EVAL, pipeline, *run, "--out", tmp_path / "out")
    assert "does not fit" in refused("ask", "Why?", "--pipeline", pipeline, *run)


def narrower_model(weights, folder):
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    config = AutoConfig.from_pretrained(weights)
    config.update({"hidden_size": 16, "head_dim": 4})
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(weights).save_pretrained(folder)


def test_a_folder_that_is_not_empty(hybrid_command, warranty, pipeline, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = hybrid_command(EVAL, pipeline, "--cells", "base", "--limit", 1, "--out", tmp_path)
    assert (done.code, done.err.splitlines()) == (
        2, [f"Error: {tmp_path} is not empty; choose another folder for --out."]
    )  # fmt: skip


def test_the_installed_command_shows_no_traceback(warranty):
    command = [sys.executable, "-m", "hybrid.cli", EVAL, "smoke", "--limit", "0"]
    done = subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
