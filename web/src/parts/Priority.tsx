import { Button, Popover, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { BuildRequest } from '@/api/types';
import { ActionButton } from './ActionButton';

interface Props {
  request: Pick<BuildRequest, 'buildrequestid' | 'priority'>;
  /** Why the visitor may not set it; null if they may. */
  refusal: string | null;
}

/** The priority of a waiting request, and how to set it. */
export function Priority({ request, refusal }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [value, setValue] = useState(String(request.priority));
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus withArrow shadow="md">
      <Popover.Target>
        <Button variant="subtle" size="compact-xs" onClick={() => setOpen(!isOpen)}>
          priority {request.priority}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {/* The library's field for numbers has 8 kB, which every page would load. */}
          <TextInput
            type="number"
            step={1}
            label="Priority: higher is built first"
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
            w={200}
            data-autofocus
          />
          <ActionButton
            path={`buildrequests/${request.buildrequestid}`}
            method="set_priority"
            params={{ priority: Math.trunc(Number(value)) }}
            refusal={refusal}
            done="The priority is set"
            onDone={() => setOpen(false)}
          >
            Set
          </ActionButton>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
