# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks with the real ``ansible-rulebook``: EventBridge reports a cluster, and the playbook runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from runs import Controller, begin, kill

import tools
from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, ROLE, Account, Cluster, integrations
from testbed.service import LOOPBACK, free_ports

EDA = Path(__file__).resolve().parents[2] / "extensions/eda"
ACCOUNT, REGION = "111122223333", "eu-west-1"
ELSEWHERE = "444455556666"
TOKEN = "token-of-the-webhook"
PATIENCE_SECONDS = 120

pytestmark = pytest.mark.skipif(
    not shutil.which("java"), reason="ansible-rulebook needs Java. To install it on Debian, run: make java"
)


def event(name: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an EKS call as CloudTrail records it and EventBridge delivers it."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/jane@example.com"
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.eks",
        "account": ACCOUNT,
        "time": "2026-01-31T12:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {"type": "AssumedRole", "arn": arn, "accountId": ACCOUNT},
            "eventTime": "2026-01-31T12:00:00Z",
            "eventSource": "eks.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": "192.0.2.1",
            "userAgent": "aws-cli/2.17.0",
            "requestParameters": parameters,
            "responseElements": None,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
            **more,
        },
    }


def wait(condition: Callable[[], Any], rulebook: Rulebook) -> Any:
    """Wait for a true answer and return it. A timeout shows the output of the rulebook."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := condition()):
        assert rulebook.process.poll() is None and time.monotonic() < deadline, rulebook.log.read_text()
        time.sleep(0.1)
    return answer


class Rulebook:
    """A running rulebook."""

    def __init__(self, controller: Controller, rulebook: str, **variables: Any) -> None:
        self.log = controller.folder / "rulebook.log"
        self.record = controller.folder / "record.jsonl"
        file = controller.folder / "variables.json"
        file.write_text(json.dumps({"apono_accounts": [ACCOUNT], "apono_automation_roles": [AUTOMATION], **variables}))
        with self.log.open("w") as log:
            self.process = begin(
                [
                    Path(sys.executable).with_name("ansible-rulebook"),
                    *("--rulebook", rulebook),
                    *("--inventory", str(EDA / "inventory")),
                    *("--vars", str(file)),
                ],
                env=controller.full_environment(self.record),
                cwd=controller.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def runs(self) -> int:
        """Return the number of started playbooks."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return sum(json.loads(line)["name"] == "Create a host for the cluster" for line in lines)

    def ended(self, number: int) -> bool:
        return self.log.read_text().count("PLAY RECAP") >= number


class Webhook(Rulebook):
    """The rulebook with a webhook."""

    def __init__(self, controller: Controller) -> None:
        self.port = free_ports(1)[0]
        super().__init__(
            controller,
            "apono.eks.eks_clusters_webhook",
            apono_webhook_port=self.port,
            apono_webhook_token=TOKEN,
        )

    def send(self, message: Any, token: str = TOKEN) -> int:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}/eks",
            data=json.dumps(message).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except urllib.error.URLError:
            return 0


@pytest.fixture(name="slow_bed")
def fixture_slow_bed() -> Iterator[Bed]:
    """Services on which the creation of a cluster takes time."""
    with Bed.start(update_seconds=4, small=True) as bed:
        bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
        yield bed


@pytest.fixture(name="rulebook")
def fixture_rulebook(slow_bed: Bed, tmp_path: Path) -> Iterator[Webhook]:
    rulebook = Webhook(Controller(tmp_path, slow_bed.environment(OPERATIONS_ACCOUNT)))
    yield rulebook
    kill(rulebook.process)


