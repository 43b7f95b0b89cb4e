# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX of the test bed rejects the same requests as AWX."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.awx import Awx
from testbed.awx_rules import Refusal, answered, check_credential, check_credential_type, check_survey, inject

FIELDS = {"fields": [{"id": "token", "label": "Token", "secret": True}], "required": ["token"]}
REPOSITORY = "https://git.example.com/a.git"


@pytest.mark.parametrize(
    ("inputs", "injectors"),
    [
        ({"fields": [{"id": "token"}]}, {}),
        ({"fields": [{"id": "1st", "label": "x"}]}, {}),
        ({"fields": [{"id": "tower", "label": "x"}]}, {}),
        ({"fields": [{"id": "a", "label": "x"}, {"id": "a", "label": "y"}]}, {}),
        ({"fields": [{"id": "a", "label": "x", "type": "integer"}]}, {}),
        ({"fields": [{"id": "a", "label": "x", "type": "boolean", "secret": True}]}, {}),
        ({"fields": [{"id": "a", "label": "x", "default": True}]}, {}),
        ({**FIELDS, "required": ["other"]}, {}),
        (FIELDS, {"env": {"ANSIBLE_CONFIG": "x"}}),
        (FIELDS, {"env": {"PATH": "x"}}),
        (FIELDS, {"env": {"A B": "x"}}),
        (FIELDS, {"env": {"A": "ü"}}),
        (FIELDS, {"env": {"A": "{{ other }}"}}),
        (FIELDS, {"env": {"A": "{{ token"}}),
        (FIELDS, {"env": {"A": "{{ tower.filename }}"}}),
        (FIELDS, {"env": {"A": "{{ token.__class__.__mro__ }}"}}),
        (FIELDS, {"file": {"template": "a", "template.b": "b"}}),
        (FIELDS, {"file": {"template.b": "b"}, "env": {"A": "{{ tower.filename }}"}}),
        (FIELDS, {"variables": {}}),
    ],
)
def test_no_credential_type(inputs, injectors):
    with pytest.raises(Refusal):
        check_credential_type(inputs, injectors)


def test_a_credential_is_injected():
    injectors = {
        "file": {"template.one": "{{ token }}", "template.two": "2"},
        "env": {"FILE": "{{ tower.filename.one }}", "OTHER": "{{ other }}"},
        "extra_vars": {"a": {"{{token}}": ["{{ tower.filename.two }}"]}},
    }
    fields = {"fields": [*FIELDS["fields"], {"id": "other", "label": "Other"}]}
    check_credential_type(fields, injectors)
    given = inject(fields, injectors, {"token": "t", "other": ""}, "/f")
    assert given.env == {"FILE": "/f/template.one", "OTHER": ""}
    assert given.files == {"/f/template.one": "t", "/f/template.two": "2"}
    assert given.extra_vars == {"a": {"t": ["/f/template.two"]}}
    for values in ({"other": 1}, {"nothing": "x"}):
        with pytest.raises(Refusal):
            check_credential(fields, values)


def question(**more: Any) -> dict[str, Any]:
    return {"question_name": "Q", "variable": "q", "type": "text", "required": False, **more}


def survey(*questions: Any) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": list(questions)}


@pytest.mark.parametrize(
    "refused",
    [
        {"name": "", "spec": [question()]},
        survey(),
        survey("q"),
        survey({"variable": "q"}),
        survey(question(required="yes")),
        survey(question(), question()),
        survey(question(type="date")),
        survey(question(type="integer", default="five")),
        survey(question(max="5")),
        survey(question(type="multiplechoice")),
        survey(question(type="multiplechoice", choices="a\nb", default="c")),
        survey(question(type="multiplechoice", choices="a\nb", default="a\nb")),
        survey(question(type="multiselect", choices="a\nb", default=["a"])),
        survey(question(type="password", default="$encrypted$")),
        survey(question(default="$encrypted$")),
        survey(question(min="")),
    ],
)
def test_no_survey(refused):
    with pytest.raises(Refusal):
        check_survey(refused)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (question(required=True, default="x"), None),
        (question(), 5),
        (question(min=2), "a"),
        (question(max=2), "abc"),
        (question(type="integer"), "5"),
        (question(type="integer", max=4), 5),
        (question(type="multiplechoice", choices="a\nb"), "c"),
        (question(type="multiselect", choices="a\nb"), ["a", "c"]),
        (question(type="multiselect", choices="a\nb"), "a"),
        (question(type="multiplechoice", choices=None), "a"),
    ],
)
def test_no_answer(asked, answer):
    with pytest.raises(Refusal):
        answered(survey(asked), {} if answer is None else {"q": answer}, False)


