"""Labels and annotations, written once."""

PART_OF = "synapse"


def selector(name: str) -> dict[str, str]:
    """What picks the pods of one workload; never changed, since a Deployment's selector cannot be."""
    return {"app.kubernetes.io/name": name}


def labels(name: str, component: str) -> dict[str, str]:
    return {**selector(name), "app.kubernetes.io/component": component, "app.kubernetes.io/part-of": PART_OF}
