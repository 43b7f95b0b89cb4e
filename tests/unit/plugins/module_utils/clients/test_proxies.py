# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NO_PROXY works as in kubectl. ``no_proxy/cases.json`` has the results of its implementation, httpproxy of
golang.org/x/net, and ``no_proxy/main.go`` prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import proxies
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

CASES = json.loads((Path(__file__).parent / "no_proxy" / "cases.json").read_text())


@pytest.mark.parametrize("no_proxy", CASES)
def test_no_proxy_is_read_as_kubectl_reads_it(no_proxy):
    ours = {address: proxies.bypassed(address, no_proxy) for address in CASES[no_proxy]}
    assert ours == CASES[no_proxy]


def test_the_variable_in_small_letters_counts_where_both_are_set(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://large.example.com:1")
    assert str(proxies.of_environment("https://a.example.com")) == "the proxy http://large.example.com:1 (HTTPS_PROXY)"
    monkeypatch.setenv("https_proxy", "small.example.com:2")
    assert str(proxies.of_environment("https://a.example.com")) == "the proxy http://small.example.com:2 (https_proxy)"
    monkeypatch.setenv("no_proxy", "example.com")
    assert proxies.of_environment("https://a.example.com") is None
    assert proxies.of_environment("http://a.example.com") is None


def test_credentials_are_decoded_and_never_shown():
    proxy = proxies.checked("http://ja%40ne:p%3Aa%2Fss@proxy.example.com:3128", "HTTPS_PROXY")
    assert proxy.credentials == "ja@ne:p:a/ss"
    assert str(proxy) == "the proxy http://proxy.example.com:3128 (HTTPS_PROXY)"


@pytest.mark.parametrize("text", ["socks4://a:1", "socks5://jane:geheim@a:1", "http://", "http://a:b", "http://a:0"])
def test_a_proxy_that_cannot_be_used_is_an_error_without_its_password(text):
    with pytest.raises(ResourceError, match="HTTPS_PROXY") as caught:
        proxies.checked(text, "HTTPS_PROXY")
    assert "geheim" not in caught.value.message


def test_the_advice_names_the_schemes_of_the_setting():
    def advice(text, *schemes):
        with pytest.raises(ResourceError) as caught:
            proxies.checked(text, "the setting", *schemes)
        return caught.value.message

    assert "AWS cannot be reached through a SOCKS proxy" in advice("socks4://a:1")
    of_kubeconfig = advice("socks4://a:1", (*proxies.SCHEMES, "socks5"))
    assert "Set an address with http:// or https:// or socks5://, such as" in of_kubeconfig
    assert "AWS" not in of_kubeconfig
