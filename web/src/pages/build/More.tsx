import { Badge, Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { memo, useEffect, useRef, type RefObject } from 'react';
import { useRest } from '@/api/hooks';
import type { Build, Buildset, Change, Step } from '@/api/types';
import { count } from '@/domain/durations';
import { safeUrl } from '@/domain/links';
import { BAD, stateOf } from '@/domain/states';
import { ChangeList } from '@/parts/ChangeList';
import { Compare } from './Compare';
import { useLastGood } from './LastGood';
import { PropertyTable } from './PropertyTable';
import { TestResults } from './TestResults';
import { Triggered } from './Triggered';
import classes from './Build.module.css';

const route = getRouteApi('/builders/$builder/builds/$number');

const number = (value: number) => (
  <Badge variant="light" color="gray" size="sm">
    {count(value)}
  </Badge>
);

/** A build may have hundreds of changes; the first ones are read. */
const FEW_CHANGES = 30;
/** So many milliseconds after a page was opened, its parts have their sizes. */
const OPENING = 5_000;

/** Tabs stand at the foot of the window: what was chosen would be out of sight. */
function bringUp(tabs: HTMLElement | null): void {
  const top = tabs?.getBoundingClientRect().top ?? 0;
  if (top > window.innerHeight * 0.5) window.scrollBy({ top: top - window.innerHeight * 0.3 });
}

/** Where the tabs have no room beside each other, the chosen one is in sight. */
function showChosen(tabs: HTMLElement | null): void {
  const tab = tabs?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]');
  const bar = tab?.parentElement;
  if (!tab || !bar) return;
  const end = tab.offsetLeft + tab.offsetWidth;
  bar.scrollLeft = Math.min(Math.max(bar.scrollLeft, end - bar.clientWidth), tab.offsetLeft);
}

/** Bring up the tab that an address names; again while what is above it gets its size, until somebody moves. */
function useLedTo(place: RefObject<HTMLElement | null>, isNamed: boolean, isThere: boolean): void {
  const isOpening = useRef(isNamed);
  useEffect(() => {
    if (!isOpening.current || !isThere) return undefined;
    const end = new AbortController();
    const opened = () => {
      isOpening.current = false;
      end.abort();
    };
    const sizes = new ResizeObserver(() => bringUp(place.current));
    sizes.observe(document.body);
    for (const event of ['wheel', 'touchmove', 'pointerdown', 'keydown'])
      window.addEventListener(event, opened, { passive: true, signal: end.signal });
    const timer = setTimeout(opened, OPENING);
    end.signal.addEventListener('abort', () => {
      sizes.disconnect();
      clearTimeout(timer);
    });
    return () => end.abort();
  }, [place, isThere]);
}

interface Props {
  build: Build;
  changes: readonly Change[];
  buildset: Buildset | undefined;
  steps: readonly Step[];
  triggered: readonly Build[];
  /** Those of them that the chosen step shows already; null until that is known. */
  above: readonly Build[] | null;
}

/** What else is known of a build, in tabs below its log. */
export const More = memo(function More({ build, changes, buildset, steps, triggered, above }: Props) {
  const { tab, line } = route.useSearch();
  const navigate = route.useNavigate();
  const place = useRef<HTMLDivElement>(null);
  // An address with a line leads to that.
  const isTree = triggered.length > 0 && above !== null && above.length < triggered.length;
  useLedTo(place, tab !== undefined && line === undefined, tab !== 'triggered' || isTree);
  const sets = useRest<{ meta: { total: number } }>(`builds/${build.buildid}/test_result_sets`, { limit: 1 });
  const properties = Object.keys(build.properties).length;
  const links = steps.flatMap((step) => step.urls.map((url) => ({ ...url, step: step.name })));
  const lastGood = useLastGood(build);
  const isRed = BAD.has(stateOf(build));
  const first = changes.length > 0 ? 'changes' : isRed && lastGood ? 'compare' : 'properties';
  const shown = tab === undefined || (tab === 'triggered' && !isTree) ? first : tab;
  const tests = sets.data?.meta.total ?? 0;
  useEffect(() => showChosen(place.current), [shown]);
  return (
    <Tabs
      value={shown}
      ref={place}
      onChange={(value) => {
        void navigate({
          search: (before) => ({ ...before, tab: value ?? undefined }),
          replace: true,
          resetScroll: false,
        }).then(() => requestAnimationFrame(() => bringUp(place.current)));
      }}
      keepMounted={false}
      className={classes.tabs}
    >
      <Tabs.List>
        {(changes.length > 0 || shown === 'changes') && (
          <Tabs.Tab value="changes" rightSection={number(changes.length)}>
            Changes
          </Tabs.Tab>
        )}
        <Tabs.Tab value="properties" rightSection={number(properties)}>
          Properties
        </Tabs.Tab>
        {tests > 0 && (
          <Tabs.Tab value="tests" rightSection={number(tests)}>
            Tests
          </Tabs.Tab>
        )}
        {links.length > 0 && (
          <Tabs.Tab value="links" rightSection={number(links.length)}>
            Links
          </Tabs.Tab>
        )}
        {isTree && (
          <Tabs.Tab value="triggered" rightSection={number(triggered.length)}>
            Triggered
          </Tabs.Tab>
        )}
        {lastGood && (
          <Tabs.Tab value="compare">
            Compare<span className={classes.extra}> with {isRed && 'last good '}#{lastGood.number}</span>
          </Tabs.Tab>
        )}
      </Tabs.List>
      <Tabs.Panel value="changes">
        <ChangeList
          changes={changes}
          few={FEW_CHANGES}
          empty={
            buildset ? `This build has no changes: ${buildset.reason}.` : 'This build has no changes.'
          }
        />
      </Tabs.Panel>
      <Tabs.Panel value="properties">
        <PropertyTable properties={build.properties} />
      </Tabs.Panel>
      <Tabs.Panel value="tests">
        <TestResults buildid={build.buildid} />
      </Tabs.Panel>
      <Tabs.Panel value="links">
        <ul className={classes.links}>
          {links.map((link) => (
            <li key={`${link.step} ${link.url}`}>
              <span className="dim">{link.step}: </span>
              <a href={safeUrl(link.url)} rel="noreferrer">
                {link.name}
              </a>
            </li>
          ))}
        </ul>
      </Tabs.Panel>
      <Tabs.Panel value="triggered">
        <Triggered builds={triggered} parent={buildset?.parent_buildid ?? null} />
      </Tabs.Panel>
      <Tabs.Panel value="compare">{lastGood && <Compare good={lastGood} build={build} steps={steps} changes={changes} />}</Tabs.Panel>
    </Tabs>
  );
});
