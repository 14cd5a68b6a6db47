import { Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Properties } from '@/api/types';
import { propertyText } from '@/domain/builds';
import { Empty } from '@/parts/Answered';
import { Copyable } from '@/parts/Copyable';
import classes from './PropertyTable.module.css';

/** Properties with their sources, and a box that narrows them. */
export function PropertyTable({ properties }: { properties: Properties }) {
  const [text, setText] = useState('');
  const wanted = text.toLowerCase();
  const rows = Object.entries(properties)
    .map(([name, [value, source]]) => ({ name, value: propertyText(value), source }))
    .filter((row) => `${row.name} ${row.value}`.toLowerCase().includes(wanted))
    .sort((one, other) => one.name.localeCompare(other.name));
  if (Object.keys(properties).length === 0) return <Empty title="This build has no properties" />;
  return (
    <div className={classes.box}>
      <TextInput
        placeholder="Filter properties"
        aria-label="Filter properties"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        maw={260}
        mb="xs"
      />
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th>Source</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.name}>
              <Table.Td className="mono">{row.name}</Table.Td>
              <Table.Td className={classes.value}>
                <Copyable value={row.value} />
              </Table.Td>
              <Table.Td className="dim">{row.source}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
