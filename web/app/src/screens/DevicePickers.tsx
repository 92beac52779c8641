// Camera, microphone and speaker: in the settings, and in the menu of a call.
import type { MediaDevice } from '@zvonok/client';
import type { MessageKey, Translator } from '../i18n';
import { canChooseSpeaker, chooseDevice, useDeviceChoices, useDeviceList } from '../state/devices';
import { useI18n } from '../state/app';
import { Select } from '../ui/fields';

function optionsOf(
  devices: readonly MediaDevice[],
  chosen: string | null,
  kind: MessageKey & ('settings.camera' | 'settings.microphone' | 'settings.speaker'),
  { t }: Translator,
): { value: string; label: string }[] {
  const options = devices
    // "default" and "communications" are Chromium's second names of devices that are in the list anyway.
    .filter((device) => !['', 'default', 'communications'].includes(device.deviceId))
    .map((device, index) => ({
      value: device.deviceId,
      label: device.label || t('settings.device.number', { kind: t(kind), number: index + 1 }),
    }));
  const known = chosen === null || options.some((option) => option.value === chosen);
  return [
    { value: '', label: t('settings.device.default') },
    ...options,
    // A chosen device that is unplugged stays chosen: it may come back.
    ...(known ? [] : [{ value: chosen, label: '…' }]),
  ];
}

/** `refreshKey`: labels appear once a device was allowed. */
export function DevicePickers({ refreshKey }: { refreshKey: unknown }): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const chosen = useDeviceChoices();
  const lists = useDeviceList(refreshKey);
  return (
    <>
      <Select
        label={t('settings.camera')}
        icon="video"
        value={chosen.camera ?? ''}
        options={optionsOf(lists.cameras, chosen.camera, 'settings.camera', translator)}
        onChange={(id) => chooseDevice({ camera: id || null })}
      />
      <Select
        label={t('settings.microphone')}
        icon="mic"
        value={chosen.microphone ?? ''}
        options={optionsOf(lists.microphones, chosen.microphone, 'settings.microphone', translator)}
        onChange={(id) => chooseDevice({ microphone: id || null })}
      />
      {canChooseSpeaker ? (
        <Select
          label={t('settings.speaker')}
          icon="speaker"
          value={chosen.speaker ?? ''}
          options={optionsOf(lists.speakers, chosen.speaker, 'settings.speaker', translator)}
          onChange={(id) => chooseDevice({ speaker: id || null })}
        />
      ) : (
        <p className="field-note">{t('settings.speaker.default')}</p>
      )}
    </>
  );
}
