# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test provokes each message of the troubleshooting guide and compares it with the output. The guide has each
provoked message.

The test cases have the titles of the guide. Most of them are hosts of one run of ``onboard``, with a cluster for each
kind of failure, and tasks of one play.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import docutils.core
import pytest
import trustme
import yaml
from docutils import nodes
from fleets import REGION, Fleet
from guides import GUIDES, kubeconfig
from runs import Controller, Run
from test_adopt import PAGE_POLICY, PAGE_SSO_TRUST, make_role

import tools
from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, OUTPOST, ROLE, Account

SHOP, DATA, LOCKED, POOR = "111122223333", "444455556666", "555566667777", "666677778888"
JANE = "jane@example.com"
NOWHERE = "https://127.0.0.1:1"


def titles() -> list[str]:
    """Return the messages of the guide, which are the titles of its subsections."""
    document = docutils.core.publish_doctree(
        (GUIDES / "troubleshooting.rst").read_text(), settings_overrides={"report_level": 2, "halt_level": 2}
    )
    # The title of the page is the title of the document.
    entries = [section for section in document.findall(nodes.section) if isinstance(section.parent, nodes.section)]
    return [section.next_node(nodes.title).astext() for section in entries]


def shown(title: str) -> re.Pattern[str]:
    """Return a title as a pattern of the output."""
    return re.compile(".*".join(re.escape(part.strip()) for part in title.split("…")), re.S)


# Many clusters that do not need a real API server.
pytestmark = pytest.mark.small_bed


# One run of onboard with a host for each message


