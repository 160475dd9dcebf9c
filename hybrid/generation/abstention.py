"""Does an answer say that it does not know? One function decides it for every cell."""

import re
import unicodedata
from collections.abc import Sequence

from hybrid.cjk import CJK
from hybrid.generation.citations import strip_markers

#: The phrase that the shared prompt asks for.
ABSTENTION = "I don't know."

_HOW = r"(?:actually|really|honestly|clearly|directly|explicitly|specifically|simply|also|even|currently)"
_SOURCES = (
    r"(?:(?:the|these|those|this|any|my|your) )?(?:of the )?"
    r"(?:(?:provided|given|available|retrieved|above) )*"
    r"(?:sources?|passages?|contexts?|documents?|documentation|texts?|information|excerpts?|articles?|"
    r"references|paragraphs?)(?: (?:provided|given|above|available|here))?"
)
_NOT = r"(?:(?:do|does|did|is|are|was|were|has|have)(?: not|n't)|never)"
_TELL = (
    r"(?:say|state|tell|mention|contain|provide|specify|give|include|indicate|answer|reveal|explain|describe|"
    r"discuss|address|offer|cover|list|show|define|have (?:any |enough )?(?:information|details?|answer))"
)
_TOLD = (
    r"(?:mentioned|stated|specified|given|provided|said|included|found|known|available|described|discussed|"
    r"addressed|disclosed|indicated|answered|explained|covered|listed|defined)"
)
_FIND = (
    r"(?:answer|determine|find|tell|say|provide|give|confirm|locate|identify|know|infer|be (?:sure|certain))"
)
_NOTHING = r"(?:information|mention|answer|evidence|details?|indication|data|reference)"

_PHRASES = (
    rf"\bi (?:{_HOW} )?(?:do not|don't|wouldn't|would not) (?:{_HOW} )?"
    rf"(?:know|have (?:any |enough |sufficient |access to )*(?:{_NOTHING}|an answer|the answer))\b",
    r"\bi(?:'m| am) (?:not (?:sure|certain|aware)|(?:unable|not able) to)\b",
    rf"\bi (?:cannot|can't|can not|could not|couldn't) (?:{_HOW} )?{_FIND}\b",
    rf"(?:^|\b{_SOURCES} ){_NOT} (?:{_HOW} )?{_TELL}\b",
    rf"\bnone of {_SOURCES} (?:{_HOW} )?{_TELL}s?\b",
    rf"\b(?:not|never) (?:{_HOW} )?{_TOLD} (?:anywhere )?(?:in|by|from) {_SOURCES}",
    rf"\b(?:not|n't|never) (?:{_HOW} )?(?:mentioned|stated|specified)(?=\W*$)",
    rf"\b(?:there (?:is|are|was)|there's|i (?:have|found|see)|{_SOURCES} (?:{_HOW} )?"
    rf"(?:contains?|provides?|gives?|has|have|makes?)) (?:no|not enough|insufficient) (?:\w+ )?{_NOTHING}\b",
    r"\b(?:cannot|can't|can not|could not|couldn't) be "
    r"(?:determined|answered|found|inferred|known|established)\b",
    rf"\b(?:it is|it's|it was) (?:not possible|impossible) to {_FIND}\b",
    r"\b(?:(?:it|that|this|the answer) is|it's) (?:un|not )(?:clear|known)\b",
    rf"\b(?:the answer|it|that|this) is not (?:contained |found |given )?(?:in|among) {_SOURCES}",
    rf"\bno {_SOURCES} {_TELL}s?\b",
    rf"\bthere (?:is|are) no {_SOURCES} (?:that|which|to) {_TELL}s?\b",
    rf"^it {_NOT} {_TELL}(?=\W*$)",
    rf"^(?:unable|not able) to {_FIND}\b",
    r"\b(?:not enough|insufficient|no) (?:information|context)\b",
    r"^我?(?:也|并)?(?:不知道(?:答案)?|不清楚|不确定|没有相关信息)(?=\W*$)",
    r"^(?:根据\w{0,6})??我?[无無]法(?:回答|确定|得知)(?!的)\w{0,14}(?=\W*$)",
    r"^\w{0,4}?(?:资料|文中|文档|来源)?[里中]?(?:并|都)?(?:没有|未)(?:提到|提及|提供|说明|记载|相关信息)(?!的)\w{0,14}(?=\W*$)",
    r"^(?:unknown|no answer|unanswerable|n/a|no idea|none given|not (?:known|given|available|provided|found|"
    r"applicable|mentioned|stated|specified))(?=\W*$)",
)
_PHRASE = re.compile("|".join(f"(?:{phrase})" for phrase in _PHRASES))
# "raised when the encoding cannot be determined" is a fact about encodings.
_CONDITION = re.compile(r"\b(?:if|when|whenever|unless|because|where|which)\b")
_COURTESY = re.compile(
    r"\W*(?:(?:i'm |i am |we are )?(?:so |very )?sorry|i apologi[sz]e.*|unfortunately|please .*|"
    r"很?抱歉|对不起|let me know.*|thank.*|if you .*|"
    rf"(?:based on|according to|from|given|in) {_SOURCES}|without .*|"
    r"as an? .*|therefore|so|however|hence|thus|but|and)?\W*"
)
_PIECES = re.compile(
    r"(?<=[.!?。！？])(?<!\b\w\.)(?<!\b[DMS][rst]\.)\s+|\s*[;\n]\s*|,?\s+(?:but|however|although|though|yet)\b,?\s*|"
    r",\s+(?=(?:it|i|I|this|that|they|he|she|the answer)\b)|"
    rf"(?<=[。!?])(?=[{CJK}])|,?(?:但是?|不过|然而)|(?<=抱歉),|(?<=对不起),"
)


