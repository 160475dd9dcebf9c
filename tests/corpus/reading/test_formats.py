"""What each kind of file becomes: its text, its title, its metadata."""

import pytest
from sample_files import mail, pdf, rewritten, slides, word, workbook

from hybrid.corpus.reading.content import Refused, clean, own_title
from hybrid.corpus.reading.html import read_html
from hybrid.corpus.reading.mail import read_mail
from hybrid.corpus.reading.office import check_archive, read_docx, read_pptx, read_xlsx
from hybrid.corpus.reading.pdf import read_pdf

PAGE = """<html><head><title>Heaters\n | Acme</title><link rel="canonical" href="https://acme.example/w">
<script>SECRET</script><style>SECRET</style></head><body><nav><a href="/">Home</a></nav>
<h1>Warranty</h1><p>It lasts <b>five</b> years for every heater.</p><script>SECRET</script>
<h2>Exceptions</h2><ul><li>Batteries</li></ul><table><tr><td>X1</td><td>5</td></tr></table></body></html>"""

UNSEEN = "".join(f"<{tag}>SECRET</{tag}>" for tag in ("noscript", "script", "style", "template"))


def test_of_a_page_the_main_text_its_title_and_its_place_are_read():
    content = read_html(PAGE.encode())
    assert content.text.startswith("# Warranty\n\nIt lasts five years for every heater.\n\n## Exceptions")
    assert "Batteries" in content.text and "| X1 | 5 |" in content.text
    assert "SECRET" not in content.text and "Home" not in content.text
    assert (content.title, content.metadata) == ("Heaters | Acme", {"source": "https://acme.example/w"})


def test_a_page_of_nothing_but_links_is_read():
    page = b"<body><script>SECRET</script><nav><a href='/'>Home</a><br><a href='/b'>Blog</a></nav>"
    assert read_html(page).text == "Home\nBlog"


@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="iso-8859-1"><p>café'.encode("latin-1"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><html><body><p>café'.encode("latin-1"),
        "<p>café".encode(),
        "\ufeff<p>café".encode(),
        "<p>café".encode("utf-16"),
        "<p>café".encode("latin-1"),
        '<meta charset="no-such"><p>café'.encode(),
        '<meta charset="utf-16"><p>café'.encode(),
    ],
)
def test_a_page_is_decoded_as_browsers_do(page):
    assert read_html(page).text == "café"


def test_a_pdf_is_its_pages_with_a_form_feed_between_them():
    content = read_pdf(pdf("Cover", "", "Five years.", title="Manual"))
    assert (content.text, content.title) == ("Cover\f\fFive years.", "Manual")


def test_a_pdf_with_an_empty_password_is_read():
    assert read_pdf(pdf("Five years.", password="")).text == "Five years."


def test_of_a_docx_headings_lists_and_tables_are_kept_in_order():
    data = word(
        ("Heading 2", "Warranty"),
        "Five years.",
        ("List Bullet", "Heaters"),
        title="Handbook",
        table=[["Model", "Years"], ["X1", "5"]],
    )
    content = read_docx(data)
    assert content.text == "## Warranty\n\nFive years.\n\n- Heaters\n\nModel | Years\nX1 | 5"
    assert content.title == "Handbook"


def test_of_a_docx_with_changes_the_text_after_them_is_read():
    run = b"<w:r><w:t>Five</w:t></w:r>"
    changed = (
        b"<w:ins><w:r><w:t>Six</w:t></w:r></w:ins><w:del><w:r><w:delText>Five</w:delText></w:r></w:del>"
        b"<w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom>"
    )
    data = rewritten(word("Five"), "word/document.xml", lambda content: content.replace(run, changed))
    assert read_docx(data).text == "Six"


def test_of_slides_each_is_a_page_with_its_title_and_notes():
    content = read_pptx(slides(("Warranty", "Five years."), ("Service", "Daily."), notes="Ask them."))
    assert (
        content.text
        == "# Warranty\n\nFive years.\n\nNotes: Ask them.\f# Service\n\nDaily.\n\nNotes: Ask them."
    )


def test_of_a_workbook_each_row_is_a_line_with_the_names_of_its_columns():
    data = workbook(
        Prices=[["Of 2024"], [], ["Model", "Price", None], ["X1", 3.0, "new"], ["X2", None]],
        Names=[["Ada"], ["Bob"]],
        Empty=[],
    )
    assert read_xlsx(data).text == (
        "# Prices\n\nOf 2024\nModel: X1; Price: 3; new\nModel: X2\n\n# Names\n\nAda\nBob"
    )


def test_of_a_mail_the_subject_is_the_title_and_headers_are_metadata():
    content = read_mail(mail("Daily.\n", html="<p>Daily!", Subject="Service?", From="a@x.example"))
    assert (content.text, content.title, content.metadata) == (
        "Daily.\n",
        "Service?",
        {"from": "a@x.example"},
    )


def test_of_a_mail_in_html_the_visible_text_is_read():
    content = read_mail(mail(html=f"{UNSEEN}<h1>Service</h1>{UNSEEN}<p>Daily.", Subject="S"))
    assert content.text == "# Service\n\nDaily."


def test_a_mail_of_an_unknown_encoding_is_read():
    content = read_mail(
        b"Subject: =?utf-8?q?Caf=C3=A9?=\nContent-Type: text/plain; charset=x-none\n\ncaf\xe9"
    )
    assert (content.text, content.title) == ("café", "Café")


@pytest.mark.parametrize(
    "title", ["", "  ", "Untitled 2", "PowerPoint Presentation", "draft v2.docx", "x" * 301]
)
def test_titles_that_programs_make_up_are_none(title):
    assert own_title(title) == ""


def test_text_is_made_fit_for_any_store():
    assert clean("a\r\nb\rc\0\ud83d\ude00\ud800\f\x07") == "a\nb\nc 😀\ufffd\f "


def test_an_archive_is_refused_by_what_it_says_it_unpacks_to():
    with pytest.raises(Refused, match="unpacks to .* MB, more than 0.001 MB"):
        check_archive(word("x"), 1000)