def test_a_cluster_comes_and_goes(slow_bed: Bed, rulebook: Webhook, tmp_path: Path) -> None:
    account = Account(slow_bed, ACCOUNT)
    eks = account.client("eks")
    node = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [node]})
    service_role = account.iam.create_role(RoleName="eks", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account.add_cluster("other", "API")

    wait(lambda: rulebook.send({}) == 200, rulebook)
    assert rulebook.send(event("DeleteCluster", {"name": "other"}), token="wrong") == 401
    pipe = "{{ lookup('pipe', 'touch " + str(tmp_path / "touched") + "') }}"
    own = {"name": "other", "principalArn": account.arn(f"role/{ROLE}")}
    automation = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": account.automation}}}
    for ignored in (
        event("DeleteCluster", {"name": "other"}, errorCode="AccessDenied"),
        event("DescribeCluster", {"name": "other"}),
        event("DeleteAccessEntry", own, userAgent="Boto3/1.40 apono.eks", userIdentity=automation),
        event("CreateCluster", {"name": pipe}),
        event("DeleteCluster", {"name": "other"}, recipientAccountId=ELSEWHERE),
        {**event("DeleteCluster", {"name": "other"}, recipientAccountId=ELSEWHERE), "account": ELSEWHERE},
        [pipe],
    ):
        assert rulebook.send(ignored) == 200

    eks.create_cluster(
        name="fresh",
        roleArn=service_role,
        resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
        accessConfig={"authenticationMode": "API"},
    )
    told = event("CreateCluster", {"name": "fresh"}, userIdentity={"userName": pipe}, userAgent=pipe)
    assert eks.describe_cluster(name="fresh")["cluster"]["status"] == "CREATING"
    assert rulebook.send(told) == 200
    wait(lambda: rulebook.ended(1), rulebook)
    arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/fresh"
    fresh = Cluster(account, "fresh", REGION, arn)
    assert fresh.entry()["username"] == "apono:{{SessionName}}", rulebook.log.read_text()
    assert list(integrations(slow_bed)) == [f"fresh.{REGION}.{ACCOUNT}"]

    eks.delete_access_entry(clusterName="fresh", principalArn=account.arn(f"role/{ROLE}"))
    # Each caller can choose the user agent.
    deleted = event("DeleteAccessEntry", {**own, "name": "fresh"}, userAgent="aws-cli/2.17.0 apono.eks")
    assert rulebook.send(deleted) == 200
    wait(lambda: rulebook.ended(2), rulebook)
    assert fresh.entry(), rulebook.log.read_text()

    eks.delete_cluster(name="fresh")
    assert rulebook.send(event("DeleteCluster", {"name": "fresh"})) == 200
    wait(lambda: rulebook.ended(3), rulebook)
    assert integrations(slow_bed) == {}, rulebook.log.read_text()
    # The run does not know the other clusters of the account.
    assert account.role()["policies"] == [account.arn(f"policy/{ROLE}")]
    assert rulebook.runs() == 3

    # A template of the rulebook would convert these names to numbers.
    odd = ["0x10", "1_000", "123"]
    for name in odd:
        account.add_cluster(name, "API")
        assert rulebook.send(event("CreateCluster", {"name": name})) == 200
    wait(lambda: rulebook.ended(3 + len(odd)), rulebook)
    assert sorted(integrations(slow_bed)) == sorted(f"{name}.{REGION}.{ACCOUNT}" for name in odd), (
        rulebook.log.read_text()
    )
    assert not (tmp_path / "touched").exists()
    assert TOKEN not in rulebook.log.read_text()


class Queue:
    """An SQS queue on a moto server."""

    def __init__(self, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://{LOOPBACK}:{port}"
        command = [Path(sys.executable).with_name("moto_server"), "-H", LOOPBACK, "-p", str(port)]
        self.process = begin(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = boto3.client(
            "sqs",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.address = self.client.create_queue(QueueName="eks")["QueueUrl"]
                break
            except Exception:
                assert self.process.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)

    def send(self, message: Any) -> None:
        self.client.send_message(QueueUrl=self.address, MessageBody=json.dumps(message))

    def messages(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.client.get_queue_attributes(QueueUrl=self.address, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


def hasten(name: str, folder: Path) -> Path:
    """Return a copy of a rulebook that waits for one second between its attempts."""
    rulesets = yaml.safe_load((EDA / f"rulebooks/{name}.yml").read_text())
    for rule in rulesets[0]["rules"]:
        rule["action"]["run_playbook"]["delay"] = 1
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(rulesets))
    return path


def test_an_event_of_a_queue_survives_a_playbook_that_fails(tmp_path: Path) -> None:
    """The source of amazon.aws deletes the message before the playbook ends."""
    with Bed.start(small=True) as bed:
        account = Account(bed, ACCOUNT)
        account.add_cluster("fresh", "API")
        environment = bed.environment(OPERATIONS_ACCOUNT)
        queue = Queue(environment)
        paths = (os.environ["ANSIBLE_COLLECTIONS_PATH"], str(tools.EVENTS_COLLECTIONS))
        environment |= {
            "AWS_ENDPOINT_URL_SQS": queue.url,
            "ANSIBLE_COLLECTIONS_PATH": ":".join(paths),
            "PYTHONPATH": str(tools.EVENTS_PYTHON),
        }
        rulebook = Rulebook(
            Controller(tmp_path, environment),
            str(hasten("eks_clusters_sqs", tmp_path)),
            apono_queue_name="eks",
            apono_queue_region=REGION,
        )
        try:
            # The connector of the inventory does not exist yet, so the first run fails.
            created = event("CreateCluster", {"name": "fresh"})
            queue.send({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(created)})
            wait(lambda: rulebook.ended(1), rulebook)
            assert integrations(bed) == {}
            wait(lambda: queue.messages() == 0, rulebook)
            bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
            wait(lambda: integrations(bed), rulebook)
            assert list(integrations(bed)) == [f"fresh.{REGION}.{ACCOUNT}"]
            assert rulebook.runs() >= 2
        finally:
            kill(rulebook.process)
            kill(queue.process)
