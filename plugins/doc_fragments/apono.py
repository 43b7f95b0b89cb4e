# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the group apono.eks.apono. Their argument spec is APONO in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  api_url:
    description: The URL of the Apono API. If you do not set this option, the environment variable E(APONO_ENDPOINT)
      takes precedence over the default.
    type: str
    default: https://api.apono.io
  api_token:
    description:
      - The API token of an Apono service account. It is secret, and the collection never prints it.
      - The default is the value of the environment variable E(APONO_API_TOKEN), E(APONO_PERSONAL_TOKEN) or
        E(APONO_TOKEN), in this order.
    type: str
  api_timeout:
    description: The maximum time to wait for a response of the Apono API, in seconds.
    type: int
    default: 30
  api_retries:
    description: The maximum number of retries of a call after the HTTP status 429, 502, 503 or 504, or after a lost
      connection.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificate of the Apono API.
    type: bool
    default: true
  ca_path:
    description: The path of a file with the certificate authorities to trust for the Apono API.
    type: path
notes:
  - The module treats an option with an empty text as not set.
"""
