import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { BuildRequest, Why } from '@/api/types';
import { counted, duration } from '@/domain/durations';
import { ActionButton, useActions } from '@/parts/ActionButton';
import { Empty } from '@/parts/Answered';
import { useNow } from '@/parts/Moment';
import { StateMark } from '@/parts/StateMark';
import classes from './Waiting.module.css';

interface Props {
  requests: readonly BuildRequest[];
  total: number;
}

/** The waiting requests of a builder: each with its reason and its place. */
export function Waiting({ requests, total }: Props) {
  if (requests.length === 0) return <Empty title="Nothing waits" />;
  return (
    <ul className={classes.list}>
      {requests.map((request, index) => (
        <Row key={request.buildrequestid} request={request} place={index + 1} />
      ))}
      {total > requests.length && (
        <li className="dim">{counted(total - requests.length, 'more request')}</li>
      )}
    </ul>
  );
}

function Row({ request, place }: { request: BuildRequest; place: number }) {
  const now = useNow(10);
  const path = `buildrequests/${request.buildrequestid}`;
  // Only the first ones: those behind wait for them.
  const why = useRest<{ why: Why[] }>(place <= 5 ? `${path}/why` : null, {}, { staleTime: 5_000 });
  const refusal = useActions(place <= 5 ? path : null);
  return (
    <li className={classes.row}>
      <StateMark state="waiting" hidden />
      <span className={classes.text}>
        <Link to="/buildrequests/$requestid" params={{ requestid: String(request.buildrequestid) }}>
          <b>Request {request.buildrequestid}</b>
        </Link>
        <small>{why.data?.why[0]?.sentence ?? (place > 5 ? `number ${place} in the queue` : '')}</small>
      </span>
      <span className="dim nowrap">
        {duration(now - request.submitted_at)}
        {request.priority !== 0 && `, priority ${request.priority}`}
      </span>
      <ActionButton
        path={path}
        method="cancel"
        refusal={refusal('cancel')}
        asksReason
        variant="default"
        size="compact-xs"
        done="The request is being cancelled"
      >
        Cancel
      </ActionButton>
    </li>
  );
}
