"""Cutting a text into passages along its structure: headings, paragraphs, sentences, lines, words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HASHES = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_UNDERLINE = re.compile(r"([*=~^+-])\1{2,}")
# Latin sentences end before whitespace, CJK ones anywhere; closing quotes and brackets belong to them.
_SENTENCE_END = re.compile(r"[.!?][\"')\]”’»]*(?!\S)|[。！？]+[”’」』）》】〉\"')\]]*")
_LINE_END = re.compile(r"(?=\n)")
_SPACE = re.compile(r"(?=\s)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of a text that becomes a passage.

    Attributes:
        start: first code point.
        end: one past the last code point.
        locator: its page, if the text has pages, and the headings above it, outermost first, joined by
            " > ".
    """

    start: int
    end: int
    locator: str


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str

    @property
    def blank(self) -> bool:
        return not self.text

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip())


@dataclass(frozen=True, slots=True)
class _Heading:
    title: str
    level: int
    lines: int


@dataclass(frozen=True, slots=True)
class _Block:
    """A span that is kept whole if it fits; ``body`` is where the text after its headings starts.

    A heading by itself has its body at its end. So has a term: a line over an indented paragraph.
    """

    start: int
    body: int
    end: int
    section: int
    locator: str
    code: bool = False


def split(text: str, max_chars: int) -> list[Piece]:
    """Cuts a text into passages.

    Every character that is not whitespace is in exactly one piece; pieces are in order, start and end
    with a character that is not whitespace, and have at most ``max_chars`` code points. A heading starts
    a piece and stays with the text after it. Paragraphs and fenced code are kept whole if they fit, and
    short neighbours of one section share a piece. A form feed ends a page, and no piece crosses it.

    Args:
        text: Markdown, reStructuredText or plain text.
        max_chars: greatest length of a piece, at least 1.
    """
    pieces: list[_Block] = []
    for block in _join_leads(_blocks(text)):
        for part in _cut_block(text, block, max_chars):
            last = pieces[-1] if pieces else None
            if last and last.section == part.section and part.end - last.start <= max_chars:
                pieces[-1] = replace(last, end=part.end)
            else:
                pieces.append(part)
    return [Piece(piece.start, piece.end, piece.locator) for piece in pieces]


def first_heading(text: str) -> str:
    """The title of a text's first heading, or an empty string."""
    for lines in _pages(text):
        fenced = _fenced(lines)
        number = 0
        while number < len(lines):
            if number in fenced:
                number = fenced[number]
            elif heading := _heading(lines, number):
                return heading.title
            else:
                number += 1
    return ""


def _pages(text: str) -> Iterator[list[_Line]]:
    """The lines of each page; a text without form feeds is one page."""
    start = 0
    for page in text.split("\f"):
        end = start + len(page)
        found = _LINE.finditer(text, start, end)
        yield [_Line(match.start(), match.end(), match.group().rstrip()) for match in found]
        start = end + 1


def _blocks(text: str) -> Iterator[_Block]:
    """The headings, terms, paragraphs and fenced codes of a text, in order."""
    path: list[_Heading] = []
    underlines: list[str] = []
    section = 0
    for page, lines in enumerate(_pages(text), start=1):
        section += 1
        place = [f"page {page}"] if "\f" in text else []
        fenced = _fenced(lines)
        number = 0
        while number < len(lines):
            heading = None if number in fenced else _heading(lines, number, underlines)
            if heading:
                path = [above for above in path if above.level < heading.level] + [heading]
                section += 1
                last = number + heading.lines
            else:
                last = fenced.get(number) or _paragraph_end(lines, number, fenced)
            start, end = _trim(text, lines[number].start, lines[last - 1].end)
            if start < end:
                locator = " > ".join(place + [above.title for above in path])
                leads = heading or (number not in fenced and _is_term(lines, number, last))
                yield _Block(start, end if leads else start, end, section, locator, number in fenced)
            number = last


def _is_term(lines: list[_Line], first: int, last: int) -> bool:
    """Whether a paragraph is one line over a paragraph that is indented more, as in pydoc's definitions."""
    below = next((line for line in lines[last : last + 3] if not line.blank), None)
    return last - first == 1 and below is not None and below.indent > lines[first].indent


