import { useNavigate } from '@tanstack/react-router';
import type { MouseEvent } from 'react';
import { siteUrl } from '@/api/client';
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
  const navigate = useNavigate();
  // Plain links: thirty rows have hundreds of them, and each of the router's follows every change of the address.
  const open = (event: MouseEvent<HTMLElement>) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigate({
      to: '/builders/$builder/builds/$number',
      params: { builder: String(builder), number: event.currentTarget.dataset.number ?? '' },
    });
  };
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
          <a
            key={build.buildid}
            href={siteUrl(`builders/${builder}/builds/${build.number}`)}
            data-number={build.number}
            onClick={open}
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
