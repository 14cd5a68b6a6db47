import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import type { Build, Log, Step } from '@/api/types';
import { useZone } from '@/app/settings';
import { preferredLog, stepNote, triggeredBy } from '@/domain/builds';
import { count, exact } from '@/domain/durations';
import { BAD, stateOf } from '@/domain/states';
import { safeUrl } from '@/domain/links';
import { Answered, Empty, SkeletonRows } from '@/parts/Answered';
import { Lasted } from '@/parts/Moment';
import { LogView } from '@/parts/log/LogView';
import { Triggered } from './Triggered';
import classes from './StepLog.module.css';

export interface LogSearch {
  log?: string;
  line?: number;
  to?: number;
  find?: string;
}

interface Props {
  step: Step | undefined;
  logs: UseQueryResult<{ logs: Log[] }, Error>;
  /** The builds that this build's steps have triggered. */
  triggered: readonly Build[];
  search: LogSearch;
  onSearch: (changed: LogSearch, replace: boolean) => void;
}

/** The logs of the chosen step, as tabs. */
export function StepLog({ step, logs, triggered, search, onSearch }: Props) {
  const [isFull, setFull] = useState(false);
  if (!step) {
    return (
      <section className={classes.box}>
        <Empty title="No step has begun yet" />
      </section>
    );
  }
  return (
    <section className={classes.box} aria-label={`Step ${step.name}`}>
      <Answered query={logs} what="the logs of this step" skeleton={<SkeletonRows rows={12} height={13} />}>
        {({ logs: all }) => {
          const shown = all.find((log) => log.slug === search.log) ?? preferredLog(all);
          if (!shown) {
            return <WithoutLog step={step} triggered={triggeredBy(step, triggered)} />;
          }
          return (
            <>
              <div className={classes.head}>
                <b>{step.name}</b>
                <span className={classes.state}>{stepNote(step)}</span>
                <span className={classes.logs} role="tablist" aria-label="Logs">
                  {all.map((log) => (
                    <button
                      key={log.logid}
                      type="button"
                      role="tab"
                      aria-selected={log.logid === shown.logid}
                      className={classes.tab}
                      onClick={() => onSearch({ log: log.slug, line: undefined, to: undefined }, false)}
                    >
                      {log.name} <small>{count(log.num_lines)}</small>
                    </button>
                  ))}
                </span>
              </div>
              <div className={classes.view}>
                <LogView
                  log={shown}
                  position={search}
                  onPosition={(position) => onSearch({ ...position, log: search.log }, true)}
                  opensAtError={step.complete && BAD.has(stateOf(step))}
                  isFull={isFull}
                  onFull={() => setFull(!isFull)}
                />
              </div>
            </>
          );
        }}
      </Answered>
    </section>
  );
}

/** What is known of a step that has written nothing, or whose log has been deleted. */
function StepFacts({ step }: { step: Step }) {
  const zone = useZone();
  const begin = step.locks_acquired_at ?? step.started_at;
  return (
    <>
      {step.state_string && <span>{step.state_string}</span>}
      {begin !== null && (
        <span className="dim">
          began {exact(begin, zone)}
          {step.complete_at !== null && (
            <>
              , took <Lasted from={begin} to={step.complete_at} />
            </>
          )}
        </span>
      )}
      {step.complete && BAD.has(stateOf(step)) && (
        <span className="dim">It wrote none, or the log has been deleted since.</span>
      )}
    </>
  );
}

/** What a step without a log has done: the builds it triggered, and what else it links to. */
function WithoutLog({ step, triggered }: { step: Step; triggered: readonly Build[] }) {
  const links = step.urls.filter(({ url }) => triggered.length === 0 || !/\/(builds|buildrequests)\/\d+$/.test(url));
  const title = stateOf(step) === 'waiting' ? 'This step has not begun' : 'This step has no log';
  if (triggered.length === 0 && links.length === 0) {
    return (
      <div className={classes.nothing}>
        <b>{title}</b>
        <StepFacts step={step} />
      </div>
    );
  }
  return (
    <div className={classes.without}>
      <div className={classes.head}>
        <b>{step.name}</b>
        <span className={classes.state}>{stepNote(step)}</span>
      </div>
      {triggered.length > 0 && <Triggered builds={triggered} parent={null} />}
      {links.length > 0 && (
        <ul className={classes.links}>
          {links.map((link) => (
            <li key={link.url}>
              <a href={safeUrl(link.url)}>{link.name}</a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
