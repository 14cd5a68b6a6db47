import { Alert, Button, Code, CopyButton, Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconLock, IconPlugConnectedX, IconAlertTriangle, IconMapOff } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import { ApiError } from '@/api/client';
import { client } from '@/api/hooks';
import { openPalette } from '@/app/palette';
import { reasonOf } from '@/domain/login';
import { LoginLink } from './LoginLink';
import classes from './Answered.module.css';

interface Props<T> {
  query: UseQueryResult<T, Error>;
  /** What is drawn until the answer is there; by default lines that pulse. */
  skeleton?: ReactNode;
  /** What the page shows, in the words of the error: "the builders". */
  what: string;
  /** What is said where it does not exist: what there is instead, with links. */
  missing?: ReactNode;
  children: (answer: T) => ReactNode;
}

/** What a query has brought: the content, or why there is none and what to do. */
export function Answered<T>({ query, skeleton, what, missing, children }: Props<T>) {
  if (query.data !== undefined) {
    return <>{children(query.data)}</>;
  }
  if (query.error) {
    return <Failed error={query.error} what={what} missing={missing} retry={() => void query.refetch()} />;
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
  missing?: ReactNode;
  retry?: () => void;
}

/** An answer that says no: forbidden, not there, or an error with its details. */
export function Failed({ error, what, missing, retry }: FailedProps) {
  const status = error instanceof ApiError ? error.status : undefined;
  const isRefused = status === 401 || status === 403;
  useEffect(() => {
    // A session may have ended in the meantime: then the page offers to log in.
    if (isRefused) void client.invalidateQueries({ queryKey: ['site'] });
  }, [isRefused]);
  if (isRefused) {
    return (
      <Alert icon={<IconLock />} color="gray" className={`${classes.failed} ${classes.refused}`} title={`You are not allowed to see ${what}`}>
        <Stack gap="xs" align="flex-start">
          <Text size="md">{reasonOf(error.message)}</Text>
          <LoginLink />
        </Stack>
      </Alert>
    );
  }
  if (status === 404) {
    return (
      <Alert icon={<IconMapOff />} color="gray" className={`${classes.failed} ${classes.refused}`} title="This does not exist">
        <Stack gap="xs" align="flex-start">
          <Text size="md" component="div">
            {missing ?? 'There is no such thing here, or you may not see it. It may have been deleted, or the address has a typing error.'}
          </Text>
          <WaysOn />
        </Stack>
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
      className={classes.failed}
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

/** Where to go from an address that leads nowhere. */
export function WaysOn({ justify }: { justify?: 'center' }) {
  return (
    <Group gap="xs" justify={justify}>
      <Button variant="default" component={Link} to="/">
        Home
      </Button>
      <Button variant="default" onClick={openPalette}>
        Search
      </Button>
    </Group>
  );
}
