import { Table } from '@mantine/core';
import { useRest } from '@/api/hooks';
import { Answered, Empty } from '@/parts/Answered';
import { count } from '@/domain/durations';

interface ResultSet {
  test_result_setid: number;
  description: string;
  category: string;
  value_unit: string;
  tests_failed: number | null;
  tests_passed: number | null;
}

interface TestResult {
  test_resultid: number;
  test_name: string | null;
  test_code_path: string | null;
  value: string;
}

/** The sets of test results that steps have stored. */
export function TestResults({ buildid }: { buildid: number }) {
  const sets = useRest<{ test_result_sets: ResultSet[] }>(`builds/${buildid}/test_result_sets`);
  return (
    <Answered query={sets} what="the test results">
      {({ test_result_sets: all }) =>
        all.length === 0 ? (
          <Empty title="No test results" />
        ) : (
          <div style={{ padding: '12px 20px' }}>
            {all.map((set) => (
              <Results key={set.test_result_setid} set={set} />
            ))}
          </div>
        )
      }
    </Answered>
  );
}

const MOST = 500;

function Results({ set }: { set: ResultSet }) {
  const results = useRest<{ test_results: TestResult[]; meta: { total: number } }>(
    `test_result_sets/${set.test_result_setid}/results`,
    { limit: MOST },
  );
  const rows = results.data?.test_results ?? [];
  const total = results.data?.meta.total ?? rows.length;
  return (
    <>
      <h2>
        {set.description} <span className="dim">{set.category}</span>
      </h2>
      <p className="dim">
        {set.tests_failed !== null && `${count(set.tests_failed)} failed, `}
        {set.tests_passed !== null && `${count(set.tests_passed)} passed`}
      </p>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Test</Table.Th>
            <Table.Th>{set.value_unit}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.test_resultid}>
              <Table.Td className="mono">{row.test_name ?? row.test_code_path}</Table.Td>
              <Table.Td>{row.value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {total > rows.length && <p className="dim">{`The first ${count(rows.length)} of ${count(total)}.`}</p>}
    </>
  );
}
