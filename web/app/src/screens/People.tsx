// Everybody on this server: search, presence, and a call one press away.
import { useEffect, useRef, useState } from 'react';
import { navigate, useRoute } from '../lib/route';
import { cx } from '../lib/cx';
import { loadMorePeople, searchPeople, usePeople } from '../state/directory';
import { splitByPresence, type Person } from '../state/people';
import { startCall, useCallBusy } from '../state/calls';
import { useI18n } from '../state/app';
import { showToast } from '../state/toasts';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Empty, SkeletonRows } from '../ui/bits';
import { Icon } from '../ui/Icon';

const searchDelayMs = 180;

export function PeopleScreen(): JSX.Element {
  const { t } = useI18n();
  const state = usePeople();
  const [text, setText] = useState(state.query);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (text.trim() === state.query) return;
    const timer = window.setTimeout(() => void searchPeople(text.trim()), searchDelayMs);
    return () => window.clearTimeout(timer);
  }, [text, state.query]);
  const { online } = splitByPresence(state.people);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{t('people.title')}</h1>
          {state.status === 'ready' && state.query === '' && state.people.length > 0 && (
            <p className="page-note">{t('people.online_count', { count: online.length })}</p>
          )}
        </div>
        <div className="search" role="search">
          <Icon name="search" />
          <input
            ref={input}
            id="people-search"
            type="search"
            value={text}
            placeholder={t('people.search')}
            aria-label={t('people.search')}
            aria-keyshortcuts="/"
            autoComplete="off"
            spellCheck={false}
            maxLength={100}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') setText('');
            }}
          />
          {text !== '' ? (
            <IconButton
              icon="x"
              label={t('people.search.clear')}
              onClick={() => {
                setText('');
                input.current?.focus();
              }}
            />
          ) : (
            <kbd className="search-key" aria-hidden="true">
              /
            </kbd>
          )}
        </div>
      </header>
      <PeopleList />
    </>
  );
}

function PeopleList(): JSX.Element {
  const { t } = useI18n();
  const state = usePeople();
  if (state.status === 'loading') return <SkeletonRows count={7} label={t('app.loading')} />;
  if (state.status === 'failed') {
    return (
      <Empty
        icon="wifi"
        title={t('error.load_people')}
        text={t('error.network')}
        action={<Button onClick={() => void searchPeople(state.query)}>{t('error.retry')}</Button>}
      />
    );
  }
  if (state.people.length === 0) {
    if (state.query !== '') {
      return (
        <Empty icon="search" title={t('people.none_found.title')} text={t('people.none_found.text', { query: state.query })} />
      );
    }
    return <Empty icon="people" title={t('people.empty.title')} text={t('people.empty.text')} action={<CopyAddress />} />;
  }
  const { online, offline } = splitByPresence(state.people);
  return (
    <div className="list">
      {online.length > 0 && <PeopleGroup title={t('people.online')} people={online} />}
      {offline.length > 0 && (
        <PeopleGroup title={t(online.length > 0 ? 'people.others' : 'people.offline')} people={offline} />
      )}
      {state.next !== null && (
        <div className="list-more">
          <Button look="plain" busy={state.loadingMore} onClick={() => void loadMorePeople()}>
            {t('people.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

function PeopleGroup({ title, people }: { title: string; people: readonly Person[] }): JSX.Element {
  return (
    <section>
      <h2 className="list-heading">{title}</h2>
      <ul>
        {people.map((person) => (
          <PersonRow key={person.id} person={person} />
        ))}
      </ul>
    </section>
  );
}

function PersonRow({ person }: { person: Person }): JSX.Element {
  const { t } = useI18n();
  const route = useRoute();
  const busy = useCallBusy();
  const chosen = route.personId === person.id;
  return (
    <li className={cx('row', chosen && 'is-chosen')} data-testid={`person-${person.id}`} data-online={person.online}>
      <button
        type="button"
        className="row-main"
        aria-current={chosen || undefined}
        onClick={() => navigate({ tab: 'people', personId: person.id })}
      >
        <Avatar id={person.id} name={person.name} online={person.online} />
        <span className="row-words">
          <span className="row-name">{person.name}</span>
          <span className="row-note">{t(person.online ? 'people.online' : 'people.offline')}</span>
        </span>
      </button>
      <span className="row-actions">
        <IconButton
          icon="phone"
          look="call"
          label={t('people.call_audio', { name: person.name })}
          disabled={busy}
          onClick={() => startCall(person.id, 'audio')}
          data-testid={`call-audio-${person.id}`}
        />
        <IconButton
          icon="video"
          look="call"
          label={t('people.call_video', { name: person.name })}
          disabled={busy}
          onClick={() => startCall(person.id, 'video')}
          data-testid={`call-video-${person.id}`}
        />
      </span>
    </li>
  );
}

function CopyAddress(): JSX.Element {
  const { t } = useI18n();
  const address = window.location.origin;
  return (
    <button
      type="button"
      className="copy-address"
      aria-label={`${t('people.copy_link')}: ${address}`}
      onClick={() => {
        void navigator.clipboard?.writeText(address).then(() => showToast(t('people.copied'), 'good'));
      }}
    >
      <span>{address}</span>
      <Icon name="copy" size={18} />
    </button>
  );
}
