// Calls to telephones: the keys to dial with, and the phone calls there have been.
import { useEffect, useRef, useState } from 'react';
import { formatDay } from '../lib/format';
import { formatNumber, looksDialable, toE164 } from '../lib/phone';
import { createStore, useStore } from '../lib/store';
import { groupByDay } from '../state/history';
import {
  choosePhoneFilter,
  loadMorePhoneHistory,
  loadPhoneHistory,
  usePhoneHistory,
  type PhoneFilter,
} from '../state/phoneHistory';
import { useCallBusy } from '../state/calls';
import { dialNumber } from '../state/phone';
import { useI18n } from '../state/app';
import { zvonok } from '../state/client';
import { Button, IconButton } from '../ui/Button';
import { Empty, SkeletonRows } from '../ui/bits';
import { Choice } from '../ui/fields';
import { TelephoneKeys } from '../phone/TelephoneKeys';
import { PhoneRow } from './PhoneRow';

/** What is typed by now: kept while other pages are looked at, and the same in both places of the pad. */
const typedStore = createStore('');

export function PhoneScreen({ number }: { number: string | null }): JSX.Element {
  const { t } = useI18n();
  const { filter } = usePhoneHistory();
  useEffect(() => {
    void loadPhoneHistory();
  }, []);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{t('nav.phone')}</h1>
        </div>
      </header>
      <div className="phone-narrow">
        <Dialpad number={number} />
      </div>
      <div className="phone-recents">
        <Choice<PhoneFilter>
          label={t('history.filter')}
          value={filter}
          options={[
            { value: 'all', label: t('history.all') },
            { value: 'missed', label: t('history.missed') },
            { value: 'incoming', label: t('phone.filter.incoming') },
            { value: 'outgoing', label: t('phone.filter.outgoing') },
          ]}
          onChange={choosePhoneFilter}
        />
        <Recents />
      </div>
    </>
  );
}

/** Where there is room, the pad stands beside the list. */
export function PhonePane({ number }: { number: string | null }): JSX.Element {
  const { t } = useI18n();
  return (
    <section className="pane phone-pane" aria-label={t('phone.dial')}>
      <Dialpad number={number} />
    </section>
  );
}

function Dialpad({ number }: { number: string | null }): JSX.Element {
  const { t } = useI18n();
  const typed = useStore(typedStore);
  const [wrong, setWrong] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const busy = useCallBusy();
  const set = (next: string): void => {
    setWrong(false);
    typedStore.set(next);
  };
  useEffect(() => {
    if (number !== null) typedStore.set(formatNumber(number));
  }, [number]);
  const press = (key: string): void => {
    zvonok.tones.key(key);
    set(typed + key);
  };
  const submit = (): void => {
    if (!looksDialable(typed)) {
      setWrong(true);
      input.current?.focus();
      return;
    }
    dialNumber(typed);
  };
  return (
    <form
      className="dialpad"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className="dialpad-field">
        <input
          ref={input}
          className="numbers"
          type="tel"
          inputMode="tel"
          autoComplete="off"
          value={typed}
          placeholder="+49 30 123456"
          aria-label={t('phone.number')}
          aria-invalid={wrong}
          aria-describedby="dialpad-hint"
          onChange={(event) => set(event.target.value.replace(/[^\d+*#\s().-]/g, ''))}
          onBlur={() => {
            const plain = toE164(typed);
            if (looksDialable(plain)) typedStore.set(formatNumber(plain));
          }}
          data-testid="dial-number"
        />
        <span className="dialpad-erase">
          {typed !== '' && (
            <IconButton icon="erase" label={t('phone.erase')} onClick={() => set(typed.trimEnd().slice(0, -1))} data-testid="dial-erase" />
          )}
        </span>
      </div>
      <p id="dialpad-hint" className={wrong ? 'dialpad-hint is-wrong' : 'dialpad-hint'} role={wrong ? 'alert' : undefined}>
        {t(wrong ? 'phone.refused.number.text' : 'phone.hint')}
      </p>
      <TelephoneKeys onKey={press} onPlus={() => set(`${typed}+`)} place="page" />
      <Button look="primary" type="submit" icon="phone" wide disabled={busy || typed.trim() === ''} data-testid="dial">
        {t('phone.call')}
      </Button>
    </form>
  );
}

function Recents(): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const { filter, list } = usePhoneHistory();
  if (list.status === 'loading') return <SkeletonRows count={5} label={t('app.loading')} />;
  if (list.status === 'failed') {
    return (
      <Empty
        icon="wifi"
        title={t('error.load_history')}
        text={t('error.network')}
        action={<Button onClick={() => void loadPhoneHistory()}>{t('error.retry')}</Button>}
      />
    );
  }
  if (list.items.length === 0) {
    return filter === 'missed' ? (
      <Empty icon="check" title={t('history.no_missed.title')} text={t('history.no_missed.text')} />
    ) : (
      <Empty icon="phone" title={t('history.empty.title')} text={t('phone.empty.text')} />
    );
  }
  const now = new Date();
  return (
    <div className="list">
      {groupByDay(list.items).map((day) => (
        <section key={day.key}>
          <h2 className="list-heading">{formatDay(day.date, now, translator)}</h2>
          <ul>
            {day.items.map((item) => (
              <PhoneRow key={item.id} item={item} />
            ))}
          </ul>
        </section>
      ))}
      {list.next !== null && (
        <div className="list-more">
          <Button look="plain" busy={list.loadingMore} onClick={() => void loadMorePhoneHistory()}>
            {t('people.more')}
          </Button>
        </div>
      )}
    </div>
  );
}
