// One group: the way into its room, its link, and its members.
import { useEffect, useRef, useState } from 'react';
import type { Group, GroupRole, Member } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import { navigate, routeToRoom } from '../lib/route';
import { CopyLink } from '../room/CopyLink';
import { useI18n } from '../state/app';
import { changeRole, deleteGroup, leaveGroup, loadGroups, removeMember, useGroup, useGroups, useMembers } from '../state/groups';
import { useSession } from '../state/session';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Empty, SkeletonRows } from '../ui/bits';
import { AddPeopleDialog } from './GroupDialogs';

export const groupRoleTexts: Readonly<Record<GroupRole, PlainKey>> = {
  owner: 'group.role.owner',
  admin: 'group.role.admin',
  member: 'group.role.member',
};

export function GroupPane({ id }: { id: string }): JSX.Element {
  const { t } = useI18n();
  const group = useGroup(id);
  const { status } = useGroups();
  const pane = useRef<HTMLElement>(null);
  const title = group?.title ?? t('room.title.group');
  useEffect(() => {
    pane.current?.scrollTo({ top: 0 });
    if (window.matchMedia('(max-width: 1099px)').matches) pane.current?.querySelector('button')?.focus();
  }, [id]);
  return (
    <section className="pane" ref={pane} aria-label={title} tabIndex={-1} data-testid="group-pane">
      <div className="pane-back">
        <IconButton icon="back" label={t('people.back')} onClick={() => navigate({ tab: 'groups', personId: null })} />
      </div>
      {group ? (
        <GroupCard group={group} />
      ) : status === 'ready' ? (
        <Empty
          icon="lock"
          title={t('group.gone.title')}
          text={t('group.gone.text')}
          action={<Button onClick={() => void loadGroups()}>{t('error.retry')}</Button>}
        />
      ) : (
        <SkeletonRows count={3} label={t('app.loading')} />
      )}
    </section>
  );
}

function GroupCard({ group }: { group: Group }): JSX.Element {
  const { t } = useI18n();
  const { id, title, role } = group;
  const address = { kind: 'group', id } as const;
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<'leave' | 'delete' | null>(null);
  const goAway = async (how: 'leave' | 'delete'): Promise<void> => {
    setLeaving(null);
    const done = await (how === 'delete' ? deleteGroup(id) : leaveGroup(id));
    if (done) navigate({ tab: 'groups', personId: null });
  };
  return (
    <>
      <div className="pane-card">
        <Avatar id={id} name={title} size="large" />
        <h1 className="pane-name">{title}</h1>
        <p className="pane-presence">{t('group.members', { count: group.memberCount })}</p>
        <div className="pane-actions">
          <Button look="primary" icon="video" onClick={() => navigate(routeToRoom(address))} data-testid="group-join">
            {t('group.join')}
          </Button>
          <CopyLink address={address} />
        </div>
      </div>
      <div className="pane-calls">
        <div className="group-head">
          <h2 className="list-heading">{t('group.people')}</h2>
          {role !== 'member' && (
            <Button look="plain" icon="plus" onClick={() => setAdding(true)} data-testid="group-add">
              {t('group.add')}
            </Button>
          )}
        </div>
        <Members group={group} />
        <div className="group-away">
          <Button look="plain" icon="signout" onClick={() => setLeaving('leave')}>
            {t('group.leave')}
          </Button>
          {role === 'owner' && (
            <Button look="danger" onClick={() => setLeaving('delete')}>
              {t('group.delete')}
            </Button>
          )}
        </div>
      </div>
      {adding && <AddPeopleDialog groupId={id} onClose={() => setAdding(false)} />}
      {leaving && (
        <Dialog
          title={t(leaving === 'delete' ? 'group.delete.title' : 'group.leave.title', { title })}
          onClose={() => setLeaving(null)}
          initialFocus=".dialog-actions button"
          actions={
            <>
              <Button look="plain" onClick={() => setLeaving(null)}>
                {t('dialog.cancel')}
              </Button>
              <Button look="danger" onClick={() => void goAway(leaving)}>
                {t(leaving === 'delete' ? 'group.delete' : 'group.leave')}
              </Button>
            </>
          }
        >
          <p>{t(leaving === 'delete' ? 'group.delete.text' : 'group.leave.text')}</p>
        </Dialog>
      )}
    </>
  );
}

/** Who decides comes first; within a role the server's order. */
function byRole(members: readonly Member[]): readonly Member[] {
  const order: readonly GroupRole[] = ['owner', 'admin', 'member'];
  return [...members].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
}

function Members({ group }: { group: Group }): JSX.Element {
  const { t } = useI18n();
  const members = useMembers(group.id);
  if (members === undefined) return <SkeletonRows count={3} label={t('app.loading')} />;
  return (
    <ul className="card">
      {byRole(members ?? []).map((member) => (
        <MemberLine key={member.userId} member={member} group={group} />
      ))}
    </ul>
  );
}

function MemberLine({ member, group }: { member: Member; group: Group }): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const { userId, displayName: name, role } = member;
  const isSelf = userId === user?.id;
  const mayRemove = !isSelf && (group.role === 'owner' || (group.role === 'admin' && role === 'member'));
  return (
    <li className="pane-call group-member" data-testid="group-member">
      <Avatar id={userId} name={name} size="small" />
      <span className="room-person-words">
        <span className="room-person-name">{isSelf ? t('room.tile.you', { name }) : name}</span>
        {role !== 'member' && <span className="room-person-role">{t(groupRoleTexts[role])}</span>}
      </span>
      {group.role === 'owner' && !isSelf && role !== 'owner' && (
        <IconButton
          icon="star"
          label={t(role === 'admin' ? 'group.admin.take' : 'group.admin.give', { name })}
          aria-pressed={role === 'admin'}
          onClick={() => void changeRole(group.id, userId, role === 'admin' ? 'member' : 'admin')}
        />
      )}
      {mayRemove && <IconButton icon="x" label={t('group.remove', { name })} onClick={() => void removeMember(group.id, userId)} />}
    </li>
  );
}
