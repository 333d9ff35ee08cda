"""Cards and pictures: the protocol here; in a browser by `python -m tests.views`."""
