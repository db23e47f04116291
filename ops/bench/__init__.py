"""`synapse bench stack`: what the deployed stack does, through the gateway and past it."""
