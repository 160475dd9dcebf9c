"""The plain way to evaluate that people write by hand: prompt after prompt, then ``evaluate()`` of ragas."""

import json
import math
import os
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig
from turns import Row

from hybrid.evaluation.ragas_figures import contexts_of
from hybrid.generation.answers import Generated
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.judging.judge import Judge
from hybrid.judging.statements import statements


def answers_one_by_one(generator: Generator, prompts: Sequence[Prompt]) -> list[Generated]:
    """Greedy answers of transformers' ``generate`` at batch size 1, by the generator's model and spec."""
    decoding = GenerationConfig(
        do_sample=False,
        max_new_tokens=generator.spec.max_new_tokens,
        eos_token_id=generator.stop_ids(),
        pad_token_id=generator.tokenizer.pad_token_id,
    )
    outputs = []
    for prompt in prompts:
        ids = torch.tensor([prompt.ids], device=generator.device)
        mask = torch.ones_like(ids)
        with torch.inference_mode():
            whole = generator.model.generate(input_ids=ids, attention_mask=mask, generation_config=decoding)
        written = whole[0, ids.shape[1] :]
        text = generator.tokenizer.decode(written, skip_special_tokens=True).strip()
        outputs.append(Generated(text, len(written)))
    return outputs


def scores_by_ragas(judge: Judge, rows: Sequence[Row]) -> list[float | None]:
    """Faithfulness of each answer, None where ragas has no number, by one call of ragas' ``evaluate()``."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    from ragas import EvaluationDataset, RunConfig, SingleTurnSample, evaluate

    samples = [
        SingleTurnSample(
            user_input=question.full_text,
            response=answer.text,
            retrieved_contexts=list(contexts_of(answer.passages)),
        )
        for question, answer in rows
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from ragas.metrics import Faithfulness

        found = evaluate(
            EvaluationDataset(samples=samples),
            metrics=[Faithfulness(llm=_played_by(judge, rows))],
            # A judge on this machine keeps all rows waiting, and ragas would drop those that wait too long.
            run_config=RunConfig(timeout=86_400),
            raise_exceptions=True,
            show_progress=False,
            allow_nest_asyncio=False,
        )
    scores = [float(score["faithfulness"]) for score in found.scores]
    return [None if math.isnan(score) else score for score in scores]


def _played_by(judge: Judge, rows: Sequence[Row]) -> Any:
    """A language model for ragas: sentences are split by our rules, and statements judged one by one."""
    from ragas.llms.base import InstructorBaseRagasLLM

    by_text = {(question.full_text, answer.text): (answer, question) for question, answer in rows}

    class Played(InstructorBaseRagasLLM):
        is_async = True

        def generate(self, prompt: str, response_model: Any) -> Any:
            label = "\ninput: "
            asked, _ = json.JSONDecoder().raw_decode(prompt, prompt.rindex(label) + len(label))
            if "answer" in asked:
                said = statements(*by_text[asked["question"], asked["answer"]])
                return response_model(statements=[each.claim for each in said])
            verdicts = [
                {"statement": claim, "reason": "", "verdict": int(_supports(judge, claim, asked["context"]))}
                for claim in asked["statements"]
            ]
            return response_model.model_validate({"statements": verdicts})

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return self.generate(prompt, response_model)

    return Played()


def _supports(judge: Judge, claim: str, context: str) -> bool:
    [judgement] = judge.verdicts([(claim, context)])
    if judgement.failed:
        raise RuntimeError(f"{judge.name} failed on {claim!r}: {judgement.error}")
    return judgement.supported
