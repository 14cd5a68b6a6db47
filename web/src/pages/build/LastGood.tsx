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

/** The results that somebody has to look at: failure and exception. */
const RED = [2, 4];

/** Since which build a builder is red, and the last one before that passed. */
export function LastGood({ build }: { build: Build }) {
  const good = useLastGood(build);
  const red = useRest<{ builds: Build[] }>(
    good ? `builders/${build.builderid}/builds` : null,
    { number__gt: good?.number ?? 0, number__le: build.number, results: RED, order: 'number', limit: 1 },
    { keep: false },
  );
  const first = red.data?.builds[0];
  if (good === undefined) return null;
  if (good === null) return <span className={classes.since}>no earlier build passed</span>;
  return (
    <span className={classes.since}>
      {first && first.number < build.number && (
        <>
          <span className="nowrap">
            red since <Numbered build={first} />
          </span>
          <i className={classes.between}> · </i>
        </>
      )}
      <span className="nowrap">
        last passed: <Numbered build={good} />
      </span>
    </span>
  );
}

function Numbered({ build }: { build: Build }) {
  return (
    <Link to="/builders/$builder/builds/$number" params={{ builder: String(build.builderid), number: String(build.number) }}>
      #{build.number}
    </Link>
  );
}
