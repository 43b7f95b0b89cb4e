# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook adopt writes variables for a manual onboarding, and onboard then changes nothing."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from runs import Controller, Run

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER, SIGN_IN, Account, integrations

SHOP, DATA, TOOLS = "111122223333", "222233334444", "333344445555"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
VERSION = "2012-10-17"

PAGE_POLICY = {
    "Version": VERSION,
    "Statement": [
        {"Effect": "Allow", "Action": ["eks:DescribeCluster"], "Resource": [f"arn:aws:eks:*:{SHOP}:cluster/*"]}
    ],
}
# The document of Apono's page as a user may write it: one value in a list, and another order.
PAGE_SSO_TRUST = {
    "Version": VERSION,
    "Statement": {
        "Sid": "Statement1",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEqualsIgnoreCase": {"sts:RoleSessionName": "${SAML:sub}"},
            "ArnLike": {
                "aws:PrincipalArn": [
                    f"arn:aws:iam::{SHOP}:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_*",
                    f"arn:aws:iam::{SHOP}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_*",
                ]
            },
        },
    },
}
PAGE_SAML_TRUST = {
    "Version": VERSION,
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{DATA}:saml-provider/{SAML_PROVIDER}"},
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": {"StringEquals": {"SAML:aud": SIGN_IN["aws"]}},
        }
    ],
}
OWN_TRUST = {
    "Version": VERSION,
    "Statement": [{"Sid": "People", "Effect": "Allow", "Principal": {"AWS": TOOLS}, "Action": "sts:AssumeRole"}],
}
OWN_POLICY = {
    "Version": VERSION,
    "Statement": [{"Effect": "Allow", "Action": ["eks:Describe*", "eks:List*"], "Resource": "*"}],
}


def make_role(
    account: Account,
    trust: dict[str, Any],
    policy: dict[str, Any] | None,
    name: str = ROLE,
    path: str = "/",
    **more: Any,
) -> str:
    """Create a role and its policy as a user does, and return its ARN."""
    role = account.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust), **more)[
        "Role"
    ]["Arn"]
    if policy:
        tags = {"Tags": more["Tags"]} if "Tags" in more else {}
        made = account.iam.create_policy(PolicyName=name, Path=path, PolicyDocument=json.dumps(policy), **tags)
        account.iam.attach_role_policy(RoleName=name, PolicyArn=made["Policy"]["Arn"])
    return role


