# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the HTML report in a real browser: open it from a file, filter, sort and read it. It must not load other files.

At the end: the style and the script of the documentation site, on markup as Sphinx and antsibull-docs write it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import report, report_html
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium or its driver is missing. To install both on Debian, run: make chromium"
)

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--window-size=1400,1000",
)

STATES = ("unchanged", "changed", "unchanged", "failed", "changed", "not started", "unchanged", "drifted")
REGIONS = ("eu-central-1", "us-east-1", "eu-central-1")
REASON = "The cluster does not let the role edit aws-auth. Map it there, or choose apono_authentication: eks_api."

EVIL = (
    "<script>document.title = 'owned'</script>",
    "</script><script>document.title = 'owned'</script>",
    '"><img src=x onerror="document.title = \'owned\'">',
    "<svg onload=\"document.title = 'owned'\">",
    "<a href=\"javascript:document.title = 'owned'\">x</a>",
    '</textarea></style></title><iframe src="https://example.com"></iframe>',
)


def outcome(number: int) -> dict[str, Any]:
    state = STATES[number % len(STATES)]
    mapping: dict[str, Any] = {"name": "mapping", "state": "unchanged"}
    if state == "changed":
        diff = {"before": None, "after": {"username": f"apono:{number}"}}
        mapping = {"name": "mapping", "state": "changed", "changes": [f"create the entry {number}"], "diff": diff}
    if state == "failed":
        mapping["state"] = "failed"
    return {
        "cluster": f"prod-{number}",
        "account_id": f"{111122223333 + number // 4}",
        "region": REGIONS[number % len(REGIONS)],
        "state": state,
        "error": {"step": "mapping", "message": REASON, "code": "Forbidden"} if state == "failed" else None,
        "steps": [
            {"name": "policy", "state": "skipped", "by": "prod-0"}
            if number % 4
            else {"name": "policy", "state": "unchanged"},
            mapping,
        ],
        "findings": [{"code": "open_trust", "message": "Anybody may assume the role."}] if state == "drifted" else [],
    }


RUN = {
    "user": "jane",
    "playbook": "apono.eks.onboard",
    "inventory": ["/home/jane/fleet/clusters.yml"],
    "collection_version": "1.2.3",
    "ansible_version": "2.19.3",
}


def page(outcomes: list[dict[str, Any]], title: str = "Clusters", stem: str = "") -> str:
    return report_html.page(report.document(outcomes, title, [], False, "2026-01-31T12:00:00+00:00", RUN), stem)


