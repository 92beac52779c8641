// How the end of a phone call is told. Pure.
import type { CallDirection, PhoneSnapshot } from '@zvonok/client';
import type { PlainKey, Translator } from '../i18n';
import { formatDurationWords } from '../lib/format';

export interface PhoneEndWords {
  readonly title: string;
  readonly text: string | null;
  readonly again: boolean;
  /** Nothing is left to read: the screen may leave by itself. */
  readonly fleeting: boolean;
}

/** Codes of the server's refusals; others are told by their kind. */
const refusals: Readonly<Record<string, readonly [title: PlainKey, text: PlainKey]>> = {
  invalid_field: ['phone.refused.number', 'phone.refused.number.text'],
  number_not_allowed: ['phone.refused.not_allowed', 'phone.refused.not_allowed.text'],
  in_another_call: ['phone.refused.in_call', 'phone.refused.in_call.text'],
  daily_limit: ['phone.refused.limit', 'phone.refused.daily_limit.text'],
  spend_limit: ['phone.refused.limit', 'phone.refused.spend_limit.text'],
  too_many_requests: ['phone.refused.limit', 'error.too_many_requests'],
  provider_failed: ['phone.refused.provider', 'phone.refused.provider.text'],
  unavailable: ['phone.refused.unavailable', 'error.unavailable'],
  network: ['phone.refused.unavailable', 'error.network'],
  no_token: ['phone.refused.unavailable', 'auth.expired'],
};
/** After these the same call would end in the same way. */
const final = new Set(['invalid_field', 'number_not_allowed', 'daily_limit', 'spend_limit', 'no_token']);

export function describePhoneEnd(
  direction: CallDirection,
  snapshot: Pick<PhoneSnapshot, 'status' | 'reason' | 'cause' | 'duration' | 'end'>,
  translator: Translator,
): PhoneEndWords {
  const { t } = translator;
  const { end } = snapshot;
  const words = (title: string, text: string | null = null, more: Partial<PhoneEndWords> = {}): PhoneEndWords => ({
    title,
    text,
    again: true,
    fleeting: false,
    ...more,
  });
  if (end?.why === 'refused') {
    const [title, text] = refusals[end.code ?? ''] ?? ['phone.refused.unavailable', 'error.generic'];
    return words(t(title), t(text), { again: !final.has(end.code ?? '') });
  }
  if (end?.why === 'lost') return words(t('phone.ended.lost'), t('phone.ended.lost.text'));
  const incoming = direction === 'incoming';
  switch (snapshot.status) {
    case 'completed': {
      const talked =
        snapshot.duration > 0 ? t('ended.hangup.text', { duration: formatDurationWords(snapshot.duration, translator) }) : null;
      if (snapshot.cause === 'too_long') return words(t('phone.ended.too_long'), talked);
      if (snapshot.cause === 'browser_lost') return words(t('phone.ended.lost'), talked);
      if (snapshot.cause === 'spend_limit') return words(t('phone.refused.limit'), t('phone.refused.spend_limit.text'), { again: false });
      return words(t('ended.hangup'), talked, { fleeting: true });
    }
    case 'busy':
      return words(t('phone.ended.busy'), t('phone.ended.busy.text'));
    case 'no_answer':
      return incoming ? words(t('ended.missed'), t('ended.missed.text')) : words(t('phone.ended.no_answer'), t('phone.ended.no_answer.text'));
    case 'canceled':
      return incoming ? words(t('ended.missed'), t('ended.missed.text')) : words(t('ended.canceled'), null, { fleeting: true });
    case 'declined':
      return words(t('ended.declined_self'), null, { fleeting: true });
    case 'dialing':
    case 'connecting':
    case 'ringing':
    case 'in_progress':
    case 'failed':
      if (snapshot.reason === 'server-shutdown') return words(t('ended.server_shutdown'), t('ended.server_shutdown.text'));
      return words(t('phone.ended.failed'), t('phone.ended.failed.text'));
  }
}
