import { useEffect, type ReactNode } from 'react';
import { useSite } from '@/api/hooks';
import type { State } from '@/domain/states';
import { showState } from '@/app/favicon';
import classes from './Page.module.css';

interface Props {
  title: string;
  /** Beside the title: marks before, buttons after it. */
  mark?: ReactNode;
  heading?: ReactNode;
  actions?: ReactNode;
  meta?: ReactNode;
  /** Colours the head, the title of the window and its icon. */
  state?: State;
  children: ReactNode;
}

const SIGNS: Partial<Record<State, string>> = {
  success: '✓ ',
  warnings: '! ',
  failure: '✕ ',
  exception: '⚡ ',
  running: '▸ ',
  cancelled: '⊘ ',
  retry: '↻ ',
};

/** A page: its head, and what it shows. */
export function Page({ title, mark, heading, actions, meta, state, children }: Props) {
  const { data: site } = useSite();
  const name = site?.title ?? 'Chargehand';
  useEffect(() => {
    document.title = `${state ? (SIGNS[state] ?? '') : ''}${title} · ${name}`;
    showState(state);
  }, [title, state, name]);
  return (
    <>
      <header className={classes.head} data-state={state}>
        <div className={classes.line}>
          <h1 className={classes.title}>
            {mark}
            <span className={classes.text}>{heading ?? title}</span>
          </h1>
          {actions && <div className={classes.actions}>{actions}</div>}
        </div>
        {meta && <div className={classes.meta}>{meta}</div>}
      </header>
      {children}
    </>
  );
}

/** A box with a heading. */
export function Card({
  title,
  aside,
  children,
}: {
  title: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={classes.card}>
      <div className={classes.cardHead}>
        <h2>{title}</h2>
        {aside && <span className={classes.aside}>{aside}</span>}
      </div>
      {children}
    </section>
  );
}
