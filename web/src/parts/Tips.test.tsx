import { MantineProvider } from '@mantine/core';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Tips } from './Tips';

const page = (tip: string) => (
  <MantineProvider env="test">
    <p data-tip={tip}>
      <b>inside</b>
    </p>
    <i>beside</i>
    <button type="button" aria-disabled data-tip="Only Ada may do this">
      stop
    </button>
    <Tips />
  </MantineProvider>
);
const shown = () => screen.queryByRole('tooltip')?.textContent;
const wait = () => act(() => vi.advanceTimersByTimeAsync(400));
const tap = async (text: string) => {
  fireEvent.pointerDown(screen.getByText(text), { pointerType: 'touch' });
  fireEvent.click(screen.getByText(text));
  await wait();
};
const point = (text: string) => fireEvent.pointerOver(screen.getByText(text));

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it('shows what the element that is pointed at says, and describes it', async () => {
  render(page('Copy 123'));
  expect(shown()).toBeUndefined();
  point('inside');
  await wait();
  expect(shown()).toBe('Copy 123');
  const described = screen.getByText('inside').parentElement!.getAttribute('aria-describedby');
  expect(document.getElementById(described ?? '')?.textContent).toBe('Copy 123');
  point('beside');
  await wait();
  expect(shown()).toBeUndefined();
});

it('follows what it says', async () => {
  const { rerender } = render(page('Copy 123'));
  point('inside');
  await wait();
  rerender(page('Copied'));
  await wait();
  expect(shown()).toBe('Copied');
});

it('goes with Escape', async () => {
  render(page('Copy 123'));
  point('inside');
  await wait();
  fireEvent.keyDown(document.body, { key: 'Escape' });
  expect(shown()).toBeUndefined();
});

it('says to a finger why a button does nothing, and nothing else', async () => {
  render(page('Copy 123'));
  await tap('stop');
  expect(shown()).toBe('Only Ada may do this');
  await tap('inside');
  expect(shown()).toBeUndefined();
});