class Browser:
    """Chromium, with a record of its requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))

    def open(self, text: str) -> list[str]:
        """Open a page from a file, and return the URLs of all other requests."""
        path = self.folder / "page.html"
        path.write_text(text, encoding="utf-8")
        self.driver.get("about:blank")
        self.requests()
        self.driver.get(path.as_uri())
        return [address for address in self.requests() if address != path.as_uri()]

    def requests(self) -> list[str]:
        """Return the requests since the previous call, without those that the browser has blocked."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent, stopped = {}, set()
        for event in events:
            if event["method"] == "Network.requestWillBeSent":
                sent[event["params"]["requestId"]] = event["params"]["request"]["url"]
            elif event["method"] == "Network.loadingFailed" and event["params"].get("blockedReason") == "csp":
                stopped.add(event["params"]["requestId"])
        return [url for request, url in sent.items() if request not in stopped and url != "about:blank"]

    def complaints(self) -> list[str]:
        """Return the errors of the page's script and the violations of its content security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if "favicon" not in entry["message"]]

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def field(self, name: str) -> Any:
        return self.driver.find_element(By.NAME, name)

    def choose(self, name: str, value: str) -> None:
        field = self.field(name)
        if field.tag_name == "select":
            field.find_element(By.CSS_SELECTOR, f'option[value="{value}"]').click()
        else:
            field.clear()
            field.send_keys(value)

    def shown(self) -> list[str]:
        """Return the visible clusters from top to bottom."""
        return self.script(
            "return [...document.querySelectorAll('tbody')].filter((body) => body.offsetParent || body.offsetHeight)"
            ".map((body) => body.rows[0].cells[0].firstChild.textContent)"
        )

    def resize(self, width: int, height: int = 1000) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def address(self) -> str:
        return str(self.script("return location.hash"))

    def emulate(self, **features: str) -> None:
        media = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items() if name != "media"
        ]
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": features.get("media", ""), "features": media}
        )


@pytest.fixture(scope="module", name="chromium")
def fixture_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.driver.quit()


@pytest.fixture(name="browser")
def fixture_browser(chromium: Browser) -> Iterator[Browser]:
    yield chromium
    chromium.emulate()
    chromium.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_page_from_a_file_is_filtered_sorted_and_opened_without_a_request(browser: Browser) -> None:
    assert browser.open(page([outcome(number) for number in range(24)], "Onboarding")) == []
    assert browser.driver.title == "Onboarding"
    # Failures come first. Clusters of the same state are in the order of the inventory.
    by_state = sorted(range(24), key=lambda number: report.rank(STATES[number % 8])[0])
    everything = [f"prod-{number}" for number in by_state]
    assert browser.shown() == everything
    assert everything[:4] == ["prod-3", "prod-11", "prod-19", "prod-7"]
    assert browser.field("shown").text == "24 shown"

    browser.choose("state", "failed")
    assert browser.shown() == ["prod-3", "prod-11", "prod-19"]
    assert browser.field("shown").text == "3 of 24 shown"
    browser.choose("region", "us-east-1")
    assert browser.shown() == ["prod-19"]
    browser.choose("state", "")
    assert browser.shown() == [name for name in everything if int(name[5:]) % 3 == 1]
    browser.choose("region", "")
    browser.choose("account_id", "111122223334")
    assert browser.shown() == ["prod-7", "prod-5", "prod-4", "prod-6"]
    browser.choose("account_id", "")
    # The search includes all text of the page, also in closed details.
    browser.choose("text", "PROD-12 entry create")
    assert browser.shown() == ["prod-12"]
    browser.choose("text", "nothing of the kind")
    assert browser.shown() == []
    browser.field("text").send_keys(Keys.CONTROL, "a", Keys.DELETE)
    assert browser.shown() == everything

    account, state = (browser.driver.find_elements(By.CSS_SELECTOR, "thead button")[column] for column in (0, 3))
    in_order = [f"prod-{number}" for number in range(24)]
    account.click()
    assert browser.shown() == in_order  # 2 comes before 10, because the order is numeric
    account.click()
    assert browser.shown() == in_order[::-1]
    state.send_keys(Keys.ENTER)
    assert browser.shown()[:4] == ["prod-19", "prod-11", "prod-3", "prod-23"]
    sorted_by = browser.script("return [...document.querySelectorAll('thead th')].map((head) => head.ariaSort)")
    assert [column for column in sorted_by if column] == ["ascending"]

    summary = browser.driver.find_element(By.CSS_SELECTOR, '[data-state="changed"] summary')
    difference = browser.driver.find_element(By.CSS_SELECTOR, '[data-state="changed"] pre')
    assert not difference.is_displayed()
    summary.send_keys(Keys.SPACE)
    assert difference.is_displayed()
    assert '+  "username": "apono:' in difference.text
    browser.field("open").click()
    opened = browser.script(
        "return document.querySelectorAll('details').length, document.querySelectorAll('details:not([open])').length"
    )
    assert opened == 0
    assert browser.field("open").text == "Close all"
    assert browser.requests() == []
    assert browser.complaints() == []


def test_that_a_request_would_be_seen(browser: Browser) -> None:
    text = page([outcome(1)]).replace("<main>", '<img src="http://127.0.0.1:9/seen.png"><main>')
    assert browser.open(re.sub("<meta http-equiv[^>]*>", "", text)) == ["http://127.0.0.1:9/seen.png"]
    # The content security policy of the page blocks it.
    assert browser.open(text) == []
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "by its escaping alone"])
def test_what_is_reported_is_never_run(browser: Browser, policy: bool) -> None:
    outcomes = [
        {
            **{key: text for key in ("cluster", "cluster_name", "account_id", "region", "state")},
            "error": {"step": text, "message": text, "code": text} if number % 2 else None,
            "steps": [
                {
                    "name": text,
                    "state": text,
                    "changes": [text],
                    "note": text,
                    "diff": {"before": text, "after": {text: text}},
                }
            ],
            "findings": [{"code": text, "message": text}],
        }
        for number, text in enumerate(EVIL)
    ]
    text = page(outcomes, "Mine")
    assert browser.open(text if policy else re.sub("<meta http-equiv[^>]*>", "", text)) == []
    browser.field("open").click()
    assert browser.driver.title == "Mine"
    assert browser.shown() == list(EVIL)
    assert browser.script("return document.querySelectorAll('img, iframe, main script, main style').length") == 0
    # Each link points to a row of the page.
    assert browser.script(
        "return [...document.querySelectorAll('a')].every((link) => document.getElementById(link.hash.slice(1)))"
    )
    assert browser.script("return document.querySelectorAll('svg').length") == 1
    assert browser.script("return [...document.querySelectorAll('summary')].map((line) => line.textContent)") == [
        f"{text} {text}" if number % 2 else f"{text}; {text}; {text}" for number, text in enumerate(EVIL)
    ]
    browser.choose("state", EVIL[0])
    assert browser.shown() == [EVIL[0]]
    assert browser.complaints() == []


def test_a_script_that_got_into_the_page_would_not_run(browser: Browser) -> None:
    evil = "<script>document.title = 'owned'</script><b onclick=\"document.title = 'owned'\">x</b><main>"
    browser.open(page([outcome(1)]).replace("<main>", evil))
    browser.driver.find_element(By.CSS_SELECTOR, "b").click()
    assert browser.driver.title == "Clusters"
    browser.complaints()


def test_without_its_script_it_says_the_same(browser: Browser) -> None:
    """The preview of an email shows a page without scripts."""
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.open(page([outcome(number) for number in range(8)]))
    assert len([row for row in browser.driver.find_elements(By.CSS_SELECTOR, "tbody") if row.is_displayed()]) == 8
    assert browser.driver.find_elements(By.CSS_SELECTOR, "thead button") == []
    assert not browser.driver.find_element(By.CSS_SELECTOR, "form").is_displayed()
    assert REASON in browser.driver.find_element(By.CSS_SELECTOR, ".more .bad").text
    # The details open without a script.
    summary = browser.driver.find_element(By.CSS_SELECTOR, '[data-state="changed"] summary')
    summary.send_keys(Keys.SPACE)
    assert browser.driver.find_element(By.CSS_SELECTOR, '[data-state="changed"] pre').is_displayed()


def test_a_thousand_clusters(browser: Browser) -> None:
    assert browser.open(page([outcome(number) for number in range(1000)])) == []
    assert browser.field("shown").text == "1000 shown"
    browser.choose("text", "prod-99")
    assert sorted(browser.shown()) == ["prod-99", *(f"prod-{number}" for number in range(990, 1000))]


# Each text with its contrast to the background (WCAG 2).
CONTRASTS = """
  function luminance(color) {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  }
  function behind(element) {
    const color = getComputedStyle(element).backgroundColor;
    return /, 0\\)$/.test(color) ? behind(element.parentElement) : color;
  }
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, option, caption")) continue;
    const one = luminance(getComputedStyle(element).color), other = luminance(behind(element));
    found.push([(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), walker.currentNode.textContent]);
  }
  return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(browser: Browser, scheme: str) -> None:
    browser.emulate(prefers_color_scheme=scheme)
    browser.open(page([outcome(number) for number in range(8)]))
    browser.field("open").click()
    found = browser.script(CONTRASTS)
    assert len(found) > 100
    assert [text for contrast, text in found if contrast < 4.5] == []
    background = browser.script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(244, 246, 249)", "dark": "rgb(16, 20, 26)"}[scheme]


