"""Sessions of browsers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select, update

from chargehand.domain.credentials import WebSession
from chargehand.kit.values import replace
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import web_sessions
from chargehand.store.engine.transaction import Transaction

MOST_OF_ONE = 100
"""Sessions of one person; a new one ends the oldest."""
_BATCH = 500
_LONGEST = 300
"""Characters of what a browser says of itself."""

_session = web_sessions.c
_rows = Rows(WebSession, web_sessions)
_INSERT = insert(web_sessions).returning(_session.id)
_BY_DIGEST = select(*_rows.columns).where(_session.digest == bindparam("of"))
_BY_USER = (
    select(*_rows.columns).where(_session.user_name == bindparam("of")).order_by(_session.id.desc())
)
_SEEN = update(web_sessions).where(_session.id == bindparam("of")).values(seen_at=bindparam("at"))
_OVER = select(_session.id).where(_session.ends_at <= bindparam("now")).limit(_BATCH)
_TOO_MANY = (
    select(_session.id)
    .where(_session.user_name == bindparam("of"))
    .order_by(_session.id.desc())
    .offset(MOST_OF_ONE - 1)
    .limit(_BATCH)
)
_DELETE = delete(web_sessions).where(is_among(_session.id))
_OF_USER = select(_session.id).where(_session.user_name == bindparam("of"))


class WebSessions:
    """Stores sessions (``web.SessionStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> WebSession | None:
        """Return the session with this digest."""
        row = await self._database.read(
            lambda connection: connection.execute(_BY_DIGEST, {"of": digest}).one_or_none(),
            Lane.WEB,
        )
        return None if row is None else _rows.of(row)

    async def of_user(self, user_name: str) -> Sequence[WebSession]:
        """Return a person's sessions, the newest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(_BY_USER, {"of": user_name}).all(), Lane.WEB
        )
        return [_rows.of(row) for row in rows]

    async def add(self, session: WebSession) -> WebSession:
        """Store a new session, and delete those that are over and the person's oldest."""
        row = {
            "digest": session.digest,
            "account": as_json(session.account),
            "user_name": session.user_name,
            "method": session.method,
            "origin": session.origin,
            "agent": session.agent[:_LONGEST],
            "created_at": session.created_at,
            "seen_at": session.seen_at,
            "ends_at": session.ends_at,
        }

        def use_case(transaction: Transaction) -> WebSession:
            connection = transaction.connection
            over = connection.execute(_OVER, {"now": transaction.now}).scalars().all()
            many = connection.execute(_TOO_MANY, {"of": session.user_name}).scalars().all()
            _delete(transaction, [*over, *many])
            return replace(session, id=connection.execute(_INSERT, row).scalar_one())

        return await self._database.write(use_case)

    def saw(self, session_id: int, moment: float) -> None:
        """Note soon that a session was used."""
        self._database.record(
            lambda transaction: transaction.connection.execute(
                _SEEN, {"of": session_id, "at": moment}
            )
        )

    async def delete(self, ids: Sequence[int]) -> None:
        """End sessions."""
        await self._database.write(lambda transaction: _delete(transaction, ids))


def _delete(transaction: Transaction, ids: Sequence[int]) -> None:
    if ids:
        transaction.connection.execute(_DELETE, {"ids": ids_as_json(ids)})
