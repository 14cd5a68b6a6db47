import { Modal, Table } from '@mantine/core';
import { WORDS, type State } from '@/domain/states';
import { StateWord } from '@/parts/StateMark';
import { Keys } from './Keys';
import { PLACES } from './places';
import classes from './Help.module.css';

const HELP: readonly (readonly [string, string])[] = [
  ['/', 'Search and commands (Ctrl K as well)'],
  ['j k', 'Next and previous row'],
  ['Enter', 'Open the row'],
  ['x', 'Select the builder, for orders to several'],
  ['n p', 'Next and previous failure'],
  ['[ ]', 'Previous and next build of the builder'],
  ['f', 'Search in the log'],
  ['e', 'First error of the log'],
  ['G', 'End of the log; follow it'],
  ['w', 'Wrap long lines'],
  ['?', 'This list'],
];

/** The keys, and what the marks of states mean. */
export default function Help({ onClose }: { onClose: () => void }) {
  const pages = PLACES.flatMap(({ keys, name }) => (keys ? [[keys, name] as const] : []));
  return (
    <Modal opened onClose={onClose} title="Keys and marks" size="lg">
      <div className={classes.sides}>
        {[HELP, pages].map((rows, index) => (
          <Table key={index} withRowBorders={false} verticalSpacing={4}>
            <Table.Tbody>
              {rows.map(([keys, meaning]) => (
                <Table.Tr key={keys}>
                  <Table.Td w={76}>
                    <Keys keys={keys} />
                  </Table.Td>
                  <Table.Td>{meaning}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        ))}
      </div>
      <h2 className={classes.heading}>Marks</h2>
      <div className={classes.marks}>
        {(Object.keys(WORDS) as State[]).map((state) => (
          <StateWord key={state} state={state} size={16} />
        ))}
      </div>
      <p className={classes.quiet}>A small number at a mark of Console and Grid: so many builds; the mark is that of the newest.</p>
    </Modal>
  );
}