def test_on_paper_there_are_no_controls_and_every_cluster_with_its_reason(browser: Browser) -> None:
    browser.open(page([outcome(number) for number in range(8)]))
    browser.emulate(media="print", prefers_color_scheme="dark")
    assert not browser.driver.find_element(By.CSS_SELECTOR, "form").is_displayed()
    assert len(browser.shown()) == 8
    assert REASON in browser.driver.find_element(By.CSS_SELECTOR, ".more .bad").text
    assert browser.script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_its_meaning_is_readable_without_seeing_it(browser: Browser) -> None:
    browser.open(page([outcome(number) for number in range(8)]))
    tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    for role, name in [
        ("table", "Clusters and the steps of each"),
        ("image", "States: 1 failed, 1 drifted, 1 not started, 2 changed, 3 unchanged"),
        ("searchbox", "Find"),
        ("combobox", "State"),
        ("columnheader", "Steps"),
        ("button", "1 drifted"),
        ("button", "Copy error"),
        ("rowheader", "prod-3"),
        ("search", ""),
        ("status", ""),
    ]:
        assert (role, name) in named, sorted(named)


LONG_NAME = "payments-production-cluster-with-a-name-of-the-greatest-length-that-eks-allows-which-is-one-hundred"


def fleet() -> list[dict[str, Any]]:
    """Return clusters with all possible steps, and with long names."""
    steps = ("policy", "role", "authentication mode", "mapping", "connector", "integration", "access flows", "profile")
    outcomes = [outcome(number) for number in range(8)]
    for number, its in enumerate(outcomes):
        its["steps"] = [
            *({"name": name, "state": its["state"]} for name in steps if name != "mapping"),
            *(step for step in its["steps"] if step["name"] == "mapping"),
        ]
        its["cluster"] = LONG_NAME if number == 5 else f"shop-eu-central-1-prod-{number}"
    outcomes[0]["steps"][0] = {"name": "policy", "state": "skipped", "by": LONG_NAME}
    return outcomes


