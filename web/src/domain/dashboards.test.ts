import { expect, it } from 'vitest';
import { dashboardsIn } from './dashboards';

it('finds dashboards in their order', () => {
  const found = dashboardsIn({
    badges: {},
    wsgi_dashboards: [
      { name: 'late', caption: 'Late', order: 9 },
      { name: 'plain' },
      { name: 'early', caption: 'Early', order: 1, icon: 'area-chart' },
    ],
  });
  expect(found).toEqual([
    { name: 'early', caption: 'Early' },
    { name: 'late', caption: 'Late' },
    { name: 'plain', caption: 'plain' },
  ]);
});

it('finds none in what is something else', () => {
  expect(dashboardsIn(undefined)).toEqual([]);
  expect(dashboardsIn({ wsgi_dashboards: true })).toEqual([]);
  expect(dashboardsIn({ wsgi_dashboards: [null, 'x', { caption: 'no name' }] })).toEqual([]);
});
