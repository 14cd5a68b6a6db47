import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import {
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconChevronDown,
  IconChevronUp,
  IconDownload,
  IconSearch,
  IconTextWrap,
} from '@tabler/icons-react';
import type { RefObject } from 'react';
import { siteUrl } from '@/api/client';
import type { Log } from '@/api/types';
import { change, useSettings } from '@/app/settings';
import { count } from '@/domain/durations';
import { plain } from '@/domain/terminal';
import type { LogLines } from './lines';
import type { Position } from './LogView';
import type { FirstError } from './questions';
import type { Hits } from './useHits';
import classes from './LogView.module.css';

interface Props {
  log: Log;
  lines: LogLines;
  position: Position;
  onPosition: (position: Position) => void;
  hits: Hits;
  firstError: FirstError | undefined;
  onError: () => void;
  follows: boolean;
  onFollow: (follows: boolean) => void;
  isFull: boolean;
  onFull: () => void;
  searchBox: RefObject<HTMLInputElement | null>;
}

/** Above a log: its search, its first error, and how it is shown. */
export function Bar({ log, lines, position, onPosition, hits, firstError, onError, follows, onFollow, isFull, onFull, searchBox }: Props) {
  const { wrapLogs } = useSettings();
  const fill = isFull ? 'Back to the build' : 'Fill the window';
  return (
    <div className={classes.bar}>
      <Search {...{ hits, searchBox }} onEnd={() => onPosition({ ...position, find: hits.text || undefined })} />
      {firstError && (
        <Button
          variant="light"
          color="red"
          aria-label="First error"
          data-tip={`Line ${count(firstError.line + 1)}: ${firstError.rule}`}
          bg="var(--bg-failure)"
          c="var(--state-failure)"
          size="compact-sm"
          onClick={onError}
        >
          First error
        </Button>
      )}
      <span className={classes.space} />
      {!log.complete && (
        <Button
          variant={follows ? 'filled' : 'default'}
          size="compact-sm"
          aria-pressed={follows}
          onClick={() => onFollow(!follows)}
        >
          Follow
        </Button>
      )}
      <ActionIcon
        variant={wrapLogs ? 'filled' : 'default'}
        aria-pressed={wrapLogs}
        aria-label="Wrap long lines"
        data-tip="Wrap long lines"
        onClick={() => change({ wrapLogs: !wrapLogs })}
      >
        <IconTextWrap size={15} />
      </ActionIcon>
      <Copies {...{ log, lines, position }} />
      <ActionIcon variant="default" aria-label={fill} data-tip={fill} onClick={onFull}>
        {isFull ? <IconArrowsMinimize size={15} /> : <IconArrowsMaximize size={15} />}
      </ActionIcon>
    </div>
  );
}

interface SearchProps {
  hits: Hits;
  searchBox: RefObject<HTMLInputElement | null>;
  /** The reader is done with the words. */
  onEnd: () => void;
}

function Search({ hits, searchBox, onEnd }: SearchProps) {
  return (
    <>
      <TextInput
        ref={searchBox}
        className={classes.search}
        leftSection={<IconSearch size={14} />}
        placeholder="Search"
        aria-label="Search this log"
        value={hits.text}
        onChange={(event) => hits.setText(event.currentTarget.value)}
        onBlur={onEnd}
        onKeyDown={(event) => {
          if (event.key === 'Enter') hits.go(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') {
            hits.setText('');
            event.currentTarget.blur();
          }
        }}
        error={hits.error}
      />
      <span className={classes.hits} aria-live="polite" hidden={hits.text === ''}>
        {hits.summary}
      </span>
      <ActionIcon.Group hidden={hits.numbers.length === 0}>
        <ActionIcon variant="default" aria-label="Previous hit" onClick={() => hits.go(-1)}>
          <IconChevronUp size={15} />
        </ActionIcon>
        <ActionIcon variant="default" aria-label="Next hit" onClick={() => hits.go(1)}>
          <IconChevronDown size={15} />
        </ActionIcon>
      </ActionIcon.Group>
    </>
  );
}

/** The log as a file, as text, and the chosen lines to paste somewhere. */
function Copies({ log, lines, position }: { log: Log; lines: LogLines; position: Position }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label="Download">
          <IconDownload size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={siteUrl(`api/v2/logs/${log.logid}/raw`)} download>
          Download
        </Menu.Item>
        <Menu.Item component="a" href={siteUrl(`api/v2/logs/${log.logid}/raw_inline`)} target="_blank">
          Show as text
        </Menu.Item>
        <Menu.Item disabled={position.line === undefined} onClick={() => void copyChosen(lines, position)}>
          Copy the chosen lines
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

async function copyChosen(lines: LogLines, { line, to }: Position): Promise<void> {
  if (line === undefined) return;
  const texts: string[] = [];
  for (let number = line; number <= (to ?? line); number += 1) {
    texts.push(plain(lines.at(number - 1)?.text ?? ''));
  }
  await navigator.clipboard.writeText(`${texts.join('\n')}\n`);
}
