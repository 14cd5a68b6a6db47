import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build, Builder } from '@/api/types';
import { WORDS, stateOf } from '@/domain/states';
import { StateMark } from './StateMark';
import classes from './Cause.module.css';

/** A build with its state, by its builder's name and its number. */
export function BuildLink({ build, isShort = false }: { build: Build; isShort?: boolean }) {
  const { data } = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'name'] });
  const name = data?.builders.find((one) => one.builderid === build.builderid)?.name;
  const state = stateOf(build);
  return (
    <Link
      to="/builders/$builder/builds/$number"
      params={{ builder: String(build.builderid), number: String(build.number) }}
      className={classes.link}
    >
      <StateMark state={state} hidden /> {name ?? `builder ${build.builderid}`} #{build.number}{!isShort && <span className="dim">{WORDS[state]}</span>}
    </Link>
  );
}
