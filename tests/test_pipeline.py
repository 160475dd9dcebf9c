import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from hybrid.corpus.store import Corpus
from hybrid.errors import BadSpec, ModelMissing, PromptTooLong, UnknownName
from hybrid.generation.answers import Generated
from hybrid.generation.fitting import Prompt, Row
from hybrid.pipeline import Pipeline, Request, answer_all, read_answer
from hybrid.records import Citation, Document, Passage, Question, Turn

PASSAGES = (Passage(7, "fig.md", "Fig", "Green.", 0, 6), Passage(9, "note.md", "", "15 cents.", 0, 9))


@pytest.fixture
def path(tmp_path, tiny_weights, small_corpus):
    """A pipeline file over the small corpus."""
    (tmp_path / "suite.yaml").write_text("corpus: fruit\nquestions: none.jsonl\n")
    spec = {
        "suite": str(tmp_path / "suite.yaml"),
        "model": str(tiny_weights.path),
        "retrieval": {"embedder": "hashing:64", "k": 2},
        "generation": {"max_new_tokens": 8, "device": "cpu"},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(spec))
    return str(tmp_path / "mine.yaml")


@pytest.fixture
def adapter(tiny_weights, tmp_path):
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    with torch.random.fork_rng():
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_weights.path), config)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def read(text, *, passages=PASSAGES, dropped=0):
    return read_answer(Prompt((1, 2, 3), passages, dropped), Generated(text, 4))


def test_markers_are_those_of_the_passages_shown():
    answer = read("15 cents [2], green [1] [2].", dropped=1)
    assert answer.citations == (Citation("[2]", 9), Citation("[1]", 7))
    assert (answer.passages, answer.dropped_passages) == (PASSAGES, 1)
    assert (answer.prompt_tokens, answer.output_tokens) == (3, 4)


def test_markers_that_were_never_offered_are_dropped_and_counted():
    answer = read("15 cents [3][2] [17].")
    assert (answer.text, answer.phantom_markers) == ("15 cents [2].", 2)
    assert answer.raw == "15 cents [3][2] [17]."
    assert read("15 cents [1].", passages=()).citations == ()


@pytest.mark.parametrize(
    ("text", "abstained"), [("I don't know.", True), ("I don't know. [1]", False), ("15", False)]
)
def test_an_abstention_is_one_that_cites_nothing(text, abstained):
    assert read(text).abstained == abstained


def test_a_question_is_answered_from_the_nearest_passages(path):
    pipeline = Pipeline.load(path)
    answer = pipeline.ask("What does one fig cost in cents?")
    hits = pipeline.retriever.retrieve("What does one fig cost in cents?")
    assert answer.passages == tuple(hit.passage for hit in hits)
    assert (len(answer.passages), answer.passages[0].document) == (2, "fig.md")
    assert 0 < answer.output_tokens <= 8
    assert answer.to_json()["passages"][0]["document"] == "fig.md"


def test_an_ensemble_reads_every_passage_in_a_prompt_of_its_own(path):
    asked = "What does one fig cost in cents?"
    together, ensemble = Pipeline.load(path), Pipeline.load(path, overrides=["generation.mode=ensemble"])
    answer = ensemble.ask(asked)
    assert answer.passages == together.ask(asked).passages
    hits = ensemble.retriever.retrieve(asked)
    alone = [together.generator.prompt(asked, [hit.passage]).tokens for hit in hits]
    assert answer.prompt_tokens == sum(alone)
    assert ensemble.ask(asked, retrieval=False) == together.ask(asked, retrieval=False)


def test_what_an_ensemble_cites_is_the_passage_on_which_its_answer_stands():
    prompt = Prompt((), PASSAGES, alone=(Row((1, 2), 0.5), Row((3, 4), 0.5)))
    answer = read_answer(prompt, Generated("15 cents [1], green [2].", 4, leader=1))
    assert (answer.text, answer.citations) == ("15 cents [2], green.", (Citation("[2]", 9),))
    assert (answer.phantom_markers, answer.passages, answer.prompt_tokens) == (1, PASSAGES, 4)
    # Who reads the raw text beside the passages finds the same citations.
    assert read(answer.raw).citations == answer.citations


