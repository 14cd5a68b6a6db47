import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { counted } from '@/domain/durations';
import { reasonOf, type PendingOrder, type Waiting } from '@/domain/pending';
import { useActions } from '@/parts/ActionButton';
import { CancelRequest } from '@/parts/CancelRequest';
import { Ago } from '@/parts/Moment';
import { Priority } from '@/parts/Priority';
import { RowTable, type Column } from '@/parts/RowTable';
import classes from './Pending.module.css';

export const ORDERS = [
  { value: 'age', label: 'Oldest first' },
  { value: '-age', label: 'Newest first' },
  { value: 'priority', label: 'Most urgent first' },
  { value: 'builder', label: 'By builder' },
];

interface Props {
  waiting: readonly Waiting[];
  sort: PendingOrder;
  onSort: (sort: PendingOrder) => void;
}

type Refusal = (action: string) => string | null;

/** Waiting requests one by one, each with its reason. */
export function RequestList({ waiting, sort, onSort }: Props) {
  const first = waiting[0]?.request.buildrequestid;
  // One question for all of them, not one for each.
  const refusal = useActions(first === undefined ? null : `buildrequests/${first}`);
  const columns = useMemo(() => columnsOf(refusal), [refusal]);
  return (
    <>
      <RowTable
        label={`${counted(waiting.length, 'waiting request')}`}
        rows={waiting}
        columns={columns}
        keyOf={({ request }) => request.buildrequestid}
        addressOf={({ request }) => `/buildrequests/${request.buildrequestid}`}
        sort={sort}
        onSort={(next) => onSort(next as PendingOrder)}
      />
    </>
  );
}

const columnsOf = (refusal: Refusal): Column<Waiting>[] => [
  {
    name: 'Builder',
    width: 'minmax(160px, 1fr)',
    by: 'builder',
    cell: ({ request, builder }) => (
      <Link to="/buildrequests/$requestid" params={{ requestid: String(request.buildrequestid) }}>
        <b>{builder}</b> <span className="dim">request {request.buildrequestid}</span>
      </Link>
    ),
  },
  {
    name: 'Waits because',
    width: 'minmax(200px, 2fr)',
    phone: 'line',
    cell: (one) => <span className={classes.reason} title={reasonOf(one)}>{reasonOf(one)}</span>,
  },
  {
    name: 'Submitted',
    width: '100px',
    by: 'age',
    isFalling: true,
    cell: ({ request }) => <Ago at={request.submitted_at} />,
  },
  {
    name: 'Priority',
    width: '110px',
    by: 'priority',
    isFalling: true,
    phone: 'hidden',
    cell: ({ request }) => <Priority key={request.priority} request={request} refusal={refusal('set_priority')} />,
  },
  {
    name: '',
    width: '80px',
    phone: 'hidden',
    cell: ({ request }) => <CancelRequest id={request.buildrequestid} refusal={refusal('cancel')} />,
  },
];
