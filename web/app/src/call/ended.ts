// How the end of a call is told: a table from the SDK's reasons to words. Pure.
import type { CallDirection, CallEnd } from '@zvonok/client';
import type { Translator } from '../i18n';
import { formatDurationWords } from '../lib/format';

export interface EndedWords {
  readonly title: string;
  readonly text: string | null;
  /** Whether calling again makes sense. */
  readonly again: boolean;
  /** Nothing is left to read: the screen may leave by itself. */
  readonly fleeting: boolean;
}

export interface EndedCall {
  readonly end: CallEnd;
  readonly direction: CallDirection;
  /** From answer to end; null: nobody answered. */
  readonly seconds: number | null;
  /** The microphone could not be had. */
  readonly deniedMicrophone: boolean;
}

export function describeEnd(ended: EndedCall, translator: Translator): EndedWords {
  const { t } = translator;
  const { end, direction } = ended;
  const local = end.by === 'local';
  const talked =
    ended.seconds !== null && ended.seconds > 0
      ? t('ended.hangup.text', { duration: formatDurationWords(ended.seconds, translator) })
      : null;
  const words = (title: string, text: string | null = null, more: Partial<EndedWords> = {}): EndedWords => ({
    title,
    text,
    again: true,
    fleeting: false,
    ...more,
  });
  if (ended.deniedMicrophone && ended.seconds === null && (end.reason === 'failed' || local)) {
    return words(t('ended.permission'), t('ended.permission.text'));
  }
  switch (end.reason) {
    case 'hangup':
    case 'disposed':
      return words(t('ended.hangup'), talked, { fleeting: true });
    case 'canceled':
      if (local) return words(t('ended.canceled'), null, { fleeting: true });
      return direction === 'incoming'
        ? words(t('ended.missed'), t('ended.missed.text'))
        : words(t('ended.canceled'));
    case 'no-answer':
      return direction === 'incoming'
        ? words(t('ended.missed'), t('ended.missed.text'))
        : words(t('ended.no_answer'), t('ended.no_answer.text'));
    case 'answered-elsewhere':
      return words(t('ended.answered_elsewhere'), t('ended.answered_elsewhere.text'), { again: false, fleeting: true });
    case 'replaced':
      return words(t('call.elsewhere.title'), t('call.elsewhere.text'), { again: false });
    case 'disconnected':
      return words(t('ended.disconnected'), local ? talked : t('ended.disconnected.text'));
    case 'server-shutdown':
      return words(t('ended.server_shutdown'), t('ended.server_shutdown.text'));
    case 'declined':
      return direction === 'incoming'
        ? words(t('ended.declined_self'), null, { fleeting: true })
        : words(t('ended.declined'), t('ended.declined.text'));
    case 'busy':
      return words(t('ended.busy'), t('ended.busy.text'));
    case 'offline':
      return words(t('ended.offline'), t('ended.offline.text'));
    case 'target-unknown':
      return words(t('ended.unknown_target'), t('ended.unknown_target.text'), { again: false });
    case 'unavailable':
      return words(t('ended.failed'), t('error.unavailable'));
    case 'unauthorized':
      return words(t('ended.failed'), t('auth.expired'), { again: false });
    case 'bad-message':
      return words(t('ended.failed'), t('error.generic'));
    case 'failed':
      return words(t('ended.failed'), t('ended.failed.text'));
  }
}
