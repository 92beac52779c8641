// The calls there have been, by day, with what became of each.
import { useEffect, useState } from 'react';
import { formatDay } from '../lib/format';
import { navigate, useRoute } from '../lib/route';
import { loadHistory, loadMoreHistory, markHistorySeen, useHistory } from '../state/directory';
import { groupByDay, isMissed, type HistoryItem } from '../state/history';
import { startCall, useCallBusy } from '../state/calls';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Empty, SkeletonRows } from '../ui/bits';
import { Choice } from '../ui/fields';
import { PhoneRow } from './PhoneRow';
import { HistoryLine } from './HistoryLine';

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
  return item.phoneNumber !== null ? <PhoneRow item={item} /> : <PersonRow item={item} />;
}

function PersonRow({ item }: { item: HistoryItem }): JSX.Element {
  const { t } = useI18n();
  const { personId } = useRoute();
  const busy = useCallBusy();
  const name = item.peerName ?? t('history.unknown');
  return (
    <HistoryLine
      item={item}
      face={<Avatar id={item.peerId} name={name} />}
      name={name}
      chosen={personId === item.peerId}
      onOpen={() => navigate({ tab: 'history', personId: item.peerId })}
    >
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
    </HistoryLine>
  );
}
