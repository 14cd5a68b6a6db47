import { Link } from '@tanstack/react-router';
import { duration, ago } from '@/domain/durations';
import { WORDS, stateOf } from '@/domain/states';
import type { RecentBuild } from '@/api/types';
import classes from './BuildStrip.module.css';

interface Props {
  builder: number;
  builds: readonly RecentBuild[];
  length?: number;
  height?: number;
}

/** The last builds, oldest first: height is duration, shape and colour are the result. */
export function BuildStrip({ builder, builds, length = 15, height = 22 }: Props) {
  const now = Date.now() / 1_000;
  const shown = builds.slice(0, length).toReversed();
  const longest = Math.max(1, ...shown.map((build) => (build.complete_at ?? now) - build.started_at));
  return (
    <span className={classes.strip} style={{ height }}>
      {shown.map((build) => {
        const state = stateOf(build);
        const took = (build.complete_at ?? now) - build.started_at;
        const share = Math.max(0.22, Math.sqrt(took / longest));
        const ended = build.complete_at === null ? '' : `, ${ago(build.complete_at, now)}`;
        const text = `#${build.number} ${WORDS[state]}, ${duration(took)}${ended}`;
        return (
          <Link
            key={build.buildid}
            to="/builders/$builder/builds/$number"
            params={{ builder: String(builder), number: String(build.number) }}
            className={classes.bar}
            data-state={state}
            style={{ height: `${Math.round(share * height)}px` }}
            title={text}
            aria-label={text}
            tabIndex={-1}
          />
        );
      })}
    </span>
  );
}
