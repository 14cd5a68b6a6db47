import { MantineProvider } from '@mantine/core';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FilterBox } from './FilterBox';

const told: string[] = [];

/** An address that follows what is typed a little later, as the router's does. */
function Slow() {
  const [value, setValue] = useState('');
  const follow = (next: string) => {
    told.push(next);
    setTimeout(() => setValue(next), 50);
  };
  return (
    <>
      <FilterBox value={value} onChange={follow} placeholder="words" completions={{}} />
      <button type="button" onClick={() => setValue('tag:linux')}>
        elsewhere
      </button>
    </>
  );
}

const box = () => screen.getByPlaceholderText('words') as HTMLInputElement;
const type = (text: string) => fireEvent.change(box(), { target: { value: text } });
const after = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds));

beforeEach(() => {
  vi.useFakeTimers();
  told.length = 0;
  render(
    <MantineProvider env="test">
      <Slow />
    </MantineProvider>,
  );
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it('tells letters that are typed quickly together', () => {
  type('a');
  type('ar');
  type('arm');
  expect(told).toEqual([]);
  after(100);
  expect(told).toEqual(['arm']);
});

it('loses no letter when the address is late', () => {
  type('a');
  after(100);
  type('ab');
  after(60);
  expect(box().value).toBe('ab');
  after(200);
  expect(told).toEqual(['a', 'ab']);
  expect(box().value).toBe('ab');
});

it('shows a filter that comes from elsewhere', () => {
  type('a');
  after(200);
  fireEvent.click(screen.getByText('elsewhere'));
  expect(box().value).toBe('tag:linux');
});
