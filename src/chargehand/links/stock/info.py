"""What stock workers say of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from chargehand.domain.worker import WorkerInfo

_TEXTS = ("admin", "host", "access_uri", "version", "basedir", "system")
_MOST_TEXT = 10_000


def worker_info(told: Mapping[str, object], protocol: str) -> WorkerInfo:
    """Return it in our words; what makes no sense is left out."""
    texts = {name: _text(told[name]) for name in _TEXTS if told.get(name) is not None}
    texts = {name: text if name == "basedir" else text.strip() for name, text in texts.items()}
    numcpus = told.get("numcpus")
    commands = told.get("worker_commands", told.get("slave_commands"))
    return WorkerInfo(
        **texts,
        numcpus=numcpus if isinstance(numcpus, int) else None,
        os={name: text for name, text in _texts(told).items() if name.startswith("os_")},
        environ=_texts(told.get("environ")),
        commands=_texts(commands),
        protocol=protocol,
    )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {_text(key): _text(held) for key, held in value.items()}


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "backslashreplace").decode()[:_MOST_TEXT]
