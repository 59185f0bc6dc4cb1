"""The page in a headless Chromium: files of each format dropped, keys, print, axe-core.

axe-core checks what can be checked of the Web Content Accessibility Guidelines 2.2, A and AA.
"""

import base64
import csv
import io
import json
import os
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Browser

from ecg12.io.leads import LEADS

CORPUS = Path(__file__).parents[1] / "corpus"
AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = [(width, scheme) for width in (360, 1400) for scheme in ("light", "dark")]
DROPPED = [
    "aecg/three_leads.xml", "cardiosoft/three_leads.xml", "dicom/explicit.dcm", "edf/edf.edf",
    "ishne/three_leads.ecg", "muse/three_leads.xml", "philips/v3.xml", "scp/first.scp",
]  # fmt: skip

pytestmark = pytest.mark.browser


def needed(there, reason):
    """Skip a test, but fail in CI, where something is missing."""
    if not there:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    needed(CHROMIUM, "no Chromium on the path (Debian: apt-get install chromium)")
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, client):
    """Return a function that opens the page at a width in a colour scheme."""

    def opened(width=1400, scheme="light", path=""):
        browser.messages.clear()
        browser.requests.clear()
        browser.open(client.address + path, width, scheme)
        if not path:
            browser.wait("document.getElementById('reads').textContent !== ''")
        return browser

    return opened


@pytest.fixture(scope="module")
def files(tmp_path_factory, module_record):
    """Return the paths of a header and its signal file."""
    import ecg12

    header = ecg12.write_record(tmp_path_factory.mktemp("files"), module_record)
    return [header, header.with_suffix(".mat")]


def drop(page, paths, expected=1):
    """Drop files, and wait until the list has as many rows and all are done."""
    page.drop(paths, 100, 150)
    page.wait(f"document.querySelectorAll('#recordings tbody tr').length === {expected}")
    page.wait("document.getElementById('progress-box').hidden")


def text(page, selector):
    return page.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")


def rows(page):
    """Return name, diagnoses and quality of each row of the list."""
    found = page.evaluate(
        "JSON.stringify(Array.from(document.querySelectorAll('#recordings tbody tr'), "
        "(row) => Array.from(row.cells, (cell) => cell.innerText.trim())))"
    )
    return json.loads(found)


def quiet(page, address):
    """Assert that nothing was said on the console and nothing was asked of others."""
    assert page.messages == []
    others = [url for url in page.requests if not url.startswith((address, "blob:", "data:"))]
    assert others == []


@pytest.mark.parametrize("path", DROPPED)
def test_each_format_is_dropped_and_answered(path, page, client):
    shown = page()
    file = CORPUS / path
    _, answer = client.predict([(file.name, file.read_bytes())])
    drop(shown, [file])
    [[name, diagnoses, quality]] = rows(shown)
    assert name == file.name
    if answer["recordings"]:
        [recording] = answer["recordings"]
        assert diagnoses == (", ".join(recording["diagnoses"]) or "none")
        assert quality == recording["quality"]["verdict"]
        traces = shown.evaluate("document.querySelectorAll('#paper svg path.trace').length")
        assert traces > 3 or "Hz can be drawn" in text(shown, "#paper-note")
    else:
        assert quality == "failed"
        assert answer["failures"][0]["reason"] in text(shown, "#errors")
    quiet(shown, client.address)


def test_the_numbers_are_those_of_the_service(page, client, pair, files):
    shown = page()
    drop(shown, files)
    shown.evaluate("document.getElementById('every').click()")
    _, answer = client.predict(pair)
    [recording] = answer["recordings"]
    found = shown.evaluate(
        "JSON.stringify(Array.from(document.querySelectorAll('#findings tbody tr'), "
        "(row) => [row.querySelector('.short').textContent, row.cells[1].innerText.trim(), "
        "row.cells[2].innerText.split(/\\s/)[0]]))"
    )
    shown_classes = {short: cells for short, *cells in json.loads(found)}
    for entry in recording["classes"]:
        chance, decision = shown_classes[entry["abbreviation"]]
        assert decision == ("yes" if entry["positive"] else "no")
        if entry["probability"] is None:
            assert chance == "unknown"
        elif chance.startswith((">", "<")):
            assert chance == ("> 99 %" if entry["probability"] > 0.99 else "< 0.1 %")
            assert not 0.001 <= entry["probability"] <= 0.99
        else:
            number = float(chance.removesuffix("%"))
            assert number == pytest.approx(100 * entry["probability"], abs=0.51)
    _, sure = client.predict(pair, {"coverage": "0.9"})
    found = shown.evaluate(
        "JSON.stringify(Array.from(document.querySelectorAll('#findings tbody tr'), (row) => "
        "[row.querySelector('.short').textContent, row.querySelector('.chip')?.innerText ?? '']))"
    )
    chips = dict(json.loads(found))
    for entry in sure["recordings"][0]["classes"]:
        certain = entry["answer"] == ("yes" if entry["positive"] else "no")
        expected = ("certain" if certain else "uncertain") if entry["answer"] else ""
        assert chips[entry["abbreviation"]] == expected
    assert text(shown, "#verdict") == recording["quality"]["verdict"]
    assert "all 12" in text(shown, "#lead-facts")


