import { CopyButton, UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';

/** An identifier, revision or command in a monospaced face: one click copies it. */
export function Copyable({ value, children }: { value: string; children?: ReactNode }) {
  // An empty value: there is nothing to copy, and a button without a name.
  if (value.trim() === '') return <span className="faint mono">{value === '' ? '–' : '(spaces)'}</span>;
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <UnstyledButton
          className="mono"
          onClick={copy}
          fz={12.5}
          data-tip={copied ? 'Copied' : `Copy ${value.length > 60 ? 'this' : value}`}
        >
          {children ?? value}
        </UnstyledButton>
      )}
    </CopyButton>
  );
}
