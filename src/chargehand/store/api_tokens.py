"""API tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, exists, false, insert, or_, select, update

from chargehand.domain.credentials import ApiToken
from chargehand.domain.user import User
from chargehand.kit.values import replace
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import api_tokens, builds
from chargehand.store.engine.transaction import Transaction

_BATCH = 500
_token = api_tokens.c
_rows = Rows(ApiToken, api_tokens)
_INSERT = insert(api_tokens).returning(_token.id)
_is_running = exists().where(builds.c.id == _token.build_id, builds.c.complete == false())
_BY_DIGEST = select(*_rows.columns).where(
    _token.digest == bindparam("of"), or_(_token.build_id == 0, _is_running)
)
_ALL = select(*_rows.columns).where(_token.build_id == 0).order_by(_token.id)
_BY_USER = _ALL.where(_token.user_name == bindparam("of"))
_USED = (
    update(api_tokens)
    .where(_token.id == bindparam("of"))
    .values(used_at=bindparam("at"), used_from=bindparam("origin"))
)
_DESCRIBE = (
    update(api_tokens)
    .where(_token.user_name == bindparam("of"), _token.build_id == 0)
    .values(account=bindparam("new"))
)
_OVER = select(_token.id).where(_token.ends_at <= bindparam("before")).limit(_BATCH)
_LEFT = select(_token.id).where(_token.build_id != 0, ~_is_running).limit(_BATCH)
"""Those of builds that a killed master has left."""
_OF_BUILD = select(_token.id).where(_token.build_id == bindparam("of"))
_DELETE = delete(api_tokens).where(is_among(_token.id))
_KEPT_SECONDS = 30 * 86_400.0
"""How long tokens that are over are listed: their owners may ask why something fails."""


class ApiTokens:
    """Stores tokens (``web.TokenStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> ApiToken | None:
        """Return the token with this digest, unless its build has ended."""
        row = await self._database.read(
            lambda connection: connection.execute(_BY_DIGEST, {"of": digest}).one_or_none(),
            Lane.WEB,
        )
        return None if row is None else _rows.of(row)

    async def of_user(self, user_name: str | None) -> Sequence[ApiToken]:
        """Return a person's tokens, or everybody's; the oldest first, without those of builds."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                _ALL if user_name is None else _BY_USER,
                {} if user_name is None else {"of": user_name},
            ).all(),
            Lane.WEB,
        )
        return [_rows.of(row) for row in rows]

    async def add(self, token: ApiToken) -> ApiToken:
        """Store a new token, and delete those that have been over for long."""
        row = {
            "digest": token.digest,
            "label": token.label,
            "account": as_json(token.account),
            "user_name": token.user_name,
            "actions": as_json(token.actions),
            "builders": as_json(token.builders),
            "build_id": token.build_id,
            "created_at": token.created_at,
            "ends_at": token.ends_at,
            "used_at": token.used_at,
            "used_from": token.used_from,
        }

        def use_case(transaction: Transaction) -> ApiToken:
            connection = transaction.connection
            before = {"before": transaction.now - _KEPT_SECONDS}
            _delete(transaction, connection.execute(_OVER, before).scalars().all())
            if token.build_id:
                _delete(transaction, connection.execute(_LEFT).scalars().all())
            return replace(token, id=connection.execute(_INSERT, row).scalar_one())

        return await self._database.write(use_case)

    def used(self, token_id: int, moment: float, origin: str) -> None:
        """Note soon that a token was used."""
        values = {"of": token_id, "at": moment, "origin": origin}
        self._database.record(
            lambda transaction: transaction.connection.execute(_USED, values),
        )

    def describe(self, account: User) -> None:
        """Note soon what a login says of the owner of tokens: the groups, the address …"""
        values = {"of": account.name, "new": as_json(account)}
        self._database.record(
            lambda transaction: transaction.connection.execute(_DESCRIBE, values),
        )

    async def delete(self, token_id: int) -> None:
        """Revoke a token."""
        await self._database.write(lambda transaction: _delete(transaction, [token_id]))

    def delete_of_build(self, build_id: int) -> None:
        """Revoke soon what was made for a build, which has ended."""

        def use_case(transaction: Transaction) -> None:
            ids = transaction.connection.execute(_OF_BUILD, {"of": build_id}).scalars().all()
            _delete(transaction, ids)

        self._database.record(use_case)


def _delete(transaction: Transaction, ids: Sequence[int]) -> None:
    if ids:
        transaction.connection.execute(_DELETE, {"ids": ids_as_json(ids)})
