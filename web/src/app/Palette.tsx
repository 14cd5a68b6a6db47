import '@mantine/spotlight/styles.css';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import {
  IconBuildingFactory2,
  IconFolder,
  IconGitCommit,
  IconList,
  IconPlayerPlay,
  IconProgressBolt,
  IconServer,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useLayoutEffect, useRef, useState, type MouseEvent, type ReactNode } from 'react';
import { read } from '@/api/client';
import { useSite } from '@/api/hooks';
import { rowsOf, type Answer } from '@/api/rows';
import { dashboardsIn } from '@/domain/dashboards';
import { StateMark } from '@/parts/StateMark';
import { ASKED, byKind, type Hit } from './hits';
import { Keys } from './Keys';
import classes from './Palette.module.css';
import { palette, paletteStore, soughtIn, typing, type Typed } from './palette';
import { groupsWith, type Place } from './places';
import { useHitStates } from './useHitStates';

const ICONS: Record<Hit['kind'], ReactNode> = {
  builder: <IconBuildingFactory2 size={18} />,
  build: <IconProgressBolt size={18} />,
  change: <IconGitCommit size={18} />,
  worker: <IconServer size={18} />,
  project: <IconFolder size={18} />,
};

const NONE: readonly never[] = [];

/** Pages that have no place in the rail. */
const FURTHER: readonly Pick<Place, 'to' | 'name' | 'keys'>[] = [{ to: '/account', name: 'My sessions and tokens' }];

export default function Palette() {
  const { text, isSent } = useTyped();
  const [settled] = useDebouncedValue(text, 120);
  const { words: asked, isForce } = soughtIn(settled);
  const navigate = useNavigate();
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ['search', asked],
    queryFn: ({ signal }) => read<Answer>('search', { q: asked, limit: ASKED }, signal),
    enabled: asked !== '',
    staleTime: 5_000,
    placeholderData: (previous) => previous,
  });
  const isAnswered =
    settled === text && (asked === '' || error !== null || (data !== undefined && !isPlaceholderData));
  const go = (path: string) => void navigate({ to: path });
  const groupsFound = asked === '' ? NONE : byKind(rowsOf<Hit>(data), asked);
  const shown = groupsFound.flatMap((group) => group.hits);
  const stateOfHit = useHitStates(isAnswered ? shown : NONE);
  const found = groupsFound.map(({ head, hits, all }) => ({
    group: head,
    actions: [
      ...hits.map((hit): SpotlightActionData => {
        const state = stateOfHit(hit);
        return {
          id: `${hit.kind} ${hit.id}`,
          label: hit.title,
          description: hit.subtitle || undefined,
          leftSection: ICONS[hit.kind],
          rightSection: state && <StateMark state={state} />,
          onClick: () => go(hit.path),
        };
      }),
      ...(all ? [{ id: all.path, label: all.label, leftSection: <IconList size={18} />, onClick: () => go(all.path) }] : []),
    ],
  }));
  const forced: SpotlightActionData[] = shown
    .filter((hit) => hit.kind === 'builder')
    .slice(0, 4)
    .map((hit) => ({
      id: `force ${hit.id}`,
      label: `Start a build of ${hit.title}`,
      leftSection: <IconPlayerPlay size={18} />,
      onClick: () => go(`${hit.path}?force=`),
    }));
  const { data: site } = useSite();
  const places = groupsWith(dashboardsIn(site?.plugins)).flatMap((group) => group.places);
  const pages: SpotlightActionData[] = [...places, ...FURTHER].filter(({ name }) =>
    name.toLowerCase().includes(text.trim().toLowerCase()),
  ).map(({ to, name, keys }) => ({
    id: to,
    label: name,
    rightSection: keys ? <Keys keys={keys} /> : undefined,
    onClick: () => go(to),
  }));
  // Answers come after the letters: Enter opens the first of what is shown now.
  const selectedIn = useRef<unknown>(undefined);
  useEffect(() => {
    if (asked === '') return undefined;
    const frame = requestAnimationFrame(() => {
      selectFirst();
      selectedIn.current = data;
    });
    return () => cancelAnimationFrame(frame);
  }, [asked, data]);
  const builders = { group: 'Actions', actions: forced };
  const groups = [
    ...(isForce ? [builders] : []),
    ...found,
    ...(isForce ? [] : [builders]),
    { group: 'Pages', actions: pages },
  ].filter((group) => group.actions.length > 0);
  const first = groups[0]?.actions[0];
  useEffect(() => {
    if (!isSent || !isAnswered) return;
    if (first === undefined) return typing.write(text);
    palette.close();
    first.onClick?.({} as MouseEvent<HTMLButtonElement>);
  });
  return (
    <Spotlight
      store={paletteStore}
      shortcut={null}
      actions={groups}
      query={text}
      onQueryChange={typing.write}
      filter={(_, actions) => actions}
      scrollable
      maxHeight={420}
      highlightQuery
      classNames={{ action: classes.action, actionBody: classes.body, actionLabel: classes.label, actionDescription: classes.description, actionsGroup: classes.group }}
      attributes={{ content: { 'aria-label': 'Search' } }}
      overlayProps={{ backgroundOpacity: 0.35, blur: 0 }}
      nothingFound={isForce && asked === '' ? 'Which builder?' : error ? `Cannot search: ${error.message}` : isAnswered ? 'Nothing found' : 'Searching …'}
      searchProps={{
        placeholder: 'Builder, #build, change, worker, page …',
        'aria-label': 'Search',
        // What is shown belongs to fewer letters than were typed, or is so new that none of it is selected yet:
        // Enter is for the first of what was meant.
        onKeyDownCapture: (event) => {
          const isSelected = asked === '' || error !== null || selectedIn.current === data;
          if (event.key !== 'Enter' || (isAnswered && isSelected) || event.nativeEvent.isComposing) return;
          event.preventDefault();
          event.stopPropagation();
          typing.send();
        },
      }}
      onSpotlightClose={typing.clear}
    />
  );
}

/** What has been typed. Listens from the commit on: the field may have the focus before effects that are not for layout run. */
function useTyped(): Typed {
  const [typed, setTyped] = useState(typing.get);
  useLayoutEffect(() => {
    const heard = () => setTyped(typing.get());
    heard();
    return typing.watch(heard);
  }, []);
  return typed;
}

/** What the library does for its own letters, but not for actions that come later. */
function selectFirst(): void {
  const list = document.getElementById(paletteStore.getState().listId);
  list?.querySelector('[data-selected]')?.removeAttribute('data-selected');
  list?.querySelector('[data-action]')?.setAttribute('data-selected', 'true');
  paletteStore.updateState((state) => ({ ...state, selected: 0 }));
}
