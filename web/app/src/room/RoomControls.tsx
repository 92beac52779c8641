// Mute, camera, screen, devices, people, leave: in the order of a call's controls.
import { ControlButton, DevicesControl } from '../call/Controls';
import { canShareScreen } from '../state/calls';
import { useStore } from '../lib/store';
import { useI18n } from '../state/app';
import { leaveRoom, panelStore, togglePanel, toggleRoomCamera, toggleRoomShare, type CurrentRoom } from '../state/rooms';
import { Icon } from '../ui/Icon';

export function RoomControls({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  const panel = useStore(panelStore);
  const { local } = current.snapshot;
  const silent = local.muted || !local.audio;
  return (
    <div className="controls" role="toolbar" aria-label={t('call.controls')}>
      <ControlButton
        icon={silent ? 'mic-off' : 'mic'}
        label={t(local.muted ? 'call.unmute' : 'call.mute')}
        shortcut="M"
        pressed={local.muted}
        marked={silent}
        onClick={() => current.room.toggleMuted()}
        testId="room-mute"
      />
      <ControlButton
        icon={local.video ? 'video' : 'video-off'}
        label={t(local.video ? 'call.camera.off' : 'call.camera.on')}
        shortcut="V"
        pressed={local.video}
        marked={!local.video}
        onClick={() => void toggleRoomCamera()}
        testId="room-camera"
      />
      {canShareScreen && (
        <ControlButton
          icon={local.screen ? 'share-off' : 'share'}
          label={t(local.screen ? 'call.share.stop' : 'call.share')}
          shortcut="S"
          pressed={local.screen}
          marked={local.screen}
          onClick={() => void toggleRoomShare()}
          testId="room-share"
        />
      )}
      <DevicesControl refreshKey={local.audio} />
      <ControlButton
        icon="people"
        label={t(panel ? 'room.people.close' : 'room.people.open')}
        shortcut="P"
        pressed={panel}
        marked={panel}
        onClick={togglePanel}
        testId="room-people"
      />
      <button
        type="button"
        className="control control-hangup"
        aria-label={t('room.leave')}
        aria-keyshortcuts="Shift+H"
        data-tip={t('room.leave')}
        onClick={leaveRoom}
        data-testid="room-leave"
      >
        <Icon name="hangup" size={28} />
      </button>
    </div>
  );
}
