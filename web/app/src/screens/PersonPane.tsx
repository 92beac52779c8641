// One person: who they are, two ways to call, and the calls there have been.
import { useEffect, useRef, useState } from 'react';
import { formatDurationWords, formatMoment } from '../lib/format';
import { navigate, routeToRoom, useRoute, type Tab } from '../lib/route';
import { cx } from '../lib/cx';
import { useHistory, usePerson } from '../state/directory';
import { describeItem, isMissed } from '../state/history';
import { startCall, useCallBusy } from '../state/calls';
import { chatWith } from '../state/groups';
import { callThroughTunnel, useTunnel } from '../state/tunnel';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Empty } from '../ui/bits';
import { CallGlyph } from './CallGlyph';

export function PersonPane({ id }: { id: string }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const { tab } = useRoute();
  const person = usePerson(id);
  const busy = useCallBusy();
  const tunnel = useTunnel();
  const calls = useHistory().items.filter((item) => item.peerId === id);
  const now = new Date();
  const [opening, setOpening] = useState(false);
  // A room of two, for as long as both like: nobody is rung, and who comes late finds the other there.
  const meet = async (): Promise<void> => {
    setOpening(true);
    const chat = await chatWith(id);
    setOpening(false);
    if (chat !== null) navigate(routeToRoom({ kind: 'chat', id: chat }));
  };
  const pane = useRef<HTMLElement>(null);
  const name = person.name ?? t('history.unknown');
  useEffect(() => {
    pane.current?.scrollTo({ top: 0 });
    // Where the pane covers the list, the keyboard must follow.
    if (window.matchMedia('(max-width: 1099px)').matches) pane.current?.querySelector('button')?.focus();
  }, [id]);
  return (
    <section className="pane" ref={pane} aria-label={name} tabIndex={-1}>
      <div className="pane-back">
        <IconButton icon="back" label={t('people.back')} onClick={() => navigate({ tab, personId: null })} />
      </div>
      <div className="pane-card">
        <Avatar id={id} name={name} size="large" online={person.online} />
        <h1 className="pane-name">{name}</h1>
        {person.online !== undefined && (
          <p className={cx('pane-presence', person.online && 'is-online')}>
            {t(person.online ? 'people.online' : 'people.offline')}
          </p>
        )}
        <div className="pane-actions">
          <Button look="primary" icon="phone" disabled={busy} onClick={() => startCall(id, 'audio')}>
            {t('person.audio')}
          </Button>
          <Button look="quiet" icon="video" disabled={busy} onClick={() => startCall(id, 'video')}>
            {t('person.video')}
          </Button>
          <Button look="plain" icon="people" busy={opening} onClick={() => void meet()} title={t('person.meet.hint')} data-testid="person-meet">
            {t('person.meet')}
          </Button>
          {tunnel.connected && (
            <Button look="plain" icon="globe" disabled={busy || tunnel.call !== null} onClick={() => callThroughTunnel(id)} data-testid="person-tunnel">
              {t('tunnel.call')}
            </Button>
          )}
        </div>
      </div>
      <div className="pane-calls">
        <h2 className="list-heading">{t('person.recent', { name })}</h2>
        {calls.length === 0 ? (
          <p className="pane-none">{t('person.no_calls', { name })}</p>
        ) : (
          <ul className="card">
            {calls.map((item) => (
              <li key={item.id} className={cx('pane-call', isMissed(item) && 'is-missed')}>
                <CallGlyph item={item} />
                <span className="pane-call-what">{t(describeItem(item))}</span>
                <span className="pane-call-when">
                  <time dateTime={item.startedAt.toISOString()}>{formatMoment(item.startedAt, now, translator)}</time>
                  {item.status === 'completed' && <span>{formatDurationWords(item.seconds, translator)}</span>}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

/** What stands beside the list while nobody is chosen. */
export function NobodyChosen({ tab }: { tab: Tab }): JSX.Element {
  const { t } = useI18n();
  return (
    <section className="pane pane-empty" aria-label={t('nav.details')}>
      {tab === 'history' && <Empty icon="clock" title={t('history.pick.title')} text={t('history.pick.text')} />}
      {tab === 'groups' && <Empty icon="group" title={t('groups.pick_one.title')} text={t('groups.pick_one.text')} />}
      {tab === 'people' && <Empty icon="phone" title={t('people.pick.title')} text={t('people.pick.text')} />}
    </section>
  );
}
