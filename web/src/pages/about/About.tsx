import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import licences from 'virtual:licences';
import { readSite, siteUrl } from '@/api/client';
import { useSite } from '@/api/hooks';
import { counted } from '@/domain/durations';
import { Answered } from '@/parts/Answered';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import facts from '@/parts/Facts.module.css';

interface Ready {
  status: string;
  failed: { kind: string; name: string }[];
}

/** Versions, what of the configuration is not in force, where to read on, and licences. */
export function About() {
  const site = useSite();
  const ready = useQuery({ queryKey: ['ready'], queryFn: () => readSite<Ready>('ready') });
  return (
    <Page title="About">
      <div className={facts.page}>
        <Answered query={ready} what="the state of the configuration">
          {({ failed }) => (
            <Card title="Configuration">
              {failed.length === 0 ? (
                <div className={facts.row}>
                  <StateMark state="success" hidden />
                  <span className={facts.text}>All of it is in use.</span>
                </div>
              ) : (
                failed.map((part) => (
                  <div key={`${part.kind} ${part.name}`} className={facts.row}>
                    <StateMark state="failure" />
                    <span className={facts.text}>
                      <b>
                        {part.kind} {part.name}
                      </b>
                      <small>It could not be started: master.log says why.</small>
                    </span>
                  </div>
                ))
              )}
            </Card>
          )}
        </Answered>
        <Answered query={site} what="the versions">
          {(shown) => (
            <Card title="Versions">
              <dl className={facts.facts}>
                {shown.versions.map(([name, version]) => (
                  <Version key={name} name={name} version={version} />
                ))}
              </dl>
            </Card>
          )}
        </Answered>
        <Card title="For scripts">
          <div className={facts.row}>
            <span className={facts.text}>
              <a href={siteUrl('api/v2/openapi.json')}>
                <b>The REST API, as an OpenAPI document</b>
              </a>
              <small>All that these pages show and do, a script can: they use nothing else.</small>
            </span>
          </div>
          <div className={facts.row}>
            <span className={facts.text}>
              <a href={siteUrl('plain/')}>
                <b>Plain pages</b>
              </a>
              <small>For browsers without JavaScript.</small>
            </span>
          </div>
        </Card>
        <Licences />
      </div>
    </Page>
  );
}

function Version({ name, version }: { name: string; version: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="mono">{version}</dd>
    </>
  );
}

function Licences() {
  const [text, setText] = useState('');
  const shown = licences.filter((one) => `${one.name} ${one.licence}`.toLowerCase().includes(text.toLowerCase()));
  return (
    <Card title="Libraries in these pages" aside={counted(licences.length, 'library', 'libraries')}>
      <div className={facts.row}>
        <TextInput aria-label="Filter the libraries" placeholder="Name or licence" value={text} onChange={(event) => setText(event.currentTarget.value)} w={260} />
      </div>
      {shown.map((one) => (
        <div key={one.name} className={facts.row}>
          <span className={facts.text}>
            <b>{one.name}</b> <span className="dim">{one.version}</span>
            {one.text !== '' && (
              <details className={facts.licence}>
                <summary>{one.licence}</summary>
                <pre>{one.text}</pre>
              </details>
            )}
          </span>
          {one.text === '' && <span className="dim">{one.licence}</span>}
        </div>
      ))}
    </Card>
  );
}
