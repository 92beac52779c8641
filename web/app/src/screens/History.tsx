// The calls there have been, by day, with what became of each.
import { useEffect, useState } from 'react';
import { formatDay, formatTime, formatTimer, isoDuration } from '../lib/format';
import { navigate, useRoute } from '../lib/route';
import { cx } from '../lib/cx';
import { loadHistory, loadMoreHistory, markHistorySeen, useHistory } from '../state/directory';
import { describeItem, groupByDay, isMissed, type HistoryItem } from '../state/history';
import { startCall, useCallBusy } from '../state/calls';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Empty, SkeletonRows } from '../ui/bits';
import { Choice } from '../ui/fields';
import { PhoneRow } from './PhoneRow';
import { CallGlyph } from './CallGlyph';

type Filter = 'all' | 'missed';

export function HistoryScreen(): JSX.Element {
  const { t } = useI18n();
  const state = useHistory();
  const [filter, setFilter] = useState<Filter>('all');
  useEffect(() => {
    void loadHistory();
  }, []);
  useEffect(markHistorySeen, [state.items]);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{t('history.title')}</h1>
        </div>
        <Choice
          label={t('history.filter')}
          value={filter}
          options={[
            { value: 'all', label: t('history.all') },
            { value: 'missed', label: t('history.missed') },
          ]}
          onChange={setFilter}
        />
      </header>
      <HistoryList filter={filter} />
    </>
  );
}

function HistoryList({ filter }: { filter: Filter }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const state = useHistory();
  if (state.status === 'loading') return <SkeletonRows count={7} label={t('app.loading')} />;
  if (state.status === 'failed') {
    return (
      <Empty
        icon="wifi"
        title={t('error.load_history')}
        text={t('error.network')}
        action={<Button onClick={() => void loadHistory()}>{t('error.retry')}</Button>}
      />
    );
  }
  if (state.items.length === 0) {
    return (
      <Empty
        icon="clock"
        title={t('history.empty.title')}
        text={t('history.empty.text')}
        action={<Button onClick={() => navigate({ tab: 'people', personId: null })}>{t('history.empty.action')}</Button>}
      />
    );
  }
  const items = filter === 'missed' ? state.items.filter(isMissed) : state.items;
  const now = new Date();
  return (
    <div className="list">
      {items.length === 0 && <Empty icon="check" title={t('history.no_missed.title')} text={t('history.no_missed.text')} />}
      {groupByDay(items).map((day) => (
        <section key={day.key}>
          <h2 className="list-heading">{formatDay(day.date, now, translator)}</h2>
          <ul>
            {day.items.map((item) => (
              <HistoryRow key={item.id} item={item} />
            ))}
          </ul>
        </section>
      ))}
      {state.next !== null && (
        <div className="list-more">
          <Button look="plain" busy={state.loadingMore} onClick={() => void loadMoreHistory()}>
            {t('people.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

function HistoryRow({ item }: { item: HistoryItem }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const { personId } = useRoute();
  const busy = useCallBusy();
  const name = item.peerName ?? t('history.unknown');
  const missed = isMissed(item);
  if (item.phoneNumber !== null) return <PhoneRow item={item} />;
  return (
    <li
      className={cx('row', missed && 'is-missed', personId === item.peerId && 'is-chosen')}
      data-testid="history-item"
      data-status={item.status}
      data-direction={item.direction}
      data-missed={missed}
    >
      <button
        type="button"
        className="row-main"
        onClick={() => navigate({ tab: 'history', personId: item.peerId })}
      >
        <Avatar id={item.peerId} name={name} />
        <span className="row-words">
          <span className="row-name">{name}</span>
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
          disabled={busy}
          onClick={() => startCall(item.peerId, 'audio')}
        />
        <span className="wide-only">
          <IconButton
            icon="video"
            look="call"
            label={t('people.call_video', { name })}
            disabled={busy}
            onClick={() => startCall(item.peerId, 'video')}
          />
        </span>
      </span>
    </li>
  );
}
