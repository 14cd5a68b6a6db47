import '@testing-library/jest-dom/vitest';
import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { Calm } from './Calm';

interface Row {
  id: number;
  text: string;
}

const row = (id: number, text = `row ${id}`): Row => ({ id, text });
const list = (rows: Row[], name = '') => (
  <MantineProvider env="test">
    <Calm rows={rows} keyOf={(one) => one.id} list={name} noun="row">
      {(shown) => <p data-testid="shown">{shown.map((one) => one.text).join(', ')}</p>}
    </Calm>
  </MantineProvider>
);
const scrolledTo = (y: number) => Object.defineProperty(window, 'scrollY', { value: y, configurable: true });
const shown = () => screen.getByTestId('shown').textContent;

afterEach(() => {
  scrolledTo(0);
  document.body.innerHTML = '';
});

it('shows new rows at once at the top of the page', () => {
  const { rerender } = render(list([row(1)]));
  rerender(list([row(2), row(1)]));
  expect(shown()).toBe('row 2, row 1');
  expect(screen.queryByRole('button')).toBeNull();
});

it('lets new rows wait while somebody reads, and shows them when asked', async () => {
  vi.stubGlobal('scrollTo', () => scrolledTo(0));
  const { rerender } = render(list([row(2), row(1)]));
  scrolledTo(500);
  rerender(list([row(4), row(3), row(2, 'changed')]));
  expect(shown()).toBe('changed, row 1');
  await userEvent.click(screen.getByRole('button', { name: '2 new rows' }));
  expect(shown()).toBe('row 4, row 3, changed');
  vi.unstubAllGlobals();
});

it('shows another list at once, wherever the reader is', () => {
  const { rerender } = render(list([row(1)], 'a'));
  scrolledTo(500);
  rerender(list([row(7)], 'b'));
  expect(shown()).toBe('row 7');
});
