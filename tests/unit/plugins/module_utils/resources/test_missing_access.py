# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of a cluster's access review on a plan."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions


def missing(answer):
    """Return the errors for a cluster whose review has this answer, or fails with this HTTP status."""

    def review(*_arguments, **_options):
        if isinstance(answer, int):
            raise ResourceError("refused", http_status=answer)
        return answer

    kubernetes = SimpleNamespace(review=review, connection=SimpleNamespace(cluster="alpha"))
    found = permissions.missing_access(kubernetes, "update", "configmaps", "kube-system", "aws-auth", "the ConfigMap")
    return [error.message for error in found]


@pytest.mark.parametrize("answer", [{"allowed": True}, {}, 403, 404])
def test_only_a_clear_no_is_a_refusal(answer):
    assert missing(answer) == []


def test_a_clear_no_says_what_is_missing():
    (message,) = missing({"allowed": False})
    assert message.startswith("The caller is not allowed to update configmaps in the namespace kube-system of alpha")


def test_a_failure_of_the_cluster_is_an_error():
    with pytest.raises(ResourceError, match="refused"):
        missing(500)
