"""Questions to a gateway that runs, and what is to come back: each check a function, all of them data."""
