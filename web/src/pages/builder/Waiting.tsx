import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { BuildRequest, Why } from '@/api/types';
import { counted, duration } from '@/domain/durations';
import { useActions } from '@/parts/ActionButton';
import { Empty } from '@/parts/Answered';
import { CancelRequest } from '@/parts/CancelRequest';
import { useNow } from '@/parts/Moment';
import { Priority } from '@/parts/Priority';
import { StateMark } from '@/parts/StateMark';
import classes from './Waiting.module.css';

interface Props {
  /** In the order in which they are built. */
  requests: readonly BuildRequest[];
  total: number;
}

/** The waiting requests of a builder: each with its reason and its place. */
export function Waiting({ requests, total }: Props) {
  const [first] = requests;
  // One question for all of them, not one for each.
  const refusal = useActions(first === undefined ? null : `buildrequests/${first.buildrequestid}`);
  if (requests.length === 0) return <Empty title="Nothing waits" />;
  return (
    <ul className={classes.list}>
      {requests.map((request, index) => (
        <Row key={request.buildrequestid} request={request} place={index + 1} refusal={refusal} />
      ))}
      {total > requests.length && (
        <li className="dim">{counted(total - requests.length, 'more request')}</li>
      )}
    </ul>
  );
}

interface RowProps {
  request: BuildRequest;
  place: number;
  refusal: (action: string) => string | null;
}

/** So many are asked why they wait: those behind wait for them. */
const EXPLAINED = 5;

function Row({ request, place, refusal }: RowProps) {
  const now = useNow(10);
  const why = useRest<{ why: Why[] }>(place <= EXPLAINED ? `buildrequests/${request.buildrequestid}/why` : null, {}, { staleTime: 5_000 });
  return (
    <li className={classes.row}>
      <StateMark state="waiting" hidden />
      <span className={classes.text}>
        <Link to="/buildrequests/$requestid" params={{ requestid: String(request.buildrequestid) }}>
          <b>Request {request.buildrequestid}</b>
        </Link>
        <small>{[placeText(place), why.data?.why[0]?.sentence].filter(Boolean).join(': ')}</small>
      </span>
      <span className="dim nowrap">{duration(now - request.submitted_at)}</span>
      <Priority request={request} refusal={refusal('set_priority')} />
      <CancelRequest id={request.buildrequestid} refusal={refusal('cancel')} />
    </li>
  );
}

const placeText = (place: number): string => (place === 1 ? 'next' : `number ${place} in the queue`);
