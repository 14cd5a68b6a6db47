import { MantineProvider } from '@mantine/core';
import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { SortHead, directionOf } from './SortHead';

it.each([
  ['name', 'name', false, 'ascending'],
  ['-name', 'name', false, 'descending'],
  ['last', 'last', true, 'descending'],
  ['-last', 'last', true, 'ascending'],
  ['rate', 'name', false, undefined],
] as const)('sorted by %s, says of %s that it is so', (sort, key, isFalling, direction) => {
  expect(directionOf(sort, key, isFalling)).toBe(direction);
});

it('sorts by its column, and by a second click the other way round', () => {
  const onSort = vi.fn<(sort: string) => void>();
  const head = (sort: string) => (
    <MantineProvider>
      <SortHead name="Age" by="age" sort={sort} onSort={onSort} isFalling />
    </MantineProvider>
  );
  const { rerender } = render(head('name'));
  fireEvent.click(screen.getByRole('button', { name: 'Age' }));
  rerender(head('age'));
  expect(screen.getByRole('columnheader').getAttribute('aria-sort')).toBe('descending');
  fireEvent.click(screen.getByRole('button'));
  expect(onSort.mock.calls).toEqual([['age'], ['-age']]);
});
