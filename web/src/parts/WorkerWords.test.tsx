import { render } from '@testing-library/react';
import { expect, it } from 'vitest';
import { WorkerWords } from './WorkerWords';

const at = Date.now() / 1_000 - 3 * 3_600;

it.each([
  [{ state: 'exception', word: 'disconnected', why: '', at }, 'disconnected 3 h ago'],
  [{ state: 'exception', word: 'not connected', why: 'wrong password', at }, 'not connected: wrong password (3 h ago)'],
  [{ state: 'cancelled', word: 'paused', why: 'broken disk', by: 'anna', at }, 'paused by anna 3 h ago: broken disk'],
] as const)('%#: says since when a worker is as it is', (state, text) => {
  expect(render(<WorkerWords state={state} />).container.textContent).toBe(text);
});
