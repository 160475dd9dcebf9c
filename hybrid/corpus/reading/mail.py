"""EML: a mail with its subject as title and the plain or the HTML body as text."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

from hybrid.corpus.reading.content import Content, Refused, own_title
from hybrid.corpus.reading.html import decode_html, visible_text

TOLD = ("from", "to", "cc", "date")


def read_mail(data: bytes) -> Content:
    """The body of a mail; its attachments are passed over.

    Raises:
        Refused: it has no header, or no body with text.
    """
    mail = BytesParser(EmailMessage, policy=default).parsebytes(data)
    if not mail.keys():
        raise Refused("unreadable", "is no mail: it has no header")
    text = _body(mail)
    if not text.strip():
        raise Refused("no text", "has no body with text")
    headers = {name: " ".join(str(mail[name]).split()) for name in TOLD if mail[name]}
    return Content(text, own_title(str(mail["subject"] or "")), headers)


def _body(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    packed = body.get_payload(decode=True)
    data = packed if isinstance(packed, bytes) else b""
    if body.get_content_subtype() == "html":
        return visible_text(decode_html(data))
    try:
        return data.decode(body.get_content_charset("utf-8"))
    except (LookupError, ValueError):
        return data.decode("cp1252", "replace")