class Faults(Fleet):
    """Accounts and clusters with all kinds of problems."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        super().__init__(bed, controller, apono_connector="Production", apono_max_fail_percentage=50)
        self.shop, self.locked, self.poor = map(self.account, (SHOP, LOCKED, POOR))
        self.settings["apono_assume_role_arn"] = self.shop.automation
        somebody = self.shop.make_role("somebody", SHOP)
        self.fine = self.shop.add_cluster("fine", "API_AND_CONFIG_MAP")
        self.shop.add_cluster("api", "API")
        self.shop.add_cluster("local", "CONFIG_MAP", outpost_config=OUTPOST)
        broken = self.shop.add_cluster("broken", "CONFIG_MAP")
        broken.write_map_roles(f"- rolearn: {somebody}\n  username: [\n")
        self.shop.add_cluster("stranger", "CONFIG_MAP", creator_arn=somebody)
        weak = self.shop.add_cluster("weak", "CONFIG_MAP", creator_arn=somebody)
        weak.write_map_roles(f"- {{rolearn: {self.shop.automation}, username: automation}}\n")
        self.other_authority = trustme.CA().cert_pem.bytes().decode()
        for account in (self.locked, self.poor):
            account.add_cluster("fine", "API")
        # One automation role that no principal may assume, and one without permissions.
        trust = (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "%s"}}'
        )
        document = trust % (LOCKED, "sts:AssumeRole")
        self.locked.iam.update_assume_role_policy(RoleName=AUTOMATION, PolicyDocument=document)
        for policy in self.poor.role(AUTOMATION)["policies"]:
            self.poor.iam.detach_role_policy(RoleName=AUTOMATION, PolicyArn=policy)

    @property
    def wrong(self) -> dict[str, dict[str, Any]]:
        """Return, by the title in the guide, the differences to a host without problems."""
        return {
            "The config profile … could not be found": {"apono_profile": "nobody", "apono_assume_role_arn": ""},
            "No AWS credentials were found": {"apono_profile": "empty", "apono_assume_role_arn": ""},
            "No AWS region is known for …": {"apono_region": ""},
            "… is not an AWS region": {"apono_region": "europe"},
            "The AWS credentials are wrong or have expired, or the account has not enabled this region": {
                "apono_region": "me-south-1"
            },
            "STS AssumeRole failed for …: AccessDenied": {"apono_assume_role_arn": self.locked.automation},
            "… failed for …: AccessDenied…. Allow the caller …": {"apono_assume_role_arn": self.poor.automation},
            "There is no EKS cluster …": {"apono_cluster_name": "gone"},
            "The API server of … did not answer …. Check that this machine can reach the endpoint": {
                "apono_authentication": "config_map",
                "apono_kubernetes": {"host": NOWHERE},
            },
            "The API server of … did not answer …. Check ca_cert and verify_ssl": {
                "apono_authentication": "config_map",
                "apono_kubernetes": {"host": self.fine.url, "ca_cert": self.other_authority},
            },
            "The API server of … answered 401": {"apono_cluster_name": "stranger"},
            "The API server of … answered 403": {"apono_cluster_name": "weak"},
            "mapRoles of the ConfigMap kube-system/aws-auth …, line …, column …": {"apono_cluster_name": "broken"},
            "The cluster … is in the authentication mode API and does not read aws-auth": {
                "apono_cluster_name": "api",
                "apono_authentication": "config_map",
            },
            "The cluster … is a local cluster on AWS Outposts": {
                "apono_cluster_name": "local",
                "apono_authentication": "eks_api",
            },
            "… cannot be templated: … is undefined": {"apono_username": "{{ nobody }}"},
            "username … begins with system:": {"apono_username": "system:admin"},
            "There is no connector … in Apono": {"apono_connector": "Nowhere"},
            "There are … connectors named …": {"apono_connector": "Twins"},
            "config: the integration type … has no parameter …": {"apono_integration_config": {"Colour": "red"}},
            "custom_access_details has … characters, and Apono allows 400": {"apono_custom_access_details": "x" * 401},
            "… have different values of …, but their account … has one IAM role": {
                "apono_trust": {"saml": {"provider": "okta"}}
            },
        }


def of_onboard(bed: Bed, controller: Controller) -> dict[str, str]:
    """Return the messages of onboard about each cluster and about the whole run."""
    fleet = Faults(bed, controller)
    config = controller.folder / "aws-config"
    config.write_text(f"[profile empty]\nregion = {REGION}\n")
    controller.environment["AWS_CONFIG_FILE"] = str(config)
    for identifier in ("twin-1", "twin-2"):
        bed.control("apono", "connectors", {"id": identifier, "name": "Twins"})
    fleet.hosts["fine"] = {}
    names = {f"wrong-{number}": title for number, title in enumerate(fleet.wrong)}
    for name, title in names.items():
        # Several hosts for one cluster are a separate error.
        fleet.shop.add_cluster(name, "API_AND_CONFIG_MAP")
        fleet.hosts[name] = fleet.wrong[title]
    run = fleet.run("onboard")
    assert run.code == 2, run.output
    assert set(run.failed) == set(names), run.output
    assert fleet.shop.role() is None
    return {
        **{names[name]: message for name, message in run.failed.items()},
        "The run was stopped, because more than … % of a batch failed": run.output,
        "Account … has no IAM Identity Center (AWS SSO) role yet": "\n".join(run.warnings),
    }


# One play with a task for each message


def tasks(shop: Account, folder: Path, urls: dict[str, str]) -> dict[str, dict[str, Any]]:
    aws = {"region": REGION, "assume_role_arn": shop.automation}
    entry = {"cluster_name": "both", "role_arn": shop.arn(f"role/{ROLE}"), **aws}
    integration = {"name": "fine", "connector": "Production", "config": {"EKS Cluster Name": "fine"}}
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    return {
        "There is no SAML provider …": {
            "apono.eks.iam_role": {"name": "a", "trust": {"saml": {"provider": "b"}}, **aws},
            "check_mode": True,
        },
        "trust.policy (in a playbook apono_trust) allows strangers to assume the role …": {
            "apono.eks.iam_role": {
                "name": "a",
                "trust": {"policy": {"Version": "2012-10-17", "Statement": [anybody]}},
                **aws,
            }
        },
        "The role … exists under the path …": {
            "apono.eks.iam_role": {"name": ROLE, "path": "/people/", "trust": {"sso": {}}, **aws}
        },
        "The role … has policies or instance profiles that managed_policies does not name": {
            "apono.eks.iam_role": {"name": ROLE, "state": "absent", **aws}
        },
        "… is not an AWS account id: write 12 digits": {
            "apono.eks.iam_role": {"trust": {"sso": {"account_ids": [12345678901]}}, **aws}
        },
        "… is the role of nodes or of Fargate's pods": {
            "apono.eks.aws_auth_role": {**entry, "role_arn": shop.arn("role/nodes"), "state": "absent"}
        },
        "The cluster … has an access entry for …, and an access entry wins over aws-auth": {
            "apono.eks.aws_auth_role": entry,
            "check_mode": True,
        },
        "… failed for …: Could not connect to the endpoint URL": {
            "apono.eks.cluster_info": {"region": REGION, "endpoint_url": NOWHERE},
            "environment": {"AWS_MAX_ATTEMPTS": "1"},
        },
        "… failed for …: ThrottlingException": {
            "apono.eks.cluster_info": aws,
            "environment": {"AWS_MAX_ATTEMPTS": "1"},
        },
        "There is no usable token for Apono's API": {
            "apono.eks.connector_info": {},
            "environment": {"APONO_API_TOKEN": ""},
        },
        "Apono answered 401": {"apono.eks.connector_info": {"api_token": "token-that-expired"}},
        "Apono answered 403": {"apono.eks.connector_info": {"api_token": "token-without-rights"}},
        "Apono did not answer …. Check api_url and the network": {
            "apono.eks.connector_info": {"api_url": NOWHERE, "api_retries": 0}
        },
        "The connector … is DISCONNECTED": {
            "apono.eks.integration": {**integration, "name": "new", "connector": "Lost"},
            "check_mode": True,
        },
        "The connector … has not connected within … seconds": {
            "apono.eks.connector_info": {"name": "Lost", "wait": True, "wait_timeout": 1}
        },
        "The sync of the integration … ended with the status Error": {
            "apono.eks.integration": {**integration, "name": "broken"}
        },
        "The sync of the integration … has not ended within … seconds": {
            "apono.eks.integration": {**integration, "name": "slow", "wait_timeout": 1}
        },
        "apono_serial has …: set numbers of clusters": {
            "ansible.builtin.debug": {"msg": "{{ lookup('apono.eks.options', 'rollout') }}"},
            "vars": {"apono_serial": "some"},
        },
        "apono_max_fail_percentage is …: set a percentage": {
            "ansible.builtin.debug": {"msg": "{{ lookup('apono.eks.options', 'rollout') }}"},
            "vars": {"apono_max_fail_percentage": "few"},
        },
        "executable aws not found": {
            "ansible.builtin.command": {
                "argv": [str(tools.KUBECTL), "--kubeconfig", str(folder / "kubeconfig"), "get", "namespaces"]
            },
            "environment": {"PATH": "/nowhere"},
        },
        "The Python package boto3 is needed": {
            "apono.eks.cluster_info": {"cluster_name": "both", **aws},
            **without("botocore", folder),
        },
        "The Python package … is too old": {
            "apono.eks.cluster_info": {"cluster_name": "both", **aws},
            **without("botocore", folder, "__version__ = '1.33.9'"),
        },
        "The AWS configuration file … cannot be read": {
            "apono.eks.cluster_info": {"region": REGION},
            "environment": {"AWS_CONFIG_FILE": str(folder / "aws-config-twice")},
        },
        "No AWS credentials came from …": {
            "apono.eks.cluster_info": {"region": REGION, "profile": "program"},
            "environment": {"AWS_CONFIG_FILE": str(folder / "aws-config-of-jane")},
        },
        "The sign-in to IAM Identity Center (AWS SSO) for … is missing or has expired": {
            "apono.eks.cluster_info": {"region": REGION, "profile": "sign-in"},
            "environment": {"AWS_CONFIG_FILE": str(folder / "aws-config-of-jane")},
        },
        "session_duration … is too long: the profile … is a session of a role": {
            "apono.eks.aws_profile": {
                "path": str(folder / "aws-config-of-jane"),
                "role_arn": shop.arn(f"role/{ROLE}"),
                "source_profile": "sign-in",
                "session_duration": 7200,
            },
        },
        "… has a value that cannot be used": {
            "apono.eks.cluster_info": {"region": REGION},
            "environment": {"AWS_MAX_ATTEMPTS": "many"},
        },
        "… failed for …: the answer … is not from AWS": {
            "apono.eks.cluster_info": {"region": REGION, "endpoint_url": urls["apono"]}
        },
        "The server at … is not a Kubernetes API server": {"apono.eks.aws_auth_info": {"host": urls["apono"]}},
        "host … is not an address": {"apono.eks.aws_auth_info": {"host": "api.example.com"}},
        "The API server of … did not answer …: the proxy … cannot be reached": {
            "apono.eks.aws_auth_info": {"host": "https://api.example.com", "connect_timeout": 1},
            "environment": {"HTTPS_PROXY": NOWHERE.replace("https:", "http:")},
        },
        "There is no kubeconfig …": {"apono.eks.aws_auth_info": {"kubeconfig": str(folder / "no-kubeconfig")}},
        "The kubeconfig … cannot be read": {
            "apono.eks.aws_auth_info": {"kubeconfig": str(folder / "kubeconfig-with-tabs")}
        },
        "The credential plugin (exec) of the user …": {
            "apono.eks.aws_auth_info": {"kubeconfig": str(folder / "kubeconfig")},
            "environment": {"PATH": "/nowhere"},
        },
        # This task is the last one, because an ignored error in an included role does not count for its caller.
        "Helm could not read the chart … for the cluster …": {
            "ansible.builtin.include_role": {"name": "apono.eks.connector"},
            "vars": {
                "connector_cluster_name": "both",
                "connector_id": "new",
                "connector_token": "a-token",
                "connector_aws": aws,
                "connector_helm": str(folder / "no-helm"),
                "connector_wait_timeout": 1,
            },
        },
    }


def without(package: str, folder: Path, instead: str = "raise ImportError") -> dict[str, Any]:
    """Return the settings that run a task with a Python that lacks a package, or has another package in its place."""
    place = folder / f"without-{package}-{len(instead)}"
    place.mkdir()
    (place / f"{package}.py").write_text(f"{instead}\n")
    return {"environment": {"PYTHONPATH": str(place)}, "vars": {"apono_eks_in_process": False}}


def of_tasks(bed: Bed, controller: Controller) -> dict[str, str]:
    shop = Account(bed, SHOP, REGION)
    shop.make_role("nodes", SHOP)
    role = make_role(shop, PAGE_SSO_TRUST, PAGE_POLICY)
    both = shop.add_cluster("both", "API_AND_CONFIG_MAP")
    nodes_entry = "username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:bootstrappers, system:nodes]"
    both.write_map_roles(f"- {{rolearn: {shop.arn('role/nodes')}, {nodes_entry}}}\n")
    both.eks.create_access_entry(clusterName=both.name, principalArn=role, username="apono:{{SessionName}}")
    bed.control("apono", "connectors", {"id": "lost", "name": "Lost", "status": "DISCONNECTED"})
    bed.control("apono", "tokens", {"name": "expired", "token": "token-that-expired", "expired": True})
    bed.control("apono", "tokens", {"name": "limited", "token": "token-without-rights"})
    bed.fault("apono", identity="limited", status=403, code="Forbidden")
    bed.fault("aws", match="eks:ListClusters", status=429, code="ThrottlingException")
    bed.control("apono", "integrations", {"name": "broken", "fail": "the server does not answer"})
    # As in user_login, the aws command returns the tokens.
    command = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": ["eks", "get-token"]}
    (controller.folder / "kubeconfig").write_text(kubeconfig({"server": both.url}, {"exec": command}))
    (controller.folder / "aws-config-twice").write_text("[default]\n[default]\n")
    (controller.folder / "aws-config-of-jane").write_text(
        "[profile program]\ncredential_process = /nowhere/program\n[profile sign-in]\nsso_account_id = 111122223333\n"
        "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\nsso_role_name = people\n"
    )
    (controller.folder / "kubeconfig-with-tabs").write_text("clusters:\n\t- name: it\n")
    controller.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{tools.COLLECTIONS}"
    wanted = tasks(shop, controller.folder, bed.urls)
    slow = {"ansible.builtin.uri": {"url": f"{bed.urls['apono']}/_testbed/settings", "method": "POST"}}
    slow["ansible.builtin.uri"] |= {"body_format": "json", "body": {"sync_seconds": 30}}
    listed = []
    for title, task in wanted.items():
        if "has not ended" in title:
            listed.append({"name": "Be slow", **slow})
        listed.append({"name": title, "ignore_errors": True, **task})
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": listed,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    run = controller.play([play], {})
    told = {title: words_of(run, title) for title in wanted}
    told["Helm could not read the chart … for the cluster …"] = list(run.failed.values())[-1]
    return told


def words_of(run: Run, task: str) -> str:
    """Return the text of a task's failure or warning."""
    results = [item["result"] for item in run.results if item["name"] == task]
    return "\n".join(
        str(text)
        for result in results
        for text in (result.get("msg"), result.get("stderr"), *result.get("warnings", ()))
    )


