import {
  Autocomplete,
  Button,
  Checkbox,
  Fieldset,
  FileInput,
  Group,
  MultiSelect,
  Select,
  Stack,
  Tabs,
  TagsInput,
  TextInput,
  Textarea,
} from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '@/api/client';
import { useOrder, useSite } from '@/api/hooks';
import type { ForceField, ForceScheduler } from '@/api/types';
import { firstValues, forceText, isAsked, keyOf, labelOf, leaves, parameters, populated, problems, readFile, type Value, type Values } from '@/domain/forceForm';
import { tellFailure } from '@/parts/ActionButton';

interface Props {
  scheduler: ForceScheduler;
  builderid: number;
  refusal: string | null;
  onForced: (requestId: number | undefined) => void;
}

type Form = UseFormReturnType<Values>;

/** The form of a force scheduler, as `master.cfg` describes it; what is wrong stands beside the fields. */
export function ForceForm({ scheduler, builderid, refusal, onForced }: Props) {
  const fields = scheduler.all_fields;
  const { data: site } = useSite();
  const forced = useOrder<[number, Record<string, number>]>();
  const unsent = useRef<Record<string, string>>({});
  const onUnsent = (key: string, wrong: string | null) => {
    const { [key]: _, ...others } = unsent.current;
    unsent.current = wrong ? { ...others, [key]: wrong } : others;
  };
  const form = useForm<Values>({
    initialValues: firstValues(fields),
    // A file that cannot be sent is no file: nothing is requested without it.
    validate: (values) => ({ ...problems(fields, values), ...unsent.current }),
  });
  const place = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const first = place.current?.querySelector<HTMLElement>('input, textarea');
    // Dialogs look for this mark when they have opened; until then, focus would be taken away.
    first?.setAttribute('data-autofocus', 'true');
    first?.focus();
  }, []);
  const isKnown = site?.user.anonymous !== true && site !== undefined;
  const send = (values: Values) =>
    forced.mutate(
      {
        path: `forceschedulers/${encodeURIComponent(scheduler.name)}`,
        method: 'force',
        params: { builderid, ...parameters(fields, values) },
      },
      {
        onSuccess: ([, requests]) => {
          notifications.show({ message: 'A build has been requested.' });
          onForced(Object.values(requests)[0]);
        },
        onError: (error) => {
          const known = new Set(leaves(fields).map(keyOf));
          const own = error instanceof ApiError ? Object.entries(error.details).filter(([name]) => known.has(name)) : [];
          if (own.length > 0) form.setErrors(Object.fromEntries(own));
          else tellFailure(error);
        },
      },
    );
  // What is wrong may be out of sight, or in a tab that opens only now.
  const [refused, setRefused] = useState(0);
  useEffect(() => {
    if (refused > 0) place.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refused]);
  return (
    <form ref={place} onSubmit={form.onSubmit(send, () => setRefused(refused + 1))} noValidate>
      <Stack gap="sm">
        {fields.map((field, index) => (
          <Field key={index} field={field} form={form} all={fields} hidesUser={isKnown} refused={refused} onUnsent={onUnsent} />
        ))}
        {refusal !== null && (
          <p className="dim" role="note">
            You are not allowed to force this: {refusal}
          </p>
        )}
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={forced.isPending} disabled={refusal !== null}>
            {forceText(scheduler, true)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldProps {
  field: ForceField;
  form: Form;
  all: readonly ForceField[];
  hidesUser: boolean;
  /** How often the form was sent, and something was wrong. */
  refused: number;
  /** Why the file that was chosen cannot be sent; null if it can. */
  onUnsent: (key: string, wrong: string | null) => void;
}

function Field({ field, form, all, hidesUser, refused, onUnsent }: FieldProps) {
  if (field.fields) return <Nested {...{ field, form, all, hidesUser, refused, onUnsent }} />;
  // Who is logged in need not say so: the server knows.
  if (!isAsked(field) || (field.type === 'username' && hidesUser)) return null;
  return <Entry field={field} form={form} all={all} onUnsent={onUnsent} />;
}

function Nested({ field, form, all, hidesUser, refused, onUnsent }: FieldProps) {
  const inner = (field.fields ?? []).filter((one) => one.fields || isAsked(one));
  const [tab, setTab] = useState('0');
  const wrong = inner.findIndex((one) => leaves([one]).some((leaf) => form.errors[keyOf(leaf)]));
  // Each refusal is news, though nothing else has changed.
  const [seen, setSeen] = useState(refused);
  if (seen !== refused) {
    setSeen(refused);
    if (wrong >= 0) setTab(String(wrong));
  }
  if (field.hide || inner.length === 0) return null;
  if (field.layout === 'tabs') {
    return (
      <Tabs value={tab} onChange={(value) => setTab(value ?? '0')}>
        <Tabs.List>
          {inner.map((one, index) => (
            <Tabs.Tab key={index} value={String(index)}>
              {one.tablabel || one.label || one.name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {inner.map((one, index) => (
          <Tabs.Panel key={index} value={String(index)} pt="sm">
            <Field field={one} form={form} all={all} hidesUser={hidesUser} refused={refused} onUnsent={onUnsent} />
          </Tabs.Panel>
        ))}
      </Tabs>
    );
  }
  const columns = Math.max(1, Math.min(4, field.columns ?? 1));
  const content = (
    <div
      style={{
        display: 'grid',
        gap: 12,
        gridTemplateColumns: columns > 1 ? `repeat(auto-fit, minmax(min(100%, ${Math.floor(560 / columns)}px), 1fr))` : undefined,
      }}
    >
      {inner.map((one, index) => (
        <Field key={index} field={one} form={form} all={all} hidesUser={hidesUser} refused={refused} onUnsent={onUnsent} />
      ))}
    </div>
  );
  return field.label ? <Fieldset legend={field.label}>{content}</Fieldset> : content;
}

function Entry({ field, form, all, onUnsent }: Omit<FieldProps, 'hidesUser' | 'refused'>) {
  const key = keyOf(field);
  const value = form.values[key];
  const change = (next: Value) => form.setValues({ [key]: next, ...populated(field, next, all) });
  const common = {
    label: labelOf(field),
    description: field.tooltip || undefined,
    required: field.required,
    error: form.errors[key],
  };
  const text = typeof value === 'string' ? value : '';
  switch (field.type) {
    case 'bool':
      return (
        <Checkbox
          label={common.label}
          description={common.description}
          error={common.error}
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      );
    case 'list':
      if (field.multiple && !field.strict) {
        // What is not among the choices may be typed.
        return <TagsInput {...common} size="xs" data={unique(field.choices)} value={Array.isArray(value) ? value : []} onChange={change} />;
      }
      if (field.multiple) {
        return (
          <MultiSelect
            {...common}
            size="xs"
            data={unique(field.choices)}
            value={Array.isArray(value) ? value : []}
            onChange={change}
            searchable
          />
        );
      }
      if (field.strict) {
        return (
          <Select
            {...common}
            data={unique(field.choices)}
            value={text}
            onChange={(next) => change(next ?? '')}
            searchable={(field.choices?.length ?? 0) > 12}
            allowDeselect={!field.required}
          />
        );
      }
      return <Autocomplete {...common} size="xs" data={unique(field.choices)} value={text} onChange={change} />;
    case 'textarea':
      return (
        <Textarea
          {...common}
          rows={field.rows ?? 4}
          value={text}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    case 'file':
      return (
        <FileEntry
          common={common}
          maxsize={field.maxsize}
          onRead={(content, wrong) => {
            onUnsent(key, wrong);
            change(content);
            if (wrong) form.setFieldError(key, wrong);
          }}
        />
      );
    default:
      return (
        <TextInput
          {...common}
          value={text}
          inputMode={field.type === 'int' ? 'numeric' : undefined}
          placeholder={field.type === 'username' ? 'Jane Doe <jane@example.org>' : undefined}
          autoComplete={field.type === 'username' ? 'name' : 'off'}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
  }
}

interface FileProps {
  common: { label: string; description?: string; required: boolean; error: unknown };
  maxsize: number | null;
  /** The content, and why it cannot be sent. */
  onRead: (content: string, wrong: string | null) => void;
}

/** The content of a file is sent as text. */
function FileEntry({ common, maxsize, onRead }: FileProps) {
  const [file, setFile] = useState<File | null>(null);
  const newest = useRef<File | null>(null);
  const take = async (chosen: File | null) => {
    setFile(chosen);
    newest.current = chosen;
    onRead('', chosen && 'The file is still being read.');
    if (!chosen) return;
    const read = await readFile(chosen, maxsize);
    if (newest.current === chosen) onRead(read.content, read.wrong);
  };
  return (
    <FileInput
      {...common}
      error={common.error as string | undefined}
      size="xs"
      value={file}
      onChange={(chosen) => void take(chosen)}
      clearable
      placeholder="Choose a file"
    />
  );
}

const unique = (choices: readonly string[] | undefined): string[] => [...new Set((choices ?? []).map(String))];
