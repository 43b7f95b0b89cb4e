#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Report the result for each cluster, on the terminal and in files
version_added: 0.1.0
description:
  - Creates a table for the terminal, with one line for each cluster. If O(path) is set, it also writes one HTML page,
    which needs no other file and can be mailed, and the same data as JSON and CSV.
  - The page is a table of clusters and steps, with the changes, the differences, the errors and the findings of each.
    Clusters that failed come first. The page makes no request, works from a file, can be filtered and sorted, and has
    the same contents without its script and on paper.
  - The report says who ran which playbook, with which inventory, limit, tags and versions. It does not include extra
    variables.
  - The module writes the files in check mode, too, because the report is the purpose of a check run. It never reports
    a change of its own.
  - The module always runs on the controller, with any connection of the host.
  - It calls no service. It shows only O(outcomes), which the filter P(apono.eks.outcomes#filter) creates from results
    that have no secrets.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: The files are written, and show that it was a run in check mode.
  diff_mode:
    description: Shows the object before and after.
    support: N/A
    details: It changes no object.
  idempotent:
    description: Run again, it changes nothing.
    support: full
    details: A second run writes the files again, with the time of that run.
  action_group:
    membership: [apono.eks.all]
options:
  outcomes:
    description:
      - The result for each cluster, as P(apono.eks.outcomes#filter) creates it. The report keeps the order.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: The host.
        type: str
        required: true
      cluster_name:
        description: The cluster's name in EKS.
        type: str
      account_id:
        description: Its account.
        type: str
      region:
        description: Its region.
        type: str
      state:
        description: The state of the cluster, in a word or two, such as V(changed) or V(failed).
        type: str
        required: true
      error:
        description:
          - The error of the cluster, with the keys C(step), C(message), which says what is wrong and what to do, and
            C(code).
        type: dict
      errors:
        description: All errors of the cluster, each with these keys. O(outcomes[].error) is the first.
        type: list
        elements: dict
      steps:
        description: The steps, in their order.
        type: list
        elements: dict
        suboptions:
          name:
            description: The step.
            type: str
            required: true
          state:
            description: The state of the step, such as V(changed), V(failed), V(skipped), V(unchanged) or V(not
              started).
            type: str
            required: true
          changes:
            description: The changes, in words.
            type: list
            elements: str
          diff:
            description: The object C(before) and C(after) the step, as data or as text.
            type: dict
          by:
            description: The host that did the step for this one.
            type: str
          note:
            description: A note about the step.
            type: str
      findings:
        description:
          - The findings, each with the keys C(code), C(severity), such as V(error) or V(warning), and C(message),
            which says what is wrong and what to do.
        type: list
        elements: dict
  title:
    description: The title of the report.
    type: str
    default: Clusters
  notes:
    description: Notes about the run as a whole, each as one text.
    type: list
    elements: str
  user:
    description:
      - The user who runs the playbook, for the report. If it is not set, the user of the operating system.
      - A controller such as AWX runs playbooks as a user of its own. There, use C(awx_user_name).
    type: str
  path:
    description:
      - The HTML page, such as V(reports/today.html). The JSON and the CSV are beside it and have the same name with
        another ending, here V(reports/today.json) and V(reports/today.csv).
      - Missing folders are created. An existing file is replaced, in one step.
      - If it is not set, no file is written.
    type: path
  query:
    description:
      - A JMESPath expression over the list of records, which are the C(clusters) of the report's JSON. The table and
        the files have the records that it returns, in this order. Examples are V([?state == 'failed']) or
        V([?findings] | sort_by(@, &account_id)).
      - A note in the report has the number of these records and of all clusters. Whether a run fails does not depend
        on the expression.
      - An expression that does not parse, or that does not return records, is an error.
    type: str
  check_path:
    description:
      - Only check that the files can be written at O(path). Nothing is written and no table is returned, so that a
        playbook can fail before it changes a cluster.
    type: bool
    default: false
notes:
  - A new file can be read by its owner alone. A file that replaces one of the same user gets the permissions of the
    replaced file.
  - A link is followed if it belongs to the user or to root. A link of another user is an error.
  - In the CSV, a cell that a spreadsheet would read as a formula has an apostrophe before it.
seealso:
  - plugin: apono.eks.outcomes
    plugin_type: filter
  - name: CSV injection
    description: Cells that a spreadsheet reads as formulas, described by OWASP.
    link: https://owasp.org/www-community/attacks/CSV_Injection
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the result for each cluster, on the terminal only
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
  run_once: true

- name: Report with a note on the run
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
    notes:
      - The change window ends at 18:00.
    path: reports/today.html
  run_once: true

- name: Report on the run
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
    title: Onboarding, first wave
    path: reports/first-wave.html
  register: report
  run_once: true

- name: Report the table
  ansible.builtin.debug:
    msg: "{{ report.table }}"
  run_once: true

- name: Check before the first change that the report can be written
  apono.eks.report:
    outcomes: []
    path: reports/today.html
    check_path: true
  run_once: true

- name: Report only the clusters that failed, by account
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
    query: "[?state == 'failed'] | sort_by(@, &account_id)"
    path: reports/failed.html
  run_once: true
"""

RETURN = r"""
table:
  description:
    - The lines for the terminal. They are as wide as the terminal or the environment variable E(COLUMNS) says; in a
      log and in AWX, 104 characters.
    - A text that does not fit into its line is cut, and follows below in full.
  returned: success
  type: list
  elements: str
  sample:
    - "CLUSTER  ACCOUNT       REGION        STATE      DETAILS"
    - "prod-1   111122223333  eu-central-1  changed    mapping, integration"
    - "prod-2   111122223333  us-east-1     unchanged"
    - ""
    - "2 clusters: 1 changed, 1 unchanged"
counts:
  description: How many clusters are in each state.
  returned: success
  type: dict
  sample: {changed: 1, unchanged: 1}
errors:
  description: By cluster, the messages of its errors. Clusters without an error are left out.
  returned: success
  type: dict
  sample: {prod-2: "The cluster prod-2 is being updated: run again when it is active."}
files:
  description: The absolute paths of the files, as C(html), C(json) and C(csv). Empty without O(path).
  returned: success
  type: dict
  sample: {csv: /srv/reports/today.csv, html: /srv/reports/today.html, json: /srv/reports/today.json}
"""
