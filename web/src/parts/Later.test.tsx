import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { Later } from './Later';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it('is drawn after the first picture, and on later pages at once', async () => {
  vi.useFakeTimers();
  const { unmount } = render(<Later>below</Later>);
  expect(screen.queryByText('below')).toBeNull();
  await act(() => vi.advanceTimersByTimeAsync(100));
  expect(screen.queryByText('below')).not.toBeNull();
  unmount();

  render(<Later>of another page</Later>);

  expect(screen.queryByText('of another page')).not.toBeNull();
});
