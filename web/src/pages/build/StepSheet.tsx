import { Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronUp } from '@tabler/icons-react';
import type { Step } from '@/api/types';
import { failureNote, isAside, stepNote } from '@/domain/builds';
import { counted } from '@/domain/durations';
import { BAD, stateOf } from '@/domain/states';
import { StateMark } from '@/parts/StateMark';
import { StepList } from './StepList';
import classes from './StepList.module.css';

interface Props {
  steps: readonly Step[];
  chosen: Step | undefined;
  onChoose: (step: number) => void;
}

/** The steps where there is no room for a list beside the log: the chosen one, and the others in a sheet. */
export function StepSheet({ steps, chosen, onChoose }: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const visible = steps.filter((step) => !isAside(step) || step === chosen);
  const place = chosen ? visible.indexOf(chosen) + 1 : 0;
  return (
    <>
      <button type="button" className={classes.opener} aria-haspopup="dialog" onClick={open}>
        {chosen && <StateMark state={stateOf(chosen)} />}
        <span className={classes.name}>
          <b>{chosen?.name ?? 'Steps'}</b>
          {chosen && <small>{BAD.has(stateOf(chosen)) ? failureNote(chosen) : stepNote(chosen)}</small>}
        </span>
        <span className={classes.took}>
          {place > 0 ? `step ${place} of ${visible.length}` : counted(visible.length, 'step')}
        </span>
        <IconChevronUp size={16} aria-hidden />
      </button>
      <Drawer
        opened={isOpen}
        onClose={close}
        position="bottom"
        size="auto"
        radius="lg"
        title="Steps"
        closeButtonProps={{ 'aria-label': 'Close' }}
        classNames={{ content: classes.card, body: classes.sheet }}
      >
        <StepList
          steps={steps}
          chosen={chosen}
          onChoose={(step) => {
            close();
            onChoose(step);
          }}
        />
      </Drawer>
    </>
  );
}
