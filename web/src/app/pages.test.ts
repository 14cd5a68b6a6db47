import { expect, it } from 'vitest';
import { PAGES, pageAt } from './pages';
import { router } from './routes';

it('knows the page of an address, and what the address says', () => {
  expect(pageAt('/')?.page).toBe(PAGES['/']);
  expect(pageAt('/builders')?.page).toBe(PAGES['/builders']);
  expect(pageAt('/builders/')?.page).toBe(PAGES['/builders']);
  expect(pageAt('/builders/linux%20x/builds/17')).toEqual({
    page: PAGES['/builders/$builder/builds/$number'],
    params: { builder: 'linux x', number: '17' },
  });
  expect(pageAt('/builders/%zz')?.params).toEqual({ builder: '%zz' });
  expect(pageAt('/nothing')).toBeUndefined();
  expect(pageAt('/builders/1/builds')).toBeUndefined();
});

it('lists each page that the router has', () => {
  expect(Object.keys(router.routesByPath).toSorted()).toEqual(Object.keys(PAGES).toSorted());
});
