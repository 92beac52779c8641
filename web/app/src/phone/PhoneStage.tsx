// The phone call itself: the number, how far it is, and keys, hold and mute below.
import { useCallback, useEffect, useRef, useState } from 'react';
import type { PhoneSnapshot } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import { ControlButton, DevicesControl } from '../call/Controls';
import { cx } from '../lib/cx';
import { useFocusTrap } from '../lib/focus';
import { StreamAudio } from '../media/Stream';
import { useI18n } from '../state/app';
import { useLevel } from '../state/devices';
import { hangUpPhone, pressPhoneKey, togglePhoneHold, togglePhoneMuted } from '../state/phone';
import { Button } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Timer } from '../ui/Timer';
import { TelephoneKeys, keyOf } from './TelephoneKeys';
import { PhoneFace } from './PhoneFace';
import type { PhoneViewProps } from './PhoneLayer';

const heardKeysMax = 24;

/** What the line under the number says. */
export function phoneStateText(snapshot: Pick<PhoneSnapshot, 'status' | 'onHold' | 'media' | 'accepted' | 'cause'>): PlainKey {
  switch (snapshot.status) {
    case 'dialing':
      return snapshot.cause === 'caller' ? 'phone.state.ending' : 'phone.state.dialing';
    case 'connecting':
      return 'phone.state.connecting';
    case 'ringing':
      return snapshot.accepted ? 'call.state.connecting' : 'phone.state.ringing';
    case 'in_progress':
      if (snapshot.onHold) return 'phone.state.hold';
      if (snapshot.media === 'lost') return 'call.state.reconnecting';
      if (snapshot.media === 'failed') return 'phone.state.no_sound';
      return 'call.state.active';
    case 'completed':
    case 'busy':
    case 'no_answer':
    case 'failed':
    case 'canceled':
    case 'declined':
      return 'call.state.ended';
  }
}

export function PhoneStage({ current, name }: PhoneViewProps): JSX.Element {
  const { t } = useI18n();
  const stage = useRef<HTMLDivElement>(null);
  const face = useRef<HTMLSpanElement>(null);
  const { call, snapshot } = current;
  const talking = snapshot.status === 'in_progress';
  const [keypad, setKeypad] = useState(false);
  const [pressed, setPressed] = useState('');
  const [unlock, setUnlock] = useState<(() => void) | null>(null);
  const onBlocked = useCallback((start: (() => void) | null) => setUnlock(() => start), []);
  const press = useCallback((key: string) => {
    pressPhoneKey(key);
    setPressed((before) => (before + key).slice(-heardKeysMax));
  }, []);
  useFocusTrap(stage, 'self');
  useLevel(face, call.remoteStream, `${snapshot.status}${snapshot.hearsRemote}`);
  useEffect(() => {
    if (!talking) return;
    // Digits of the keyboard are keys of the telephone, as long as one talks.
    const onKey = (event: KeyboardEvent): void => {
      const key = keyOf(event);
      if (key !== null && !event.repeat) press(key);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [talking, press]);
  const plainlyTalking = talking && !snapshot.onHold && snapshot.media !== 'lost' && snapshot.media !== 'failed';
  return (
    <div
      ref={stage}
      className={cx('stage', 'phone-stage', keypad && talking && 'has-keypad')}
      role="dialog"
      aria-modal="true"
      aria-label={t('call.with', { name })}
      tabIndex={-1}
      data-testid="phone-screen"
      data-status={snapshot.status}
      data-media={snapshot.media}
    >
      <StreamAudio stream={call.remoteStream} onBlocked={onBlocked} />
      <div className="stage-person">
        <span ref={face} className={cx('portrait', !talking && 'ringing-avatar', plainlyTalking && 'speaking-avatar')}>
          <PhoneFace size="huge" />
        </span>
        <h1 className="stage-name numbers">{name}</h1>
        <p className="stage-state" data-testid="phone-state">
          {plainlyTalking ? null : t(phoneStateText(snapshot))}
          {talking && <Timer since={snapshot.answeredAt} label={t('call.timer')} testId="phone-timer" />}
        </p>
        {current.deniedMicrophone && (
          <p className="stage-state phone-note">
            <Icon name="mic-off" size={18} />
            {t('phone.denied')}
          </p>
        )}
        {keypad && talking && (
          <div className="phone-keypad">
            <output className="phone-pressed numbers" aria-label={t('phone.pressed')} data-testid="phone-pressed">
              {pressed}
            </output>
            <TelephoneKeys onKey={press} place="stage" />
          </div>
        )}
      </div>
      {unlock && (
        <div className="stage-unlock">
          <Button look="primary" icon="speaker" onClick={unlock}>
            {t('call.sound.unlock', { name })}
          </Button>
        </div>
      )}
      <div className="controls" role="toolbar" aria-label={t('call.controls')}>
        <ControlButton
          icon={snapshot.muted ? 'mic-off' : 'mic'}
          label={t(snapshot.muted ? 'call.unmute' : 'call.mute')}
          shortcut="M"
          pressed={snapshot.muted}
          marked={snapshot.muted}
          onClick={() => void togglePhoneMuted()}
          testId="phone-mute"
        />
        <ControlButton
          icon="keypad"
          label={t('phone.keypad')}
          pressed={keypad}
          marked={keypad && talking}
          disabled={!talking}
          onClick={() => setKeypad(!keypad)}
          testId="phone-keypad"
        />
        <ControlButton
          icon={snapshot.onHold ? 'play' : 'pause'}
          label={t(snapshot.onHold ? 'phone.unhold' : 'phone.hold')}
          pressed={snapshot.onHold}
          marked={snapshot.onHold}
          disabled={!talking}
          onClick={() => void togglePhoneHold()}
          testId="phone-hold"
        />
        <DevicesControl refreshKey={snapshot.microphone} />
        <button
          type="button"
          className="control control-hangup"
          aria-label={t('call.hangup')}
          aria-keyshortcuts="Shift+H"
          data-tip={t('call.hangup')}
          onClick={hangUpPhone}
          data-testid="phone-hangup"
        >
          <Icon name="hangup" size={28} />
        </button>
      </div>
      <p className="visually-hidden" role="status">
        {t(phoneStateText(snapshot))}
        {snapshot.muted && `. ${t('call.you.muted')}`}
      </p>
    </div>
  );
}
