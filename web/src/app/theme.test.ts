import { readFileSync } from 'node:fs';
import { DEFAULT_THEME } from '@mantine/core';
import { describe, expect, it } from 'vitest';


const SHEET = readFileSync('src/app/theme.css', 'utf8');
const TEXT = 4.5;
const SHAPE = 3;
const STATES = ['success', 'warnings', 'failure', 'exception', 'retry', 'cancelled', 'skipped', 'running', 'waiting', 'unknown'];
/** What is paler in Mantine than it may be: its block of the sheet, the variable, and what it has to be seen or read on. */
const OVERRULED = [
  [':root:root[data-mantine-color-scheme]', '--mantine-color-placeholder', TEXT],
  [':root:root[data-mantine-color-scheme]', '--mantine-color-dimmed', TEXT],
  [':root[data-mantine-color-scheme] .mantine-Switch-track', '--switch-bg', SHAPE],
] as const;
const SURFACES = ['--body', '--panel', '--raised', '--hover', '--code'];

/** The variables of a block of the style sheet, by name. */
function block(selector: string): Map<string, string> {
  const start = SHEET.indexOf(`${selector} {`);
  expect(start, selector).toBeGreaterThanOrEqual(0);
  const body = SHEET.slice(SHEET.indexOf('{', start) + 1, SHEET.indexOf('}', start));
  return new Map([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map((found) => [found[1] ?? '', found[2] ?? '']));
}

function themed(scheme: 'light' | 'dark', further?: string): (name: string) => string {
  const found = new Map([
    ...block(':root'),
    ...(scheme === 'dark' ? block(":root[data-mantine-color-scheme='dark']") : []),
    ...(further === undefined ? [] : block(further)),
  ]);
  found.set('--body', found.get('--mantine-color-body') ?? '#fff');
  const value = (name: string): string => {
    const text = found.get(name) ?? '';
    const own = /^var\((--[\w-]+)\)$/.exec(text)?.[1];
    if (own !== undefined && found.has(own)) return value(own);
    const mantine = /^var\(--mantine-color-(\w+)-(\d)\)$/.exec(text);
    if (mantine) return DEFAULT_THEME.colors[mantine[1] ?? '']?.[Number(mantine[2])] ?? '';
    return text;
  };
  return value;
}

/** The relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? Array.from(colour.slice(1), (digit) => digit + digit).join('') : colour.slice(1);
  expect(hex, colour).toMatch(/^[0-9a-f]{6}$/i);
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each(['light', 'dark'] as const)('the %s theme', (scheme) => {
  const value = themed(scheme);
  const least = (front: string, back: string, wanted: number) =>
    expect(contrast(value(front), value(back)), `${front} on ${back}`).toBeGreaterThanOrEqual(wanted);

  it('has text that is read on every surface', () => {
    for (const surface of SURFACES) for (const text of ['--text', '--dim', '--faint', '--accent']) least(text, surface, TEXT);
    least('--accent', '--accent-bg', TEXT);
  });

  it.each(OVERRULED)('has more contrast than the library in %s %s', (selector, name, wanted) => {
    const seen = themed(scheme, selector);
    for (const surface of SURFACES) expect(contrast(seen(name), seen(surface)), `${name} on ${surface}`).toBeGreaterThanOrEqual(wanted);
  });

  it('has marks that are seen on every surface', () => {
    for (const surface of [...SURFACES, '--accent-bg']) for (const state of STATES) least(`--state-${state}`, surface, SHAPE);
  });

  it('has words of states that are read on their own colour', () => {
    for (const state of ['failure', 'exception', 'waiting', 'running', 'success', 'warnings'])
      for (const text of [`--state-${state}`, '--text']) least(text, `--bg-${state}`, TEXT);
  });

  it('has names of steps that are read on their bars', () => {
    for (const state of ['success', 'warnings', 'failure', 'exception', 'running', 'retry', 'cancelled']) least('--body', `--state-${state}`, TEXT);
  });
});

it('has buttons in the dark that are read, also while they are pointed at', () => {
  const value = themed('dark', ":root:root[data-mantine-color-scheme='dark']");
  for (const colour of ['red', 'indigo'])
    for (const back of [`--mantine-color-${colour}-light`, `--mantine-color-${colour}-light-hover`, ...SURFACES])
      expect(contrast(value(`--mantine-color-${colour}-light-color`), value(back)), `${colour} on ${back}`).toBeGreaterThanOrEqual(TEXT);
});
