import pytest

from hybrid.evaluation.estimate import estimate
from hybrid.evaluation.job import prepare
from hybrid.generation.generator import Generator


def test_prompts_and_tokens_are_those_of_the_run(at_home, pipeline):
    lines = estimate(prepare(pipeline))
    for cell in ("base", "base+rag", "tuned", "tuned+rag"):
        metrics = at_home.report.results["cells"][cell]["metrics"]
        n, tokens = metrics["prompt_tokens"]["n"], int(metrics["prompt_tokens"]["mean"])
        assert f"{cell}: {n} prompts, {tokens} tokens to read, at most {12 * n} to write" in lines


def test_it_says_what_tuning_takes_unless_there_is_an_adapter(at_home, pipeline):
    (adapter,) = (path.parent for path in at_home.home.glob("adapters/*/*/MANIFEST.json"))
    # 24 rows: 12 steps of 2 rows.
    assert any(line.startswith("tuning: 24 rows") for line in estimate(prepare(pipeline, limit=2)))
    given = estimate(prepare(pipeline, limit=2, adapter=adapter))
    assert not any(line.startswith("tuning") for line in given)


def test_it_says_what_measuring_forgetting_takes_where_something_is_tuned(at_home, pipeline):
    wanted = {"limit": 2, "overrides": ["forgetting.enabled=true"]}
    # 96 tasks, each answered twice in at most 64 tokens.
    (line,) = [line for line in estimate(prepare(pipeline, **wanted)) if line.startswith("forgetting")]
    assert line.startswith("forgetting: 96 tasks and 44 paragraphs") and line.endswith(
        "at most 12288 to write"
    )
    untuned = estimate(prepare(pipeline, cells=["base"], **wanted))
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