def test_a_survey_that_awx_keeps_as_it_is():
    kept = survey(question(type="multiplechoice", choices=None), question(variable="r", min=None, max=None))
    assert check_survey(kept) == kept
    before = survey(question(type="password", default="known"))
    again = check_survey(survey(question(type="password", default="$encrypted$")), before)
    assert again["spec"][0]["default"] == "known"
    assert answered(survey(question(min=None, max="")), {"q": ""}, False) == {"q": ""}


def test_a_default_is_filled_in_only_where_the_question_takes_it():
    spec = survey(question(default=""), question(variable="r", default="", min=2), question(variable="s", default=None))
    assert answered(spec, {}, False) == {"q": ""}


def test_answers_and_defaults():
    spec = survey(question(default="x"), question(variable="r", default=""), question(variable="s"))
    assert answered(spec, {"r": "y"}, False) == {"q": "x", "r": "y"}
    with pytest.raises(Refusal, match="not allowed on launch"):
        answered(spec, {"t": "z"}, False)
    assert answered(spec, {"t": "z"}, True)["t"] == "z"


@pytest.fixture(name="awx")
def fixture_awx(tmp_path):
    (tmp_path / "play.yml").write_text("- hosts: all\n")
    (tmp_path / "vars.yml").write_text("hosts_of: x\n")
    awx = Awx("token", {REPOSITORY: tmp_path})
    owner = {"organization": awx.named("organizations", "Default")}
    awx.add("projects", {"name": "P", "scm_type": "git", "scm_url": REPOSITORY, **owner})
    awx.add("inventories", {"name": "I", **owner})
    awx.add("credential_types", {"name": "T", "kind": "cloud", "inputs": FIELDS, "injectors": {"env": {"A": "x"}}})
    for name in ("one", "two"):
        awx.create_credential(name, "T", {"token": "secret"})
    return awx


def template(awx: Awx, **more: Any) -> int:
    known = {
        "name": "J",
        "project": awx.named("projects", "P"),
        "inventory": awx.named("inventories", "I"),
        "playbook": "play.yml",
    }
    return awx.add("job_templates", {**known, **more})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"playbook": "vars.yml"}, "Playbook not found"),
        ({"playbok": "play.yml"}, "playbok"),
        ({"project": 99}, "Invalid pk"),
        ({"inventory": None}, "inventory"),
        ({"job_slice_count": 0}, "job_slice_count"),
        ({"project": None}, "required"),
    ],
)
def test_no_job_template(awx, more, why):
    with pytest.raises(Refusal, match=why):
        template(awx, **more)


def test_names_credentials_prompts_and_circles(awx):
    job = template(awx)
    with pytest.raises(Refusal, match="already exists"):
        template(awx)
    one, two = (awx.named("credentials", name) for name in ("one", "two"))
    awx.associate(job, "credentials", {"id": one})
    with pytest.raises(Refusal, match="multiple credentials of one type"):
        awx.associate(job, "credentials", {"id": two})
    with pytest.raises(Refusal, match="not configured to prompt"):
        awx.launch("J", {}, "/f", limit="x")
    kind = awx.named("credential_types", "T")
    with pytest.raises(Refusal, match="in use"):
        awx.change(kind, {"inputs": {"fields": []}})
    flow = awx.add("workflow_job_templates", {"name": "W"})
    a, b = (
        awx.add("workflow_job_template_nodes", {"identifier": name, "workflow_job_template": flow}) for name in "ab"
    )
    awx.associate(a, "success_nodes", {"id": b})
    with pytest.raises(Refusal, match="Cycle"):
        awx.associate(b, "always_nodes", {"id": a})
    with pytest.raises(Refusal, match="prompt"):
        awx.change(a, {"unified_job_template": job, "limit": "x"})


def test_a_secret_is_not_shown_and_not_lost(awx):
    one = awx.named("credentials", "one")
    assert awx.shown(one)["inputs"] == {"token": "$encrypted$"}
    awx.change(one, {"inputs": {"token": "$encrypted$"}})
    assert awx.objects[one]["inputs"] == {"token": "secret"}
    job = template(awx, job_slice_count=2)
    awx.associate(job, "credentials", {"id": one})
    assert [(made.slice, made.slices) for made in awx.launch("J", {}, "/f")] == [(1, 2), (2, 2)]
    awx.change(one, {"inputs": {"token": ""}})
    with pytest.raises(Refusal, match="token"):
        awx.launch("J", {}, "/f")


