import { useLive, useRest } from '@/api/hooks';
import type { Builder, Master, Worker } from '@/api/types';
import { count } from '@/domain/durations';
import { Answered, Empty } from '@/parts/Answered';
import { Ago } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { RowTable, type Column } from '@/parts/RowTable';
import { StateMark } from '@/parts/StateMark';

interface Row {
  master: Master;
  builders: number;
  workers: number;
}

/** The masters that share the database. */
export function Masters() {
  useLive('masters/*/*', 'workers/*/*');
  const answer = useRest<{ masters: Master[] }>('masters', { order: 'name' });
  const builders = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'masterids'] });
  const workers = useRest<{ workers: Worker[] }>('workers', { field: ['workerid', 'connected_to'] });
  return (
    <Page title="Masters">
      <Answered query={answer} what="the masters">
        {({ masters }) =>
          masters.length === 0 ? (
            <Empty title="No master is known" />
          ) : (
            <RowTable
              label="Masters"
              rows={masters.map((master) => ({
                master,
                builders: (builders.data?.builders ?? []).filter((one) => one.masterids.includes(master.masterid)).length,
                workers: (workers.data?.workers ?? []).filter((one) =>
                  one.connected_to.some((place) => place.masterid === master.masterid),
                ).length,
              }))}
              columns={COLUMNS}
              keyOf={(row) => row.master.masterid}
            />
          )
        }
      </Answered>
    </Page>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'Name',
    width: 'minmax(200px, 2fr)',
    phone: 'line',
    cell: ({ master }) => (
      <>
        <StateMark state={master.active ? 'success' : 'cancelled'} hidden />{' '}
        <b style={{ fontWeight: 550, verticalAlign: 2 }}>{master.name}</b>
      </>
    ),
  },
  { name: 'State', width: '100px', cell: ({ master }) => (master.active ? 'active' : 'stopped') },
  { name: 'Last active', width: '130px', cell: ({ master }) => (master.active ? 'now' : <Ago at={master.last_active} />) },
  { name: 'Builders', width: '120px', isNumber: true, cell: ({ builders }) => count(builders) },
  { name: 'Connected workers', width: '150px', isNumber: true, cell: ({ workers }) => count(workers) },
];
