import json

import pytest

from hybrid.errors import BadInput, BadSpec, EndpointError, PromptTooLong, RunStopped, UnknownName
from hybrid.generation.answers import AnswerStore
from hybrid.generation.budget import Budget
from hybrid.generation.endpoint import EndpointGenerator
from hybrid.generation.generator import Generator
from hybrid.models import find
from hybrid.records import Passage
from hybrid.specs import GenerationSpec
from hybrid.testing import CHAT_TEMPLATE, byte_tokenizer

QUESTIONS = ("Why?", "How many years of warranty has the X3?", "Wer leitet die Firma?", "什么颜色？")
PASSAGES = tuple(Passage(i, f"{i}.md", "", f"{i} " * 150, 0, 300) for i in range(10))
PRICE = {"prompt": 1.0, "output": 10.0}


@pytest.fixture
def generator_on(tiny_server, tiny_weights):
    """Makes a generator on the tiny server; ``tokenizer=None`` is one without."""

    def make(model="tiny", budget=None, **keys):
        keys = {"max_new_tokens": 8, "tokenizer": str(tiny_weights.path), "tuned_model": "tuned"} | keys
        keys.setdefault("server", {"retries": 1, "concurrency": 2})
        served = find(f"endpoint:{model}@{tiny_server.url}")
        return EndpointGenerator(served, GenerationSpec(**keys), budget=budget)

    return make


def texts(generation):
    return [output.text for output in generation.outputs]


def asked(server):
    """Paths and bodies but for the one token that asks whether ids are taken."""
    return [(path, body) for path, body in server.requests if body["max_tokens"] > 1]


def ask(generator, questions=QUESTIONS, **options):
    return generator.generate([generator.prompt(question, ()) for question in questions], **options)


@pytest.mark.parametrize("tokenizer", [True, False])
def test_the_same_texts_as_from_the_local_model(tokenizer, generator_on, tiny_weights, tiny_adapter):
    local = Generator(tiny_weights, GenerationSpec(max_new_tokens=8))
    local.put_on(tiny_adapter)
    served = generator_on() if tokenizer else generator_on(tokenizer=None)
    different = 0
    for tuned in (False, True):
        # One by one, as the server does: sums in another order may turn a rare near-tie.
        outputs = [
            local.generate([local.prompt(question, PASSAGES[:2])], tuned=tuned).outputs[0]
            for question in QUESTIONS
        ]
        prompts = [served.prompt(question, PASSAGES[:2]) for question in QUESTIONS]
        assert texts(served.generate(prompts, tuned=tuned)) == [output.text for output in outputs]
        different += len({output.text for output in outputs})
    assert different > len(QUESTIONS)
    assert served.parity == ("ids" if tokenizer else "template")


def test_token_ids_are_sent_greedily_and_with_the_seed(generator_on, tiny_server):
    generator = generator_on()
    prompt = generator.prompt("Why?", ())
    generator.generate([prompt], seed=7)
    ((path, body),) = asked(tiny_server)
    assert path == "/v1/completions"
    assert body == {
        "model": "tiny",
        "prompt": list(prompt.ids),
        "max_tokens": 8,
        "temperature": 0,
        "seed": 7,
    }


def test_a_server_that_takes_no_ids_gets_messages(generator_on, tiny_server):
    tiny_server.takes_ids = False
    generator = generator_on()
    ask(generator, ("Why?",))
    ((path, body),) = asked(tiny_server)
    assert path == "/v1/chat/completions"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert generator.parity == "template"


def test_the_tokenizer_of_another_model_is_refused(generator_on, tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = "Chat: " + CHAT_TEMPLATE
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(BadSpec, match=r"makes \d+ tokens of a message.*Name the tokenizer of tiny"):
        ask(generator_on(tokenizer=str(tmp_path)), ("Why?",))


def test_what_is_said_of_one_model_comes_before_what_is_said_of_all(generator_on):
    own = {"tiny": {"tuned_model": "other", "context": 100}, "else": {"price": PRICE}}
    generator = generator_on(by_model=own, price=PRICE)
    assert generator.model(tuned=True) == "other"
    assert (generator.context, generator.known.price.prompt) == (100, 1.0)


def test_the_server_counts_the_tokens(generator_on):
    generator = generator_on(tokenizer=None)
    (output,) = ask(generator, ("Why?",)).outputs
    messages = generator.prompt("Why?", ()).messages
    # A byte a token: role, content, two control tokens, two line breaks; then the head of the answer.
    framed = sum(len(each.role) + len(each.content.encode()) + 4 for each in messages)
    assert output.prompt_tokens == framed + 1 + len("assistant\n")


def test_without_a_tokenizer_tokens_are_guessed_rather_too_many(generator_on):
    prompt = generator_on(tokenizer=None).prompt("Why?", PASSAGES)
    assert not prompt.ids
    # English has about four bytes a token.
    assert prompt.tokens > sum(len(each.content) for each in prompt.messages) / 4


def test_what_does_not_fit_the_context_is_left_out(generator_on):
    whole = generator_on().prompt("Why?", PASSAGES)
    narrow = generator_on(context=len(whole.ids))
    prompt = narrow.prompt("Why?", PASSAGES)
    assert (whole.dropped, prompt.dropped) == (0, 1)
    with pytest.raises(PromptTooLong, match="endpoint:tiny@"):
        generator_on(context=40).prompt("Why?", ())


def test_the_context_is_that_of_the_tokenizers_files(generator_on, tmp_path, tiny_weights):
    assert generator_on().context == 8192
    copied = tmp_path / "tokenizer"
    copied.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (tiny_weights.path / name).is_file():
            (copied / name).write_bytes((tiny_weights.path / name).read_bytes())
    settings = json.loads((copied / "tokenizer_config.json").read_text())
    (copied / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 4096}))
    assert generator_on(tokenizer=str(copied)).context == 4096


