// The controls of a call, and who is there.
import { ControlButton, Controls } from '../call/Controls';
import { useStore } from '../lib/store';
import { useI18n } from '../state/app';
import { leaveRoom, panelStore, togglePanel, toggleRoomCamera, toggleRoomShare, type CurrentRoom } from '../state/rooms';

export function RoomControls({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  const panel = useStore(panelStore);
  return (
    <Controls
      local={current.snapshot.local}
      place="room"
      onMute={() => current.room.toggleMuted()}
      onCamera={() => void toggleRoomCamera()}
      onShare={() => void toggleRoomShare()}
      onEnd={leaveRoom}
      endLabel={t('room.leave')}
      endTestId="room-leave"
    >
      <ControlButton
        icon="people"
        label={t(panel ? 'room.people.close' : 'room.people.open')}
        shortcut="P"
        pressed={panel}
        marked={panel}
        onClick={togglePanel}
        testId="room-people"
      />
    </Controls>
  );
}
