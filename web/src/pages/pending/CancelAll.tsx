import { Button, Group, Modal, Progress, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRef, useState } from 'react';
import type { WhyGroup } from '@/api/types';
import { count, counted } from '@/domain/durations';
import { tellFailure } from '@/parts/ActionButton';
import { cancelGroup } from './cancelGroup';

/** Cancels all requests of a group, after a question; says how far it is, and can be stopped. */
export function CancelAll({ group }: { group: WhyGroup }) {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [done, setDone] = useState<number | null>(null);
  const isWanted = useRef(true);
  const cancel = async () => {
    isWanted.current = true;
    setDone(0);
    let sum = 0;
    try {
      sum = await cancelGroup(group, reason, (now) => {
        setDone(now);
        return isWanted.current;
      });
      notifications.show({ message: `Cancelled ${counted(sum, 'request')}.` });
    } catch (error) {
      tellFailure(error as Error);
    } finally {
      setDone(null);
      setOpen(false);
    }
  };
  const close = () => {
    isWanted.current = false;
    setOpen(false);
  };
  return (
    <>
      <Button variant="subtle" color="red" size="compact-sm" onClick={() => setOpen(true)}>
        Cancel all
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Cancel ${counted(group.count, 'request')}?`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void cancel();
          }}
        >
          <Stack>
            <Text size="md">They wait because: {group.sentence}.</Text>
            {done !== null && (
              <Progress.Root size="lg" aria-label="Cancelled">
                <Progress.Section value={(100 * done) / Math.max(done, group.count)} />
              </Progress.Root>
            )}
            <TextInput
              label="Reason (everybody sees it)"
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              data-autofocus
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {done === null ? 'Keep them' : 'Stop here'}
              </Button>
              <Button type="submit" color="red" disabled={done !== null}>
                {done === null ? `Cancel ${counted(group.count, 'request')}` : `${count(done)} of ${count(Math.max(done, group.count))} cancelled`}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
