import { siteUrl } from '@/api/client';
import type { Log } from '@/api/types';
import { TextLog } from './TextLog';
import classes from './LogView.module.css';

export interface Position {
  line?: number;
  to?: number;
  find?: string;
}

export interface LogViewProps {
  log: Log;
  position: Position;
  /** The reader has chosen a line, a range, or a search: keep it in the address. */
  onPosition: (position: Position) => void;
  /** Opened because something failed: at its first error. */
  opensAtError: boolean;
  isFull: boolean;
  onFull: () => void;
}

/** A log: what is visible is fetched; it follows, finds, and links to lines. */
export function LogView(props: LogViewProps) {
  const { log } = props;
  if (log.type === 'h') return <HtmlLog log={log} />;
  if (log.type === 'd') {
    return <p className={classes.note}>This log has been deleted.</p>;
  }
  return <TextLog key={log.logid} {...props} />;
}

/** HTML from a build is somebody else's: shown in a frame that may do nothing. */
function HtmlLog({ log }: { log: Log }) {
  return (
    <iframe
      className={classes.html}
      sandbox=""
      title={log.name}
      src={siteUrl(`api/v2/logs/${log.logid}/raw_inline`)}
    />
  );
}