def make_integration(bed: Bed, name: str, config: dict[str, str], **more: Any) -> None:
    """Create a synchronized integration."""
    body = {"name": name, "type": "aws-eks", "integration_config": config, "connector_id": "connector-1", **more}
    request = urllib.request.Request(
        f"{bed.urls['apono']}/api/admin/v4/integrations",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {DEFAULT_TOKEN}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()
    deadline = time.monotonic() + 20
    while integrations(bed)[name]["status"] == "Initializing":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def make_everything(bed: Bed) -> dict[str, Any]:
    """Create different manual onboardings in three accounts, and return an inventory that knows nothing about them."""
    shop, data, tools = (Account(bed, account_id) for account_id in (SHOP, DATA, TOOLS))
    data.add_saml_provider()

    # As on Apono's page, with AWS SSO. The role has no description, and its tags differ from those of the policy.
    role = make_role(shop, PAGE_SSO_TRUST, PAGE_POLICY, Tags=tags(team="platform", level="5"))
    shop.iam.tag_role(RoleName=ROLE, Tags=tags(cost="12"))
    full = shop.add_cluster("shop-full", "API_AND_CONFIG_MAP")
    full.eks.create_access_entry(
        clusterName=full.name,
        principalArn=role,
        username="apono:{{SessionName}}",
        kubernetesGroups=["viewers", "people"],
        tags={"team": "platform", "level": "6"},
    )
    for policy, scope in (
        (VIEW, {"type": "cluster"}),
        (EDIT, {"type": "namespace", "namespaces": ["team-b", "team-a"]}),
    ):
        full.eks.associate_access_policy(clusterName=full.name, principalArn=role, policyArn=policy, accessScope=scope)
    make_integration(bed, "okta-of-people", {"domain": "example.okta.com"}, type="okta-groups")
    make_integration(
        bed,
        "shop-full",
        {
            "api_endpoint": "https://shop.example.com",
            "ca_bundle": "LS0tLS1CRUdJTi",
            "target_cluster": "shop-full",
            "connector_role": "apono-connector",
            "cluster_location": "eu-west-1",
            "credentials_rotation_period_in_days": "90",
            "credentials_cleanup_period_in_days": "30",
        },
        connected_resource_types=["k8s-namespace", "k8s-cluster"],
        secret_store_config={"aws": {"region": "eu-west-1", "secret_id": "apono/shop"}},
        custom_access_details="Log in with {{ your }} profile:\n\n  aws eks update-kubeconfig\n",
        owner={
            "attribute_type": "user",
            "attribute_value": ["jane@example.com"],
            "source_integration_reference": "okta-of-people",
        },
        owners_mapping={"key_name": "owner", "attribute_type": "group"},
    )

    # With the ConfigMap, which has other entries. The integration has another name, no region, and a server address.
    mapped = shop.add_cluster("shop-mapped", "CONFIG_MAP")
    mapped.write_map_roles(
        "# people\n"
        f"- rolearn: arn:aws:iam::{SHOP}:role/{ROLE}\n"
        "  username: 'people:{{SessionNameRaw}}'\n"
        "  groups: [viewers, people]   # kept\n"
        f"- {{rolearn: arn:aws:iam::{SHOP}:role/admins, username: admin, groups: [system:masters]}}\n"
    )
    server = mapped.eks.describe_cluster(name=mapped.name)["cluster"]
    make_integration(
        bed,
        "Shop (EU)",
        {
            "target_cluster": "shop-mapped",
            "api_endpoint": server["endpoint"],
            "ca_bundle": server["certificateAuthority"]["data"],
            "credentials_rotation_period_in_days": "never",
        },
    )

    # The cluster reads access entries and the ConfigMap, and the role is in the ConfigMap.
    older = shop.add_cluster("shop-older", None, region="us-east-1")
    older.eks.update_cluster_config(name=older.name, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    older.write_map_roles(f"- {{rolearn: arn:aws:iam::{SHOP}:role/{ROLE}, username: '{{{{SessionNameRaw}}}}'}}\n")
    make_integration(bed, "shop-older", {"target_cluster": "shop-older", "cluster_location": "us-east-1"})

    # With SAML, and with other names and documents.
    boundary = data.iam.create_policy(PolicyName="limits", PolicyDocument=json.dumps(OWN_POLICY))["Policy"]["Arn"]
    people = make_role(
        data,
        PAGE_SAML_TRUST,
        OWN_POLICY,
        "people-k8s",
        "/people/",
        Description="How people reach EKS",
        MaxSessionDuration=7200,
        PermissionsBoundary=boundary,
    )
    data.iam.attach_role_policy(RoleName="people-k8s", PolicyArn=READ_ONLY)
    named = data.add_cluster("data-named", "API")
    # Without a username, EKS generates one.
    named.eks.create_access_entry(clusterName=named.name, principalArn=people)
    make_integration(
        bed,
        "data-named",
        {"target_cluster": "data-named", "cluster_location": "eu-west-1"},
        secret_store_config={"apono": {"parameters": {"password": "secret-of-this-very-test"}}},
    )

    # Another trust policy, and a policy for one region.
    narrowed = {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "eks:DescribeCluster",
                "Resource": [f"arn:aws:eks:{region}:{TOOLS}:cluster/tools-*" for region in ("us-east-1", "eu-west-1")],
            }
        ],
    }
    role = make_role(tools, OWN_TRUST, narrowed, Description="required for k8s access managed by Apono")
    plain = tools.add_cluster("tools-plain", "API_AND_CONFIG_MAP")
    plain.eks.create_access_entry(clusterName=plain.name, principalArn=role, username="apono:{{SessionName}}")
    make_integration(bed, "tools-plain", {"target_cluster": "tools-plain", "cluster_location": "eu-west-1"})

    def group(account: Account, hosts: dict[str, Any], **variables: Any) -> dict[str, Any]:
        return {"hosts": hosts, "vars": {"apono_assume_role_arn": account.automation, **variables}}

    return {
        "all": {
            "vars": {"apono_region": "eu-west-1"},
            "children": {
                "shop": group(shop, {"shop-full": {}, "shop-mapped": {}, "shop-older": {"apono_region": "us-east-1"}}),
                "data": group(data, {"data-named": {}}, apono_role_name="people-k8s"),
                # The group has this value and the cluster does not. The file of the host has precedence.
                "tools": group(tools, {"tools-plain": {}}, apono_kubernetes_groups=["of-the-group"]),
            },
        }
    }


