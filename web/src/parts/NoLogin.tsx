import { Empty } from './Answered';

/** Where nobody can log in: why, and what would change it. */
export function NoLogin() {
  return (
    <Empty title="Log-in is not set up on this master">
      <code>c['www']['auth']</code> in its configuration says how people log in.
    </Empty>
  );
}
