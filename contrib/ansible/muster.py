# muster.py: an inventory plugin of Ansible, which reads what muster-export says.
import json
import os
import subprocess

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

DOCUMENTATION = r"""
name: muster
short_description: Hosts and groups of Muster
description: Groups are pools, racks and other locations. The file ends with muster.yml or muster.yaml.
extends_documentation_fragment: [constructed, inventory_cache]
options:
  plugin: {description: The name of the plugin., required: true, choices: [muster]}
  url: {description: Of the server., default: 'http://localhost', env: [{name: MUSTER_URL}]}
  token: {description: For the server., env: [{name: MUSTER_TOKEN}]}
  query: {description: Only hosts that this query finds., env: [{name: MUSTER_QUERY}]}
  pools: {description: Only hosts in each of these., type: list, elements: str, default: []}
  drivers: {description: Only hosts of one of these., type: list, elements: str, default: []}
  program: {description: muster-export; by default that beside the directory of the plugin., type: path}
"""


def decoded(item):
    """What is no template, as muster-export marks it."""
    return wrap_var(item["__ansible_unsafe"]) if set(item) == {"__ansible_unsafe"} else item


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "muster"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("muster.yml", "muster.yaml"))

    def read(self):
        beside = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "muster-export")
        command = [self.get_option("program") or beside, "--list", "--url=" + self.get_option("url")]
        command += ["--query=" + self.get_option("query")] if self.get_option("query") else []
        command += ["--pool=" + pool for pool in self.get_option("pools")]
        command += ["--driver=" + driver for driver in self.get_option("drivers")]
        env = {name: value for name, value in os.environ.items() if name != "MUSTER_QUERY"}
        token = self.get_option("token")
        if token and token != env.get("MUSTER_TOKEN"):  # that of the inventory's file is for its server
            env["MUSTER_TOKEN"] = token
            env.pop("MUSTER_TOKEN_FILE", None)
        try:
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        except OSError as error:
            raise AnsibleParserError(f"{command[0]}: {error}") from error
        for line in done.stderr.decode(errors="replace").splitlines():
            self.display.warning(line)
        if done.returncode != 0:
            raise AnsibleParserError("muster-export has failed")
        return done.stdout.decode()

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self.load_cache_plugin()
        key, caches = self.get_cache_key(path), self.get_option("cache")
        text = self._cache.get(key) if cache and caches else None
        if text is None:
            text = self.read()
            if caches:
                self._cache[key] = text
        self.fill(json.loads(text, object_hook=decoded))

    def fill(self, groups):
        hosts = groups.pop("_meta")["hostvars"]
        for host, variables in hosts.items():
            self.inventory.add_host(host)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)
        for group in groups:
            self.inventory.add_group(group)
        for group, members in groups.items():
            for member in members["hosts"] + members["children"]:
                self.inventory.add_child(group, member)
        for host in hosts:
            self.compose(host)

    def compose(self, host):
        variables, strict = self.inventory.get_host(host).get_vars(), self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
