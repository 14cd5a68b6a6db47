import { render } from '@testing-library/react';
import { expect, it } from 'vitest';
import { RESULTS, WORDS, type State } from '@/domain/states';
import { StateMark, StateWord } from './StateMark';

const STATES: readonly State[] = [...RESULTS, 'running', 'waiting'];

it('draws every state in a shape of its own: colour says nothing that the shape does not', () => {
  const shapes = STATES.map((state) => render(<StateMark state={state} />).container.querySelector('svg')?.innerHTML);
  expect(new Set(shapes).size).toBe(STATES.length);
});

it('is heard by its word, and only once beside it', () => {
  const { container, getByRole } = render(<StateMark state="failure" />);
  expect(getByRole('img').getAttribute('aria-label')).toBe(WORDS.failure);
  expect(container.textContent).toBe('');
  const word = render(<StateWord state="retry" />).container;
  expect(word.textContent).toBe('retried');
  expect(word.querySelector('svg')?.getAttribute('aria-hidden')).toBe('true');
});
