"""Kazoo, as Debian ships it, against one server: python3 main.py HOST:PORT."""
import basic  # noqa: F401  (each module registers its checks)
import watches  # noqa: F401
import locks  # noqa: F401
import recipes  # noqa: F401
from harness import run_all

if __name__ == "__main__":
    run_all()
