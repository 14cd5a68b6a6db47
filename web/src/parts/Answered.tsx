import { Alert, Button, Code, CopyButton, Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconLock, IconPlugConnectedX, IconAlertTriangle, IconMapOff } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import { ApiError } from '@/api/client';
import { client } from '@/api/hooks';
import { LoginLink } from './LoginLink';

interface Props<T> {
  query: UseQueryResult<T, Error>;
  /** What is drawn until the answer is there; by default lines that pulse. */
  skeleton?: ReactNode;
  /** What the page shows, in the words of the error: "the builders". */
  what: string;
  children: (answer: T) => ReactNode;
}

/** What a query has brought: the content, or why there is none and what to do. */
export function Answered<T>({ query, skeleton, what, children }: Props<T>) {
  if (query.data !== undefined) {
    return <>{children(query.data)}</>;
  }
  if (query.error) {
    return <Failed error={query.error} what={what} retry={() => void query.refetch()} />;
  }
  return <div aria-busy="true">{skeleton ?? <SkeletonRows />}</div>;
}

export function SkeletonRows({ rows = 8, height = 20 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={14} p="md" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} width={`${92 - ((index * 17) % 35)}%`} />
      ))}
    </Stack>
  );
}

interface FailedProps {
  error: Error;
  what: string;
  retry?: () => void;
}

/** An answer that says no: forbidden, not there, or an error with its details. */
export function Failed({ error, what, retry }: FailedProps) {
  const status = error instanceof ApiError ? error.status : undefined;
  const isRefused = status === 401 || status === 403;
  useEffect(() => {
    // A session may have ended in the meantime: then the page offers to log in.
    if (isRefused) void client.invalidateQueries({ queryKey: ['site'] });
  }, [isRefused]);
  if (isRefused) {
    return (
      <Alert icon={<IconLock />} color="gray" m="md" title={`You are not allowed to see ${what}`}>
        <Stack gap="xs" align="flex-start">
          <Text size="md">{error.message}</Text>
          <LoginLink />
        </Stack>
      </Alert>
    );
  }
  if (status === 404) {
    return (
      <Alert icon={<IconMapOff />} color="gray" m="md" title="This does not exist">
        <Text size="md">
          There is no such thing here, or you may not see it. It may have been deleted, or the
          address has a typing error.
        </Text>
      </Alert>
    );
  }
  const details = `${new Date().toISOString()} ${location.href}\n${error.name}: ${error.message}${
    status ? ` (status ${status})` : ''
  }`;
  return (
    <Alert
      icon={status === 0 ? <IconPlugConnectedX /> : <IconAlertTriangle />}
      color="red"
      bg="var(--bg-failure)"
      m="md"
      title={status === 0 ? 'The master cannot be reached' : `Cannot show ${what}`}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="md" style={{ overflowWrap: 'anywhere' }}>
          {status === 0
            ? 'It may be restarting, or the network is down. This page tries again when the connection is back.'
            : error.message}
        </Text>
        <Group gap="xs">
          {retry && (
            <Button variant="default" onClick={retry}>
              Try again
            </Button>
          )}
          <CopyButton value={details}>
            {({ copied, copy }) => (
              <Button variant="subtle" onClick={copy}>
                {copied ? 'Copied' : 'Copy the details'}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {details}
        </Code>
      </Stack>
    </Alert>
  );
}

/** Nothing there, and what would change that. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py={48} px="md" ta="center">
      <Text fw={600}>{title}</Text>
      {children && (
        <Text size="md" c="var(--dim)" component="div" maw={560}>
          {children}
        </Text>
      )}
    </Stack>
  );
}
