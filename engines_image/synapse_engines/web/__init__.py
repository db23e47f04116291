"""HTTP parts that all engines share: routes, request bodies, error responses and the work queue."""
