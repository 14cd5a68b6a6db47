import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build } from '@/api/types';
import classes from './Build.module.css';

/** The newest successful build before this one; null if there is none, undefined until that is known. */
export function useLastGood(build: Build): Build | null | undefined {
  const { data } = useRest<{ builds: Build[] }>(
    `builders/${build.builderid}/builds`,
    { number__lt: build.number, results: 0, order: '-number', limit: 1, property: '*' },
    { keep: false },
  );
  return data && (data.builds[0] ?? null);
}

/** Whether the build before a failed one passed, or how far back the last one is that did. */
export function LastGood({ build }: { build: Build }) {
  const good = useLastGood(build);
  if (good === undefined) return null;
  if (good === null) return <span className={classes.since}>no build before it passed</span>;
  return (
    <span className={classes.since}>
      {good.number === build.number - 1 ? 'the build before, ' : 'last passed: '}
      <Link to="/builders/$builder/builds/$number" params={{ builder: String(good.builderid), number: String(good.number) }}>
        #{good.number}
      </Link>
      {good.number === build.number - 1 && ', passed'}
    </span>
  );
}
