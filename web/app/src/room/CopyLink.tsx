// The address of a room, for those who are to come.
import { pathOf, routeToRoom, type RoomAddress } from '../lib/route';
import { useI18n } from '../state/app';
import { showToast } from '../state/toasts';
import { Button } from '../ui/Button';

export function linkTo(address: RoomAddress): string {
  return window.location.origin + pathOf(routeToRoom(address));
}

export function CopyLink({ address, look = 'quiet' }: { address: RoomAddress; look?: 'quiet' | 'plain' | 'primary' }): JSX.Element {
  const { t } = useI18n();
  const link = linkTo(address);
  const copy = (): void => {
    const copied = navigator.clipboard?.writeText(link) ?? Promise.reject(new Error('no clipboard'));
    // Where pages may not write to the clipboard, the link can at least be read.
    copied.then(
      () => showToast(t('room.link.copied'), 'good'),
      () => showToast(link),
    );
  };
  return (
    <Button look={look} icon="link" onClick={copy} data-testid="room-copy-link">
      {t('room.link.copy')}
    </Button>
  );
}
