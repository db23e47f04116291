"""One field away from `restricted`, in each kind of workload and container."""

from tests.policies.bad.builders import Bad, bad, context, pod_context, server, small

HOST, USER, KERNEL = "pods-keep-off-the-host", "containers-run-unprivileged", "containers-stay-confined"
GPU_HIDDEN = "no-hidden-gpu"

HARDENING: tuple[Bad, ...] = (
    bad(
        HOST,
        "privileged",
        "has privileged True",
        server("privileged", securityContext=context(privileged=True)),
        also=GPU_HIDDEN,
    ),
    bad(HOST, "host-pid", "hostPID is True", server("host-pid", kind="Job", pod={"hostPID": True})),
    bad(HOST, "host-ipc", "hostIPC is True", server("host-ipc", kind="Pod", pod={"hostIPC": True})),
    bad(
        HOST,
        "host-path",
        "is a hostPath",
        server("host-path", kind="CronJob", pod={"volumes": [{"name": "v", "hostPath": {"path": "/var"}}]}),
    ),
    bad(HOST, "nfs", "is a nfs", server("nfs", pod={"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]})),
    bad(
        HOST,
        "host-process",
        "windowsOptions.hostProcess",
        server("host-process", securityContext=context(windowsOptions={"hostProcess": True})),
    ),
    bad(HOST, "proc-mount", "procMount Unmasked", server("proc-mount", securityContext=context(procMount="Unmasked"))),
    bad(
        HOST,
        "sysctl",
        "sets sysctl kernel.msgmax",
        server("sysctl", pod=pod_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}])),
    ),
    bad(
        HOST,
        "probe-host",
        "calls host 169.254.169.254",
        server("probe-host", livenessProbe={"httpGet": {"path": "/", "port": 80, "host": "169.254.169.254"}}),
    ),
    bad(USER, "non-root-absent", "may run as root", server("non-root-absent", pod=pod_context(runAsNonRoot=None))),
    bad(
        USER,
        "non-root-false",
        "has runAsNonRoot false",
        server("non-root-false", kind="StatefulSet", securityContext=context(runAsNonRoot=False)),
    ),
    bad(USER, "root-user", "its runAsUser is 0", server("root-user", securityContext=context(runAsUser=0))),
    bad(USER, "user-absent", "its runAsUser is left", server("user-absent", pod=pod_context(runAsUser=None))),
    bad(USER, "group-absent", "its runAsGroup is left", server("group-absent", pod=pod_context(runAsGroup=None))),
    bad(
        USER,
        "escalation",
        "may gain privileges",
        server("escalation", securityContext=context(allowPrivilegeEscalation=None)),
    ),
    bad(USER, "kept-rights", "keeps capabilities", server("kept-rights", securityContext=context(capabilities=None))),
    bad(
        USER,
        "added-rights",
        "adds capabilities ['SYS_ADMIN']",
        server("added-rights", securityContext=context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
    ),
    bad(
        USER,
        "root-init",
        "container once may gain privileges",
        server(
            "root-init", pod={"initContainers": [small(name="once", securityContext={"readOnlyRootFilesystem": True})]}
        ),
    ),
    bad(
        USER,
        "root-debugger",
        "container debug keeps capabilities",
        server(
            "root-debugger",
            kind="Pod",
            pod={"ephemeralContainers": [small(name="debug", securityContext=context(capabilities=None))]},
        ),
    ),
    bad(
        KERNEL,
        "seccomp-absent",
        "has seccomp profile None",
        server("seccomp-absent", pod=pod_context(seccompProfile=None)),
    ),
    bad(
        KERNEL,
        "seccomp-off",
        "has seccomp profile Unconfined",
        server("seccomp-off", securityContext=context(seccompProfile={"type": "Unconfined"})),
    ),
    bad(
        KERNEL,
        "apparmor-off",
        "has AppArmor profile Unconfined",
        server("apparmor-off", securityContext=context(appArmorProfile={"type": "Unconfined"})),
    ),
    bad(
        KERNEL,
        "apparmor-annotated",
        "is unconfined",
        server("apparmor-annotated", annotations={"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}),
    ),
    bad(
        KERNEL,
        "selinux-type",
        "has SELinux type spc_t",
        server("selinux-type", pod=pod_context(seLinuxOptions={"type": "spc_t"})),
    ),
    bad(
        KERNEL,
        "selinux-user",
        "has SELinux user system_u",
        server("selinux-user", securityContext=context(seLinuxOptions={"user": "system_u"})),
    ),
    bad(
        "root-is-read-only",
        "writable",
        "can write to its root filesystem",
        server("writable", securityContext=context(readOnlyRootFilesystem=None)),
    ),
    bad(
        "tokens-are-asked-for",
        "token",
        "mounts a token",
        server("token", kind="ReplicaSet", pod={"automountServiceAccountToken": True}),
    ),
    bad(
        "tokens-are-asked-for",
        "token-default",
        "mounts a token",
        server("token-default", pod={"automountServiceAccountToken": None, "serviceAccountName": "default"}),
    ),
)
