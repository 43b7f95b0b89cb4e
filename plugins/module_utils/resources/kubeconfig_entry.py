# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry of a cluster in a user's kubeconfig: a cluster, a user and a context of one name."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.kubeconfig import paths_of_environment, read_file
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file
from ansible_collections.apono.eks.plugins.module_utils.options import STATE, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource, poll
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import kubeconfig
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation.kubeconfig import Kubeconfig, TokenCommand

# How long to wait, in seconds, until kubectl or another task removes its lock of the file.
LOCK_SECONDS = 10
LOCK_INTERVAL = 0.1


class KubeconfigEntry(Resource):
    """The entry of one name. It reads files, and replaces those that change; it calls no service.

    If ``KUBECONFIG`` names several files, the rules are those of kubectl. If several files have a name, the first one
    counts. An existing entry is changed in its file, and a new entry is added to the first existing file.
    """

    name = "entry"
    required_libraries = ("yaml",)
    options = Options(
        {
            "path": {"type": "path", "aliases": ["kubeconfig"]},
            "name": {"type": "str", "required": True, "aliases": ["context"]},
            "cluster_name": {"type": "str"},
            "cluster_id": {"type": "str"},
            "region": {"type": "str"},
            "profile": {"type": "str"},
            "aws_config_file": {"type": "path"},
            "server": {"type": "str"},
            "certificate_authority": {"type": "str"},
            "current_context": {"type": "bool", "default": False},
            "overwrite": {"type": "bool", "default": False},
        },
        required_if=(("state", "present", ("cluster_name", "region", "profile", "server", "certificate_authority")),),
    ).merge(STATE)

    def validate(self) -> None:
        params = self.params
        self.paths = [os.path.expanduser(params["path"])] if params.get("path") else paths_of_environment()
        for option in ("name", "profile"):
            if params.get(option) and not params[option].isprintable():
                raise ResourceError(f"{option} {params[option]!r} has invisible characters. Remove them.")
        if params["state"] == "absent":
            return
        arn.validate_cluster_name(params["cluster_name"])
        if params.get("cluster_id"):
            arn.validate_cluster_id(params["cluster_id"], "cluster_id (in a playbook apono_user_cluster_id)")
        arn.validate_region(params["region"], "region")
        if not params["server"].startswith("https://"):
            raise ResourceError(
                f"server {params['server']!r} (in a playbook apono_user_server) is not the address of an API server. "
                "Set a URL that begins with https://."
            )
        try:
            certificate = base64.b64decode(params["certificate_authority"], validate=True)
        except binascii.Error:
            certificate = b""
        if b"-----BEGIN CERTIFICATE-----" not in certificate:
            raise ResourceError(
                "certificate_authority is not the base64 text of a PEM certificate. Set it to "
                "certificateAuthority.data in the output of aws eks describe-cluster."
            )

    # Reading

    def read(self) -> dict[str, Kubeconfig | None]:
        """Return the files by their paths, with ``None`` for a file that does not exist."""
        return {path: read_file(path) for path in self.paths}

    # Planning

    def plan(self, current: dict[str, Kubeconfig | None]) -> Plan:
        params, name = self.params, self.params["name"]
        files = [config for config in current.values() if config]
        existing = {section: found(files, section, name) for section in kubeconfig.SECTIONS}
        if not params["overwrite"] and any(body is not None for body in existing.values()):
            self.refuse_another_meaning(files, existing)
        active = next((config.current for config in files if config.current), "")
        before = self.shown(existing, active == name)
        if params["state"] == "absent":
            wanted: dict[str, dict[str, Any] | None] = dict.fromkeys(kubeconfig.SECTIONS)
            for section, key in (("clusters", "cluster"), ("users", "user")):
                if name in referred(files, key, name):
                    del wanted[section]
            set_current = "" if active == name else None
            after = None
        else:
            user = kubeconfig.exec_user(
                params["cluster_name"],
                params["region"],
                params["profile"],
                params.get("aws_config_file"),
                params.get("cluster_id"),
            )
            wanted = {
                "clusters": kubeconfig.merged_cluster(
                    existing["clusters"], params["server"], params["certificate_authority"]
                ),
                "contexts": {**(existing["contexts"] or {}), "cluster": name, "user": name},
                "users": kubeconfig.merged_user(existing["users"], user),
            }
            set_current = name if params["current_context"] and active != name else None
            after = self.shown(wanted, params["current_context"] or active == name)
        changes = tuple(self.changes(current, wanted, set_current))
        profile = params.get("profile") or (before or {}).get("profile")
        details = {"name": name, "path": self.paths[0] if len(self.paths) == 1 else self.place(current)}
        others = [] if profile is None else users_of(files, profile, name)
        return Plan(before, after, changes, details, {"profile_users": others})

    def changes(
        self,
        current: dict[str, Kubeconfig | None],
        wanted: dict[str, dict[str, Any] | None],
        set_current: str | None,
    ) -> Iterator[Change]:
        """Yield a change for each file that differs from the desired settings.

        :param wanted: the desired settings by list; ``None`` for an entry that is removed.
        :param set_current: the new current context; ``None`` leaves it unchanged.
        """
        name, place = self.params["name"], self.place(current)
        parts: dict[str, dict[str, dict[str, Any] | None]] = {}
        for section, body in wanted.items():
            having = [path for path, config in current.items() if config and config.find(section, name) is not None]
            # An entry is removed from all files: otherwise, the one of the next file would take its place.
            for path in having if body is None else having[:1] or [place]:
                config = current[path]
                if config is None or config.find(section, name) != body:
                    parts.setdefault(path, {})[section] = body
        activated = place
        if set_current == "":
            activated = [path for path, config in current.items() if config and config.current][0]
        if set_current is not None:
            parts.setdefault(activated, {})
        verb = "remove" if self.params["state"] == "absent" else "set"
        for path, sections in parts.items():
            config = current[path]
            text = kubeconfig.edited(
                config or kubeconfig.read("", path), name, sections, set_current if path == activated else None
            )
            yield Change(
                f"{verb} the entry {name} in {path}",
                "write",
                {"path": path, "text": text, "was": config and config.text},
            )

    def place(self, current: dict[str, Kubeconfig | None]) -> str:
        """Return the path for new entries: the first file that exists, or else the last path."""
        return next((path for path, config in current.items() if config), self.paths[-1])

    def refuse_another_meaning(self, files: list[Kubeconfig], existing: dict[str, dict[str, Any] | None]) -> None:
        """Raise :class:`ResourceError` if the entries of this name are for another cluster or another profile."""
        params, name = self.params, self.params["name"]
        context, user = existing["contexts"], existing["users"]
        means = {}
        if context and (context.get("cluster"), context.get("user")) != (name, name):
            user = found(files, "users", context.get("user") or "")
            means["context"] = f"the cluster {context.get('cluster')} as the user {context.get('user')}"
        command = kubeconfig.token_command(user) if user is not None else None
        if user is not None and command is None:
            means["user"] = "credentials from another source than aws eks get-token"
        for option in self.compared(command) if command else ():
            value = getattr(command, option)
            if params.get(option) != value:
                means[option] = f"{option} {value or '(none)'}"
        if user is None and existing["clusters"] and params.get("server") != existing["clusters"].get("server"):
            means["cluster"] = f"the server {existing['clusters'].get('server')}"
        if means:
            raise ResourceError(
                f"The kubeconfig {', '.join(config.path for config in files)} has an entry {name} for something "
                f"else: {', '.join(means.values())}. The entry is unchanged. Choose another name (in a playbook "
                "apono_user_context), or set overwrite.",
                code="AnotherMeaning",
            )

    def compared(self, command: TokenCommand) -> Iterator[str]:
        """Yield the options whose values must be equal to those of an existing command.

        A command has either the name of the cluster or its id. The id is compared only if the option is set or the
        entry is created, because users do not have to set it to remove an entry.
        """
        params = self.params
        if command.cluster_name or not command.cluster_id:
            yield from ("cluster_name",) if params.get("cluster_name") is not None else ()
        elif params.get("cluster_id") is not None or params["state"] == "present":
            yield "cluster_id"
        yield from (option for option in ("region", "profile") if params.get(option) is not None)

    @staticmethod
    def shown(entry: dict[str, dict[str, Any] | None], current: bool) -> dict[str, Any] | None:
        """Return an entry under the names of the options, without secrets; ``None`` if nothing of it exists."""
        if all(body is None for body in entry.values()):
            return None
        cluster, context, user = (entry[section] or {} for section in ("clusters", "contexts", "users"))
        command = kubeconfig.token_command(user) or TokenCommand(None, None, None, None)
        plugin = user.get("exec")
        executed: dict[str, Any] = plugin if isinstance(plugin, dict) else {}
        return {
            "cluster": context.get("cluster"),
            "user": context.get("user"),
            "namespace": context.get("namespace"),
            "server": cluster.get("server"),
            "certificate_authority": cluster.get("certificate-authority-data"),
            "cluster_name": command.cluster_name,
            "cluster_id": command.cluster_id,
            "region": command.region,
            "profile": command.profile,
            "command": executed.get("command"),
            "api_version": executed.get("apiVersion"),
            "current_context": current,
        }

    def report(self, before: Any, plan: Plan, changes: list[str], details: dict[str, Any]) -> dict[str, Any]:
        return {**super().report(before, plan, changes, details), **plan.context}

    # Writing

    def apply(self, change: Change) -> None:
        path = change.arguments["path"]
        try:
            with locked(path):
                now = read_file(path)
                if (now and now.text) != change.arguments["was"]:
                    raise Stale.conflict(
                        ResourceError(
                            f"Another program changed the kubeconfig {path} at each attempt to write it. Run again.",
                            code="Conflict",
                        )
                    )
                # A symbolic link stays, and its target is replaced.
                replace_file(followed(path), change.arguments["text"])
        except OSError as error:
            raise ResourceError(
                f"The kubeconfig {path} cannot be written: {error}. Check the owner and mode of the file and its "
                "folder."
            ) from error


