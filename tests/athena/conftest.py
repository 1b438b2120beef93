"""The clients are in a virtual environment of their own; without them these tests are not collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("pyathena") else ["test_*.py"]