def _paragraph_end(lines: list[_Line], first: int, fenced: dict[int, int]) -> int:
    if lines[first].blank:
        return first + 1
    last = first + 1
    while last < len(lines) and not lines[last].blank and last not in fenced:
        if _HASHES.match(lines[last].text):
            break
        last += 1
    return last


def _fenced(lines: list[_Line]) -> dict[int, int]:
    """First line → one past the last line of every fenced code that is closed."""
    ranges: dict[int, int] = {}
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        match = _FENCE.match(line.text)
        if not match or (opened is None and number > 0 and _underlines(lines[number - 1].text, line.text)):
            continue
        marks, rest = match.groups()
        if opened is None:
            opened = (number, marks)
        elif marks.startswith(opened[1]) and not rest:
            ranges[opened[0]] = number + 1
            opened = None
    return ranges


def _heading(lines: list[_Line], number: int, underlines: list[str] | None = None) -> _Heading | None:
    """The heading that starts at a line; ``underlines`` collects their characters in order of depth."""
    text = lines[number].text
    if hashes := _HASHES.match(text):
        return _Heading(text[hashes.end() :].rstrip("#").rstrip() or text, len(hashes.group(1)), 1)
    over = 1 if _UNDERLINE.fullmatch(text) else 0
    if (number and not lines[number - 1].blank) or number + over + 1 >= len(lines):
        return None
    title, under = lines[number + over].text, lines[number + over + 1].text
    if not _underlines(title, under) or (over and under != text):
        return None
    depths = [] if underlines is None else underlines
    style = under[0] * (1 + over)
    if style not in depths:
        depths.append(style)
    return _Heading(title.strip(), depths.index(style) + 1, 2 + over)


def _underlines(title: str, line: str) -> bool:
    """Whether a line is a heading's underline: one repeated character, about as long as the title."""
    if not _UNDERLINE.fullmatch(line) or not title or title[0].isspace() or _UNDERLINE.fullmatch(title):
        return False
    return len(title) - 2 <= len(line) <= len(title) + 4


def _join_leads(blocks: Iterator[_Block]) -> Iterator[_Block]:
    """Puts each heading or term before the block that follows in its own section or in one below it."""
    waiting: _Block | None = None
    for block in blocks:
        if waiting is not None:
            below = block.section == waiting.section or block.locator.startswith(f"{waiting.locator} > ")
            if below:
                block = replace(block, start=waiting.start)
            else:
                yield waiting
        waiting = block if block.body == block.end else None
        if waiting is None:
            yield block
    if waiting is not None:
        yield waiting


def _cut_block(text: str, block: _Block, max_chars: int) -> Iterator[_Block]:
    """A block as it is if it fits, else its parts."""
    if block.end - block.start <= max_chars:
        yield block
        return
    if block.code and block.start < block.body and block.end - block.body <= max_chars:
        # The code fits without its heading only: better a heading by itself than code in two.
        start, end = _trim(text, block.start, block.body)
        yield from _cut_block(text, replace(block, body=start, end=end, code=False), max_chars)
        yield replace(block, start=block.body)
        return
    start, end = block.start, block.end
    while end - start > max_chars:
        cut = _cut(text, start, end, max_chars, block)
        part_start, part_end = _trim(text, start, cut)
        yield replace(block, start=part_start, end=part_end)
        start, end = _trim(text, cut, end)
    yield replace(block, start=start, end=end)


def _cut(text: str, start: int, end: int, max_chars: int, block: _Block) -> int:
    """Where to cut a span that is too long, so that the parts get about the same length.

    The best kind of place wins; among its places the first one past an equal share, else the last one.
    A place inside the headings is none, except where nothing else is left.
    """
    limit = start + max_chars
    share = start + (end - start) / -(-(end - start) // max_chars)
    least = block.body if start < block.body < limit else start
    for kind in (_LINE_END, _SPACE) if block.code else (_SENTENCE_END, _LINE_END, _SPACE):
        # One more character than may be used: whether a full stop ends a sentence shows after it.
        found = [match.end() for match in kind.finditer(text, least, min(limit + 1, end))]
        places = [place for place in found if least < place <= limit and text[least:place].strip()]
        if places:
            return next((place for place in places if place >= share), places[-1])
    return limit


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without outer whitespace; an empty one if there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
