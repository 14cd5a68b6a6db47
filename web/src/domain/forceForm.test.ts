import { expect, it } from 'vitest';
import type { ForceField } from '@/api/types';
import { asksNothing, firstValues, forceText, labelOf, parameters, populated, problems, readFile } from './forceForm';

const field = (name: string, more: Partial<ForceField> = {}): ForceField => ({
  type: 'text',
  name,
  fullName: name,
  label: name,
  tablabel: '',
  default: '',
  tooltip: '',
  required: false,
  hide: false,
  multiple: false,
  regex: null,
  maxsize: null,
  autopopulate: null,
  ...more,
});

const FIELDS = [
  field('reason', { required: true, default: 'forced' }),
  field('', {
    type: 'nested',
    fields: [
      field('jobs', { fullName: 'options_jobs', type: 'int', default: 4 }),
      field('clean', { type: 'bool', default: true }),
      field('targets', { type: 'list', multiple: true, choices: ['a', 'b'], default: ['a'] }),
    ],
  }),
  field('repository', { type: 'fixed', default: 'https://example.org/' }),
];

it('begins with the defaults, and sends what was asked for under full names', () => {
  const values = firstValues(FIELDS);
  expect(values).toMatchObject({ reason: 'forced', options_jobs: '4', clean: true, targets: ['a'] });
  expect(parameters(FIELDS, values)).toEqual({ reason: 'forced', options_jobs: 4, clean: true, targets: ['a'] });
});

it('says what is wrong, beside the fields', () => {
  const found = problems(
    [
      ...FIELDS,
      field('level', { type: 'list', strict: true, choices: ['O0', 'O2'] }),
      field('ticket', { regex: '[A-Z]+-\\d+$' }),
      field('who', { type: 'username', need_email: true }),
      field('short', { maxsize: 3 }),
    ],
    { reason: '', options_jobs: 'four', level: 'O9', ticket: 'x', who: 'Jane', short: 'long' },
  );
  expect(Object.keys(found).sort()).toEqual(['level', 'options_jobs', 'reason', 'short', 'ticket', 'who']);
});

it('tells whether a form can be sent without an answer', () => {
  expect(asksNothing({ all_fields: [field('version', { required: true, default: '1' })] })).toBe(true);
  expect(asksNothing({ all_fields: [field('version', { required: true })] })).toBe(false);
});

it('leaves patterns that only Python reads to the server', () => {
  expect(problems([field('x', { regex: '(?P<a>b)\\Z' })], { x: 'c' })).toEqual({});
});

it('fills in what a choice says', () => {
  const choice = field('preset', { autopopulate: { quick: { jobs: 1, clean: false } } });
  expect(populated(choice, 'quick', [choice, ...FIELDS])).toEqual({ options_jobs: '1', clean: false });
  expect(populated(choice, 'other', FIELDS)).toEqual({});
});

it('names a field as master.cfg does, else by its name', () => {
  expect(labelOf({ label: 'Branch:', name: 'branch' })).toBe('Branch');
  expect(labelOf({ label: 'reason', name: 'reason' })).toBe('Reason');
  expect(labelOf({ label: '', name: 'jobs' })).toBe('Jobs');
  expect(labelOf({ label: 'iOS version', name: 'ios' })).toBe('iOS version');
});

it('calls the button what master.cfg calls it, and Force where a name says no more', () => {
  expect(forceText({ name: 'force', label: 'force', button_name: 'force' }, true)).toBe('Force');
  expect(forceText({ name: 'release', label: 'release', button_name: 'Make a release' }, true)).toBe('Make a release');
  expect(forceText({ name: 'release', label: '', button_name: '' }, false)).toBe('release');
});

it('sends a file that is text, as it is', async () => {
  expect(await readFile(new Blob(['\uFEFFgrün\r\n']), 20)).toEqual({ content: '\uFEFFgrün\r\n', wrong: null });
});

it.each([
  ['is too large', new Blob(['x'.repeat(1_204)]), 20, 'The file has 1,204 bytes; at most 20 are allowed.'],
  ['is no text', new Blob([new Uint8Array([0x89, 0x50, 0xff])]), null, 'The file is not text in UTF-8.'],
])('says what is wrong with a file that %s', async (_, file, maxsize, wrong) => {
  expect(await readFile(file, maxsize)).toEqual({ content: '', wrong });
});
