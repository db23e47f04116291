"""`synapse fit` and `synapse add`: the memory of a model, proved on a card or a stack before anything is deployed."""