def found(files: list[Kubeconfig], section: str, name: str) -> dict[str, Any] | None:
    """Return the settings of an entry from the first file that has it, or ``None``."""
    bodies = (config.find(section, name) for config in files)
    return next((body for body in bodies if body is not None), None)


def referred(files: list[Kubeconfig], key: str, name: str) -> set[str]:
    """Return the names of the clusters, or users, that contexts of other names refer to.

    :param key: ``cluster`` or ``user``.
    """
    contexts = (item for config in files for item in config.data.get("contexts") or () if item.get("name") != name)
    named = ((item.get("context") or {}).get(key) for item in contexts)
    return {text for text in named if isinstance(text, str)}


def users_of(files: list[Kubeconfig], profile: str, name: str) -> list[str]:
    """Return the names of the other users whose ``aws eks get-token`` has this profile."""
    names = set()
    for config in files:
        for item in config.data.get("users") or ():
            command = kubeconfig.token_command(item.get("user") or {})
            if item.get("name") != name and command and command.profile == profile:
                names.add(item["name"])
    return sorted(names)


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Lock a kubeconfig as kubectl does, by a file beside it that only one process can create.

    The source of this rule is client-go, tools/clientcmd/loader.go. Raises :class:`ResourceError` if another process
    has the lock for :data:`LOCK_SECONDS`.
    """
    lock = f"{path}.lock"
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)

    def made() -> bool:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
            return True
        return False

    if not poll(made, LOCK_SECONDS, LOCK_INTERVAL):
        raise ResourceError(
            f"The kubeconfig {path} has been locked by the file {lock} for {LOCK_SECONDS} seconds. If no kubectl "
            "changes it now, an interrupted kubectl left the lock. Remove that file and run again.",
            code="Locked",
        )
    try:
        yield
    finally:
        os.unlink(lock)
