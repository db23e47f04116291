"""Stand-in for `pulumi-resource-kubernetes`: any kind of object, by server-side apply."""
