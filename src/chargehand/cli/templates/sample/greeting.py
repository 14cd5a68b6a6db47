"""Says hello."""

import sys


def greeting(name: str) -> str:
    """Return a greeting."""
    return f"Hello, {name}!"


if __name__ == "__main__":
    print(f"\033[32m{greeting(' '.join(sys.argv[1:]) or 'world')}\033[0m")
