import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { order, read } from '@/api/client';
import type { Builder, BuildRequest, ForceScheduler } from '@/api/types';
import { counted } from '@/domain/durations';
import { tellFailure } from '@/parts/ActionButton';

/** What can be done with all builders that are selected. */
export function ForSelected({ builders, onClear }: { builders: readonly Builder[]; onClear: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const run = async (work: () => Promise<string>) => {
    setBusy(true);
    try {
      notifications.show({ message: await work() });
    } catch (error) {
      tellFailure(error as Error);
    } finally {
      setBusy(false);
    }
  };
  const force = () =>
    run(async () => {
      const { forceschedulers } = await read<{ forceschedulers: ForceScheduler[] }>('forceschedulers');
      const groups = new Map<string, string[]>();
      const without: string[] = [];
      for (const { name } of builders) {
        const scheduler = forceschedulers.find((one) => one.enabled && one.builder_names.includes(name));
        if (scheduler) groups.set(scheduler.name, [...(groups.get(scheduler.name) ?? []), name]);
        else without.push(name);
      }
      if (groups.size === 0) throw new Error('No force scheduler builds on these builders.');
      for (const [scheduler, builderNames] of groups) {
        // One after the other: a refusal ends it, and says for which.
        // oxlint-disable-next-line no-await-in-loop
        await order(`forceschedulers/${encodeURIComponent(scheduler)}`, 'force', { builderNames });
      }
      return without.length === 0
        ? `Requested ${counted(builders.length, 'build')}.`
        : `Requested ${counted(builders.length - without.length, 'build')}; without a force scheduler: ${without.join(', ')}.`;
    });
  const cancel = () =>
    run(async () => {
      const { buildrequests } = await read<{ buildrequests: BuildRequest[] }>('buildrequests', {
        complete: false,
        claimed: false,
        builderid: builders.map((one) => one.builderid),
      });
      for (const request of buildrequests) {
        // oxlint-disable-next-line no-await-in-loop -- as above
        await order(`buildrequests/${request.buildrequestid}`, 'cancel', { reason: '' });
      }
      return `Cancelled ${counted(buildrequests.length, 'request')}.`;
    });
  return (
    <Group gap="xs">
      <Text size="sm">{counted(builders.length, 'builder')} selected</Text>
      <Button loading={isBusy} onClick={force}>
        Force
      </Button>
      <Button variant="default" loading={isBusy} onClick={cancel}>
        Cancel what waits
      </Button>
      <Button variant="subtle" onClick={onClear}>
        Clear
      </Button>
    </Group>
  );
}
