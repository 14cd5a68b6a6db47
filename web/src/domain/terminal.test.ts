import { describe, expect, it } from 'vitest';
import { carried, paletteColour, plain, readLine, spans } from './terminal';

const ESC = '\u001b';

describe('readLine', () => {
  it('takes the stream from the first character of commands’ logs only', () => {
    expect(readLine('emake: error', true)).toEqual({ stream: 'e', text: 'make: error', earlier: [] });
    expect(readLine('every line', false)).toMatchObject({ stream: 'o', text: 'every line' });
  });

  it('shows the last state of a line that overwrites itself, and keeps the others', () => {
    expect(readLine('o10%\r50%\r100%\r', true)).toEqual({
      stream: 'o',
      text: '100%',
      earlier: ['10%', '50%'],
    });
  });

  it('reads an empty line', () => {
    expect(readLine('o', true).text).toBe('');
    expect(readLine('', true).text).toBe('');
  });
});

describe('spans', () => {
  it('has the 16 colours as classes, others exactly', () => {
    const [red, rest] = spans(`${ESC}[1;31mFAIL${ESC}[0m: x`);
    expect(red).toMatchObject({ text: 'FAIL' });
    expect(red?.className).toContain('ansi-red');
    expect(red?.className).toContain('ansi-bold');
    expect(rest).toMatchObject({ text: ': x', className: '' });
    expect(spans(`${ESC}[38;5;196mx`)[0]?.colour).toBe('rgb(255, 0, 0)');
    expect(spans(`${ESC}[38;2;1;2;3mx`)[0]?.colour?.replaceAll(' ', '')).toBe('rgb(1,2,3)');
  });

  it('shows no cursor movements and titles', () => {
    expect(spans(`${ESC}[2K${ESC}[1G${ESC}]0;title\u0007done`).map((one) => one.text).join('')).toBe('done');
    expect(plain(`${ESC}[2K${ESC}[32mok${ESC}[0m`)).toBe('ok');
  });
});

describe('carried', () => {
  it('keeps colours until they are reset', () => {
    const after = carried('', `${ESC}[31mbegins red`);
    expect(after).toBe(`${ESC}[31m`);
    expect(carried(after, 'still red')).toBe(after);
    expect(carried(after, `ends${ESC}[0m`)).toBe('');
  });

  it('stays short for programs that never reset', () => {
    let held = '';
    for (let line = 0; line < 1_000; line += 1) held = carried(held, `${ESC}[3${line % 8}mx`);
    expect(held.length).toBeLessThan(220);
  });
});

it('knows the colours of the cube and the greys', () => {
  expect(paletteColour(16)).toBe('rgb(0, 0, 0)');
  expect(paletteColour(231)).toBe('rgb(255, 255, 255)');
  expect(paletteColour(255)).toBe('rgb(238, 238, 238)');
});
