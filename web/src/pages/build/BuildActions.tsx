import { Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Build } from '@/api/types';
import { ActionButton, useActions } from '@/parts/ActionButton';
import classes from './Build.module.css';

const route = getRouteApi('/builders/$builder/builds/$number');

interface Props {
  build: Build;
  onStep: (direction: 1 | -1) => void;
  /** Between the neighbours and the orders. */
  children?: ReactNode;
}

/** To the neighbouring builds, and what may be done with this one. */
export function BuildActions({ build, onStep, children }: Props) {
  const navigate = route.useNavigate();
  const refusal = useActions(`builds/${build.buildid}`);
  return (
    <div className={classes.actions}>
      <Button.Group>
        <Button
          variant="default"
          px={8}
          aria-label="The build before"
          data-tip="The build before"
          disabled={build.number <= 1}
          onClick={() => onStep(-1)}
        >
          <IconChevronLeft size={15} />
        </Button>
        <Button variant="default" px={8} aria-label="The next build" data-tip="The next build" onClick={() => onStep(1)}>
          <IconChevronRight size={15} />
        </Button>
      </Button.Group>
      {children}
      {build.complete ? (
        <ActionButton<[number, Record<string, number>]>
          path={`builds/${build.buildid}`}
          method="rebuild"
          refusal={refusal('rebuild')}
          done="A new build has been requested"
          leftSection={<IconRefresh size={15} />}
          onDone={(result) => {
            const id = Object.values(result[1])[0];
            if (id !== undefined)
              void navigate({ to: '/buildrequests/$requestid', params: { requestid: String(id) }, search: { redirect_to_build: true } });
          }}
        >
          Rebuild
        </ActionButton>
      ) : (
        <ActionButton
          path={`builds/${build.buildid}`}
          method="stop"
          refusal={refusal('stop')}
          asksReason
          color="red"
          variant="light"
          done="The build is being stopped"
          leftSection={<IconPlayerStop size={15} />}
        >
          Stop
        </ActionButton>
      )}
    </div>
  );
}
