"""A local language model as judge: does the evidence support the claim, and is "yes" or "no" likelier?"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from transformers import AutoTokenizer

from hybrid.errors import JudgeUnusable
from hybrid.generation.batching import plan_batches
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import Message
from hybrid.judging.judge import Judgement, Pair
from hybrid.judging.labels import judgement
from hybrid.judging.windows import windows
from hybrid.models import BUNDLED, Weights, file_digest, read_config
from hybrid.records import Verdict
from hybrid.specs import GenerationSpec

RULES = "You check whether evidence supports a statement. Answer with one word: yes or no."
ASKED = """\
Evidence:
{evidence}

Statement: {claim}

Does the evidence support the statement? Answer yes or no."""
YES = ("yes", "Yes", "YES", " yes", " Yes", " YES")
NO = ("no", "No", "NO", " no", " No", " NO")
#: Tokens that a claim has to leave free for evidence.
LEAST_ROOM = 16
#: Tokens that evidence can take more in a prompt than alone.
SPARE = 4


class LikelihoodJudge:
    """Judges by the likelihood of yes against that of no, each summed over spellings, at the first token.

    It cannot tell a contradiction: what it does not support is ``unverifiable``. Evidence longer than the
    context is read in windows, of which the best decides. The weights are loaded at the first claim.

    Args:
        weights: of a causal language model with a chat template.

    Raises:
        BadInput: the model has no chat template, or no fast tokenizer.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._spec = GenerationSpec()
        self._encoder = ChatEncoder(AutoTokenizer.from_pretrained(weights.path))
        self._context = int(read_config(weights).get("max_position_embeddings", 2048))

    @property
    def name(self) -> str:
        """How reports call it."""
        return f"likelihood:{self._weights.name}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the verdicts depend on."""
        read_by = file_digest(self._weights.path / "tokenizer.json")
        rules = (self._weights.digest, read_by, precision(self._spec), self._context, RULES, ASKED, YES, NO)
        return hashlib.sha256(repr(rules).encode()).hexdigest()

    @property
    def validated(self) -> bool:
        """Its agreement with people was not measured here."""
        return False

    @property
    def languages(self) -> frozenset[str]:
        """Those of a bundled model; the files of others do not say."""
        bundled = BUNDLED.get(self._weights.name)
        return bundled.languages if bundled else frozenset()

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        claims = [self._prompts(claim, evidence) for claim, evidence in pairs]
        found = iter(self._supported([prompt for prompts in claims for prompt in prompts]))
        too_long = Judgement(None, None, f"the claim does not fit the context of {self._context} tokens")
        return [
            judgement([{Verdict.SUPPORTED: next(found)} for _ in prompts]) if prompts else too_long
            for prompts in claims
        ]

    def _prompts(self, claim: str, evidence: str) -> list[list[int]]:
        """The question with each window of the evidence; none if the claim leaves no room for any."""
        room = self._context - len(self._prompt(claim, "")) - SPARE
        if room < LEAST_ROOM:
            return []
        return [self._prompt(claim, window) for window in windows(evidence, self._sizes, room)]

    def _prompt(self, claim: str, evidence: str) -> list[int]:
        asked = ASKED.format(evidence=evidence, claim=claim)
        return self._encoder.prompt([Message("system", RULES), Message("user", asked)])

    def _sizes(self, texts: Sequence[str]) -> list[int]:
        return [len(self._encoder.text(text)) for text in texts]

    def _supported(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """For each prompt the probability of yes, given yes or no."""
        found: dict[int, float] = {}
        lengths = [len(prompt) for prompt in prompts]
        for batch in plan_batches(lengths, budget=self._spec.batch_tokens, seed=0):
            logits = self._last_logits([prompts[row] for row in batch])
            yes, no = (logits[:, ids].logsumexp(-1) for ids in self._answers)
            found |= dict(zip(batch, torch.sigmoid(yes - no).tolist(), strict=True))
        return [found[row] for row in range(len(prompts))]

    def _last_logits(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """The logits of the first token of an answer; float32, a row for each prompt."""
        width = max(map(len, prompts))
        ids = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        mask = torch.tensor(
            [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=self._device
        )
        with torch.inference_mode():
            written = self._model(
                input_ids=torch.tensor(ids, device=self._device),
                attention_mask=mask,
                # Counted from the first real token; left alone, padding would shift them.
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                logits_to_keep=1,
                use_cache=False,
            )
        logits: torch.Tensor = written.logits[:, -1].float()
        return logits

    @cached_property
    def _answers(self) -> tuple[list[int], list[int]]:
        """First tokens of the spellings of yes and of no; one that both begin with tells nothing."""
        yes, no = ({self._encoder.text(word)[0] for word in words} for words in (YES, NO))
        return sorted(yes - no), sorted(no - yes)

    @cached_property
    def _device(self) -> torch.device:
        return pick_device(self._spec.device)

    @cached_property
    def _model(self) -> Any:
        try:
            return load_model(self._weights, self._spec, self._device)
        except (OSError, RuntimeError, ValueError) as exc:
            reason = str(exc).strip().splitlines()[0]
            raise JudgeUnusable(f"{self._weights.name} cannot be loaded as a judge: {reason}") from exc
