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
  - Creates a table for the terminal, with one line for each cluster. If you set O(path), the module also writes one
    HTML page, and the same data as JSON and CSV. The page is one self-contained file that you can send by email.
  - The page is a table of clusters and steps, with the changes, the differences, the errors and the findings of each
    cluster. Failed clusters are at the top. You can filter and sort the table.
  - The page makes no requests. Without JavaScript and in print, it has the same content.
  - The report contains the user, the playbook, the inventory, the limit, the tags and the versions of the run. It
    does not contain extra variables.
  - The module writes the files in check mode, too, because the report is the purpose of such a run. The status of the
    task itself is never C(changed).
  - The module always runs on the controller, regardless of the connection of the host.
  - The module calls no service. The report shows only O(outcomes), which the filter P(apono.eks.outcomes#filter)
    creates from results without secrets.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: The module writes the files in check mode, too. The report says that the run was in check mode.
  diff_mode:
    description: Returns the object before and after the change in diff mode.
    support: N/A
    details: The module changes no object.
  idempotent:
    description: A second run changes nothing.
    support: full
    details: A second run writes the files again, with the time of the second run.
  action_group:
    membership: [apono.eks.all]
options:
  outcomes:
    description:
      - The result for each cluster, as P(apono.eks.outcomes#filter) creates it. The report has the same order.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: The name of the host.
        type: str
        required: true
      cluster_name:
        description: The name of the cluster in EKS.
        type: str
      account_id:
        description: The id of the AWS account of the cluster.
        type: str
      region:
        description: The AWS region of the cluster.
        type: str
      state:
        description: The state of the cluster in one or two words, such as V(changed) or V(failed).
        type: str
        required: true
      error:
        description:
          - The first error of the cluster, with the keys C(step), C(message) and C(code). The C(message) explains the
            error and its remedy.
        type: dict
      errors:
        description: All errors of the cluster, in the form of O(outcomes[].error).
        type: list
        elements: dict
      steps:
        description: The steps, in order.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of the step.
            type: str
            required: true
          state:
            description: The state of the step, such as V(changed), V(failed), V(skipped), V(unchanged) or V(not
              started).
            type: str
            required: true
          changes:
            description: The changes, each as a text.
            type: list
            elements: str
          diff:
            description: The object C(before) and C(after) the step, as data or as text.
            type: dict
          by:
            description: The account host, if another host ran the step for this host.
            type: str
          note:
            description: A note about the step.
            type: str
      findings:
        description:
          - The findings, each with the keys C(code), C(severity) and C(message). The C(severity) is V(error) or
            V(warning). The C(message) explains the finding and its remedy.
        type: list
        elements: dict
  title:
    description: The title of the report.
    type: str
    default: Clusters
  notes:
    description: Notes about the whole run, each as one text.
    type: list
    elements: str
  user:
    description:
      - The user name in the report. The default is the user of the operating system.
      - AWX runs playbooks as its own user. In AWX, set this option to C(awx_user_name).
    type: str
  path:
    description:
      - The path of the HTML page, such as V(reports/today.html). The JSON and CSV files have the same path with other
        extensions, such as V(reports/today.json) and V(reports/today.csv).
      - The module creates missing folders and replaces existing files atomically.
      - If you do not set this option, the module writes no file.
    type: path
  query:
    description:
      - A JMESPath expression that selects and sorts the records of the report. Its input is the list C(clusters) of
        the JSON file. The table and the files contain the records that the expression returns, in this order.
      - Examples are V([?state == 'failed']) and V([?findings] | sort_by(@, &account_id)).
      - A note in the report shows the number of selected records and of all clusters. The expression does not affect
        the result of the run.
      - The module fails if it cannot parse the expression, or if the expression does not return records.
    type: str
  check_path:
    description:
      - Whether to check only that the module can write the files at O(path). The module then writes no file and
        returns no table. Use this option to fail before a playbook changes a cluster.
    type: bool
    default: false
notes:
  - Only the owner can read a new file. If the module replaces a file of the same user, the new file gets the
    permissions of the replaced file.
  - The module follows a symbolic link that belongs to the user or to root. A symbolic link of another user is an
    error.
  - In the CSV file, the module puts an apostrophe before each cell that a spreadsheet would read as a formula.
seealso:
  - plugin: apono.eks.outcomes
    plugin_type: filter
  - name: CSV injection
    description: The OWASP page about cells that a spreadsheet reads as formulas.
    link: https://owasp.org/www-community/attacks/CSV_Injection
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the result for each cluster, on the terminal only
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
  run_once: true

- name: Report the result for each cluster in files, with a note about the run
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
    notes:
      - The change window ends at 18:00.
    path: reports/today.html
  run_once: true

- name: Report the result for each cluster in files, with a title
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
    title: Onboarding, first wave
    path: reports/first-wave.html
  register: report
  run_once: true

- name: Report the table on the terminal
  ansible.builtin.debug:
    msg: "{{ report.table }}"
  run_once: true

- name: Check that the module can write the report
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
    - The lines for the terminal. Their width is the width of the terminal or the value of the environment variable
      E(COLUMNS). In a log and in AWX, their width is 104 characters.
    - The module shortens a text that does not fit into its line, and repeats it in full below the table.
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
  description: The number of clusters in each state.
  returned: success
  type: dict
  sample: {changed: 1, unchanged: 1}
errors:
  description: The error messages of each cluster that has an error.
  returned: success
  type: dict
  sample: {prod-2: "The cluster prod-2 is being updated: run again when it is active."}
files:
  description: The absolute paths of the files, with the keys C(html), C(json) and C(csv). The dictionary is empty
    without O(path).
  returned: success
  type: dict
  sample: {csv: /srv/reports/today.csv, html: /srv/reports/today.html, json: /srv/reports/today.json}
"""
