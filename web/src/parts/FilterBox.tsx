import { Autocomplete } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

interface Props {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
  /** Values by key: completes `tag:li` to `tag:linux`. */
  completions: Record<string, readonly string[]>;
}

/** A box for the filter language, with completion of the last word. */
export function FilterBox({ value, onChange, placeholder, completions }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const change = (next: string) => {
    setText(next);
    onChange(next);
  };
  return (
    <Autocomplete
      size="xs"
      w={{ base: '100%', sm: 420 }}
      leftSection={<IconFilter size={14} />}
      placeholder={placeholder}
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
