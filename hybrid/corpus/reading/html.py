"""HTML: the main text as Markdown, and where none is found all that is visible. Nothing is fetched."""

import codecs
import copy
import re
from typing import Any

from hybrid.corpus.reading.content import Content, Refused, own_title

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DECLARED = re.compile(
    rb"""<(?:meta[^>]+?charset|\?xml[^>]+?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
# What browsers take these labels for: https://encoding.spec.whatwg.org/#names-and-labels
_TAKEN_FOR = {
    **{"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"},
    **{"utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8"},
}

_EMPHASIS = ("b", "em", "i", "strong", "u")
_UNSEEN = ("head", "noscript", "script", "style", "template")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = (
    *("article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figcaption", "footer", "form"),
    *("header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul", *_HEADINGS),
)


def read_html(data: bytes) -> Content:
    """The main text of a page, its title, and where it says it lies.

    Raises:
        Refused: nothing of it is visible.
    """
    from lxml import etree
    from trafilatura import extract
    from trafilatura.settings import DEFAULT_CONFIG

    page = decode_html(data)
    tree = _parse(page)
    # As Markdown these would put asterisks into sentences that are quoted and searched.
    etree.strip_tags(tree, *_EMPHASIS)
    _mark_main(tree)
    title = own_title(tree.findtext(".//head/title"))
    source = _source(tree)
    # Of a main text that seems short to it, trafilatura gives the whole page without its headings.
    config = copy.deepcopy(DEFAULT_CONFIG)
    config["DEFAULT"]["MIN_EXTRACTED_SIZE"] = "20"
    text = extract(tree, output_format="markdown", include_comments=False, config=config)
    return Content(text or visible_text(page), title, {"source": source} if source else {})


def decode_html(data: bytes) -> str:
    """The characters of a page: by its mark, by what it declares, as UTF-8, else as browsers guess."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    declared = _DECLARED.search(data[:4096])
    for label in ([declared.group(1).decode("ascii", "replace")] if declared else []) + ["utf-8"]:
        try:
            name = codecs.lookup(label).name
            return data.decode(_TAKEN_FOR.get(name, name))
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def visible_text(page: str) -> str:
    """All text of a page that a browser would show, with its headings as Markdown.

    Raises:
        Refused: there is none.
    """
    tree = _parse(page)
    for element in list(tree.iter(*_UNSEEN)):
        element.drop_tree()
    for depth, name in enumerate(_HEADINGS, start=1):
        for heading in list(tree.iter(name)):
            title = " ".join(heading.text_content().split())
            heading[:] = []
            heading.text = f"\n{'#' * depth} {title}\n" if title else ""
    for block in tree.iter(*_BLOCKS):
        block.text = f"\n{block.text or ''}"
        block.tail = f"\n{block.tail or ''}"
    lines = [" ".join(line.split()) for line in tree.text_content().split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise Refused("no text", "has no visible text")
    return text


def _parse(page: str) -> Any:
    from lxml import etree, html

    if not page.strip():
        raise Refused("no text", "has no visible text")
    # As bytes: lxml refuses a str that declares an encoding, as all XHTML does.
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError as exc:
        raise Refused("no text", "has no visible text") from exc


def _mark_main(tree: Any) -> None:
    """Puts the body of a page that does not mark its main part into one, or only its paragraphs are found."""
    body = tree.find(".//body")
    if body is not None and tree.find(".//main") is None:
        main = body.makeelement("main")
        main.text, body.text = body.text, None
        main.extend(list(body))
        body.append(main)


def _source(tree: Any) -> str:
    links = tree.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content")
    return next((str(link).strip() for link in links if link.strip().startswith(("https://", "http://"))), "")