def test_what_is_chosen_at_launch_is_asked_for(awx):
    one, two = (awx.named("credentials", name) for name in ("one", "two"))
    job = template(awx, job_slice_count=2)
    awx.associate(job, "credentials", {"id": one})
    for chosen in ({"slices": 1}, {"credentials": [two]}):
        with pytest.raises(Refusal, match="not configured to prompt"):
            awx.launch("J", {}, "/f", **chosen)
    awx.change(job, {"ask_job_slice_count_on_launch": True, "ask_credential_on_launch": True})
    assert len(awx.launch("J", {}, "/f", slices=1)) == 1
    assert len(awx.launch("J", {}, "/f", credentials=[two])) == 2
    with pytest.raises(Refusal, match="without replacement"):
        awx.launch("J", {}, "/f", credentials=[])
    with pytest.raises(Refusal, match="multiple credentials"):
        awx.launch("J", {}, "/f", credentials=[one, two])


def test_the_variables_of_a_workflow_reach_every_step(awx):
    flow = awx.add("workflow_job_templates", {"name": "W", "survey_enabled": True})
    awx.surveys[flow] = survey(question(), question(variable="r", default=""))
    job = template(awx, job_slice_count=3, ask_job_slice_count_on_launch=True)
    first, second = (
        awx.add(
            "workflow_job_template_nodes",
            {"identifier": name, "workflow_job_template": flow, "unified_job_template": job, **more},
        )
        for name, more in (("a", {"job_slice_count": 1}), ("b", {}))
    )
    awx.associate(first, "success_nodes", {"id": second})
    assert awx.steps("W", {"q": "x"}) == [("J", {"q": "x", "r": ""}, 1), ("J", {"q": "x", "r": ""}, 3)]
    awx.surveys[job] = survey(question(variable="needed", required=True))
    awx.change(job, {"survey_enabled": True})
    with pytest.raises(Refusal, match="needed"):
        awx.steps("W", {"q": "x"})


def test_a_playbook_is_known_after_an_update_of_the_project(awx, tmp_path):
    (tmp_path / "later.yml").write_text("- hosts: all\n")
    with pytest.raises(Refusal, match="Playbook not found"):
        template(awx, playbook="later.yml")
    project = awx.named("projects", "P")
    before = awx.shown(project)["scm_revision"]
    status, answer = awx.answer("POST", f"/api/v2/projects/{project}/update/", {}, {})
    assert (status, answer["status"]) == (202, "successful")
    assert awx.answer("GET", answer["url"], {}, None)[1]["scm_revision"] == awx.shown(project)["scm_revision"] != before
    template(awx, playbook="later.yml")


@pytest.mark.parametrize("galaxy", [False, True])
def test_requirements_of_a_project_are_installed_with_its_update(awx, tmp_path, galaxy):
    project = awx.named("projects", "P")
    awx.galaxy = galaxy
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections/requirements.yml").write_text("collections: [{name: apono.eks}]\n")
    (tmp_path / "later.yml").write_text("- hosts: all\n")
    update = awx.updates[awx.update_project(project)]
    assert update.status == ("successful" if galaxy else "failed")
    assert awx.checked_out[project].collections == (("apono.eks",) if galaxy else ())
    assert ("later.yml" in awx.checked_out[project].playbooks) == galaxy


@pytest.mark.parametrize("overwrite_vars", [False, True])
def test_a_variable_that_was_removed_stays_unless_variables_are_overwritten(awx, tmp_path, overwrite_vars):
    (tmp_path / "hosts.yml").write_text("{}")
    project, inventory = awx.named("projects", "P"), awx.named("inventories", "I")
    awx.update_project(project)
    source = {
        "name": "S",
        "inventory": inventory,
        "source": "scm",
        "source_project": project,
        "source_path": "hosts.yml",
    }
    awx.add("inventory_sources", {**source, "overwrite": True, "overwrite_vars": overwrite_vars})

    def listed(**hosts):
        return {
            "_meta": {"hostvars": hosts},
            "all": {"hosts": list(hosts), "vars": {"of_all": 1} if "b" in hosts else {}},
        }

    assert awx.imported("S", listed(a={"x": 1, "y": 1}, b={"x": 1})) == listed(a={"x": 1, "y": 1}, b={"x": 1})
    merged = awx.imported("S", listed(a={"x": 2}))
    assert merged["_meta"]["hostvars"] == {"a": {"x": 2} if overwrite_vars else {"x": 2, "y": 1}}
    assert merged["all"]["vars"] == ({} if overwrite_vars else {"of_all": 1})
