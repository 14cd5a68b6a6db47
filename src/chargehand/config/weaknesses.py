"""What of a configuration others can misuse: ports, passwords, and who may do what. Pure rules."""

from __future__ import annotations

import ipaddress
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chargehand.config.model import MasterConfig, WorkerConfig
from chargehand.kit.guard import Guard, contained
from chargehand.kit.hashed_passwords import is_hashed
from chargehand.resources.policy import Everybody

_log = logging.getLogger(__name__)

Address = tuple[str, int] | str

_ELSEWHERE = ("remote", "latent")
"""Kinds of workers that have an account of their own."""

SHORTEST_PASSWORD = 12
"""Characters. Every try of a password at a port takes a connection; 12 letters outlast these."""
_MANY = 256
"""Addresses of a network of proxies."""
_KNOWN_WORDS = """
admin bot bot-pw bot1passwd botpassword build buildbot change changeit changeme changepw ci default
debugpw demo example example-pass foo guest local open pass pass123 passwd password pw qwerty root
secret sekrit sesame slave slavepw test user worker workerpw xyzzy
"""
_KNOWN_PASSWORDS = frozenset((*_KNOWN_WORDS.split(), "open sesame"))
"""Those of examples in manuals, and those that everybody tries."""


class Grade(IntEnum):
    """How bad it is."""

    OPEN = 3
    """Who reaches the master can run commands or read what is secret."""
    WEAK = 2
    """So can someone who guesses, listens, or has an account on this machine."""
    HINT = 1
    """Something else has to go wrong first."""


