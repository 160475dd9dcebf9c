"""A short quoted reason before an answer, as rows with ``tuning.reason: quote`` teach it.

RAFT (2403.10131) found that answers gain from quoting first. The quote is no part of the answer: it is cut
off before citations are read and the answer is scored, or each quote that holds a reference would be right.
"""

import re

# The answer follows its mark, without one the last quotation mark; a quote that was cut off has no answer.
_QUOTED = re.compile(r"\s*Quote: “(?:.*?”\s*Answer:\s*|.*”\s*|.*$)", re.DOTALL)


def with_quote(quote: str, answer: str) -> str:
    """The text that a row teaches."""
    return f"Quote: “{quote}” Answer: {answer}"


def without_quote(text: str) -> str:
    """The answer of a text, which may begin with a quote."""
    quoted = _QUOTED.match(text)
    return text[quoted.end() :] if quoted else text
