import { Button, Group, Modal, Progress, Stack, Text, TextInput, type ButtonProps } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRef, useState, type ReactNode } from 'react';
import { count, counted } from '@/domain/durations';
import { Forbidden, tellFailure } from './ActionButton';

interface Props extends Pick<ButtonProps, 'variant' | 'color' | 'size'> {
  /** How many there are, as far as it is known. */
  number: number;
  /** What they are, for the question. */
  about: string;
  /** Why the visitor may not; null if they may. */
  refusal: string | null;
  /** Cancel them, and return how many; `goesOn` is told how many are, and says whether to go on. */
  cancel: (reason: string, goesOn: (done: number) => boolean) => Promise<number>;
  children: ReactNode;
}

/** Cancels many requests, after a question; says how far it is, and can be stopped. */
export function CancelMany({ number, about, refusal, cancel, children, ...look }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [done, setDone] = useState<number | null>(null);
  const isWanted = useRef(true);
  const send = async () => {
    isWanted.current = true;
    setDone(0);
    try {
      const sum = await cancel(reason, (now) => {
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
  if (refusal !== null) {
    return (
      <Forbidden {...look} why={refusal}>
        {children}
      </Forbidden>
    );
  }
  return (
    <>
      <Button {...look} onClick={() => setOpen(true)}>
        {children}
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Cancel ${counted(number, 'request')}?`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <Stack>
            <Text size="md">{about}</Text>
            {done !== null && (
              <Progress.Root size="lg" aria-label="Cancelled">
                <Progress.Section value={(100 * done) / Math.max(done, number)} />
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
                {done === null ? `Cancel ${counted(number, 'request')}` : `${count(done)} of ${count(Math.max(done, number))} cancelled`}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