OVERFLOW = """
  const wide = [...document.querySelectorAll("main *")].filter((element) => {
    if (element.closest("svg, caption, .unsaid, select")) return false;
    const box = element.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1);
  });
  const card = document.querySelector(".table"), table = card.querySelector("table");
  return [wide.map((element) => element.outerHTML.slice(0, 100)), table.offsetWidth - card.offsetWidth,
    document.documentElement.scrollWidth - innerWidth];
"""


@pytest.mark.parametrize("width", [390, 768, 1024, 1280, 1920])
def test_nothing_is_wider_than_the_screen(browser: Browser, width: int) -> None:
    browser.resize(width)
    browser.open(page(fleet(), stem="today"))
    browser.field("open").click()
    wide, beyond_its_card, beyond_the_screen = browser.script(OVERFLOW)
    assert wide == []
    assert beyond_its_card <= 0
    assert beyond_the_screen <= 0


@pytest.mark.parametrize("width", [390, 1024, 1920])
def test_names_do_not_break_at_hyphens(browser: Browser, width: int) -> None:
    browser.resize(width)
    browser.open(page(fleet()))
    broken = browser.script(
        "return [...document.querySelectorAll('tbody th a.whole, .account, .region')]"
        ".filter((element) => { const range = document.createRange(); range.selectNodeContents(element);"
        " return range.getClientRects().length > 1; }).map((element) => element.textContent)"
    )
    assert broken == []
    assert browser.script("return document.querySelectorAll('tbody th a.whole').length") == 7


