// Copyright: Contributors to the apono.eks collection
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command aws-auth-reader answers how aws-iam-authenticator reads the data of the ConfigMap aws-auth.
//
// Each line of the input is a JSON object, the ConfigMap's data: {"mapRoles": "…", "mapUsers": "…", "mapAccounts": "…"},
// each key optional. Each is answered with one line:
//
//	{"error": "…", "roles": [{"rolearn", "username", "groups"}], "users": [{"userarn", …}], "accounts": ["…"]}
//
// "error" is empty when the text can be read. With an error, the entries are those that the authenticator's server
// nevertheless uses. What the reader logs goes to standard error. A panic of the reader is answered as {"panic": "…"}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
)

type answer struct {
	Error    string               `json:"error"`
	Roles    []config.RoleMapping `json:"roles"`
	Users    []config.UserMapping `json:"users"`
	Accounts []string             `json:"accounts"`
	Panic    string               `json:"panic,omitempty"`
}

func read(data map[string]string) (result answer) {
	defer func() {
		if reason := recover(); reason != nil {
			result = answer{Panic: fmt.Sprint(reason)}
		}
	}()
	users, roles, accounts, err := configmap.ParseMap(data)
	result = answer{Users: users, Roles: roles, Accounts: accounts}
	if err != nil {
		result.Error = err.Error()
	}
	return result
}

func main() {
	// A decoder takes texts of any length, which a scanner does not.
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for {
		var data map[string]string
		switch err := questions.Decode(&data); err {
		case nil:
		case io.EOF:
			return
		default:
			fmt.Fprintln(os.Stderr, "aws-auth-reader: a line of the input is not an object of texts:", err)
			os.Exit(1)
		}
		if err := answers.Encode(read(data)); err != nil {
			fmt.Fprintln(os.Stderr, "aws-auth-reader:", err)
			os.Exit(1)
		}
	}
}
