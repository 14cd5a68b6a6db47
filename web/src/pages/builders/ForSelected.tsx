import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { cancelOfBuilders } from '@/api/cancelling';
import { order, read } from '@/api/client';
import { useEveryRest } from '@/api/everyRest';
import { useRest } from '@/api/hooks';
import type { Action, Builder, BuildRequest, ForceScheduler } from '@/api/types';
import { counted } from '@/domain/durations';
import { asksNothing } from '@/domain/forceForm';
import { Forbidden, tellFailure, useActions } from '@/parts/ActionButton';
import { CancelMany } from '@/parts/CancelMany';

/** What can be done with all builders that are selected. */
export function ForSelected({ builders, onClear }: { builders: readonly Builder[]; onClear: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const forcing = useForcing(builders);
  const cancelling = useCancelling(builders);
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
        const its = forceschedulers.filter((one) => one.enabled && one.builder_names.includes(name));
        const scheduler = its.find(asksNothing) ?? its[0];
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
  return (
    <Group gap="xs">
      <Text size="sm">{counted(builders.length, 'builder')} selected</Text>
      {forcing === null ? (
        <Button loading={isBusy} onClick={force}>
          Force
        </Button>
      ) : (
        <Forbidden why={forcing}>Force</Forbidden>
      )}
      {cancelling.waiting > 0 && (
        <CancelMany
          variant="default"
          number={cancelling.waiting}
          about={`All that waits for ${builders.length === 1 ? builders[0]?.name : counted(builders.length, 'builder')}.`}
          refusal={cancelling.refusal}
          cancel={(reason, goesOn) => cancelOfBuilders(builders.map((one) => one.builderid), reason, goesOn)}
        >
          Cancel what waits
        </CancelMany>
      )}
      <Button variant="subtle" onClick={onClear}>
        Clear
      </Button>
    </Group>
  );
}

/** Why the visitor may not force one of these builders; null if they may force all. */
function useForcing(builders: readonly Builder[]): string | null {
  const answers = useEveryRest<{ actions: Action[] }>(builders.map((one) => `builders/${one.builderid}/actions`));
  const reasons = answers.map((answer) => answer?.actions.find((one) => one.action === 'force' && !one.is_allowed)?.reason);
  const refused = reasons.findIndex((reason) => reason !== undefined);
  return refused < 0 ? null : `${builders[refused]?.name}: ${reasons[refused] ?? 'You are not allowed to do this.'}`;
}

/** How many requests wait for these builders, and why the visitor may not cancel the oldest of them. */
function useCancelling(builders: readonly Builder[]): { waiting: number; refusal: string | null } {
  const { data } = useRest<{ buildrequests: BuildRequest[]; meta: { total: number } }>('buildrequests', {
    complete: false,
    claimed: false,
    builderid: builders.map((one) => one.builderid),
    order: 'buildrequestid',
    limit: 1,
  });
  const oldest = data?.buildrequests[0];
  // One question for all of them, not one for each.
  const refusal = useActions(oldest ? `buildrequests/${oldest.buildrequestid}` : null);
  return { waiting: data?.meta.total ?? 0, refusal: refusal('cancel') };
}
