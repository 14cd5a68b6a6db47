import { Group, Kbd } from '@mantine/core';

/** Keys that are pressed one after the other. */
export function Keys({ keys }: { keys: string }) {
  return (
    <Group gap={3} wrap="nowrap">
      {keys.split(' ').map((key, index) => (
        <Kbd key={index} size="xs">
          {key}
        </Kbd>
      ))}
    </Group>
  );
}
