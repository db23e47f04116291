"""Migration of a consumer to a service of the platform: step by step, verified, resumable, with a rollback."""
