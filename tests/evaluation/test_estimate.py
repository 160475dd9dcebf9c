import pytest

from hybrid.evaluation.estimate import estimate
from hybrid.evaluation.job import prepare
from hybrid.generation.generator import Generator


def test_prompts_and_tokens_are_those_of_the_run(at_home, pipeline):
    lines = estimate(prepare(pipeline)).lines
    for cell in ("base", "base+rag", "tuned", "tuned+rag"):
        metrics = at_home.report.results["cells"][cell]["metrics"]
        n, tokens = metrics["prompt_tokens"]["n"], int(metrics["prompt_tokens"]["mean"])
        assert f"{cell}: {n} prompts, {tokens} tokens to read, at most {12 * n} to write" in lines


def test_it_says_what_tuning_takes_unless_there_is_an_adapter(at_home, pipeline):
    (adapter,) = (path.parent for path in at_home.home.glob("adapters/*/*/MANIFEST.json"))
    # 24 rows: 12 steps of 2 rows.
    assert any(line.startswith("tuning: 24 rows") for line in estimate(prepare(pipeline, limit=2)).lines)
    given = estimate(prepare(pipeline, limit=2, adapter=adapter)).lines
    assert not any(line.startswith("tuning") for line in given)


def test_it_says_what_measuring_forgetting_takes_where_something_is_tuned(at_home, pipeline):
    wanted = {"limit": 2, "overrides": ["forgetting.enabled=true"]}
    # 96 tasks, each answered twice in at most 64 tokens.
    (line,) = [line for line in estimate(prepare(pipeline, **wanted)).lines if line.startswith("forgetting")]
    assert line.startswith("forgetting: 96 tasks and 44 paragraphs") and line.endswith(
        "at most 12288 to write"
    )
    untuned = estimate(prepare(pipeline, cells=["base"], **wanted)).lines
    assert not any(line.startswith("forgetting") for line in untuned)


@pytest.mark.parametrize("limit", [1, 3])
def test_only_a_short_trial_is_generated_and_nothing_is_kept(warranty, pipeline, monkeypatch, limit):
    tried = []
    original = Generator.generate

    def generate(self, prompts, **options):
        tried.append(len(prompts))
        return original(self, prompts, **options)

    monkeypatch.setattr(Generator, "generate", generate)
    estimate(prepare(pipeline, limit=limit))
    assert tried == [limit]
    assert {path.name for path in warranty.iterdir()} == {"corpora", "suites"}


@pytest.fixture
def served(pipeline):
    """Of a server that is not there: an estimate sends nothing."""
    name = "big@https://models.example.org/v1"
    keys = ("generation.price={prompt: 2.0, output: 10.0}", "generation.tuned_model=tuned")
    return lambda **options: prepare(pipeline, model=f"endpoint:{name}", overrides=keys, limit=2, **options)


def test_before_anything_is_sent_it_names_the_host_and_the_money(warranty, served):
    made = estimate(served(cells=["base", "tuned"]))
    assert made.hosts == ("models.example.org",)
    assert any("will be sent to models.example.org, for big and tuned" in line for line in made.lines)
    # 2 questions in 2 columns, 12 tokens at most each.
    assert (made.calls, made.output_tokens) == (4, 48)
    assert made.usd == pytest.approx((made.prompt_tokens * 2.0 + 48 * 10.0) / 1e6)
    assert not any("Nothing leaves" in line for line in made.lines)


def test_choosing_the_number_of_examples_is_counted(warranty, served):
    made = estimate(served(cells=["few-shot"]))
    # Candidates 1 and 2, on every second of the training questions or so; then the 2 questions themselves.
    (line,) = (line for line in made.lines if line.startswith("choosing examples"))
    chosen = int(line.split()[2])
    assert chosen >= 4 and made.calls == 2 + chosen


def test_a_judge_on_a_server_receives_text_too(warranty, pipeline):
    job = prepare(pipeline, cells=["base"], limit=1)
    assert estimate(job, "overlap").hosts == ()
    made = estimate(job, "endpoint:j@http://127.0.0.1:9/v1")
    assert made.hosts == ("127.0.0.1:9",)
    assert any("127.0.0.1:9 (this machine), for the judge j" in line for line in made.lines)