def test_a_header_and_its_signals_become_one_of_several_rows(page, client, files):
    shown = page()
    drop(shown, [*files, CORPUS / "edf" / "edf.edf", CORPUS / "dicom" / "pdf.dcm"], 3)
    assert sorted(row[0] for row in rows(shown)) == ["A0001.hea", "edf.edf", "pdf.dcm"]
    head = "document.querySelector('#recordings thead button')"
    for reverse in (False, True):
        shown.evaluate(f"{head}.click()")
        names = [row[0].lower() for row in rows(shown)]
        assert names == sorted(names, reverse=reverse)
        order = shown.evaluate(f"{head}.parentElement.getAttribute('aria-sort')")
        assert order == ("descending" if reverse else "ascending")
    quiet(shown, client.address)


def test_files_are_chosen_as_well(page, files):
    shown = page()
    document = shown.call("DOM.getDocument")
    node = shown.call("DOM.querySelector", nodeId=document["root"]["nodeId"], selector="#files")
    shown.call("DOM.setFileInputFiles", files=[str(f) for f in files], nodeId=node["nodeId"])
    shown.wait("!document.getElementById('detail').hidden")
    assert text(shown, "#title") == "A0001.hea"


def test_the_paper_is_true_to_scale(page, files):
    """A second is 25 mm, a millivolt 10 mm; CSS has 96 px to the inch."""
    shown = page()
    drop(shown, files)
    for view, expected in (("page", (265, 160)), ("rows", (265, 315)), ("V1", (265, 60))):
        shown.evaluate(
            f"(() => {{ const v = document.getElementById('view'); v.value = '{view}'; "
            "v.dispatchEvent(new Event('change')); })()"
        )
        size = "document.querySelector('#paper svg').getBoundingClientRect()"
        found = [shown.evaluate(f"{size}.{side}") * 25.4 / 96 for side in ("width", "height")]
        assert found == pytest.approx(expected, rel=0.001)
        assert (
            shown.evaluate("document.querySelector('#paper svg').viewBox.baseVal.width")
            == expected[0]
        )
    shown.evaluate("document.getElementById('zoom-in').click()")
    assert shown.evaluate(f"{size}.width") * 25.4 / 96 == pytest.approx(265 * 1.25, rel=0.001)


def test_the_trace_is_the_signal(page, files, client, pair):
    shown = page()
    drop(shown, files)
    _, answer = client.predict(pair, {"include": "signals"})
    drawn = answer["signals"][0]
    values = np.frombuffer(base64.b64decode(drawn["leads"]["V2"]), "<i2") * drawn["step"]
    shown.evaluate(
        "(() => { const v = document.getElementById('view'); v.value = 'V2'; "
        "v.dispatchEvent(new Event('change')); })()"
    )
    d = shown.evaluate("Array.from(document.querySelectorAll('#paper .trace')).at(-1)"
                       ".getAttribute('d')")  # fmt: skip
    points = np.array([pair.split() for pair in re.split("[ML]", d)[1:]], float)
    assert len(points) == len(values)
    np.testing.assert_allclose(points[:, 0], 10 + 25 * np.arange(len(values)) / 500, atol=0.006)
    np.testing.assert_allclose(points[:, 1], 35 - 10 * values, atol=0.006)


@pytest.fixture
def long_files(tmp_path, make_record):
    """Return the paths of a recording of 25 s."""
    import ecg12

    header = ecg12.write_record(tmp_path, make_record("L", seconds=25))
    return [header, header.with_suffix(".mat")]


