/** Forms of force schedulers: their fields, first values, what is wrong, and what is sent. */

import type { ForceField, ForceScheduler } from '@/api/types';
import { count } from './durations';

export type Value = string | boolean | string[];
export type Values = Record<string, Value>;

/** The name under which a value is sent. */
export const keyOf = (field: ForceField): string => field.fullName ?? field.name;

/** Whether a person is asked for it. */
export const isAsked = (field: ForceField): boolean => !field.hide && field.type !== 'fixed';

/** All fields that have a value, nested ones included. */
export function leaves(fields: readonly ForceField[]): ForceField[] {
  return fields.flatMap((field) => (field.fields ? leaves(field.fields) : [field]));
}

function first(field: ForceField): Value {
  const { default: given } = field;
  if (field.type === 'bool') return given === true || given === 'True' || given === 'true';
  if (field.multiple) return Array.isArray(given) ? given.map(String) : given ? [String(given)] : [];
  return given === null || given === undefined ? '' : String(given);
}

export function firstValues(fields: readonly ForceField[]): Values {
  return Object.fromEntries(leaves(fields).map((field) => [keyOf(field), first(field)]));
}

/** What is wrong with a value, in words; null if nothing. The server decides in the end. */
export function problem(field: ForceField, value: Value | undefined): string | null {
  if (!isAsked(field)) return null;
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  if (isEmpty) return field.required ? 'Please fill this in.' : null;
  if (field.type === 'int' && !/^\s*[-+]?\d+\s*$/.test(String(value))) return 'This must be a whole number.';
  if (typeof value !== 'string') return null;
  if (field.type === 'list' && field.strict && !field.choices?.includes(value))
    return `Choose one of: ${field.choices?.join(', ')}.`;
  if (field.need_email && !/^[^@]+@[^@]+$/.test(value) && !/<[^@<>]+@[^@<>]+>/.test(value))
    return 'This must have an e-mail address: Jane Doe <jane@example.org>.';
  if (field.maxsize && value.length > field.maxsize)
    return `This is too long: ${value.length} characters, at most ${field.maxsize}.`;
  if (field.regex && !matchesFrom(field.regex, value)) return `This does not fit the pattern ${field.regex}.`;
  return null;
}

/** Python's `re.match`: from the beginning. Patterns that JavaScript cannot read are left to the server. */
function matchesFrom(regex: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${regex})`).test(value);
  } catch {
    return true;
  }
}

export function problems(fields: readonly ForceField[], values: Values): Record<string, string> {
  const found: Record<string, string> = {};
  for (const field of leaves(fields)) {
    const wrong = problem(field, values[keyOf(field)]);
    if (wrong) found[keyOf(field)] = wrong;
  }
  return found;
}

const unreadable = (wrong: string) => ({ content: '', wrong });

/** The text of a file, or why it cannot be sent: what is no text would arrive as something else. */
export async function readFile(file: Blob, maxsize: number | null): Promise<{ content: string; wrong: string | null }> {
  if (maxsize && file.size > maxsize) return unreadable(`The file has ${count(file.size)} bytes; at most ${count(maxsize)} are allowed.`);
  try {
    const bytes = await file.arrayBuffer();
    return { content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), wrong: null };
  } catch (error) {
    return unreadable(error instanceof TypeError ? 'The file is not text in UTF-8.' : 'The file cannot be read.');
  }
}

/** Whether a form can be sent as it is, without anything that a person has to fill in. */
export const asksNothing = ({ all_fields: fields }: Pick<ForceScheduler, 'all_fields'>): boolean =>
  Object.keys(problems(fields, firstValues(fields))).length === 0;

/** What a choice fills in (`autopopulate`): values of other fields by name. */
export function populated(field: ForceField, value: Value, fields: readonly ForceField[]): Values {
  if (typeof value !== 'string') return {};
  const wanted = field.autopopulate?.[value];
  if (!wanted) return {};
  const all = leaves(fields);
  const found: Values = {};
  for (const [name, given] of Object.entries(wanted)) {
    const other = all.find((one) => keyOf(one) === name || one.name === name);
    if (other) found[keyOf(other)] = typeof given === 'boolean' ? given : String(given);
  }
  return found;
}

/** The parameters of the order `force`. */
export function parameters(fields: readonly ForceField[], values: Values): Record<string, unknown> {
  const sent: Record<string, unknown> = {};
  for (const field of leaves(fields)) {
    if (field.type === 'fixed') continue;
    const key = keyOf(field);
    const value = values[key];
    if (value === undefined) continue;
    if (field.type === 'int') {
      if (value === '') continue;
      sent[key] = Number(value);
    } else {
      sent[key] = value;
    }
  }
  return sent;
}

/** What stands above a field: what master.cfg calls it, else its name as the beginning of a sentence. */
export function labelOf({ label, name }: Pick<ForceField, 'label' | 'name'>): string {
  const text = (label || name).replace(/:\s*$/, '');
  return text === name ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;
}

/** What master.cfg calls a form's button; `Force` where it says nothing and there is no other form. */
export function forceText({ name, label, button_name }: Pick<ForceScheduler, 'name' | 'label' | 'button_name'>, isOnly: boolean): string {
  const chosen = [button_name, label].find((text) => text && text !== name);
  return chosen ?? (isOnly || name === 'force' ? 'Force' : name);
}
