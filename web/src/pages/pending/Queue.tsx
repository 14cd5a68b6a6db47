import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { BuildRequest } from '@/api/types';
import { count, counted } from '@/domain/durations';
import { queueOf, type WaitingRequest } from '@/domain/pending';
import { Ago } from '@/parts/Moment';
import { Card } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import classes from './Request.module.css';

const LOOKED_AT = 500;
const SHOWN = 8;
// As the master takes them: the most urgent first, then the oldest.
const QUEUE = {
  complete: false,
  claimed: false,
  order: ['-priority', 'submitted_at'],
  limit: LOOKED_AT,
  field: ['buildrequestid', 'builderid', 'priority', 'submitted_at', 'complete', 'claimed'],
};

/** The place of a waiting request among those of its builder, and which come before it. */
export function Queue({ request, builder }: { request: BuildRequest; builder: string }) {
  const answer = useRest<{ buildrequests: WaitingRequest[]; meta: { total: number } }>(
    `builders/${request.builderid}/buildrequests`,
    QUEUE,
  );
  if (answer.data === undefined) return null;
  const { place, before } = queueOf(request.buildrequestid, answer.data.buildrequests);
  const { total } = answer.data.meta;
  if (place === 0 && total <= LOOKED_AT) return null;
  const shown = before.slice(0, SHOWN);
  return (
    <Card title="Queue" aside={place > 0 ? `number ${count(place)} of ${count(total)}` : `behind more than ${count(LOOKED_AT)} of ${count(total)}`}>
      {place === 1 && <p className={classes.note}>It is the next request of {builder}; requests of other builders may need the same workers and locks.</p>}
      {shown.map((one, index) => (
        <div key={one.buildrequestid} className={classes.row}>
          <StateMark state="waiting" hidden />
          <span>
            <span className="dim">{index + 1}. </span>
            <Link to="/buildrequests/$requestid" params={{ requestid: String(one.buildrequestid) }}>
              request {one.buildrequestid}
            </Link>
            <span className="dim">
              {' '}
              submitted <Ago at={one.submitted_at} />
              {one.priority !== request.priority && `, priority ${one.priority}`}
            </span>
          </span>
        </div>
      ))}
      {before.length > shown.length && (
        <p className={classes.note}>
          and <Link to="/pending" search={{ view: 'list', sort: 'priority', q: `builder:"${builder}"` }}>{counted(before.length - shown.length, 'more request')}</Link> before it
        </p>
      )}
    </Card>
  );
}
