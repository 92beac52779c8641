// The groups of the user: make one, or go to one's room.
import { useState } from 'react';
import type { Group } from '@zvonok/client';
import { navigate, routeToRoom, useRoute } from '../lib/route';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { loadGroups, useFreshGroups } from '../state/groups';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Empty, SkeletonRows } from '../ui/bits';
import { CreateGroupDialog } from './GroupDialogs';

export function GroupsScreen(): JSX.Element {
  const { t } = useI18n();
  const [making, setMaking] = useState(false);
  const state = useFreshGroups();
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{t('groups.title')}</h1>
        </div>
        {state.groups.length > 0 && (
          <Button look="primary" icon="plus" onClick={() => setMaking(true)} data-testid="group-new">
            {t('groups.new')}
          </Button>
        )}
      </header>
      {state.status === 'loading' && <SkeletonRows count={5} label={t('app.loading')} />}
      {state.status === 'failed' && (
        <Empty
          icon="wifi"
          title={t('groups.error')}
          text={t('error.network')}
          action={<Button onClick={() => void loadGroups()}>{t('error.retry')}</Button>}
        />
      )}
      {state.status === 'ready' && state.groups.length === 0 && (
        <Empty
          icon="group"
          title={t('groups.empty.title')}
          text={t('groups.empty.text')}
          action={
            <Button look="primary" icon="plus" onClick={() => setMaking(true)} data-testid="group-new">
              {t('groups.new')}
            </Button>
          }
        />
      )}
      {state.groups.length > 0 && (
        <div className="list">
          <ul>
            {state.groups.map((group) => (
              <GroupRow key={group.id} group={group} />
            ))}
          </ul>
          {state.next !== null && (
            <div className="list-more">
              <Button look="plain" onClick={() => void loadGroups(state.next)}>
                {t('people.more')}
              </Button>
            </div>
          )}
        </div>
      )}
      {making && <CreateGroupDialog onClose={() => setMaking(false)} />}
    </>
  );
}

function GroupRow({ group }: { group: Group }): JSX.Element {
  const { t } = useI18n();
  const chosen = useRoute().personId === group.id;
  return (
    <li className={cx('row', chosen && 'is-chosen')} data-testid="group-row" data-group={group.id}>
      <button
        type="button"
        className="row-main"
        aria-current={chosen || undefined}
        onClick={() => navigate({ tab: 'groups', personId: group.id })}
      >
        <Avatar id={group.id} name={group.title} />
        <span className="row-words">
          <span className="row-name">{group.title}</span>
          <span className="row-note">{t('group.members', { count: group.memberCount })}</span>
        </span>
      </button>
      <span className="row-actions">
        <IconButton
          icon="video"
          look="call"
          label={t('groups.join', { title: group.title })}
          onClick={() => navigate(routeToRoom({ kind: 'group', id: group.id }))}
        />
      </span>
    </li>
  );
}