# The access of a user


def of_verify(bed: Bed, controller: Controller) -> dict[str, str]:
    shop = Account(bed, SHOP, REGION)
    make_role(shop, PAGE_SSO_TRUST, PAGE_POLICY)
    dead, named, unknown = (shop.add_cluster(name, "API") for name in ("dead", "named", "unknown"))
    role = shop.arn(f"role/{ROLE}")
    dead.eks.create_access_entry(clusterName=dead.name, principalArn=role, username="apono:{{SessionName}}")
    policy = shop.arn(f"policy/{ROLE}")
    shop.iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
    shop.iam.delete_role(RoleName=ROLE)
    shop.iam.delete_policy(PolicyArn=policy)
    make_role(shop, PAGE_SSO_TRUST, PAGE_POLICY)
    named.eks.create_access_entry(clusterName=named.name, principalArn=role, username="other:{{SessionName}}")
    controller.sign_in(shop.sso_person(JANE), "jane")
    wrong = {
        "There is no IAM role …. Run apono.eks.onboard": ("unknown", {"apono_role_name": "nobody-made-it"}),
        "The trust policy of … does not let … assume it as the session …": (
            "unknown",
            {"apono_verify_session_name": "john@example.com"},
        ),
        "The access entry of … is older than the role": (dead.name, {}),
        "The cluster is in the authentication mode …, and … for …. Run apono.eks.onboard": (unknown.name, {}),
        "The cluster maps the user to …": (named.name, {}),
    }
    names = {f"wrong-{number}": title for number, title in enumerate(wrong)}
    hosts = {name: {"apono_cluster_name": wrong[title][0], **wrong[title][1]} for name, title in names.items()}
    variables = {
        "apono_region": REGION,
        "apono_assume_role_arn": shop.automation,
        "apono_verify_session_name": JANE,
        "apono_verify_source_profile": "jane",
        "apono_verify_wait_timeout": 1,
    }
    run = controller.run("apono.eks.verify", {"all": {"hosts": hosts, "vars": variables}})
    return {names[name]: message for name, message in run.failed.items()}