def test_on_a_phone_the_state_follows_the_name_and_a_difference_is_not_cut(browser: Browser) -> None:
    browser.resize(390, 1200)
    browser.open(page(fleet()))
    browser.field("open").click()
    name, state, difference = browser.script(
        "const row = document.querySelector('tbody[data-state=changed]');"
        "return [row.querySelector('th'), row.querySelector('.state'), row.querySelector('pre')]"
        ".map((element) => element.getBoundingClientRect().toJSON())"
    )
    # The details are beside a short name and below a long one.
    assert state["top"] - name["bottom"] < 10
    assert state["right"] <= 390
    assert difference["width"] > 300
    assert browser.script("const pre = document.querySelector('pre'); return pre.scrollWidth <= pre.clientWidth")


def test_on_a_phone_each_state_is_beside_a_short_name(browser: Browser) -> None:
    outcomes = [{**outcome(0), "cluster": "eu", "state": state, "steps": []} for state in report.STATES]
    browser.resize(390)
    shown = report.document(outcomes, "Clusters", [], True, "2026-01-31T12:00:00+00:00", RUN)
    browser.open(report_html.page(shown))
    below = browser.script(
        "return [...document.querySelectorAll('tbody')].filter((body) =>"
        "body.querySelector('.state').getBoundingClientRect().top > body.querySelector('th a').getBoundingClientRect()"
        ".bottom).map((body) => body.dataset.state)"
    )
    assert below == []


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_the_state_is_on_the_first_line_of_a_long_name(browser: Browser, width: int) -> None:
    browser.resize(width)
    browser.open(page(fleet()))
    name, state = browser.script(
        "const body = document.querySelector('.long').closest('tbody');"
        "return ['.long', '.state'].map((part) => body.querySelector(part).getBoundingClientRect().toJSON())"
    )
    assert name["height"] > 40
    assert abs(state["top"] - name["top"]) < 10


def test_a_count_of_check_mode_filters_what_would_change(browser: Browser) -> None:
    outcomes = [outcome(number) for number in range(8)]
    shown = report.document(outcomes, "Clusters", [], True, "2026-01-31T12:00:00+00:00", RUN)
    browser.open(report_html.page(shown))
    count = next(
        button
        for button in browser.driver.find_elements(By.CSS_SELECTOR, ".counts button")
        if "would change" in button.text
    )
    count.click()
    assert browser.shown() == ["prod-1", "prod-4"]
    assert browser.address() == "#?state=changed"
    states = browser.driver.find_elements(By.CSS_SELECTOR, "[data-state=changed] .state")
    assert {state.text for state in states} == {"● would change"}


def test_a_count_filters_and_the_address_keeps_it(browser: Browser) -> None:
    browser.open(page([outcome(number) for number in range(24)]))
    everything = browser.shown()
    failed, drifted = browser.driver.find_elements(By.CSS_SELECTOR, ".counts button")[:2]
    failed.click()
    assert browser.shown() == ["prod-3", "prod-11", "prod-19"]
    assert failed.get_attribute("aria-pressed") == "true"
    assert browser.address() == "#?state=failed"
    drifted.click()
    assert browser.shown() == ["prod-7", "prod-15", "prod-23"]
    browser.choose("text", "prod-15")
    assert browser.address() == "#?text=prod-15&state=drifted"

    # The URL contains the filter, so other users and later visits get the same view.
    browser.driver.get("about:blank")
    browser.driver.get((browser.folder / "page.html").as_uri() + "#?text=prod-15&state=drifted")
    assert browser.shown() == ["prod-15"]
    browser.field("reset_all").click()
    assert browser.shown() == everything
    assert browser.address() in ("", "#")
    # A filter for a state that no cluster has is ignored.
    browser.script("location.hash = '#?state=nothing-of-the-kind'")
    assert browser.shown() == everything


def test_an_anchor_leads_to_its_cluster_and_opens_it(browser: Browser) -> None:
    browser.resize(1280, 400)
    browser.open(page([outcome(number) for number in range(24)]))
    browser.driver.get("about:blank")
    browser.driver.get((browser.folder / "page.html").as_uri() + "#c-prod-20")
    top, is_open = browser.script(
        "const row = document.getElementById('c-prod-20');"
        "return [row.getBoundingClientRect().top, row.querySelector('details').open]"
    )
    assert 0 <= top < 400
    assert is_open
    browser.script("scrollTo(0, 0)")
    link = browser.driver.find_element(By.LINK_TEXT, "prod-12")
    assert link.get_attribute("href").endswith("page.html#c-prod-12")


