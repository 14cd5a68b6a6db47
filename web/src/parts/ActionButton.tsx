import { Button, Popover, Stack, TextInput, type ButtonProps } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState, type ReactNode } from 'react';
import { ApiError, type Params } from '@/api/client';
import { useOrder, useRest } from '@/api/hooks';
import type { Action } from '@/api/types';

/** Which orders the visitor may give; what the API would refuse is shown before the click. */
export function useActions(path: string | null, params: Params = {}): (action: string) => string | null {
  const { data } = useRest<{ actions: Action[] }>(path === null ? null : `${path}/actions`, params, { keep: false });
  return (action) => {
    const found = data?.actions.find((one) => one.action === action);
    return found && !found.is_allowed ? (found.reason ?? 'You are not allowed to do this.') : null;
  };
}

interface ForbiddenProps extends ButtonProps {
  /** Why the visitor may not. */
  why: string;
  children: ReactNode;
}

/** A button for what the visitor may not do: it says why, to those who point at it and to those who hear it. */
export function Forbidden({ why, children, ...look }: ForbiddenProps) {
  return (
    <Button {...look} data-disabled aria-disabled data-tip={why} onClick={(event) => event.preventDefault()}>
      {children}
    </Button>
  );
}

interface Props<T> extends Pick<ButtonProps, 'variant' | 'color' | 'leftSection' | 'size'> {
  path: string;
  method: string;
  params?: object;
  /** Why the visitor may not; null if they may. */
  refusal: string | null;
  /** Ask for a reason before the order is given. */
  asksReason?: boolean;
  /** What has been ordered, for the note: "Stopping the build". */
  done: string;
  onDone?: (result: T) => void;
  children: ReactNode;
}

/** A button that gives an order. It says why it is not available, and what became of the order. */
export function ActionButton<T = unknown>(props: Props<T>) {
  const { path, method, params, refusal, asksReason, done, onDone, children, ...look } = props;
  const given = useOrder<T>();
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const send = (why?: string) => {
    setOpen(false);
    given.mutate(
      { path, method, params: { ...params, ...(why ? { reason: why } : {}) } },
      {
        onSuccess: (result) => {
          notifications.show({ message: `${done}.`, autoClose: 4_000 });
          onDone?.(result);
        },
        onError: (error) => tellFailure(error),
      },
    );
  };
  if (refusal !== null) {
    return (
      <Forbidden {...look} why={refusal}>
        {children}
      </Forbidden>
    );
  }
  if (!asksReason) {
    return (
      <Button {...look} loading={given.isPending} onClick={() => send()}>
        {children}
      </Button>
    );
  }
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus withArrow position="bottom-end" shadow="md">
      <Popover.Target>
        <Button {...look} loading={given.isPending} onClick={() => setOpen(!isOpen)}>
          {children}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            send(reason);
          }}
        >
          <Stack gap="xs">
            <TextInput
              label="Reason (everybody sees it)"
              placeholder="optional"
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              data-autofocus
              w={260}
            />
            <Button type="submit" color={look.color}>
              {children}
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

export function tellFailure(error: Error): void {
  const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403);
  notifications.show({
    color: 'red',
    title: isRefused ? 'Not allowed' : 'That did not work',
    message: error.message,
    autoClose: 12_000,
  });
}
