import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { ByPassword } from './Login';

const go = vi.fn();
const answer = (status: number, text: string, headers = {}) =>
  vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(text, { status, headers }))));

async function logIn(): Promise<void> {
  render(
    <MantineProvider env="test">
      <ByPassword target="http://localhost/builders" go={go} />
    </MantineProvider>,
  );
  await userEvent.type(screen.getByLabelText('Name'), 'ada');
  await userEvent.type(screen.getByLabelText('Password'), 'guess');
  await userEvent.click(screen.getByRole('button', { name: 'Log in' }));
}

afterEach(() => {
  vi.unstubAllGlobals();
  go.mockClear();
  document.body.innerHTML = '';
});

it('goes on where the person came from', async () => {
  answer(200, '');
  await logIn();
  expect(go).toHaveBeenCalledWith('http://localhost/builders');
});

it('says beside the password that it is wrong, and keeps the name', async () => {
  answer(401, 'not logged in: the name or the password is wrong\n');
  await logIn();
  expect(await screen.findByText('The name or the password is wrong.')).toBeVisible();
  expect(screen.getByLabelText('Password')).toHaveAttribute('aria-invalid', 'true');
  expect(screen.getByLabelText('Name')).toHaveValue('ada');
  expect(go).not.toHaveBeenCalled();
});

it('lets nobody try again before the wait is over', async () => {
  answer(429, 'not logged in: too many', { 'Retry-After': '9' });
  await logIn();
  expect(await screen.findByRole('alert')).toHaveTextContent('Wait 9 s');
  expect(screen.getByRole('button', { name: /Wait \d s/ })).toBeDisabled();
});