def test_what_was_answered_is_kept_when_requests_fail(generator_on, tiny_server, tmp_path):
    store = AnswerStore(tmp_path)
    generator = generator_on(server={"retries": 0, "concurrency": 1})
    assert generator.parity == "ids"
    tiny_server.faults += ["down", "broken"]
    with pytest.raises(RunStopped, match="2 of 4 answers are missing.*500.*--resume"):
        ask(generator, store=store)
    tiny_server.requests.clear()
    counts = []
    again = ask(generator, store=store, done=lambda done, note: counts.append(done))
    assert len(asked(tiny_server)) == 2 and counts == [2, 3, 4]
    assert texts(again) == texts(ask(generator_on()))


@pytest.mark.parametrize("fault", ["busy", "down", "broken"])
def test_a_fault_that_passes_is_not_noticed(fault, generator_on, tiny_server):
    generator = generator_on()
    expected = texts(ask(generator))
    tiny_server.faults.append(fault)
    assert texts(ask(generator)) == expected


def test_a_slow_server_is_not_waited_for_without_end(generator_on, tiny_server):
    generator = generator_on(server={"retries": 0, "timeout": 0.2, "concurrency": 1})
    generator.parity = "ids"
    tiny_server.slow_seconds = 0.6
    tiny_server.faults.append("slow")
    with pytest.raises(RunStopped, match=r"no reply within 0\.2 s"):
        ask(generator, ("Why?",))


def test_an_unknown_model_is_named_with_those_that_are_there(generator_on):
    with pytest.raises(UnknownName, match='"tyni". Available: tiny, tuned.'):
        ask(generator_on(model="tyni"))


def test_without_a_server_nothing_is_tried_for_long(generator_on, tiny_server):
    tiny_server_url, tiny_server.url = tiny_server.url, "http://127.0.0.1:9/v1"
    try:
        with pytest.raises(EndpointError, match="Is the server running"):
            ask(generator_on())
    finally:
        tiny_server.url = tiny_server_url


def test_it_stops_before_the_budget_is_exceeded_and_goes_on_with_another(generator_on, tiny_server, tmp_path):
    store, server = AnswerStore(tmp_path), {"concurrency": 1}
    generator = generator_on(price=PRICE, server=server)
    prompts = [generator.prompt("Why?" + "!" * row, ()) for row in range(4)]
    # All but one can be paid for: 8 tokens at most are written for each.
    limit = sum(len(prompt.ids) * 1.0 + 8 * 10.0 for prompt in prompts[:3]) / 1e6
    generator.budget.limit = limit
    with pytest.raises(RunStopped, match=r"Stopped at \$0\.\d+ of \$0\.\d+.*--resume"):
        generator.generate(prompts * 2, store=store)
    assert 0 < generator.budget.spent <= limit
    before = len(asked(tiny_server))
    rest = generator_on(price=PRICE, server=server, budget=Budget(1.0))
    rest.generate(prompts, store=store)
    assert len(asked(tiny_server)) - before == 4 - before


def test_the_cost_is_that_of_the_tokens_of_the_server(generator_on):
    generator = generator_on(price=PRICE)
    outputs = ask(generator).outputs
    read = sum(output.prompt_tokens for output in outputs)
    written = sum(output.tokens for output in outputs)
    assert generator.budget.spent == pytest.approx((read * 1.0 + written * 10.0) / 1e6)
    assert generator.budget.reserved == pytest.approx(0)


def test_a_folder_without_a_tokenizer_is_told(generator_on, tmp_path):
    with pytest.raises(BadInput):
        generator_on(tokenizer=str(tmp_path))