def test_an_error_is_copied_whole(browser: Browser) -> None:
    several = {
        **outcome(3),
        "errors": [{"step": "mapping", "message": REASON}, {"step": "role", "message": "No role."}],
    }
    browser.open(page([several]))
    button = browser.driver.find_element(By.CSS_SELECTOR, ".copy")
    assert button.is_displayed()
    button.click()
    browser.choose("text", "")
    field = browser.field("text")
    assert button.text == "Copied"
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    copied = browser.driver.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(`not read: ${error}`));"
    )
    assert copied.startswith("prod-3\n2 errors: mapping The cluster does not let")
    assert "No role." in copied
    assert field.is_displayed()


def test_the_other_files_are_beside_the_page(browser: Browser) -> None:
    browser.open(page([outcome(1)], stem="/srv/reports/first wave"))
    links = browser.script("return [...document.querySelectorAll('header a')].map((link) => link.href)")
    assert links == [(browser.folder / f"first wave.{kind}").as_uri() for kind in ("json", "csv")]
    facts = browser.driver.find_element(By.CSS_SELECTOR, ".run").text.replace("\n", " ")
    assert facts == (
        "Run by jane Playbook apono.eks.onboard Inventory /home/jane/fleet/clusters.yml "
        "apono.eks 1.2.3 ansible-core 2.19.3"
    )


STATIC = Path(__file__).resolve().parents[2] / "docs/site/static"
SITE_PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><style>{style}</style></head><body><article>
<h1>apono.eks.access_entry module</h1>
<div class="table-wrapper"><table class="docutils"><thead><tr><th>State</th><th>Calls/cluster</th></tr></thead><tbody>
<tr><td><code class="literal"><span class="pre">not-started</span></code></td>
<td><code class="literal"><span class="pre">apono_integration_credential_rotation_days</span></code></td></tr>
</tbody></table></div>
<div class="table-wrapper"><table class="ansible-option-table docutils"><thead><tr><th>Parameter</th><th>Comments</th>
</tr></thead><tbody><tr><td><div class="ansible-option-cell">name</div></td><td><div class="ansible-option-cell">
<p>A description that needs all of the width of a phone, which a label beside it would take away.</p>
<pre>a line of an example that is wider than a phone and that scrolls in its own box</pre></div></td></tr></tbody>
</table></div></article><script>{script}</script></body></html>"""


@pytest.fixture(name="site")
def fixture_site(browser: Browser) -> Browser:
    style, script = ((STATIC / name).read_text() for name in ("site.css", "site.js"))
    browser.open(SITE_PAGE.format(style=style, script=script))
    return browser


def test_a_phone_labels_the_cells_of_a_table_but_not_those_of_options(site: Browser) -> None:
    site.resize(390)
    labels = site.script("return [...document.querySelectorAll('[data-label]')].map((cell) => cell.dataset.label)")
    assert labels == ["Calls/cluster"]


def test_names_break_after_a_separator_and_short_words_do_not_break(site: Browser) -> None:
    marked = site.script(
        "return ['h1', 'th:last-child', 'td:last-child code'].map((part) =>"
        "document.querySelector(part).innerHTML.replace(/<span[^>]*>|<.span>/g, ''))"
    )
    assert marked == [
        "apono.<wbr>eks.<wbr>access_<wbr>entry module",
        "Calls/<wbr>cluster",
        "apono_<wbr>integration_<wbr>credential_<wbr>rotation_<wbr>days",
    ]
    whole = site.script("return [...document.querySelectorAll('.whole')].map((part) => part.textContent)")
    assert whole == ["not-started"]
    # What is copied has no break in it.
    assert site.script("return document.querySelector('td:last-child code').innerText") == (
        "apono_integration_credential_rotation_days"
    )
