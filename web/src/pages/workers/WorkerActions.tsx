import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDots } from '@tabler/icons-react';
import { useState } from 'react';
import { useOrder } from '@/api/hooks';
import type { Worker } from '@/api/types';
import { Forbidden, tellFailure, useActions } from '@/parts/ActionButton';

type Method = 'pause' | 'unpause' | 'stop' | 'kill';

const ORDERS: Record<Method, { name: string; told: string; done: string }> = {
  pause: {
    name: 'Pause',
    told: 'It finishes what it runs, and gets no new builds until somebody resumes it.',
    done: 'is paused',
  },
  unpause: { name: 'Resume', told: 'It gets builds again.', done: 'gets builds again' },
  stop: {
    name: 'Shut down',
    told: 'It finishes what it runs, and then stops. Somebody has to start it on its machine.',
    done: 'shuts down when its builds have ended',
  },
  kill: {
    name: 'Stop now',
    told: 'Its builds are interrupted, and run again elsewhere.',
    done: 'is being stopped',
  },
};

/** Pause, resume, shut down: each with a reason that everybody sees. */
export function WorkerActions({ worker, isSmall = false }: { worker: Worker; isSmall?: boolean }) {
  const [asked, setAsked] = useState<Method | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const path = `workers/${worker.workerid}`;
  // Asked for when somebody looks: a list of a thousand workers asks nothing.
  const refusal = useActions(isOpen || !isSmall ? path : null);
  const given = useOrder();
  const methods: Method[] = worker.paused ? ['unpause', 'stop', 'kill'] : ['pause', 'stop', 'kill'];
  const forbidden = methods.map(refusal).find((why) => why !== null);
  const send = () => {
    if (!asked) return;
    given.mutate(
      { path, method: asked, params: { reason } },
      {
        onSuccess: () => notifications.show({ message: `${worker.name} ${ORDERS[asked].done}.` }),
        onError: tellFailure,
        onSettled: () => setAsked(null),
      },
    );
  };
  return (
    <>
      {isSmall ? (
        <Menu position="bottom-end" opened={isOpen} onChange={setOpen}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`Orders for ${worker.name}`}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {methods.map((method) => {
              const why = refusal(method);
              return (
                <Menu.Item key={method} disabled={why !== null} title={why ?? undefined} onClick={() => setAsked(method)}>
                  {ORDERS[method].name}
                </Menu.Item>
              );
            })}
            {forbidden && <Menu.Label maw={280}>Not allowed: {forbidden}</Menu.Label>}
          </Menu.Dropdown>
        </Menu>
      ) : (
        methods.map((method) => {
          const why = refusal(method);
          const look = { variant: 'default', color: method === 'kill' ? 'red' : undefined };
          return why === null ? (
            <Button key={method} {...look} onClick={() => setAsked(method)}>
              {ORDERS[method].name}
            </Button>
          ) : (
            <Forbidden key={method} {...look} why={why}>
              {ORDERS[method].name}
            </Forbidden>
          );
        })
      )}
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={asked ? `${ORDERS[asked].name}: ${worker.name}` : ''}
      >
        {asked && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              send();
            }}
          >
            <Stack>
              <Text size="md">{ORDERS[asked].told}</Text>
              <TextInput
                label="Reason (everybody sees it)"
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                data-autofocus
              />
              <Group justify="flex-end">
                <Button variant="default" onClick={() => setAsked(null)}>
                  Leave it
                </Button>
                <Button type="submit" color={asked === 'kill' ? 'red' : undefined} loading={given.isPending}>
                  {ORDERS[asked].name}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Modal>
    </>
  );
}