def test_a_long_recording_is_shown_part_by_part(page, client, long_files):
    shown = page()
    drop(shown, long_files)
    assert "the first 10 s of 25 s used" in text(shown, "#facts")
    assert text(shown, "#part-note") == "The diagnoses are those of the first 10 s."
    found, span = text(shown, "#findings"), "document.getElementById('span').textContent"
    shown.evaluate(
        "(() => { const v = document.getElementById('view'); v.value = 'V2'; "
        "v.dispatchEvent(new Event('change')); })()"
    )
    for key, start in (("n", 10), ("N", 15), ("n", 15), ("p", 10)):
        shown.evaluate("document.getElementById('paper').focus()")
        shown.press(key)
        shown.wait(f"{span}.startsWith('{start} s to {start + 10} s of 25 s')")
        shown.wait(f"document.getElementById('paper-foot').innerText.includes('{start}–')")
        sent = [(path.name, path.read_bytes()) for path in long_files]
        _, answer = client.predict(sent, {"include": "signals", "start": str(start)})
        drawn = answer["signals"][0]
        values = np.frombuffer(base64.b64decode(drawn["leads"]["V2"]), "<i2") * drawn["step"]
        d = shown.evaluate("document.querySelector('#paper .trace:last-of-type').getAttribute('d')")
        points = np.array([pair.split() for pair in re.split("[ML]", d)[1:]], float)
        np.testing.assert_allclose(points[:, 1], 35 - 10 * values, atol=0.006)
    assert "not of what is shown" in text(shown, "#part-note")
    assert "10 s to 20 s of 25 s" in shown.evaluate("document.getElementById('status').textContent")
    assert "10–20 s" in shown.evaluate("document.querySelector('#paper svg').ariaLabel")
    assert text(shown, "#findings") == found
    quiet(shown, client.address)


def test_time_is_moved_by_buttons_and_by_the_slider(page, files, long_files):
    shown = page()
    drop(shown, files)
    assert shown.evaluate("document.getElementById('time').hidden")
    drop(shown, long_files, 2)
    tab_to(shown, "L.hea")
    shown.press("Enter")
    span = "document.getElementById('span').textContent"
    tab_to(shown, "later")
    shown.press("Enter")
    shown.wait(f"{span}.startsWith('10 s')")
    tab_to(shown, "part")
    shown.press("End")
    shown.wait(f"{span}.startsWith('15 s')")
    assert "15 s to 25 s" in shown.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    assert shown.evaluate("document.getElementById('later').ariaDisabled") == "true"
    shown.press("Home")
    shown.wait(f"{span}.startsWith('0 s')")
    assert violations(shown) == []


def test_what_is_explained_is_marked_where_it_lies(page, long_files):
    shown = page()
    drop(shown, long_files)
    shown.evaluate("document.getElementById('tint').click()")
    tints = "document.querySelectorAll('#paper svg .tint').length"
    shown.wait(f"{tints} > 0", 120)
    shown.evaluate("document.getElementById('later').click()")
    shown.wait("document.getElementById('paper-foot').innerText.includes('10–')")
    assert shown.evaluate(tints) == 0
    assert "What is shown is not among it" in text(shown, "#tint-legend")


