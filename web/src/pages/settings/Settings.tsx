import { Button, SegmentedControl, Select, Switch, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { useSite } from '@/api/hooks';
import { change, useSettings } from '@/app/settings';
import { exact } from '@/domain/durations';
import { namesOf } from '@/domain/mine';
import { LoginLink } from '@/parts/LoginLink';
import { Card, Page } from '@/parts/Page';
import facts from '@/parts/Facts.module.css';

const ZONES = [
  'UTC',
  ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC'),
];

/** What a person chooses for this browser. */
export function Settings() {
  const settings = useSettings();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Page title="Settings" meta="Kept in this browser only.">
      <div className={facts.page}>
        <Card title="Look">
          <Row name="Theme">
            <SegmentedControl
              size="xs"
              aria-label="Theme"
              value={colorScheme}
              onChange={(value) => setColorScheme(value as MantineColorScheme)}
              data={[
                { value: 'auto', label: 'System' },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
            />
          </Row>
          <Row name="Density" about="The height of rows">
            <SegmentedControl
              size="xs"
              aria-label="Density"
              value={settings.density}
              onChange={(density) => change({ density: density as 'compact' | 'comfortable' })}
              data={[
                { value: 'compact', label: 'Compact' },
                { value: 'comfortable', label: 'Comfortable' },
              ]}
            />
          </Row>
          <Row name="Motion" about="Without motion, nothing turns or slides">
            <SegmentedControl
              size="xs"
              aria-label="Motion"
              value={settings.motion}
              onChange={(motion) => change({ motion: motion as 'system' | 'reduced' })}
              data={[
                { value: 'system', label: 'As the system says' },
                { value: 'reduced', label: 'None' },
              ]}
            />
          </Row>
          <Row name="Wrap long lines of logs">
            <Switch
              aria-label="Wrap long lines of logs"
              checked={settings.wrapLogs}
              onChange={(event) => change({ wrapLogs: event.currentTarget.checked })}
            />
          </Row>
        </Card>
        <Card title="Time">
          <Row name="Time zone" about={`Now: ${exact(Date.now() / 1_000, settings.zone || undefined)}`}>
            <Select
              searchable
              clearable
              aria-label="Time zone"
              w={260}
              placeholder={`of the browser: ${own}`}
              value={settings.zone || null}
              onChange={(zone) => change({ zone: zone ?? '' })}
              data={ZONES}
              limit={60}
              nothingFoundMessage="No such time zone"
            />
          </Row>
        </Card>
        <Notify />
        <Card title="Saved filters" aside={<Link to="/builders">builders</Link>}>
          {settings.savedFilters.length === 0 && (
            <div className={facts.row}>
              <span className="dim">None. Filter the builders, then save the filter in the menu there.</span>
            </div>
          )}
          {settings.savedFilters.map((saved) => (
            <div key={saved.name} className={facts.row}>
              <span className={facts.text}>
                <Link to="/builders" search={{ q: saved.filter }}>
                  <b>{saved.name}</b>
                </Link>
                <small className="mono">{saved.filter}</small>
              </span>
              <Button
                variant="default"
                onClick={() => change({ savedFilters: settings.savedFilters.filter((one) => one !== saved) })}
                aria-label={`Forget ${saved.name}`}
              >
                Forget
              </Button>
            </div>
          ))}
        </Card>
      </div>
    </Page>
  );
}

/** Asks the browser for its permission when it is switched on, not before. */
function Notify() {
  const settings = useSettings();
  const { data: site } = useSite();
  const [permission, setPermission] = useState(() => ('Notification' in window ? Notification.permission : 'unsupported'));
  const names = site ? namesOf(site.user) : [];
  const problem =
    permission === 'unsupported'
      ? 'This browser cannot do that, or the site is not served by HTTPS.'
      : permission === 'denied'
        ? 'The browser refuses: allow notifications of this site in its settings.'
        : names.length === 0
          ? 'Log in, so that it is known which builds are yours.'
          : null;
  const set = async (isOn: boolean) => {
    if (isOn && Notification.permission !== 'granted') {
      const given = await Notification.requestPermission();
      setPermission(given);
      if (given !== 'granted') return;
    }
    change({ notifyMine: isOn });
  };
  return (
    <Card title="Notifications">
      <Row
        name="Tell me when my builds end"
        about={problem ?? `While a window of this site is open. Yours are those of ${names.join(' and ')}.`}
      >
        {problem !== null && names.length === 0 && <LoginLink />}
        <Switch
          aria-label="Tell me when my builds end"
          disabled={problem !== null}
          checked={problem === null && permission === 'granted' && settings.notifyMine}
          onChange={(event) => void set(event.currentTarget.checked)}
        />
      </Row>
    </Card>
  );
}

function Row({ name, about, children }: { name: string; about?: string; children: ReactNode }) {
  return (
    <div className={facts.row}>
      <span className={facts.text}>
        {name}
        {about && <small>{about}</small>}
      </span>
      {children}
    </div>
  );
}