class Weakness(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that others can misuse, with what to do."""

    grade: Grade
    what: str
    """A sentence: what is so, and what follows from it."""
    remedy: str
    """A sentence: what to change."""


def weaknesses_of(config: MasterConfig) -> list[Weakness]:
    """Return what can be misused, the worst first."""
    found = [one for rule in _RULES for one in rule(config)]
    return sorted(found, key=lambda one: -one.grade)


def is_elsewhere(address: Address) -> bool:
    """Return whether other machines can reach an address to listen on."""
    if isinstance(address, str):
        return False
    host = address[0]
    if host in ("", "0.0.0.0", "::"):
        return True
    return _is_elsewhere(host)


def _is_elsewhere(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _shown(address: Address) -> str:
    return address if isinstance(address, str) else f"port {address[1]}"


def _orders(config: MasterConfig) -> Iterator[Weakness]:
    """Who may order builds."""
    reachable = [one for one in config.web.listen if is_elsewhere(one)]
    if reachable and isinstance(config.web.policy, Everybody):
        yield Weakness(
            grade=Grade.OPEN,
            what=f"everybody who reaches {_shown(reachable[0])} of the web server can force, stop "
            "and cancel builds",
            remedy="listen on this machine only (c['www']['port'] = "
            f"'tcp:{reachable[0][1]}:interface=127.0.0.1') behind a proxy that authenticates your "
            "users, or set c['www']['auth'] and c['www']['authz']",
        )


def _logins(config: MasterConfig) -> Iterator[Weakness]:
    """Who logs in, and whose word is taken for it."""
    login = config.web.login
    for network in config.web.trusted_proxies:
        if login is not None and ipaddress.ip_network(network).num_addresses > _MANY:
            yield Weakness(
                grade=Grade.OPEN if login.proxy is not None else Grade.WEAK,
                what=f"c['www']['trusted_proxies'] has {network}: every machine of it can say that "
                "it is anybody, from anywhere",
                remedy="name the addresses of your proxies",
            )
    reachable = [
        one for one in config.web.listen if is_elsewhere(one) and one not in config.web.tls
    ]
    if login is not None and reachable and not config.web.trusted_proxies:
        yield Weakness(
            grade=Grade.WEAK,
            what=f"people log in at {_shown(reachable[0])} without HTTPS: passwords and sessions "
            "can be read in the network",
            remedy="set c['www']['tls'], or let a proxy with HTTPS face the network and name it in "
            "c['www']['trusted_proxies']",
        )


def _encryption(config: MasterConfig) -> Iterator[Weakness]:
    """What crosses the network in clear text."""
    for address in config.web.listen:
        if is_elsewhere(address) and address not in config.web.tls:
            yield Weakness(
                grade=Grade.WEAK,
                what=f"{_shown(address)} of the web server is not encrypted: passwords of workers, "
                "and what visitors see, can be read in the network",
                remedy="set c['www']['tls'], or let a proxy with HTTPS face the network",
            )
    for port in config.worker_ports:
        if is_elsewhere(port.address) and port.tls is None:
            yield Weakness(
                grade=Grade.WEAK,
                what=f"{_shown(port.address)} for workers ({port.protocol}) is not encrypted: "
                "commands, their output, and secrets in them can be read in the network",
                remedy=f"use c['protocols']['{port.protocol}'] = {{'port': 'ssl:PORT:privateKey="
                "FILE:certKey=FILE'}, or a network that only workers reach",
            )


def _sites(config: MasterConfig) -> Iterator[Weakness]:
    """Which other sites browsers may come from."""
    for pattern in config.web.allowed_origins:
        if not any(letter.isalnum() for letter in pattern.rpartition("//")[2]):
            yield Weakness(
                grade=Grade.OPEN,
                what=f"c['www']['allowed_origins'] has {pattern!r}: any page that one of your "
                "users opens can give orders to this master through the user's browser",
                remedy="name the sites that need it",
            )
    for pattern in config.web.allowed_hosts:
        if not any(letter.isalnum() for letter in pattern):
            yield Weakness(
                grade=Grade.WEAK,
                what=f"c['www']['allowed_hosts'] has {pattern!r}: a foreign site whose name leads "
                "to this master's address can use it through a visitor's browser",
                remedy="name the hosts by which people reach this master",
            )


def _passwords(config: MasterConfig) -> Iterator[Weakness]:
    """Passwords of workers that are guessed, shared, or can be read."""
    reachable = any(is_elsewhere(port.address) for port in config.worker_ports) or any(
        is_elsewhere(address) for address in config.web.listen
    )
    grade = Grade.OPEN if reachable else Grade.WEAK
    named = defaultdict[str, list[str]](list)
    for worker in config.workers:
        password = worker.password
        if not isinstance(password, str) or is_hashed(password):
            continue
        named[password].append(worker.name)
        if (why := _is_guessed(worker, password)) is not None:
            yield Weakness(
                grade=grade,
                what=f'the password of worker "{worker.name}" {why}; who guesses it '
                "gets the commands of the worker, and the secrets in them",
                remedy="choose a long random one: python3 -c 'import secrets; "
                "print(secrets.token_urlsafe())'",
            )
    for names in named.values():
        if len(names) > 1:
            yield Weakness(
                grade=Grade.WEAK,
                what=f"{len(names)} workers have the same password ({_listed(names)}): who has one "
                "of these machines can pretend to be any of them",
                remedy="give each worker its own password",
            )
    if named:
        names = [name for those in named.values() for name in those]
        yield Weakness(
            grade=Grade.HINT,
            what=f"the configuration has passwords of workers in clear text ({_listed(names)})",
            remedy="use util.Secret(NAME), or what `chargehand hash-password` prints",
        )


def _is_guessed(worker: WorkerConfig, password: str) -> str | None:
    if not password:
        return "is empty"
    if password.lower() in _KNOWN_PASSWORDS:
        return "is one that everybody knows"
    if worker.name.lower() in password.lower() and len(password) < len(worker.name) + 8:
        return "contains its name"
    if len(password) < SHORTEST_PASSWORD:
        return f"has only {len(password)} characters"
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _database(config: MasterConfig) -> Iterator[Weakness]:
    """The connection to the database."""
    parts = urlsplit(config.db_url)
    if parts.scheme.startswith("sqlite") or not parts.hostname:
        return
    if parts.password:
        yield Weakness(
            grade=Grade.HINT,
            what="c['db']['db_url'] contains the database's password in clear text",
            remedy="use util.Interpolate with a secret, or a password file of PostgreSQL (.pgpass)",
        )
    if _is_elsewhere(parts.hostname) and "ssl" not in parts.query:
        yield Weakness(
            grade=Grade.WEAK,
            what=f"the connection to the database at {parts.hostname} may not be encrypted",
            remedy="add ?ssl=require to its address",
        )


def _own_words(config: MasterConfig) -> Iterator[Weakness]:
    """What plug-ins say of themselves: those that have a method `weaknesses`.

    It returns tuples of three texts: the grade (``open``, ``weak`` or ``hint``), what can be
    misused, and what to do.
    """
    components = (*config.change_sources, *config.schedulers, *config.services)
    made = [one.extension for one in components] + list(config.secrets_providers)
    if config.web.login is not None:
        made.append(config.web.login.password)
    for each in made:
        method: Callable[[], Any] | None = getattr(each, "weaknesses", None)
        if not callable(method):
            continue
        with Guard(partial(_cannot_tell, each)):
            for grade, what, remedy in contained(method):
                yield Weakness(grade=Grade[grade.upper()], what=str(what), remedy=str(remedy))


def _cannot_tell(plug_in: object, failure: Exception) -> None:
    _log.error("%s.weaknesses failed: %s", type(plug_in).__name__, failure)


def _local_builds(config: MasterConfig) -> Iterator[Weakness]:
    """Builds with the master's rights."""
    names = [worker.name for worker in config.workers if worker.kind not in _ELSEWHERE]
    if names:
        yield Weakness(
            grade=Grade.HINT,
            what=f"builds on {_listed(names)} run with the account of the master: what they build "
            "can read its configuration, its secrets and its database",
            remedy="build what strangers may change on a worker with an account of its own",
        )


_RULES = (_orders, _logins, _encryption, _sites, _passwords, _database, _own_words, _local_builds)
