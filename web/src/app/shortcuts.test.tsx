import { render } from '@testing-library/react';
import { useLayoutEffect, type ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useKeys, type Keys } from './shortcuts';

function press(key: string, at?: number): void {
  const event = new KeyboardEvent('keydown', { key, bubbles: true });
  if (at !== undefined) Object.defineProperty(event, 'timeStamp', { value: at });
  window.dispatchEvent(event);
}

function Listening({ keys }: { keys: Keys }) {
  useKeys(keys);
  return null;
}

function PressedWhenShown({ children }: { children: ReactNode }) {
  useLayoutEffect(() => press('j'), []);
  return children;
}

describe('keys', () => {
  afterEach(() => vi.restoreAllMocks());

  it('count as soon as the page shows what they are for', () => {
    const down = vi.fn();

    render(
      <PressedWhenShown>
        <Listening keys={{ j: down }} />
      </PressedWhenShown>,
    );

    expect(down).toHaveBeenCalledTimes(1);
  });

  it('are one order when they are pressed together, however late a busy page hears them', () => {
    const builders = vi.fn();
    render(<Listening keys={{ 'g b': builders }} />);
    const now = vi.spyOn(performance, 'now').mockReturnValue(9_000);

    press('g', 1_000);
    now.mockReturnValue(9_001);
    press('b', 1_300);

    expect(builders).toHaveBeenCalledTimes(1);
  });

  it('are two orders when time passes between them', () => {
    const builders = vi.fn();
    render(<Listening keys={{ 'g b': builders }} />);
    vi.spyOn(performance, 'now').mockReturnValue(1_000);

    press('g', 1_000);
    press('b', 2_500);

    expect(builders).not.toHaveBeenCalled();
  });
});
