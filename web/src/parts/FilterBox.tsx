import { Autocomplete } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconFilter } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

/** Whoever types on does not wait for what the letter before has changed: so many milliseconds. */
const TOGETHER = 80;

interface Props {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
  /** Values by key: completes `tag:li` to `tag:linux`. */
  completions: Record<string, readonly string[]>;
}

/** A box for the filter language, with completion of the last word. */
export function FilterBox({ value, onChange, placeholder, completions }: Props) {
  const isNarrow = useMediaQuery('(max-width: 600px)', false, { getInitialValueInEffect: false });
  const [text, setText] = useState(value);
  const latest = useRef({ text: value, onChange });
  latest.current.onChange = onChange;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    // The address follows what is typed; it says something new only when it comes from elsewhere.
    if (timer.current !== undefined || value === latest.current.text) return;
    latest.current.text = value;
    setText(value);
  }, [value]);
  const tell = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    latest.current.onChange(latest.current.text);
  };
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  const change = (next: string) => {
    latest.current.text = next;
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(tell, TOGETHER);
  };
  return (
    <Autocomplete
      size="xs"
      w={{ base: '100%', sm: 420 }}
      leftSection={<IconFilter size={14} />}
      placeholder={isNarrow ? 'Filter' : placeholder}
      title={placeholder}
      aria-label="Filter"
      value={text}
      onChange={change}
      data={completed(text, completions)}
      filter={({ options }) => options}
      limit={12}
    />
  );
}

/** What the whole text may become when its last word is completed. */
export function completed(text: string, completions: Record<string, readonly string[]>): string[] {
  const start = text.lastIndexOf(' ') + 1;
  const before = text.slice(0, start);
  const last = text.slice(start);
  const minus = last.startsWith('-') ? '-' : '';
  const word = last.slice(minus.length).toLowerCase();
  if (word === '') return [];
  const [key = '', value] = word.split(':', 2);
  if (value === undefined) {
    return Object.keys(completions)
      .filter((name) => name.startsWith(key) && (completions[name]?.length ?? 0) > 0)
      .map((name) => `${before}${minus}${name}:`);
  }
  return (completions[key] ?? [])
    .filter((one) => one.toLowerCase().includes(value) && one.toLowerCase() !== value)
    .slice(0, 12)
    .map((one) => `${before}${minus}${key}:${/\s/.test(one) ? `"${one}"` : one}`);
}
