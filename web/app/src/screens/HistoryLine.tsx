// One call of a history, with a person or with a telephone: who it was, what became of it, when, and what may be done.
import type { ReactNode } from 'react';
import { formatTime, formatTimer, isoDuration } from '../lib/format';
import { cx } from '../lib/cx';
import { describeItem, isMissed, type HistoryItem } from '../state/history';
import { useI18n } from '../state/app';
import { CallGlyph } from './CallGlyph';

interface HistoryLineProps {
  item: HistoryItem;
  face: ReactNode;
  name: string;
  /** The name is a number. */
  numbers?: boolean;
  chosen?: boolean;
  title?: string | undefined;
  /** null: there is nothing to open. */
  onOpen: (() => void) | null;
  children: ReactNode;
}

export function HistoryLine({ item, face, name, numbers, chosen, title, onOpen, children }: HistoryLineProps): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const missed = isMissed(item);
  return (
    <li
      className={cx('row', missed && 'is-missed', chosen && 'is-chosen')}
      data-testid="history-item"
      data-status={item.status}
      data-direction={item.direction}
      data-missed={missed}
    >
      <button type="button" className="row-main" disabled={!onOpen} title={title} onClick={onOpen ?? undefined}>
        {face}
        <span className="row-words">
          <span className={cx('row-name', numbers && 'numbers')}>{name}</span>
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
      <span className="row-actions">{children}</span>
    </li>
  );
}
