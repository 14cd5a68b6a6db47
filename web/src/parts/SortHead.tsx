import { NativeSelect } from '@mantine/core';
import classes from './SortHead.module.css';

interface HeadProps {
  name: string;
  /** The order of this column; `-` before it reverses. */
  by: string;
  sort: string;
  onSort: (sort: string) => void;
  /** Its first order has the largest first. */
  isFalling?: boolean;
  kind?: string;
}

/** In which direction a list that is sorted by *sort* is sorted by *key*; undefined: by another one. */
export function directionOf(sort: string, key: string, isFalling: boolean): 'ascending' | 'descending' | undefined {
  if (sort !== key && sort !== `-${key}`) return undefined;
  return isFalling === (sort === key) ? 'descending' : 'ascending';
}

/** The head of a column that sorts by it, and by a second click the other way round. */
export function SortHead({ name, by, sort, onSort, isFalling = false, kind }: HeadProps) {
  const direction = directionOf(sort, by, isFalling);
  return (
    <span role="columnheader" data-kind={kind} data-number={kind === 'number' || undefined} aria-sort={direction}>
      <button type="button" className={classes.sort} onClick={() => onSort(sort === by ? `-${by}` : by)}>
        {name}
        {direction && { ascending: ' ▴', descending: ' ▾' }[direction]}
      </button>
    </span>
  );
}

interface ChoiceProps {
  orders: readonly { value: string; label: string }[];
  sort: string;
  onSort: (sort: string) => void;
}

/** The same where there is no room for heads of columns. */
export function SortChoice({ orders, sort, onSort }: ChoiceProps) {
  return (
    <NativeSelect
      className={classes.choice}
      size="xs"
      aria-label="Sort"
      value={sort}
      data={[...(orders.some(({ value }) => value === sort) ? [] : [{ value: sort, label: 'Sorted otherwise' }]), ...orders]}
      onChange={(event) => onSort(event.currentTarget.value)}
    />
  );
}
