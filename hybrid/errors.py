"""What a user can fix. Anything that is not a HybridError is a bug and shows its traceback.

HybridError                 one line: what happened, the value seen, what to do
├── UnknownName             no pipeline, suite, corpus, model … of that name
├── BadSpec                 a YAML file or a --set that does not fit its schema
├── BadInput                a file or a row that cannot be read: ``file:row: reason``
├── CorpusError             a corpus that is missing, taken, empty, locked or of another embedder
│   ├── CorpusBusy          one that another process writes
│   ├── NotWritten          one on a full disk, or where nothing may be written
│   └── GenerationGone      a generation that was purged, and cannot be read any more
├── ModelMissing            weights that are not on this machine, with the command that brings them
├── ModelMismatch           an adapter whose base has another architecture
├── StaleAdapter            one that learned from documents which changed or went since, where that is refused
├── PromptTooLong           a question that does not fit the model's context even without passages
├── JudgeUnusable           a judge that cannot judge anything: its weights or its endpoint are wrong
├── EndpointError           a server that cannot be reached, or refuses
├── RunStopped              a run that ended early and can be continued: requests failed, the budget is spent
├── NoTrainingQuestions     a suite that can be evaluated but not trained on
├── BadRows                 training rows with a fault that must not be learned
└── RunError                an output folder that is not empty, or a run that cannot be resumed
"""

import difflib
from collections.abc import Iterable


class HybridError(Exception):
    """The root of all errors that a user can fix."""


LISTED_WHOLE, LISTED = 20, 10
"""Up to so many names are listed all; of more, for example the ids of documents, so many."""


class UnknownName(HybridError):
    """A name that stands for nothing here."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        shown = names if len(names) <= LISTED_WHOLE else names[:LISTED]
        more = f" … and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
        listed = ", ".join(shown) + more if names else "none"
        super().__init__(f'Unknown {kind} "{name}". Available: {listed}.{hint}')


class BadSpec(HybridError):
    """A YAML file or an override that does not fit its schema."""


class BadInput(HybridError):
    """A file or a row of a file that cannot be read."""

    def __init__(self, place: str, reason: str, row: int | None = None) -> None:
        super().__init__(f"{place}:{row}: {reason}" if row is not None else f"{place}: {reason}")


class CorpusError(HybridError):
    """A corpus that is missing, taken, empty, locked, or of another embedder."""


class CorpusBusy(CorpusError):
    """A corpus that another process writes."""


class NotWritten(CorpusError):
    """A corpus that could not be written; what was in it can still be read."""


class GenerationGone(CorpusError):
    """A generation of a corpus that was purged."""


class ModelMissing(HybridError):
    """Weights that are not on this machine."""


class ModelMismatch(HybridError):
    """An adapter that does not fit the base model it is put on."""


class StaleAdapter(HybridError):
    """An adapter that learned from documents which changed or went since."""


class PromptTooLong(HybridError):
    """A question that does not fit the model's context even without passages."""


class JudgeUnusable(HybridError):
    """A judge that cannot judge anything, unlike one that fails on a claim."""


class EndpointError(HybridError):
    """A server that cannot be reached, refuses, or does not speak the protocol.

    Attributes:
        host: with its port, if one was named.
        status: of HTTP; None if there was no reply.
        hopeless: whether any other request would end alike.
    """

    def __init__(
        self, host: str, reason: str, remedy: str, *, status: int | None = None, hopeless: bool = False
    ) -> None:
        shown = f" (status {status})" if status is not None else ""
        super().__init__(f"{host}: {reason}{shown}. {remedy}")
        self.host = host
        self.status = status
        self.hopeless = hopeless


class RunStopped(HybridError):
    """A run that ended early; what was answered is kept, and it can be continued."""


class NoTrainingQuestions(HybridError):
    """A suite that has nothing to train on, asked to train."""


class BadRows(HybridError):
    """Training rows with a fault that must not be learned."""


class RunError(HybridError):
    """An output folder that cannot be written, or a run that cannot be resumed."""
