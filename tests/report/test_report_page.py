"""The report's page in a headless Chromium: no errors, nothing fetched, visible, sortable, legible.

Contrast is that of the Web Content Accessibility Guidelines 2.1 (1.4.3: 4.5, for large text 3).
"""

import json
import os

import numpy as np
import pytest
from browser import CHROMIUM, Browser

from ecg12.io.classes import CPSC_2018
from ecg12.io.wfdb import write_record
from ecg12.report import Model, Results, measure, write_report

pytestmark = pytest.mark.browser
VIEWS = [(width, scheme) for width in (360, 1400) for scheme in ("light", "dark")]

# For every element with text of its own: text, contrast with what lies behind, whether it is large.
# Text in a coloured box of a drawing is measured on the shape that lies under it.
CONTRASTS = """JSON.stringify((() => {
  const parse = (c) => { const n = c.match(/[\\d.]+/g).map(Number);
    return n.length < 4 ? [...n, 1] : n; };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const page = parse(getComputedStyle(document.body).backgroundColor);
  const shapes = new Map();
  const under = (e) => {
    const svg = e.closest("svg");
    if (svg) {
      if (!shapes.has(svg)) shapes.set(svg, Array.from(svg.querySelectorAll("path,use"), (p) =>
        ({ box: p.getBoundingClientRect(), style: getComputedStyle(p) })));
      const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2;
      let colour = page.slice(0, 3);
      for (const s of shapes.get(svg)) {
        if (s.style.fill === "none" || x < s.box.left || x > s.box.right || y < s.box.top
            || y > s.box.bottom) continue;
        const fill = parse(s.style.fill);
        const alpha = fill[3] * s.style.fillOpacity * s.style.opacity;
        colour = over([...fill.slice(0, 3), alpha], colour);
      }
      return colour;
    }
    for (let up = e; up; up = up.parentElement) {
      const c = parse(getComputedStyle(up).backgroundColor);
      if (c[3] > 0) return over(c, page);
    }
    return page.slice(0, 3);
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const own = Array.from(e.childNodes, (n) => n.nodeType === 3 ? n.data.trim() : "").join("");
    if (!own) continue;
    const style = getComputedStyle(e);
    const ink = parse(e.closest("svg") ? style.fill : style.color), ground = under(e);
    const a = light(over(ink, ground)), b = light(ground);
    found.push([own, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
      parseFloat(style.fontSize) >= 24]);
  }
  return found;
})())"""

COLUMN = """JSON.stringify(Array.from(document.querySelectorAll("#classes-table tbody tr"),
  (row) => row.cells[%d].dataset.sort))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, module_record):
    """Return the page of a comparison with thresholds, nine classes and one drawn recording."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    y_true = rng.random((80, 9)) < 0.25
    y_true[:, 5] = False  # a class without AUROC
    y_score = np.clip(rng.normal(0.3, 0.15, y_true.shape) + 0.3 * y_true, 0, 1)
    header = write_record(folder, module_record)
    runs = [
        Results(
            title=name,
            headers=(header,) * 80,
            y_true=y_true,
            y_pred=values > 0.5,
            y_score=values,
            classes=CPSC_2018,
            databases=("a", "b") * 40,
        )
        for name, values in (("new", y_score), ("old", y_score**2))
    ]
    model = Model(("one", "two"), np.full((2, 9), 0.5))
    return write_report(folder, "labels", measure(runs, None, 100), model=model, n_misses=1)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        reason = "no Chromium on the path (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Browser() as running:
        yield running


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_page_is_quiet_whole_and_legible(page, browser, width, scheme):
    browser.messages.clear()
    browser.requests.clear()
    browser.open(page, width, scheme)
    assert browser.messages == []
    assert [r for r in browser.requests if not r.startswith(("data:", "file:"))] == []
    sizes = json.loads(browser.evaluate(
        "JSON.stringify(Array.from(document.querySelectorAll('figure svg, figure img'), "
        "(e) => [e.getBoundingClientRect().width, e.getBoundingClientRect().height]))"
    ))  # fmt: skip
    assert len(sizes) == 10
    assert np.min(sizes) > 100
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    faint = [
        (text, round(ratio, 2))
        for text, ratio, large in json.loads(browser.evaluate(CONTRASTS))
        if ratio < (3 if large else 4.5)
    ]
    assert faint == []


def test_the_schemes_differ(page, browser):
    grounds = []
    for scheme in ("light", "dark"):
        browser.open(page, 360, scheme)
        grounds.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize(("column", "name"), [(0, "class"), (1, "true"), (2, "AUROC")])
def test_a_table_sorts_by_the_pressed_heading(page, browser, column, name):
    browser.open(page, 360, "light")
    head = f"document.querySelector('#classes-table thead tr').cells[{column}]"
    assert browser.evaluate(f"{head}.textContent") == name
    for press in range(2):
        browser.evaluate(f"{head}.querySelector('button').click()")
        values = json.loads(browser.evaluate(COLUMN % column))
        known = [value if column == 0 else float(value) for value in values if value]
        assert len(known) >= 8
        assert values[len(known) :] == [""] * (len(values) - len(known))  # undefined at the end
        downwards = browser.evaluate(f"{head}.getAttribute('aria-sort')") == "descending"
        assert downwards == ((column > 0) == (press == 0))
        assert known == sorted(known, reverse=downwards)


def test_every_picture_and_table_is_named_for_those_who_cannot_see(page, browser):
    browser.open(page, 1400, "light")
    unnamed = browser.evaluate(
        "document.querySelectorAll('svg:not([aria-label]), img:not([alt]), th:not([scope]), "
        "table:not(:has(caption)), .scroll:not([aria-label])').length"
    )
    assert unnamed == 0
    assert browser.evaluate("document.documentElement.lang") == "en"
