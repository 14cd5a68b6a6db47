"""Months of history for a master that does not run: builds, their requests and changes, made in seconds."""
import random
import time

from sqlalchemy import create_engine, func, insert, select

from chargehand.store.engine import tables


def write(basedir, builds, days=40):
    """Give the builders of a master so many builds that have ended, in all."""
    dice, now = random.Random(4711), time.time()
    engine = create_engine(f'sqlite:///{basedir}/state.sqlite')
    with engine.begin() as connection:
        master = connection.execute(select(tables.masters.c.id)).scalars().first()
        worker = connection.execute(select(tables.workers.c.id)).scalars().first()
        builders = connection.execute(select(tables.builders.c.id)).scalars().all()
        first = {table: (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
                 for table in (tables.builds, tables.requests, tables.buildsets, tables.source_stamps, tables.changes)}
        stamps = [{'id': first[tables.source_stamps] + n, 'digest': n.to_bytes(20, 'big'), 'branch': 'main', 'revision': f'{n:040x}',
                   'repository': 'https://example.org/engine.git', 'codebase': '', 'project': 'engine',
                   'created_at': now - days * 86_400 * (1 - n / 5000)} for n in range(5000)]
        changes = [{'id': first[tables.changes] + n, 'author': 'Ada <ada@example.org>', 'comments': f'Change {n}\n\nAnd why.',
                    'branch': 'main', 'revision': f'{n:040x}', 'repository': 'https://example.org/engine.git', 'codebase': '',
                    'project': 'engine', 'files': '[]', 'revlink': '', 'properties': '{}', 'when_timestamp': one['created_at'], 'source_stamp_id': one['id']} for n, one in enumerate(stamps)]
        rows = {tables.buildsets: [], tables.buildset_source_stamps: [], tables.requests: [], tables.builds: []}
        numbers = dict.fromkeys(builders, 0)
        for n in range(builds):
            when = now - days * 86_400 * (1 - n / builds)
            builder = builders[n % len(builders)]
            numbers[builder] += 1
            end = {'complete': True, 'complete_at': when + dice.uniform(60, 900), 'result': dice.choice((0, 0, 0, 0, 1, 2))}
            ids = {table: first[table] + n for table in (tables.builds, tables.requests, tables.buildsets)}
            rows[tables.buildsets].append({'id': ids[tables.buildsets], 'reason': '', 'scheduler': 'main', 'properties': '{}', 'submitted_at': when - 9, **end})
            rows[tables.buildset_source_stamps].append({'buildset_id': ids[tables.buildsets],
                                                        'source_stamp_id': stamps[n * 5000 // builds]['id']})
            rows[tables.requests].append({'id': ids[tables.requests], 'buildset_id': ids[tables.buildsets], 'builder_id': builder,
                                          'priority': 0, 'submitted_at': when - 9, 'waited_for': False, 'claimed': True,
                                          'claimed_by': master, 'claimed_at': when, **end})
            rows[tables.builds].append({'id': ids[tables.builds], 'number': numbers[builder], 'builder_id': builder,
                                        'request_id': ids[tables.requests], 'worker_id': worker, 'master_id': master,
                                        'started_at': when, 'locks_duration': 0.0, 'state': 'build successful', **end})
        for table, values in ((tables.source_stamps, stamps), (tables.changes, changes), *rows.items()):
            for start in range(0, len(values), 5000):
                connection.execute(insert(table), values[start:start + 5000])
    engine.dispose()
