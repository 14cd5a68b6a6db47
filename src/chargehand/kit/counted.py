"""Numbers of things in sentences."""


def counted(number: int, thing: str) -> str:
    """Return them in words, as "1 build" and "2 builds"; *thing* takes an "s"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