def of_user_login(bed: Bed, controller: Controller) -> dict[str, str]:
    settings = {"apono_region": REGION, "apono_account_id": SHOP}
    run = controller.run("apono.eks.user_login", {"all": {"hosts": {"prod-1": settings}}})
    return {"apono_user_email is not set": run.failed["prod-1"]}


def of_inventory(bed: Bed, controller: Controller) -> dict[str, str]:
    locked = Account(bed, LOCKED, REGION)
    source = controller.folder / "fleet.yml"
    source.write_text(
        yaml.safe_dump(
            {"plugin": "apono.eks.clusters", "regions": [REGION], "accounts": [{"role_arn": locked.arn("role/x")}]}
        )
    )
    process = subprocess.run(
        [str(controller.binary.with_name("ansible-inventory")), "-i", str(source), "--list"],
        env=controller.full_environment(controller.folder / "record.jsonl"),
        capture_output=True,
        text=True,
        check=False,
    )
    return {"The account … could not be read": " ".join((process.stdout + process.stderr).split())}


def of_a_cluster_that_is_being_made(controller: Controller) -> dict[str, str]:
    with Bed.start(update_seconds=60, small=True) as bed:
        shop = Account(bed, SHOP, REGION)
        network = {"subnetIds": ["subnet-1", "subnet-2"]}
        role = shop.make_role("cluster", SHOP)
        shop.client("eks").create_cluster(name="new", roleArn=role, resourcesVpcConfig=network)
        controller.environment |= bed.environment(SHOP)
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"apono.eks.aws_auth_info": {"cluster_name": "new", "region": REGION}}],
        }
        run = controller.play([play], {})
    return {"The cluster … is …, and nothing can be done with it": run.failed["localhost"]}


def test_each_message_of_the_guide_is_what_is_printed(bed: Bed, controller: Controller) -> None:
    printed: dict[str, str] = {}
    for provoke in (of_user_login, of_inventory, of_onboard, of_tasks, of_verify):
        bed.reset()
        bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
        controller.environment |= bed.environment(OPERATIONS_ACCOUNT)
        printed |= provoke(bed, controller)
    printed |= of_a_cluster_that_is_being_made(controller)
    wrong = [f"{title}\n    {text}" for title, text in printed.items() if not shown(title).search(text)]
    assert not wrong, "\n".join(wrong)
    assert sorted(titles()) == sorted(printed)
