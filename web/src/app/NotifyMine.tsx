import { useEffect, useState } from 'react';
import { live, useAlwaysLive, useSite } from '@/api/hooks';
import { read, siteRoot, siteUrl } from '@/api/client';
import { kindOf } from '@/api/rows';
import type { Build } from '@/api/types';
import { isMine, namesOf } from '@/domain/mine';
import { WORDS, stateOf } from '@/domain/states';
import { useSettings } from './settings';

const TOGETHER = 2_000;

/** Tells the person, by the browser, when builds of theirs end. One question for all that ended together. */
export function NotifyMine() {
  const { notifyMine } = useSettings();
  const { data: site } = useSite();
  const names = site ? namesOf(site.user) : [];
  const isWanted = notifyMine && names.length > 0 && 'Notification' in window && Notification.permission === 'granted';
  const isOn = useIsTheOne(isWanted);
  useAlwaysLive(isOn ? 'builds/*/finished' : null);
  const joined = names.join('\n');
  useEffect(() => {
    if (!isOn) return undefined;
    const ended = new Set<number>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = live.listen(({ key, message }) => {
      if (kindOf(key) !== 'builds' || key.at(-1) !== 'finished') return;
      ended.add(message.buildid as number);
      timer ??= setTimeout(() => {
        timer = undefined;
        const ids = [...ended];
        ended.clear();
        void tell(ids, joined.split('\n'));
      }, TOGETHER);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [isOn, joined]);
  return null;
}

/** Whether this window of the browser's is the one that notifies; another takes over when it is closed. */
function useIsTheOne(isWanted: boolean): boolean {
  const [isOne, setOne] = useState(false);
  useEffect(() => {
    if (!isWanted) return undefined;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const giveUp = new AbortController();
    const hold = () => {
      setOne(true);
      return ended;
    };
    // Given up before it was this window's turn.
    navigator.locks.request(`notify ${siteRoot()}`, { signal: giveUp.signal }, hold).catch(() => undefined);
    return () => {
      giveUp.abort();
      end();
      setOne(false);
    };
  }, [isWanted]);
  return isOne;
}

async function tell(ids: readonly number[], names: readonly string[]): Promise<void> {
  const { builds } = await read<{ builds: Build[] }>('builds', {
    buildid: ids,
    property: ['owner', 'owners', 'buildername'],
  }).catch(() => ({ builds: [] as Build[] }));
  for (const build of builds.filter((one) => isMine(one, names))) {
    const builder = build.properties.buildername?.[0] ?? `builder ${build.builderid}`;
    // With the same tag, several windows of the site show it once.
    const shown = new Notification(`${String(builder)} #${build.number} ${WORDS[stateOf(build)]}`, {
      body: build.state_string,
      tag: `build ${build.buildid}`,
    });
    shown.addEventListener('click', () => {
      window.focus();
      location.assign(siteUrl(`builders/${build.builderid}/builds/${build.number}`));
    });
  }
}