def test_an_array_is_read_once_its_rate_is_said(page, tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "signals.csv"
    np.savetxt(file, np.cumsum(rng.normal(0, 0.05, (5000, 3)), axis=0), delimiter=",")
    shown = page()
    drop(shown, [file])
    assert rows(shown)[0][2] == "failed"
    assert shown.evaluate("document.getElementById('array').open")
    for name, value in {"rate": "500", "unit": "mV", "leads": "I,II,V1"}.items():
        shown.evaluate(f"document.getElementById('{name}').value = '{value}'")
    shown.evaluate("document.getElementById('again').click()")
    shown.wait("!document.getElementById('detail').hidden")
    assert rows(shown)[0][2] in ("good", "usable", "unusable")
    assert "aVR" in text(shown, "#lead-facts")


def test_sending_again_leaves_no_failure_of_before(page, tmp_path):
    path = tmp_path / "three.npy"
    np.save(path, np.random.default_rng(0).normal(0, 0.2, (3, 12, 5000)))
    shown = page()
    drop(shown, [path], expected=3)
    assert [row[2] for row in rows(shown)] == ["failed"] * 3
    for name, value in {"rate": "500", "unit": "mV", "leads": ",".join(LEADS)}.items():
        shown.evaluate(f"document.getElementById('{name}').value = '{value}'")
    shown.evaluate("document.getElementById('again').click()")
    shown.wait("document.getElementById('progress-box').hidden")
    found = rows(shown)
    assert len(found) == 3
    assert "failed" not in [row[2] for row in found]


SLOW = """
window.asked = 0;
const real = window.fetch;
window.fetch = async (address, options) => {
  if (!String(address).includes("predict")) return real(address, options);
  window.asked += 1;
  await new Promise((done) => setTimeout(done, 300));
  if (options.signal.aborted) throw new DOMException("aborted", "AbortError");
  return real(address, options);
};
"""


def test_what_is_cleared_is_not_sent_and_does_not_come_back(page, client, tmp_path):
    content = (CORPUS / "muse" / "three_leads.xml").read_bytes()
    paths = [tmp_path / f"p{number}.xml" for number in range(8)]
    for path in paths:
        path.write_bytes(content)
    shown = page()
    shown.evaluate(SLOW)
    shown.drop(paths, 100, 150)
    shown.wait("window.asked === 3")
    shown.evaluate("document.getElementById('clear').click()")
    shown.evaluate("new Promise((done) => setTimeout(done, 1000))")
    assert shown.evaluate("window.asked") == 3
    assert shown.evaluate("document.getElementById('detail').hidden")
    assert shown.evaluate("document.getElementById('list').hidden")
    assert shown.evaluate("document.title") == "ecg12"
    quiet(shown, client.address)
    drop(shown, paths[:1])
    assert rows(shown)[0][0] == "p0.xml"


def test_a_file_that_the_browser_cannot_read_costs_only_itself(page, client):
    """As one that was removed after it was chosen: its `text` and `slice` fail."""
    content = base64.b64encode((CORPUS / "muse" / "three_leads.xml").read_bytes()).decode()
    shown = page()
    shown.evaluate(f"""
        const bytes = Uint8Array.from(atob("{content}"), (one) => one.charCodeAt(0));
        const lost = new File(["x"], "lost.hea");
        const fail = () => Promise.reject(new DOMException("gone", "NotReadableError"));
        lost.text = fail;
        lost.slice = () => ({{ arrayBuffer: fail }});
        const transfer = {{ files: [lost, new File([bytes], "good.xml")], items: [] }};
        const event = new Event("drop", {{ bubbles: true, cancelable: true }});
        Object.defineProperty(event, "dataTransfer", {{ value: transfer }});
        dispatchEvent(event);
    """)
    shown.wait("document.querySelectorAll('#recordings tbody tr').length === 2")
    shown.wait("document.getElementById('progress-box').hidden")
    assert [(row[0], row[2] == "failed") for row in rows(shown)] == [
        ("lost.hea", True), ("good.xml", False)
    ]  # fmt: skip
    assert "lost.hea: the browser cannot read it" in text(shown, "#errors")
    quiet(shown, client.address)


def test_an_answer_that_is_not_the_service_s_is_told_with_its_status(page, files):
    shown = page()
    shown.evaluate(
        "window.fetch = async () => new Response('<html>too large</html>', {status: 413})"
    )
    drop(shown, files)
    assert "no answer of the service, but status 413" in text(shown, "#errors")


def test_the_explanation_is_switched(page, client, pair, files):
    shown = page()
    drop(shown, files)
    tints = "document.querySelectorAll('#paper svg .tint').length"
    assert shown.evaluate(tints) == 0
    shown.evaluate("document.getElementById('tint').click()")
    shown.wait(f"{tints} > 0", 120)
    assert shown.evaluate("document.getElementById('tint').getAttribute('aria-pressed')") == "true"
    _, answer = client.predict(pair, {"include": "explanation"})
    name = answer["recordings"][0]["diagnoses"]
    explained = answer["explanation"]
    assert shown.evaluate("document.getElementById('tint-class').value") in name
    chosen = next(iter(explained))
    assert explained[chosen]["top_leads"][0] in text(shown, "#tint-legend")
    assert violations(shown) == []
    shown.evaluate("document.getElementById('tint').click()")
    assert shown.evaluate(tints) == 0
    quiet(shown, client.address)


DOWNLOADED = """(async () => {
  let saved; const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { saved = blob; return make.call(URL, blob); };
  HTMLAnchorElement.prototype.click = function () {};
  document.getElementById(%r).click();
  return await saved.text();
})()"""


def test_downloads_are_the_answers_of_predict(page, client, pair, files):
    shown = page()
    drop(shown, [*files, CORPUS / "dicom" / "pdf.dcm"], 2)
    _, answer = client.predict(pair, {"coverage": "0.9"})
    saved = json.loads(shown.evaluate(DOWNLOADED % "download-json"))
    assert saved["notice"] == answer["notice"]
    assert saved["recordings"] == answer["recordings"]
    assert [one["source"] for one in saved["failures"]] == ["pdf.dcm"]
    table = list(csv.DictReader(io.StringIO(shown.evaluate(DOWNLOADED % "download-csv"))))
    assert [row["abbreviation"] for row in table if row["abbreviation"]] == [
        entry["abbreviation"] for entry in answer["recordings"][0]["classes"]
    ]
    assert {row["recording"] for row in table} == {"A0001.hea", "pdf.dcm"}
    assert all("not a medical device" in row["notice"] for row in table)


def test_print_is_two_pages_of_paper_with_the_notice(page, files):
    shown = page()
    drop(shown, files)
    shown.evaluate("document.getElementById('zoom-in').click()")  # which print does not follow
    made = shown.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    pdf = base64.b64decode(made["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
    [box, *_] = re.findall(rb"/MediaBox\s*\[([^]]*)\]", pdf)
    size = [float(value) / 72 * 25.4 for value in box.split()[2:]]
    assert size == pytest.approx([297, 210], abs=0.5)
    assert len(zlib.compress(pdf)) > 10_000
    shown.call("Emulation.setEmulatedMedia", media="print")
    assert "not a medical device" in text(shown, ".print-notice")
    paper = "document.querySelector('#paper svg').getBoundingClientRect().width"
    assert shown.evaluate(paper) * 25.4 / 96 == pytest.approx(265, rel=0.001)
    assert shown.evaluate("getComputedStyle(document.querySelector('.side')).display") == "none"
    shown.call("Emulation.setEmulatedMedia", media="")


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.innerText")


def tab_to(page, name):
    """Press Tab until an element has the focus."""
    for _ in range(60):
        page.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name}: never focused")


def test_all_can_be_done_with_keys(page, files):
    shown = page()
    shown.press("Tab")
    assert focused(shown) == "Skip to the content"
    tab_to(shown, "choose")
    drop(shown, [*files, CORPUS / "edf" / "edf.edf"], 2)
    tab_to(shown, "edf.edf")
    shown.press("Enter")
    assert text(shown, "#title") == "edf.edf"
    assert focused(shown) == "title"
    tab_to(shown, "view")
    tab_to(shown, "zoom-in")
    shown.press(" ")
    assert text(shown, "#zoom") == "125 %"
    tab_to(shown, "paper")
    shown.press("-")
    shown.press("-")
    assert text(shown, "#zoom") == "75 %"
    tab_to(shown, "every")
    shown.press("Enter")
    assert shown.evaluate("document.querySelectorAll('#findings tbody tr').length") == 24
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert shown.evaluate(outline) == "solid"


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_axe_finds_nothing_and_nothing_overflows(page, client, files, width, scheme):
    needed(AXE.is_file(), f"no axe-core at {AXE}; make {Path(sys.prefix).name}/.installed-dev")
    shown = page(width, scheme)
    assert violations(shown) == []
    drop(shown, [*files, CORPUS / "dicom" / "pdf.dcm"], 2)
    shown.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(shown) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    shown.evaluate(
        "Array.from(document.querySelectorAll('#recordings tbody button')).at(-1).click()"
    )
    assert violations(shown) == []
    assert [m for m in shown.messages if "axe" not in m] == []
    quiet(shown, client.address)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_description_is_read_by_all(page, client, width, scheme):
    needed(AXE.is_file(), f"no axe-core at {AXE}")
    shown = page(width, scheme, "docs")
    shown.wait("document.querySelectorAll('#schemas table').length > 5")
    assert violations(shown) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    quiet(shown, client.address)


def violations(page):
    """Return rule and elements of all that axe-core finds wrong."""
    page.call("Runtime.evaluate", expression=AXE.read_text())
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', "
        "'best-practice']}).then((result) => JSON.stringify(result.violations.map("
        "(one) => [one.id, one.nodes.map((node) => node.html.slice(0, 120))])))"
    )
    return json.loads(found)


def test_the_schemes_differ(page):
    grounds = []
    for scheme in ("light", "dark"):
        shown = page(1400, scheme)
        grounds.append(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_the_token_is_asked_for_and_kept_nowhere(browser, serve, files):
    token = "0123456789abcdef"  # noqa: S105
    with serve(token=token) as one:
        browser.open(one.address, 1400, "light")
        browser.wait("!document.getElementById('token-form').hidden")
        for given, opened in (("wrong", False), (token, True)):
            browser.evaluate(f"document.getElementById('token').value = '{given}'")
            browser.evaluate("document.querySelector('#token-form button').click()")
            browser.wait(
                "document.getElementById('token-form').hidden" if opened
                else "document.getElementById('errors').innerText !== ''"
            )  # fmt: skip
        drop(browser, files)
        assert text(browser, "#title") == "A0001.hea"
        stored = "document.cookie + localStorage.length + sessionStorage.length"
        assert browser.evaluate(stored) == "00"
    browser.messages.clear()  # of the refused requests
