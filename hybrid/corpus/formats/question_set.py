"""What every format is parsed into."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from hybrid.questions import Row
from hybrid.records import Document, Question
from hybrid.specs import Style


@dataclass(slots=True)
class QuestionSet:
    """Documents by id, and the questions about them; a question's group is that of its first gold.

    ``answers`` is the kind of answers that the set asks for.
    """

    documents: dict[str, Document] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    answers: Style = "short"

    def gold_groups(self, question: Question) -> set[str]:
        """The groups of the documents in which a question's answer stands."""
        return {self.documents[gold.document].group for gold in question.gold or ()}


class Foreign(BaseModel):
    """A part of another project's format: keys that are not needed here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class ForeignRow(Row):
    """A row of another project's JSONL: keys that are not needed here are passed over."""

    model_config = Foreign.model_config
