"""Build container images from folders of the repository, and publish them under a reference by digest."""