def test_an_ensemble_of_a_model_on_a_server_is_refused_before_any_work(path):
    overrides = ["model=endpoint:m@http://127.0.0.1:1/v1", "generation.mode=ensemble"]
    with pytest.raises(BadSpec, match=r"^generation\.mode: [^\n]*generation\.mode=together"):
        Pipeline.load(path, corpus="no such corpus", overrides=overrides)


def test_without_retrieval_no_passage_is_shown(path):
    pipeline = Pipeline.load(path)
    answer = pipeline.ask("What does one fig cost?", retrieval=False)
    assert (answer.passages, answer.citations) == ((), ())
    assert answer.prompt_tokens < pipeline.ask("What does one fig cost?").prompt_tokens


def test_many_questions_are_answered_in_their_order(path):
    pipeline = Pipeline.load(path)
    questions = [
        Question(str(n), f"What does the {name} cost?") for n, name in enumerate(["fig", "apple pie"])
    ]
    assert pipeline.ask_many(questions) == [pipeline.ask(question.text) for question in questions]
    assert pipeline.ask_many([]) == []


def test_earlier_turns_are_in_the_prompt(path):
    pipeline = Pipeline.load(path)
    alone = pipeline.ask("And the fig?")
    later = pipeline.ask("And the fig?", history=[Turn("What does the apple cost?", "10 cents")])
    assert later.prompt_tokens > alone.prompt_tokens


def test_with_an_adapter_the_base_can_still_be_asked(path, adapter):
    base, tuned = Pipeline.load(path), Pipeline.load(path, adapter=adapter)
    asked = "What does one fig cost?"
    assert tuned.ask(asked) != base.ask(asked)
    assert tuned.ask(asked, tuned=False) == base.ask(asked)


def test_an_adapter_of_other_weights_is_said(path, adapter):
    (adapter / "MANIFEST.json").write_text('{"base": {"name": "other", "digest": "ffff"}}')
    said = []
    Pipeline.load(path, adapter=adapter, say=said.append)
    assert [line for line in said if "was tuned on other (ffff)" in line]


def test_another_corpus_and_single_values_replace_those_of_the_files(path):
    Corpus.create("kiwis", documents=[Document("kiwi.md", "", "One kiwi costs 9 cents.")]).close()
    pipeline = Pipeline.load(path, corpus="kiwis", overrides=["generation.max_new_tokens=1", "retrieval.k=5"])
    answer = pipeline.ask("What does one kiwi cost?")
    assert [passage.document for passage in answer.passages] == ["kiwi.md"]
    assert answer.output_tokens <= 1


def test_a_running_pipeline_follows_a_change_and_takes_another_corpus(path):
    def shown():
        answer = pipeline.ask("What does one kiwi cost?")
        return {passage.text for passage in answer.passages}

    kiwi, dearer = (Document("kiwi.md", "", f"One kiwi costs {price} cents.") for price in (9, 11))
    pipeline = Pipeline.load(path, overrides=["retrieval.k=9", "retrieval.lexical=true"])
    assert kiwi.text not in shown()
    with Corpus.open("fruit") as elsewhere:
        elsewhere.add([kiwi])
        assert kiwi.text in shown()
        elsewhere.swap([dearer])
    assert shown() == {dearer.text}
    pipeline.corpus = Corpus.create("kiwis", documents=[kiwi])
    assert shown() == {kiwi.text} and pipeline.corpus.name == "kiwis"


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"corpus": "friut"}, UnknownName, 'Did you mean "fruit"'),
        ({"overrides": ["suite=python-referense"]}, UnknownName, 'Did you mean "python-reference"'),
        ({"overrides": ["retrieval.k=0"]}, BadSpec, "retrieval.k"),
        ({"overrides": ["model=nobody/nothing"]}, ModelMissing, "hybrid models pull nobody/nothing"),
    ],
)
def test_what_is_missing_is_named(path, change, error, reason):
    with pytest.raises(error, match=reason):
        Pipeline.load(path, **change)


def test_a_question_that_does_not_fit_stops_before_any_answer(tiny_generator, monkeypatch):
    monkeypatch.setattr(tiny_generator, "generate", lambda *_, **__: pytest.fail("generated"))
    requests = [Request(Question("short", "Why?")), Request(Question("long", "Why? " * 3000))]
    with pytest.raises(PromptTooLong, match="Shorten it: 'Why"):
        answer_all(tiny_generator, requests, tuned=False)
