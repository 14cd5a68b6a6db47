import { IconShieldQuestion } from '@tabler/icons-react';

interface Props {
  of: { trust: string; trust_reason: string | null } | undefined;
}

/** How far sources are trusted, and why not further; nothing of what is trusted. */
export function Trust({ of }: Props) {
  if (of === undefined || of.trust === 'trusted') return null;
  return (
    <span
      tabIndex={0}
      data-tip="Its builds get only the secrets and workers that c['trust'] allows for this level."
      style={{ display: 'inline-flex', gap: 4, alignItems: 'center' }}
    >
      <IconShieldQuestion size={15} aria-hidden />
      <span>
        <b>{of.trust}</b>
        {of.trust_reason && `: ${of.trust_reason}`}
      </span>
    </span>
  );
}
