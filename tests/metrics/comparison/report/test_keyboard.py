"""The report without a mouse: every key pressed in a real browser."""

from __future__ import annotations

import pytest

from tests.metrics.comparison.browsing import Tab

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

# Numbers elements in the order of the page, and describes the one that has the focus.
FOCUSED = """(() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  return {tag: e.tagName, place: [...document.querySelectorAll('*')].indexOf(e),
          name: e.getAttribute('aria-label') || e.textContent.trim(),
          ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
          seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
})()"""

# Contrast of every piece of text with what is behind it (WCAG 2.1, 1.4.3), the lowest first.
CONTRASTS = """(() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => channels(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor, parts = channels(colour);
      if (parts.length < 4 || parts[3] > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
    if (!text) continue;
    const pair = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), text.slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0]);
})()"""


@pytest.fixture
def laptop(browser, report, tmp_path):
    with Tab(browser, report, tmp_path, 1280, 800) as tab:
        yield tab


def stops(tab: Tab, most: int = 300) -> list[dict]:
    """Press Tab from the top of the page to its end."""
    found: list[dict] = []
    for _ in range(most):
        tab.press("Tab")
        here = tab.ask(FOCUSED)
        if here["tag"] == "BODY":
            return found
        found.append(here)
    raise AssertionError(f"no end after {most} stops")


def test_tab_reaches_all_in_order_and_shows_where_it_is(laptop):
    found = stops(laptop)
    expected = laptop.ask(
        "[...document.querySelectorAll('*')].map((e, k) => [e, k]).filter(([e]) => "
        "e.matches('a[href], summary, [tabindex]') && e.checkVisibility()).map(([, k]) => k)"
    )
    places = [stop["place"] for stop in found]
    assert places == sorted(places)
    assert places == expected
    assert found[0]["name"] == "Skip to the results"
    assert [stop["name"] for stop in found if not stop["ring"]] == []
    assert [stop["name"] for stop in found if not stop["seen"]] == []
    assert all(stop["name"] for stop in found)


def test_the_navigation_can_be_skipped(laptop):
    laptop.press("Tab")
    laptop.press("Enter")
    laptop.press("Tab")
    assert laptop.ask("document.querySelector('main').contains(document.activeElement)")


def test_a_section_opens_with_enter(laptop):
    n_closed = laptop.ask("document.querySelectorAll('details:not([open])').length")
    assert n_closed
    while laptop.ask("document.activeElement.tagName") != "SUMMARY":
        laptop.press("Tab")
    laptop.press("Enter")
    assert laptop.ask("document.activeElement.parentElement.open")
    laptop.press("Tab")  # into the table
    inside = "document.activeElement.matches('details[open] [role=region]')"
    assert laptop.ask(inside)
    laptop.press("Tab")
    assert not laptop.ask(inside)  # and out again


def test_arrows_scroll_what_is_wider_than_a_phone(browser, report, tmp_path):
    with Tab(browser, report, tmp_path, 390, 800) as phone:
        wide = (
            "document.activeElement.matches('[role=region]') && "
            "document.activeElement.scrollWidth > document.activeElement.clientWidth"
        )
        for _ in range(100):
            phone.press("Tab")
            if phone.ask(wide):
                break
        assert phone.ask(wide)
        assert phone.ask("document.activeElement.scrollLeft") == 0
        phone.press("ArrowRight", times=3)
        # Chrome scrolls smoothly: wait for the frame after.
        moved = phone.call(
            "Runtime.evaluate",
            awaitPromise=True,
            returnByValue=True,
            expression="new Promise(done => setTimeout(() => done(document.activeElement.scrollLeft), 500))",
        )
        assert moved["result"]["value"] > 0


def test_a_screen_reader_finds_a_name_for_everything(laptop):
    nodes = laptop.call("Accessibility.getFullAXTree")["nodes"]
    named = {
        role: [
            node["name"]["value"] for node in nodes if not node["ignored"] and node["role"]["value"] == role
        ]
        for role in ("image", "link", "region", "heading", "table", "columnheader")
    }
    assert all(len(names) for names in named.values())
    # The table of settings has two columns that need no heading.
    empty = {role: [n for n in names if not n.strip()] for role, names in named.items()}
    assert empty == {role: [] for role in named} | {"columnheader": empty["columnheader"]}
    assert len(empty["columnheader"]) <= 2


def test_text_stands_out(laptop):
    laptop.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    found = laptop.ask(CONTRASTS)
    assert found
    assert [pair for pair in found if pair[0] < 4.5] == []
