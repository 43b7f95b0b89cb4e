# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine of a user who connects to clusters."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from runs import Controller

import tools
from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
# The seconds until an API server knows a new permission.
SECONDS = 20

KUBECONFIG = """\
# Of the cluster at home
apiVersion: v1
kind: Config
clusters:
- cluster: {server: 'https://10.0.0.1:6443'}
  name: home
contexts:
- context: {cluster: home, user: me}
  name: home
current-context: home
users:
- name: me   # of the old days
  user:
    token: secret-of-the-cluster-at-home
"""


class Desk:
    """Jane's machine: a home with two files, and a shell without the credentials of the automation principal."""

    def __init__(self, bed: Bed, binary: Path | None, folder: Path) -> None:
        self.bed = bed
        self.account = Account(bed, ACCOUNT)
        self.home = folder / "home"
        self.config, self.kubeconfig = self.home / ".aws/config", self.home / ".kube/config"
        for path in (self.config, self.kubeconfig):
            path.parent.mkdir(parents=True)
        self.kubeconfig.write_text(KUBECONFIG)
        self.kubeconfig.chmod(0o600)
        operator = bed.environment(OPERATIONS_ACCOUNT)
        places = {name: value for name, value in operator.items() if name.startswith("AWS_ENDPOINT_URL")}
        # As with AWS, tokens are signed for its own STS host, because the real authenticator accepts only these.
        del places["AWS_ENDPOINT_URL_STS"]
        self.environment = {
            **places,
            **bed.way_to_sts(folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(self.home),
            "PATH": f"{tools.AWS.parent}:{tools.KUBECTL.parent}:{os.environ['PATH']}",
        }
        binaries = {"binary": binary} if binary else {}
        self.operator = Controller(folder, operator, **binaries)
        (folder / "jane").mkdir()
        self.jane = Controller(
            folder / "jane", {**self.environment, "APONO_ENDPOINT": "http://127.0.0.1:1"}, **binaries
        )

    def sign_in(self, keys: dict[str, str], profile: str = "profile jane") -> None:
        """Write a user's credentials to the place where a sign-in writes them."""
        self.config.write_text(
            f"# signed in\n[{profile}]\naws_access_key_id = {keys['AccessKeyId']}\n"
            f"aws_secret_access_key = {keys['SecretAccessKey']}\naws_session_token = {keys['SessionToken']}\n"
        )

    def shell(self, script: str) -> str:
        """Run a bash script and return its output, including errors."""
        command = ["bash", "-c", script]
        process = subprocess.run(
            command, env=self.environment, cwd=self.home, text=True, stdout=-1, stderr=subprocess.STDOUT, check=False
        )
        return process.stdout

    def wait_for(self, script: str, output: str) -> None:
        """Wait until a script prints exactly this text, because an API server needs time to know a permission."""
        end = time.monotonic() + SECONDS
        while self.shell(script) != output:
            assert time.monotonic() < end, self.shell(script)
            time.sleep(0.2)
