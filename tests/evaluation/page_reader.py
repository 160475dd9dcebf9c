"""Reads a page as a browser would, as far as tests ask."""

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "link", "img"}
LOADING = {"src", "srcset", "data", "action", "formaction", "background", "poster", "ping", "manifest"}


class Reader(HTMLParser):
    """Collects tags, attributes, ids and text; keeps a stack to see that all is closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.attributes, self.stack = [], [], [], [], []
        self.text, self.scripts, self.styles, self.policy = "", [], [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        inside = self.stack[-1] if self.stack else ""
        if inside in ("script", "style"):
            (self.scripts if inside == "script" else self.styles).append(data)
        else:
            self.text += data

    @property
    def words(self):
        """The text with single spaces."""
        return " ".join(self.text.split())


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def assert_safe(page):
    """Nothing runs but our script, nothing is loaded, every link leads to a place in the page."""
    read = Reader(page)
    assert read.stack == []
    assert len(read.scripts) == read.tags.count("script") == 1
    assert len(read.styles) == read.tags.count("style") == 1
    assert read.policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest(read.scripts[0])}'" in read.policy
    assert f"style-src 'sha256-{digest(read.styles[0])}'" in read.policy
    assert "unsafe" not in read.policy
    names = {name for name, _ in read.attributes}
    assert not [name for name in names if name.startswith("on") or name in LOADING or name == "style"]
    assert not {"iframe", "object", "embed", "base", "link", "img", "form"} & set(read.tags)
    assert len(read.ids) == len(set(read.ids))
    assert [link for link in read.links if not (link.startswith("#") and link[1:] in read.ids)] == []
    assert not re.search(r"url\(|@import|expression\(", read.styles[0])
    return read
