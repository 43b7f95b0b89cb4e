# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the group apono.eks.apono; their specification is APONO in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  api_url:
    description: The address of Apono's API. Without it, E(APONO_ENDPOINT) is read.
    type: str
    default: https://api.apono.io
  api_token:
    description:
      - The token of an Apono service account. It is secret, and no output has it.
      - Without it, E(APONO_API_TOKEN), E(APONO_PERSONAL_TOKEN) and E(APONO_TOKEN) are read, in this order.
    type: str
  api_timeout:
    description: How long to wait for an answer, in seconds.
    type: int
    default: 30
  api_retries:
    description: How often the module repeats a call after the status 429, 502, 503 or 504, or a lost connection.
    type: int
    default: 5
  validate_certs:
    description: Whether the TLS certificate of Apono's API is verified.
    type: bool
    default: true
  ca_path:
    description: A file with the certificate authorities to trust for Apono's API.
    type: path
notes:
  - An option whose value is an empty text counts as not set.
"""
