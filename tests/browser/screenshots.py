# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the screenshots of the documentation: ``make screenshots``.

The screenshots show the report of the sample fleet below, in the light and in the dark theme, and the site of ``make
docs``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import report, report_html
from test_report_page import Browser

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGES = CHECKOUT / "docs/docsite/rst/images"
# The output of "make docs".
SITE = CHECKOUT / ".cache/docs/html"
WIDTH, HEIGHT = 1200, 700

ROLE = "arn:aws:iam::111122223333:role/apono-k8s-access"
ERROR = (
    "The API server of data-eu answered 401 to GET of the ConfigMap kube-system/aws-auth: Unauthorized. The cluster "
    "does not know the caller. Add the caller to aws-auth, or set apono_authentication to eks_api."
)
ENTRY = {"principal_arn": ROLE, "type": "STANDARD", "username": "apono:{{SessionName}}"}
RUN = {
    "user": "jane",
    "playbook": "apono.eks.onboard",
    "inventory": ["/home/jane/fleet/clusters.yml"],
    "collection_version": "1.0.0",
    "ansible_version": "2.19.3",
}


def cluster(name: str, account: str, region: str, state: str, **steps: Any) -> dict[str, Any]:
    made = [
        {"name": step, "state": "unchanged", **steps.get(step, {})}
        for step in ("policy", "role", "mapping", "integration")
    ]
    return {"cluster": name, "account_id": account, "region": region, "state": state, "steps": made}


def fleet() -> list[dict[str, Any]]:
    changed = {"state": "changed", "changes": [f"create the access entry of {ROLE}"]}
    new = {"mapping": {**changed, "diff": {"before": None, "after": ENTRY}}}
    new["integration"] = {"state": "changed", "changes": ["create the integration"]}
    waiting = {"integration": {"state": "not started"}, "mapping": {"state": "failed"}}
    error = {"step": "mapping", "message": ERROR, "code": "Unauthorized"}
    return [
        cluster("shop-eu", "111122223333", "eu-central-1", "changed", **new),
        cluster("shop-us", "111122223333", "us-east-1", "changed", **new),
        {**cluster("data-eu", "444455556666", "eu-central-1", "failed", **waiting), "error": error},
        cluster("data-us", "444455556666", "us-east-1", "unchanged"),
        cluster("search-eu", "444455556666", "eu-central-1", "unchanged"),
    ]


def main() -> None:
    document = report.document(fleet(), "Onboarding of EKS clusters", [], False, "2026-01-31T12:00:00+00:00", RUN)
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(Path(folder))
        try:
            browser.resize(WIDTH, HEIGHT)
            for scheme in ("light", "dark"):
                browser.emulate(prefers_color_scheme=scheme)
                browser.open(report_html.page(document, "today"))
                browser.script("document.querySelector('[data-state=changed] details').open = true")
                browser.driver.save_screenshot(str(IMAGES / f"report-{scheme}.png"))
            browser.emulate(prefers_color_scheme="light")
            browser.driver.get((SITE / "docsite/first_cluster.html").as_uri())
            browser.driver.save_screenshot(str(IMAGES / "site.png"))
        finally:
            browser.driver.quit()


if __name__ == "__main__":
    main()
