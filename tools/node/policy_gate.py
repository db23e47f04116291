"""Policy gate: a CNI plugin that delays the start of a pod until the network policies hold for it.

kube-router makes a pod's rules once the API server has the pod's address. A kubelet reports the address only after the
containers have started: for a second or two a new pod could reach anything. This plugin, the last of its chain, reports
the address first, with the kubelet's own token, and waits for the rules. Without rules the pod does not start, and the
kubelet tries again. The kubelet would remove the address again until it has seen the pod's sandbox; the API server
refuses that (`_addresses` in `tools/cluster/manifests.py`).

kube-router reads the pods twice for one set of rules: first those that each policy selects, by their addresses, then
those of its node, which get chains. A pod whose address comes between the two has a chain without its policies, until
the next set. So the plugin reports the address without the node, and the node after the next set of rules.

K3s, which uses kube-router's policies too, has no such plugin.
"""

import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final

READY_S: Final = 60.0
POLL_S: Final = 0.03
ANSWER_S: Final = 10.0
VERSIONS: Final = ("0.3.1", "0.4.0", "1.0.0")
FIELD: Final = re.compile(r"^\s*(server|token): ['\"]?(\S+?)['\"]?$", re.MULTILINE)
TRY_AGAIN: Final = 11  # an error code of CNI


@dataclass(frozen=True)
class Pod:
    """One pod in the API, by the credentials of its node's kubelet."""

    namespace: str
    name: str
    connection: HTTPSConnection
    token: str

    @classmethod
    def of(cls, arguments: str, kubeconfig: Path) -> "Pod":
        """Return the pod of CNI's arguments."""
        content = dict(FIELD.findall(kubeconfig.read_text()))
        host, _, port = content["server"].removeprefix("https://").rpartition(":")
        trust = ssl.create_default_context(cafile=str(kubeconfig.with_name("ca.crt")))
        values = dict(item.split("=", 1) for item in arguments.split(";"))
        return cls(
            values["K8S_POD_NAMESPACE"],
            values["K8S_POD_NAME"],
            HTTPSConnection(host, int(port), timeout=ANSWER_S, context=trust),
            content["token"],
        )

    def status(self) -> dict[str, Any]:
        """Return the pod's status. Raises OSError."""
        status: dict[str, Any] = self._call("GET", "").get("status", {})
        return status

    def announce(self, address: str, node: str | None) -> None:
        """Write the address into the pod's status, and that of its node, or that it has none. Raises OSError."""
        nodes = [{"ip": node}] if node else None
        status = {"podIP": address, "podIPs": [{"ip": address}], "hostIP": node, "hostIPs": nodes}
        self._call("PATCH", "/status", {"status": status})

    @property
    def node(self) -> str:
        """Address of the pod's node, where its API server is."""
        return self.connection.host

    def is_source(self, address: str, rule: str) -> bool:
        """Return whether *rule* leads what the pod sends to the chain of the pod."""
        return f"-s {address}/32 " in rule and f"POD name:{self.name} namespace: {self.namespace} to chain" in rule

    def _call(self, method: str, part: str, content: Any = None) -> dict[str, Any]:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/merge-patch+json"}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}{part}"
        self.connection.request(method, path, json.dumps(content) if content else None, headers)
        response = self.connection.getresponse()
        body: dict[str, Any] = json.loads(response.read())
        if response.status >= 400:
            raise OSError(f"{method} {path}: {body.get('message')}")
        return body


def main() -> int:
    """Serve one CNI call: command in the environment, configuration on stdin, result on stdout."""
    configuration = json.load(sys.stdin)
    try:
        result, code = _result(os.environ["CNI_COMMAND"], configuration), 0
    except (OSError, HTTPException, subprocess.SubprocessError) as error:
        result, code = {"cniVersion": VERSIONS[-1], "code": TRY_AGAIN, "msg": f"policy gate: {error}"}, 1
    if result is not None:
        print(json.dumps(result))  # noqa: T201
    return code


def _result(command: str, configuration: dict[str, Any]) -> dict[str, Any] | None:
    if command == "VERSION":
        return {"cniVersion": VERSIONS[-1], "supportedVersions": VERSIONS}
    if command != "ADD":
        return None
    result: dict[str, Any] = configuration["prevResult"]
    pod = Pod.of(os.environ["CNI_ARGS"], Path(configuration["kubeconfig"]))
    wait_for_rules(pod, result["ips"][0]["address"].split("/")[0], Firewall())
    return result


class Firewall:
    """kube-router's rules on this node."""

    def jumps(self) -> list[str]:
        """Return the rules that lead to the chains of pods; each set of rules has new names for all chains."""
        command = ["iptables", "-w", "-S", "KUBE-ROUTER-FORWARD"]  # the whole table would take longer
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return [line for line in done.stdout.splitlines() if " to chain " in line]


def wait_for_rules(pod: Pod, address: str, firewall: Firewall) -> None:
    """Wait until the pod's rules exist. Raises OSError, as a TimeoutError after READY_S."""
    wait = partial(_wait, f"kube-router has no rules for {pod.namespace}/{pod.name}", time.monotonic() + READY_S)
    wait(lambda: "startTime" in pod.status())  # the kubelet's first report has no address, and would overwrite one
    before = firewall.jumps()
    pod.announce(address, None)
    wait(lambda: not before or firewall.jumps() != before)
    pod.announce(address, pod.node)
    wait(lambda: any(pod.is_source(address, line) for line in firewall.jumps()))


def _wait(failure: str, deadline: float, condition: Callable[[], bool]) -> None:
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {READY_S:.0f} s {failure}")
        time.sleep(POLL_S)


if __name__ == "__main__":
    sys.exit(main())