def written(folder: Path, host: str) -> str:
    return (folder / "host_vars" / host / "apono.yml").read_text()


def test_onboard_finds_nothing_to_do_after_adopt(bed: Bed, binary: Path, tmp_path: Path) -> None:
    inventory = make_everything(bed)
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    bed.forget_calls()

    adopted = controller.run("apono.eks.adopt", inventory, "--diff", "-vvv")
    assert adopted.code == 0, adopted.output
    assert "secret-of-this-very-test" not in adopted.output
    assert "secret-of-this-very-test" not in json.dumps(adopted.results)

    onboarded = controller.run("apono.eks.onboard", inventory, "--diff")
    assert onboarded.code == 0, onboarded.output
    assert onboarded.changed == [], onboarded.output
    assert bed.calls(writes=True) == []

    assert written(tmp_path, "shop-mapped") == MAPPED.format(place="shop-mapped")
    assert "source_integration_reference: !unsafe 'okta-of-people'" in written(tmp_path, "shop-full")
    assert "apono_kubernetes_groups: ''" in written(tmp_path, "tools-plain")
    assert "apono_trust:\n  saml:\n    provider: !unsafe 'okta'\n" in written(tmp_path, "data-named")
    notes = {host: [note["code"] for note in found["notes"]] for host, found in looked_at(adopted).items()}
    assert notes["data-named"] == ["secret_in_apono"]
    assert notes["shop-full"] == notes["shop-older"] == notes["tools-plain"] == []


MAPPED = """\
---
# Written by ansible-playbook apono.eks.adopt, from the setup of the cluster {place}.
# Its next run replaces this file. Put your own variables into another file of this folder.

# The account: its IAM role and policy
apono_trust:
  sso: {{}}
apono_tags:
  level: '5'
  team: !unsafe 'platform'

# The cluster: how it knows the role
apono_username: !unsafe 'people:{{{{SessionNameRaw}}}}'
apono_kubernetes_groups:
  - !unsafe 'viewers'
  - !unsafe 'people'

# Apono: the integration
apono_integration_name: !unsafe 'Shop (EU)'
apono_connector: !unsafe 'Production'
apono_connector_in_cluster: false
apono_integration_config:
  Region: ''
  credentials_rotation_period_in_days: !unsafe 'never'
"""


