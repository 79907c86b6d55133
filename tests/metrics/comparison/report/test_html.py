"""The report: no network, whole, named pictures; in a real browser no errors, readable."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from tests.metrics.comparison.browsing import browse

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

# What a page would have to load from elsewhere, or run.
OUTSIDE = re.compile(r'(?:src|href)="(?!data:|#)|url\(|@import|<script|<iframe|<link(?![^>]*data:)')


class Page(HTMLParser):
    """What a page says about its structure."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(report):
    return Page(report.read_text(encoding="utf-8"))


def test_the_page_is_whole_and_needs_no_network(report, page):
    text = report.read_text(encoding="utf-8")
    assert page.open == []
    assert not OUTSIDE.search(text)
    assert "default-src 'none'" in text


def test_names_are_text_and_not_markup(report):
    text = report.read_text(encoding="utf-8")
    assert "half <b>" not in text
    assert "half &lt;b&gt;&amp;&#34;quoted&#34;" in text
    assert "gone was not" in text


def test_pictures_have_words(page):
    for image in page.of("img"):
        assert (image["alt"] or "").strip()
        assert base64.b64decode(image["src"].split(",")[1]).startswith(b"\x89PNG")
        assert int(image["width"]) > 300


def test_structure_for_keyboard_and_screen_reader(page):
    anchors = {a["href"] for a in page.of("a") if (a.get("href") or "").startswith("#")}
    targets = {f"#{attributes['id']}" for _, attributes in page.tags if attributes.get("id")}
    assert anchors <= targets
    assert "#content" in anchors  # the way around the navigation
    assert len(page.of("h1")) == 1
    assert page.of("html")[0]["lang"] == "en"
    assert all(header.get("scope") == "col" for header in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table"))
    for region in (d for d in page.of("div") if d.get("role") == "region"):
        assert region["tabindex"] == "0"  # what scrolls can be scrolled without a mouse
        assert region["aria-label"]
    names = [a["download"] for a in page.of("a") if "download" in a]
    assert {"summary.csv", "differences.csv", "settings.json", "stars.csv"} <= set(names)


def test_a_browser_reports_no_errors(browser, report, tmp_path):
    done = browse(browser, report, tmp_path, "--enable-logging=stderr", "--log-level=0", "--dump-dom")
    assert done.returncode == 0
    assert "Observing strategies compared" in done.stdout
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_sideways(browser, report, tmp_path, width):
    """Laptop and phone: only marked regions scroll sideways, never the page."""
    # The page itself runs no scripts; a copy that measures is allowed to.
    measure = (
        "<script>addEventListener('load', () => { document.title = 'measured ' "
        "+ document.documentElement.scrollWidth + ' ' + document.documentElement.clientWidth "
        "+ ' ' + [...document.images].filter(i => !i.complete || !i.naturalWidth).length; });"
        "</script>"
    )
    text = report.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    copy = tmp_path / "copy.html"
    # Chrome's windows are never narrower than 500 pixels: a frame is.
    copy.write_text(text.replace("</body>", measure + "</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<!DOCTYPE html><iframe id="f" src="copy.html" width="{width}" height="900" '
        'style="border:0"></iframe><script>addEventListener("load", () => { '
        'document.title = document.getElementById("f").contentDocument.title; });</script>'
    )
    done = browse(
        browser,
        frame,
        tmp_path,
        "--allow-file-access-from-files",
        "--dump-dom",
        "--virtual-time-budget=20000",
        "--window-size=1400,1000",
    )
    found = re.search(r"<title>measured (\d+) (\d+) (\d+)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    scroll, client, missing = (int(number) for number in found.groups())
    assert width - 20 <= client <= width  # a scroll bar at most
    assert scroll <= client
    assert missing == 0
