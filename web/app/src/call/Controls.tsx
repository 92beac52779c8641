// Mute, camera, screen, devices, hang up: always in the same place and order, in calls and in rooms.
import type { ReactNode } from 'react';
import type { LocalMedia } from '@zvonok/client';
import { canShareScreen, hangUp, toggleCamera, toggleMuted, toggleShare } from '../state/calls';
import { useI18n } from '../state/app';
import { DevicePickers } from '../screens/DevicePickers';
import { cx } from '../lib/cx';
import { Icon, type IconName } from '../ui/Icon';
import { Popover } from '../ui/Popover';

interface ControlsProps {
  local: LocalMedia;
  /** What the test ids begin with. */
  place: 'call' | 'room';
  onMute: () => void;
  onCamera: () => void;
  onShare: () => void;
  onEnd: () => void;
  endLabel: string;
  endTestId: string;
  /** More, before the last one. */
  children?: ReactNode;
}

export function Controls({ local, place, onMute, onCamera, onShare, onEnd, endLabel, endTestId, children }: ControlsProps): JSX.Element {
  const { t } = useI18n();
  const silent = local.muted || !local.audio;
  return (
    <div className="controls" role="toolbar" aria-label={t('call.controls')}>
      <ControlButton
        icon={silent ? 'mic-off' : 'mic'}
        label={t(silent ? 'call.unmute' : 'call.mute')}
        shortcut="M"
        pressed={silent}
        marked={silent}
        onClick={onMute}
        testId={`${place}-mute`}
      />
      <ControlButton
        icon={local.video ? 'video' : 'video-off'}
        label={t(local.video ? 'call.camera.off' : 'call.camera.on')}
        shortcut="V"
        pressed={local.video}
        marked={!local.video}
        onClick={onCamera}
        testId={`${place}-camera`}
      />
      {canShareScreen && (
        <ControlButton
          icon={local.screen ? 'share-off' : 'share'}
          label={t(local.screen ? 'call.share.stop' : 'call.share')}
          shortcut="S"
          pressed={local.screen}
          marked={local.screen}
          onClick={onShare}
          testId={`${place}-screen-share`}
        />
      )}
      <DevicesControl refreshKey={local.audio} />
      {children}
      <button
        type="button"
        className="control control-hangup"
        aria-label={endLabel}
        aria-keyshortcuts="Shift+H"
        data-tip={endLabel}
        onClick={onEnd}
        data-testid={endTestId}
      >
        <Icon name="hangup" size={28} />
      </button>
    </div>
  );
}

export function CallControls({ local }: { local: LocalMedia }): JSX.Element {
  const { t } = useI18n();
  return (
    <Controls
      local={local}
      place="call"
      onMute={toggleMuted}
      onCamera={() => void toggleCamera()}
      onShare={() => void toggleShare()}
      onEnd={hangUp}
      endLabel={t('call.hangup')}
      endTestId="call-hangup"
    />
  );
}

/** `refreshKey`: labels appear once a device was allowed. */
export function DevicesControl({ refreshKey }: { refreshKey: unknown }): JSX.Element {
  const { t } = useI18n();
  return (
    <Popover
      title={t('call.devices')}
      side="above"
      trigger={(props) => (
        <button type="button" className="control" aria-label={t('call.devices')} data-tip={t('call.devices')} data-testid="call-devices" {...props}>
          <Icon name="sliders" size={24} />
        </button>
      )}
    >
      <div className="popover-fields">
        <DevicePickers refreshKey={refreshKey} />
      </div>
    </Popover>
  );
}

interface ControlButtonProps {
  icon: IconName;
  label: string;
  shortcut?: string;
  pressed: boolean;
  /** Drawn inverted: something is off that is usually on, or on that is usually off. */
  marked: boolean;
  disabled?: boolean;
  onClick: () => void;
  testId: string;
}

export function ControlButton({ icon, label, shortcut, pressed, marked, disabled = false, onClick, testId }: ControlButtonProps): JSX.Element {
  return (
    <button
      type="button"
      className={cx('control', marked && 'is-marked')}
      aria-label={label}
      data-active={pressed}
      aria-keyshortcuts={shortcut}
      data-tip={shortcut === undefined ? label : `${label} (${shortcut})`}
      disabled={disabled}
      onClick={onClick}
      data-testid={testId}
    >
      <Icon name={icon} size={24} />
    </button>
  );
}
