"""The stand-in `pulumi-resource-kubernetes`: any object of any kind, by server-side apply."""