def test_onboard_makes_exactly_what_was_missing(bed: Bed, controller: Controller, tmp_path: Path) -> None:
    shop, data, tools = (Account(bed, account_id) for account_id in (SHOP, DATA, TOOLS))
    bare = shop.add_cluster("bare", "CONFIG_MAP")
    bare.write_map_roles(f"- {{rolearn: arn:aws:iam::{SHOP}:role/staff, username: 'staff:{{{{SessionName}}}}'}}\n")
    no_integration = data.add_cluster("no-integration", "API")
    role = make_role(data, OWN_TRUST, OWN_POLICY)
    no_integration.eks.create_access_entry(
        clusterName="no-integration", principalArn=role, username="apono:{{SessionName}}"
    )
    make_integration(bed, "no-integration-yet", {"target_cluster": "no-integration", "cluster_location": "us-east-1"})
    inline = tools.add_cluster("inline", "CONFIG_MAP")
    role = make_role(tools, OWN_TRUST, None, path="/people/")
    tools.iam.put_role_policy(RoleName=ROLE, PolicyName="look", PolicyDocument=json.dumps(OWN_POLICY))
    inline.write_map_roles(f"- {{rolearn: '{role}', username: '{{{{SessionNameRaw}}}}'}}\n")
    bed.control("apono", "integrations", {"name": "inline", "fail": "the server does not answer"})
    make_integration(bed, "inline", {"target_cluster": "inline", "cluster_location": "eu-west-1"})
    bed.control("apono", "integrations", {"name": "inline", "fail": None})
    inventory = {
        "all": {
            "hosts": {
                "bare": {"apono_assume_role_arn": shop.automation, "apono_trust": {"sso": {}}},
                "no-integration": {"apono_assume_role_arn": data.automation},
                "inline": {"apono_assume_role_arn": tools.automation},
            },
            "vars": {"apono_region": "eu-west-1", "apono_connector": "Production"},
        }
    }

    checked = controller.run("apono.eks.adopt", inventory, "--check", "--diff")
    assert checked.code == 0, checked.output
    assert not (tmp_path / "host_vars").exists()
    adopted = controller.run("apono.eks.adopt", inventory, "--diff")
    assert adopted.code == 0, adopted.output
    assert [host for host, _text in contents(adopted)] == ["bare", "inline", "no-integration"]
    assert contents(adopted) == contents(checked)
    found = looked_at(adopted)
    assert found["bare"]["found"] == {"role": None, "policy": None, "mapping": None, "integration": None}
    assert (
        "These roles in aws-auth give each user a separate username: arn:aws:iam::111122223333:role/staff."
        in found["bare"]["notes"][0]["message"]
    )
    told = " ".join(note["message"] for note in found["inline"]["notes"])
    for words in ("Its inline policies that allow it stay: look.", "has its path", "is not mapped", "last sync of"):
        assert words in told
        assert words in adopted.output

    onboarded = controller.run("apono.eks.onboard", inventory)
    assert onboarded.code == 0, onboarded.output
    assert [(host, words.split(" in the cluster")[0]) for host, _action, words in onboarded.planned] == [
        ("bare", f"set the entry of arn:aws:iam::{SHOP}:role/{ROLE} in the ConfigMap kube-system/aws-auth"),
        ("bare", f"create policy {ROLE}"),
        ("bare", f"attach policy arn:aws:iam::{SHOP}:policy/{ROLE} to role {ROLE}"),
        ("bare", f"create role {ROLE}"),
        ("bare", "create integration bare"),
        ("inline", f"set the entry of arn:aws:iam::{TOOLS}:role/{ROLE} in the ConfigMap kube-system/aws-auth"),
        ("inline", f"create policy {ROLE}"),
        ("inline", f"attach policy arn:aws:iam::{TOOLS}:policy/{ROLE} to role {ROLE}"),
        ("inline", "refresh integration inline, whose last sync failed"),
        ("no-integration", "create integration no-integration"),
    ]

    bed.forget_calls()
    checked = controller.run("apono.eks.onboard", inventory, "--check", "--diff")
    assert (checked.code, checked.changed) == (0, []), checked.output
    assert bed.calls(writes=True) == []


