// The frame around the pages: navigation, the list, and beside it whoever is chosen.
import { useEffect, useRef } from 'react';
import type { PlainKey } from '../i18n';
import { navigate, pathOf, routeToRoom, useRoute, type Route, type Tab } from '../lib/route';
import { cx } from '../lib/cx';
import { reconnect, useConnection } from '../state/connection';
import { useActiveElsewhere, useMissedCount } from '../state/directory';
import { useCall } from '../state/calls';
import { useRoomTitle } from '../state/groups';
import { leaveRoom, useRoom, type CurrentRoom } from '../state/rooms';
import { useSession } from '../state/session';
import { useI18n } from '../state/app';
import { openHelp } from '../state/help';
import { Avatar } from '../ui/Avatar';
import { Icon, Logo, type IconName } from '../ui/Icon';
import { IconButton } from '../ui/Button';
import { GroupPane } from './GroupPane';
import { GroupsScreen } from './Groups';
import { HistoryScreen } from './History';
import { NobodyChosen, PersonPane } from './PersonPane';
import { PeopleScreen } from './People';
import { PhonePane, PhoneScreen } from './Phone';
import { SettingsScreen } from './Settings';

const tabs: readonly { readonly tab: Tab; readonly icon: IconName; readonly text: PlainKey }[] = [
  { tab: 'people', icon: 'people', text: 'nav.people' },
  { tab: 'phone', icon: 'keypad', text: 'nav.phone' },
  { tab: 'groups', icon: 'group', text: 'nav.groups' },
  { tab: 'history', icon: 'clock', text: 'nav.history' },
  { tab: 'settings', icon: 'devices', text: 'nav.settings' },
];

const titles: Readonly<Record<Tab, PlainKey>> = {
  people: 'nav.people',
  phone: 'nav.phone',
  groups: 'nav.groups',
  history: 'nav.history',
  settings: 'nav.settings',
};

export function Shell({ covered }: { covered: boolean }): JSX.Element {
  const { t } = useI18n();
  const route = useRoute();
  const list = useRef<HTMLElement>(null);
  const hasPane = route.tab !== 'settings';
  useEffect(() => {
    // `inert` as React 18 knows it: not at all.
    document.querySelector('.shell')?.toggleAttribute('inert', covered);
  }, [covered]);
  const lastTab = useRef(route.tab);
  useEffect(() => {
    if (lastTab.current === route.tab) return;
    lastTab.current = route.tab;
    list.current?.scrollTo({ top: 0 });
    list.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [route.tab]);
  return (
    <div className={cx('shell', route.personId !== null && route.tab !== 'phone' && 'has-person', !hasPane && 'is-single')}>
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <Navigation route={route} />
      <div className="shell-content">
        {!covered && <ShellBanner />}
        <main id="main" className="shell-columns" tabIndex={-1}>
          <section className="main" ref={list} aria-label={t(titles[route.tab])}>
            {route.tab === 'people' && <PeopleScreen />}
            {route.tab === 'phone' && <PhoneScreen number={route.personId} />}
            {route.tab === 'groups' && <GroupsScreen />}
            {route.tab === 'history' && <HistoryScreen />}
            {route.tab === 'settings' && <SettingsScreen />}
          </section>
          {hasPane && <Pane route={route} />}
        </main>
      </div>
    </div>
  );
}

function Pane({ route }: { route: Route }): JSX.Element {
  const { tab, personId } = route;
  if (tab === 'phone') return <PhonePane number={personId} />;
  if (personId === null) return <NobodyChosen tab={tab} />;
  return tab === 'groups' ? <GroupPane key={personId} id={personId} /> : <PersonPane key={personId} id={personId} />;
}

function Navigation({ route }: { route: Route }): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const missed = useMissedCount();
  return (
    <nav className="nav" aria-label={t('nav.label')}>
      <div className="nav-brand">
        <Logo size={36} />
        <span className="nav-name">{t('app.name')}</span>
      </div>
      <ul className="nav-list">
        {tabs.map(({ tab, icon, text }) => {
          const badge = tab === 'history' && missed > 0 ? missed : null;
          return (
            <li key={tab}>
              <a
                href={pathOf({ tab, personId: null })}
                className="nav-link"
                aria-current={route.tab === tab ? 'page' : undefined}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                  event.preventDefault();
                  navigate({ tab, personId: null });
                }}
                data-testid={`nav-${tab}`}
              >
                <span className="nav-icon">
                  <Icon name={icon} size={22} />
                  {badge !== null && (
                    <span className="nav-badge" aria-hidden="true">
                      {badge > 99 ? '99+' : badge}
                    </span>
                  )}
                </span>
                <span className="nav-text">{t(text)}</span>
                {badge !== null && <span className="visually-hidden">{t('nav.missed', { count: badge })}</span>}
              </a>
            </li>
          );
        })}
      </ul>
      <span className="nav-help">
        <IconButton icon="keyboard" label={t('help.open')} title={`${t('help.open')} (?)`} onClick={openHelp} />
      </span>
      {user && (
        <div className="nav-me">
          <Avatar id={user.id} name={user.name} size="small" />
          <span className="nav-me-words">
            <span className="nav-me-name">{user.name}</span>
            {user.email && <span className="nav-me-email">{user.email}</span>}
          </span>
        </div>
      )}
    </nav>
  );
}

function ShellBanner(): JSX.Element | null {
  const { t } = useI18n();
  const connection = useConnection();
  const elsewhere = useActiveElsewhere();
  const call = useCall();
  const room = useRoom();
  if (room && !room.room.isOver) return <RoomBanner current={room} />;
  if (connection === 'lost') {
    return (
      <div className="banner" role="status" data-testid="banner-reconnecting">
        <span className="spinner" aria-hidden="true" />
        <span>{t('banner.offline')}</span>
      </div>
    );
  }
  if (connection === 'taken') {
    return (
      <div className="banner" role="status" data-testid="banner-replaced">
        <span>{t('banner.replaced')}</span>
        <button type="button" className="link-button" onClick={reconnect}>
          {t('banner.replaced.action')}
        </button>
      </div>
    );
  }
  if (elsewhere && !call) {
    return (
      <div className="banner banner-calm" role="status" data-testid="banner-elsewhere">
        <Icon name="phone" size={16} />
        <span>{t('call.elsewhere.title')}</span>
      </div>
    );
  }
  return null;
}

/** The way back into a room that goes on under the pages. */
function RoomBanner({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  const { address } = current;
  const title = useRoomTitle(address) ?? t(address.kind === 'group' ? 'room.title.group' : 'room.title.chat');
  return (
    <div className="banner banner-calm" role="status" data-testid="banner-room">
      <Icon name="video" size={16} />
      <span>{t('room.banner', { title })}</span>
      <button type="button" className="link-button" onClick={() => navigate(routeToRoom(address))} data-testid="banner-room-return">
        {t('room.banner.return')}
      </button>
      <button type="button" className="link-button" onClick={leaveRoom}>
        {t('room.leave')}
      </button>
    </div>
  );
}
