// Copyright: Contributors to the apono.eks collection
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Prints, as JSON, which addresses the reader of NO_PROXY that kubectl and helm have connects to directly:
//
//	go run . > cases.json
package main

import (
	"encoding/json"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"
)

var values = []string{
	"", "*", ",", " , ", "example.com", ".example.com", "*.example.com", "EXAMPLE.com", "api.example.com", "ample.com",
	"example.com:443", "example.com:6443", "example.com:80", ".example.com:6443", "example.com.",
	"10.0.0.0/8", "10.1.2.0/24", "10.1.2.3", "10.1.2.3:6443", "10.1.2.3:443", "10.1.2.3/32", "10.1.2.3/8", "10.1.2",
	"10.1.*", "10.0.0.0/33", "example.com/8", "fd00::/8", "fd00::1", "[fd00::1]", "[fd00::1]:6443", "[fd00::1]:443",
	"::ffff:10.1.2.3", "localhost", "127.0.0.0/8", "other.org, example.com", "other.org example.com",
	"other.org,10.0.0.0/8,fd00::/8", "com", ".com", "*com", "*example.com", "https://example.com", "example.com:*",
}

var addresses = []string{
	"https://example.com", "https://api.example.com", "https://API.Example.com:6443", "https://notexample.com",
	"https://example.com.", "http://example.com", "https://10.1.2.3", "https://10.1.2.3:6443", "https://11.1.2.3",
	"https://[fd00::1]", "https://[fd00::1]:6443", "https://[fe00::1]", "https://localhost:6443", "https://127.0.0.1:6443",
	"https://127.8.9.10", "https://[::1]", "https://api.localhost", "https://other.org",
}

func main() {
	cases := map[string]map[string]bool{}
	for _, value := range values {
		config := httpproxy.Config{HTTPProxy: "http://proxy:1", HTTPSProxy: "http://proxy:1", NoProxy: value}
		choose := config.ProxyFunc()
		cases[value] = map[string]bool{}
		for _, address := range addresses {
			parsed, err := url.Parse(address)
			if err != nil {
				panic(err)
			}
			proxy, err := choose(parsed)
			if err != nil {
				panic(err)
			}
			cases[value][address] = proxy == nil
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(cases); err != nil {
		panic(err)
	}
}