def abstains(text: str, *, references: Sequence[str] = (), cited: bool = False) -> bool:
    """Whether the point of an answer is that it does not know.

    The text is cut into sentences, and these at "but", "however" and the like. It abstains if some piece
    holds the phrase the prompt asks for or a listed paraphrase, and every other piece is a courtesy
    ("sorry", "based on the sources"): "I don't know, but it is five years" makes a claim and is an answer.

    Args:
        text: the answer.
        references: acceptable answers; a text that contains one, other than as a word of the phrase
            itself ("no" in "no information"), does not abstain.
        cited: whether the answer cites an offered passage; then it does not abstain.
    """
    if cited:
        return False
    plain = unicodedata.normalize("NFKC", strip_markers(text)).replace("’", "'")
    if any(_contains(plain.casefold(), reference) for reference in references):
        return False
    pieces = [piece.casefold().strip() for piece in _PIECES.split(plain) if piece and piece.strip()]
    claims = [piece for piece in pieces if not _dodges(piece)]
    return len(claims) < len(pieces) and all(_COURTESY.fullmatch(claim) for claim in claims)


def _dodges(piece: str) -> bool:
    phrases = _PHRASE.finditer(piece)
    return any(not _CONDITION.search(piece[: phrase.start()]) for phrase in phrases)


def _contains(text: str, reference: str) -> bool:
    wanted = unicodedata.normalize("NFKC", reference).replace("’", "'").casefold().strip(" .")
    if not wanted:
        return False
    pattern = re.escape(wanted)
    bounded = rf"(?<!\w){pattern}(?!\w)" if wanted.isascii() else pattern
    phrases = [phrase.span() for phrase in _PHRASE.finditer(text)]
    return any(
        not any(_inside(found.span(), phrase) for phrase in phrases) for found in re.finditer(bounded, text)
    )


def _inside(span: tuple[int, int], phrase: tuple[int, int]) -> bool:
    """Whether a span is a part of a phrase, but not all of it."""
    return phrase != span and phrase[0] <= span[0] and span[1] <= phrase[1]
