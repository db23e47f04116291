"""A CNI plugin, the last of its chain: a pod starts once the network policies hold for it.

kube-router makes a pod's rules when the API server says which address the pod has. A kubelet says so only after the
containers have started: until then, for a second or two, a new pod could reach whatever it liked. This plugin tells
the API server the address at once, with the kubelet's own right to a pod's status, and waits for the rules. Where they
do not come, the pod does not start, and the kubelet tries again. The kubelet would take the address back every few
seconds until it has seen the pod's sandbox; the API server refuses that (`_addresses` in `tools/cluster/manifests.py`).

K3s, whose policies are kube-router's too, has no such plugin.
"""

import json
import os
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final

import yaml

READY_S: Final = 60.0
POLL_S: Final = 0.03
ANSWER_S: Final = 10.0
VERSIONS: Final = ("0.3.1", "0.4.0", "1.0.0")
TRY_AGAIN: Final = 11  # of CNI's own error codes


@dataclass(frozen=True)
class Pod:
    """One pod in the API, as the kubelet of its node may see and change it."""

    namespace: str
    name: str
    connection: HTTPSConnection
    token: str

    @classmethod
    def of(cls, arguments: str, kubeconfig: Path) -> "Pod":
        """The pod that CNI's arguments name."""
        content = yaml.safe_load(kubeconfig.read_text())
        host, _, port = content["clusters"][0]["cluster"]["server"].removeprefix("https://").rpartition(":")
        trust = ssl.create_default_context(cafile=str(kubeconfig.with_name("ca.crt")))
        named = dict(item.split("=", 1) for item in arguments.split(";"))
        return cls(
            named["K8S_POD_NAMESPACE"],
            named["K8S_POD_NAME"],
            HTTPSConnection(host, int(port), timeout=ANSWER_S, context=trust),
            content["users"][0]["user"]["token"],
        )

    def status(self) -> dict[str, Any]:
        """Raises OSError."""
        found: dict[str, Any] = self._call("GET", "").get("status", {})
        return found

    def announce(self, address: str) -> None:
        """Write the address into the pod's status. Raises OSError."""
        node = self.connection.host
        status = {"podIP": address, "podIPs": [{"ip": address}], "hostIP": node, "hostIPs": [{"ip": node}]}
        self._call("PATCH", "/status", {"status": status})

    def is_enforced(self, address: str) -> bool:
        """Whether a rule sends what this pod sends to a chain of its own."""
        command = ["iptables", "-w", "-S", "KUBE-ROUTER-FORWARD"]  # the whole table would take longer
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        pod = f"POD name:{self.name} namespace: {self.namespace} to chain"
        return any(f"-s {address}/32 " in line and pod in line for line in done.stdout.splitlines())

    def _call(self, method: str, part: str, content: Any = None) -> dict[str, Any]:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/merge-patch+json"}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}{part}"
        self.connection.request(method, path, json.dumps(content) if content else None, headers)
        answer = self.connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        if answer.status >= 400:
            raise OSError(f"{method} {path}: {found.get('message')}")
        return found


def main() -> int:
    """Speak CNI: the command is in the environment, the configuration on stdin, the answer goes to stdout."""
    configuration = json.load(sys.stdin)
    try:
        answer, code = _answer(os.environ["CNI_COMMAND"], configuration), 0
    except (OSError, HTTPException, subprocess.SubprocessError) as error:
        answer, code = {"cniVersion": VERSIONS[-1], "code": TRY_AGAIN, "msg": f"enforced: {error}"}, 1
    if answer is not None:
        print(json.dumps(answer))  # noqa: T201
    return code


def _answer(command: str, configuration: dict[str, Any]) -> dict[str, Any] | None:
    if command == "VERSION":
        return {"cniVersion": VERSIONS[-1], "supportedVersions": VERSIONS}
    if command != "ADD":
        return None
    result: dict[str, Any] = configuration["prevResult"]
    pod = Pod.of(os.environ["CNI_ARGS"], Path(configuration["kubeconfig"]))
    enforce(pod, result["ips"][0]["address"].split("/")[0])
    return result


def enforce(pod: Pod, address: str) -> None:
    """Return once the policies hold. Raises OSError, as a TimeoutError where they do not come."""
    deadline = time.monotonic() + READY_S
    while not _is_done(pod, address):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {READY_S:.0f} s kube-router has no rules for {pod.namespace}/{pod.name}")
        time.sleep(POLL_S)


def _is_done(pod: Pod, address: str) -> bool:
    """One step towards it. The kubelet's first word on the pod has no address, and must not come after ours."""
    status = pod.status()
    if "startTime" not in status:
        return False
    if status.get("podIP") != address:
        pod.announce(address)
        return False
    return pod.is_enforced(address)


if __name__ == "__main__":
    sys.exit(main())