def test_what_cannot_be_adopted_is_reported_in_words(bed: Bed, controller: Controller, tmp_path: Path) -> None:
    shop = Account(bed, SHOP)
    anybody = {**OWN_TRUST, "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    role = make_role(shop, anybody, PAGE_POLICY)
    two = make_role(shop, OWN_TRUST, OWN_POLICY, "two-policies")
    second = shop.iam.create_policy(PolicyName="second", PolicyDocument=json.dumps(OWN_POLICY))["Policy"]["Arn"]
    shop.iam.attach_role_policy(RoleName="two-policies", PolicyArn=second)
    both = shop.add_cluster("both", "API_AND_CONFIG_MAP")
    both.write_map_roles(f"- {{rolearn: '{role}', username: '{{{{SessionNameRaw}}}}'}}\n")
    both.eks.create_access_entry(clusterName="both", principalArn=role, username="apono:{{SessionName}}")
    for name in ("policies", "twice", "foreign", "hidden"):
        shop.add_cluster(name, "API")
    shop.add_cluster("broken", "CONFIG_MAP").write_map_roles("- {rolearn: ")
    for name in ("one", "other"):
        make_integration(bed, name, {"target_cluster": "twice", "cluster_location": "eu-west-1"})
    make_integration(bed, "hidden", {"target_cluster": "another", "cluster_location": "eu-west-1"})
    folder = tmp_path / "vars"
    (folder / "foreign").mkdir(parents=True)
    (folder / "foreign" / "apono.yml").write_text("# mine\napono_connector: Mine\n")
    (folder / "policies.yml").write_text("apono_wait: false\n")
    inventory = {
        "all": {
            "hosts": {
                "both": {},
                "policies": {"apono_role_name": "two-policies"},
                "twice": {},
                "foreign": {},
                "hidden": {},
                "broken": {},
                "gone": {},
            },
            "vars": {
                "apono_region": "eu-west-1",
                "apono_assume_role_arn": shop.automation,
                "apono_adopt_folder": str(folder),
            },
        }
    }
    run = controller.run("apono.eks.adopt", inventory)
    assert run.code != 0
    for host, words in {
        "policies": f"has 2 policies that allow eks:DescribeCluster: {shop.arn('policy/second')}",
        "twice": "2 integrations belong to the cluster twice: one (",
        "foreign": "this playbook did not write it",
        "hidden": "has the name of the cluster hidden, and the settings or the connector of another cluster",
        "broken": "does not parse",
        "gone": "There is no EKS cluster gone",
    }.items():
        assert words in run.failed[host], run.output
    assert set(run.failed) == {"policies", "twice", "foreign", "hidden", "broken", "gone"}
    assert (folder / "foreign" / "apono.yml").read_text() == "# mine\napono_connector: Mine\n"
    assert sorted(path.name for path in folder.iterdir()) == ["both", "foreign", "policies.yml"]
    text = (folder / "both" / "apono.yml").read_text()
    assert "apono_allow_open_trust: true\n" in text
    told = " ".join(note["message"] for note in looked_at(run)["both"]["notes"])
    assert "allows strangers to assume it" in told
    assert "has an access entry and an entry in aws-auth, and the access entry takes precedence" in told

    # The changes that the messages request.
    for host, variables in {
        "policies": {"apono_policy_name": "second"},
        "twice": {"apono_integration_name": "other"},
        "foreign": {"apono_adopt_overwrite": "true"},
        "hidden": {"apono_integration_name": "hidden-itself"},
    }.items():
        inventory["all"]["hosts"][host].update(variables)
    run = controller.run("apono.eks.adopt", inventory, "--limit", "!broken:!gone")
    assert set(run.failed) == {"policies"}, run.output
    assert "Ansible would no longer read " in run.failed["policies"]
    assert looked_at(run)["policies"]["found"]["policy"] == second
    assert looked_at(run)["twice"]["found"]["integration"] == "other"
    assert looked_at(run)["hidden"]["found"]["integration"] is None
    assert "both" not in [item["host"] for item in run.changed]
    assert "apono_connector: Mine" not in (folder / "foreign" / "apono.yml").read_text()
    assert two in looked_at(run)["policies"]["found"]["role"]

    del inventory["all"]["vars"]["apono_adopt_folder"]
    run = controller.run("apono.eks.adopt", Path("both,"), "-e", "apono_region=eu-west-1")
    assert "Set apono_adopt_folder" in run.failed["both"]


def looked_at(run: Run) -> dict[str, dict[str, Any]]:
    """Return the findings by host."""
    return {item["host"]: item["result"] for item in run.results if item["action"] == "apono.eks.onboarding_info"}


def contents(run: Run) -> list[tuple[str, str]]:
    """Return the text of each file that is written or would be written."""
    return sorted(
        (item["host"], diff["after"])
        for item in run.changed
        if item["action"] == "ansible.builtin.copy"
        for diff in item["result"]["diff"]
        if "after" in diff
    )


def test_a_host_whose_name_is_a_path_writes_nothing(bed: Bed, controller: Controller) -> None:
    Account(bed, SHOP).add_cluster("shop-1", "API")
    (controller.folder / "group_vars").mkdir()
    its = {"apono_region": "eu-west-1", "apono_cluster_name": "shop-1", "apono_assume_role_arn": "{{ role }}"}
    variables = {"role": f"arn:aws:iam::{SHOP}:role/platform-automation"}
    before = sorted(controller.folder.rglob("*.yml"))
    run = controller.run("apono.eks.adopt", {"all": {"hosts": {"../group_vars/all": its}, "vars": variables}})
    assert run.code == 2, run.output
    (reason,) = run.failed.values()
    assert "The name '../group_vars/all' of the host in the inventory cannot be used" in reason
    assert sorted(controller.folder.rglob("*.yml")) == before
