"""Speech to text: two APIs for clients, two for backends, and the translation between them."""
