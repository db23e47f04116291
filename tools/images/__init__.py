"""Images that are built here: from a folder of the repository to a reference by digest, wherever it is to run."""
