// One phone call of a history.
import { formatTime, formatTimer, isoDuration } from '../lib/format';
import { formatNumber } from '../lib/phone';
import { navigate } from '../lib/route';
import { cx } from '../lib/cx';
import { describeItem, isMissed, type HistoryItem } from '../state/history';
import { useCallBusy } from '../state/calls';
import { dialNumber } from '../state/phone';
import { useI18n } from '../state/app';
import { IconButton } from '../ui/Button';
import { PhoneFace } from '../phone/PhoneFace';
import { CallGlyph } from './CallGlyph';

export function PhoneRow({ item }: { item: HistoryItem }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const busy = useCallBusy();
  const number = item.phoneNumber ?? '';
  const name = number === '' ? t('phone.withheld') : formatNumber(number);
  const missed = isMissed(item);
  return (
    <li
      className={cx('row', missed && 'is-missed')}
      data-testid="history-item"
      data-status={item.status}
      data-direction={item.direction}
      data-missed={missed}
    >
      <button
        type="button"
        className="row-main"
        disabled={number === ''}
        title={number === '' ? undefined : t('phone.edit')}
        onClick={() => navigate({ tab: 'phone', personId: number })}
      >
        <PhoneFace />
        <span className="row-words">
          <span className="row-name numbers">{name}</span>
          <span className="row-note">
            <CallGlyph item={item} />
            <span className="row-note-text">{t(describeItem(item))}</span>
            {item.status === 'completed' && (
              <time className="numbers" dateTime={isoDuration(item.seconds)}>
                {formatTimer(item.seconds)}
              </time>
            )}
          </span>
        </span>
        <time className="row-time numbers" dateTime={item.startedAt.toISOString()}>
          {formatTime(item.startedAt, translator)}
        </time>
      </button>
      <span className="row-actions">
        <IconButton
          icon="phone"
          look="call"
          label={t('people.call_audio', { name })}
          disabled={busy || number === ''}
          onClick={() => dialNumber(number)}
        />
      </span>
    </li>
  );
}
