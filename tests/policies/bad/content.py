"""Images that may change or are harmful, and literal secrets."""

from tests.policies.bad.builders import Bad, bad, server, small, variable
from tests.policies.run_pack import thing

SECRET = "secrets-stay-secret"  # noqa: S105 - a rule's name
ZEROS = 64 * "0"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

CONTENT: tuple[Bad, ...] = (
    bad("images-are-pinned", "tag", "image 'redis:8' without a digest", server("tag", image="redis:8")),
    bad(
        "images-are-pinned",
        "tag-cron",
        "image 'redis' without a digest",
        server("tag-cron", kind="CronJob", image="redis"),
    ),
    bad(
        "placeholder-images-are-refused",
        "zeros",
        f"image 'registry.example/gateway@sha256:{ZEROS}', and no image has a digest of zeros; write the digest",
        server("zeros", image=f"registry.example/gateway@sha256:{ZEROS}"),
    ),
    bad(
        "placeholder-images-are-refused",
        "zeros-init",
        "container once has image 'redis:8@sha256:0",
        server("zeros-init", pod={"initContainers": [small(name="once", image=f"redis:8@sha256:{ZEROS}")]}),
    ),
    bad(
        "placeholder-images-are-refused",
        "zeros-job",
        "or let the stack build the image: services.<name>.image: build",
        server("zeros-job", kind="Job", image=f"redis@sha256:{ZEROS}"),
    ),
    bad(
        "harmful-images-are-denied",
        "litellm-image",
        "runs litellm 1.82.7",
        server("litellm-image", image=f"ghcr.io/berriai/litellm-non_root:main-v1.82.7-stable@sha256:{64 * 'b'}"),
    ),
    bad(
        "harmful-images-are-denied",
        "litellm-tag",
        "runs litellm 1.107.0, which is denied (withdrawn from PyPI",
        server("litellm-tag", image="ghcr.io/berriai/litellm:v1.107.0"),
        also="images-are-pinned",
    ),
    bad(
        "harmful-images-are-denied",
        "litellm-installed",
        "runs litellm 1.82.8",
        server(
            "litellm-installed", kind="Job", command=["sh", "-c", "pip install 'litellm[proxy]==1.82.8' && litellm"]
        ),
    ),
    bad(
        "harmful-images-are-denied",
        "litellm-variable",
        "runs litellm 1.82.7",
        server("litellm-variable", **variable("EXTRA_PACKAGES", "litellm==1.82.7")),
    ),
    bad(SECRET, "secret-word", "a secret in args", server("secret-word", args=["login", "hf_abcdefghijklmnop"])),
    bad(
        SECRET,
        "secret-annotated",
        "a secret in annotation note",
        thing("ConfigMap", name="secret-annotated", annotations={"note": "AKIAIOSFODNN7EXAMPLE"}),
    ),
    bad(SECRET, "secret-named", "variable HF_TOKEN", server("secret-named", **variable("HF_TOKEN", "abc"))),
    bad(SECRET, "secret-keys", "variable API_KEYS", server("secret-keys", **variable("API_KEYS", "a,b"))),
    bad(
        SECRET,
        "secret-shaped",
        "variable SETTING",
        server("secret-shaped", kind="StatefulSet", **variable("SETTING", "hf_abcdefghijklmnop")),
    ),
    bad(
        SECRET,
        "secret-address",
        "variable REDIS_URL",
        server("secret-address", **variable("REDIS_URL", "redis://user:hunter2@redis:6379/0")),
    ),
    bad(SECRET, "secret-amazon", "variable X", server("secret-amazon", **variable("X", "AKIAIOSFODNN7EXAMPLE"))),
    bad(SECRET, "secret-flag", "args: --api-key", server("secret-flag", args=["serve", "--api-key", "tiger"])),
    bad(SECRET, "secret-flag-equals", "args: --api-key", server("secret-flag-equals", args=["--api-key=tiger"])),
    bad(
        SECRET,
        "secret-script",
        "command: REDIS_PASSWORD",
        server("secret-script", command=["sh", "-c", "REDIS_PASSWORD=tiger exec redis-server"]),
    ),
    bad(
        SECRET,
        "secret-init",
        "container once has a secret in the plain variable TOKEN",
        server("secret-init", pod={"initContainers": [small(name="once", **variable("TOKEN", JWT))]}),
    ),
    bad(
        SECRET,
        "secret-map",
        "plain key config.yaml (master_key)",
        thing("ConfigMap", name="secret-map", data={"config.yaml": "general_settings:\n  master_key: sk-1234\n"}),
    ),
    bad(
        SECRET,
        "secret-map-key",
        "plain key DB_PASSWORD",
        thing("ConfigMap", name="secret-map-key", data={"DB_PASSWORD": "x"}),
    ),
    bad(
        SECRET,
        "secret-map-pem",
        "plain key tls.key",
        thing("ConfigMap", name="secret-map-pem", data={"tls.key": "-----BEGIN RSA PRIVATE KEY-----\nMII"}),
    ),
)
