import pytest
import report_sample
from browser import CHROMIUM, browser
from hostile import HOSTILE
from test_page import evidence_row

from hybrid.evaluation.page.document import render

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

RED = {"text": "The bell rings eleven times.", "claim": "The bell rings eleven times.", "cited": []}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    statement = RED | {"pool": "contradicted", "pool_score": 0.1, "shown": None, "error": ""}
    rows = [
        evidence_row(cell=cell, question_id=f"q{number}", question=f"{number}: {text}")
        for number, text in enumerate(HOSTILE[:-2])
        for cell in ("base", "tuned")
    ]
    rows[2:4] = [row | {"answer": RED["text"], "statements": [statement]} for row in rows[2:4]]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(report_sample.results(), rows), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


SHOWN = (
    "[...document.querySelectorAll('.question')].filter(c => getComputedStyle(c).display !== 'none').length"
)


def test_a_click_leads_from_a_red_statement_to_its_passage(tab, page):
    tab.open(page)
    tab.click("#cards .question:nth-child(2) > summary")
    assert tab.run("document.querySelectorAll('.question[open]').length") == 1
    tab.click("#q2-c0 .contradicted a.g")
    target = tab.run(
        "(() => { const t = document.querySelector(':target'), b = t.getBoundingClientRect();"
        " return [t.id, t.textContent, b.top >= 0 && b.bottom <= innerHeight]; })()"
    )
    assert target == ["q2-p1-s1", "The bell rings nine times.", True]


def test_nothing_but_our_script_ran_and_nothing_was_loaded(tab, page):
    tab.open(page)
    assert tab.complaints == []
    assert tab.run("document.scripts.length") == 1
    blocked = "new Promise(r => { addEventListener('securitypolicyviolation', e => r(e.effectiveDirective));"
    blocked += "const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
    blocked += "document.body.append(s); })"
    assert tab.run(blocked) == "script-src-elem"
    assert tab.run("window.hacked === undefined")
    tab.complaints.clear()


def test_filters_and_search_leave_what_was_asked_for(tab, page):
    tab.open(page)
    every = tab.run(SHOWN)
    tab.run("document.getElementById('search').value = 'bell ELEVEN'")
    tab.run("document.getElementById('search').dispatchEvent(new Event('input'))")
    assert tab.run(f"new Promise(done => setTimeout(() => done({SHOWN}), 300))") == 1
    assert tab.run("document.getElementById('count').textContent") == f"1 of {every} questions"
    # A link to a question that the search hides takes the search back.
    tab.run("location.hash = 'q3-c0'")
    assert tab.run(f"new Promise(done => setTimeout(() => done({SHOWN}), 100))") == every
    tab.run("document.getElementById('o4').click()")
    assert tab.run(SHOWN) == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(tab, page, width):
    tab.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
    )
    tab.open(page)
    tab.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.run("document.documentElement.scrollWidth") == width


def test_without_javascript_the_page_is_whole_and_its_filters_work(tab, page):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(page)
    assert tab.run("document.getElementById('search').closest('label').hidden")
    tab.run("document.getElementById('o4').checked = true")
    assert tab.run(SHOWN) == 0
    tab.run("document.getElementById('dark').checked = true")
    assert tab.run("getComputedStyle(document.documentElement).colorScheme") == "dark"
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
