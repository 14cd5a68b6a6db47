import { useEffect } from 'react';
import { live, useLive, useSite } from '@/api/hooks';
import { read, siteUrl } from '@/api/client';
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
  const isOn = notifyMine && names.length > 0 && 'Notification' in window && Notification.permission === 'granted';
  useLive(isOn ? 'builds/*/finished' : null);
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
