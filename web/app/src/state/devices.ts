// Devices and levels, from the SDK into React.
import { useEffect, useState, type RefObject } from 'react';
import type { DeviceChoices, DeviceList } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import { createStore, useStore } from '../lib/store';
import { warningTexts } from './calls';
import { zvonok } from './client';

const { devices } = zvonok;
const listStore = createStore<DeviceList>(devices.devices);
const choicesStore = createStore<DeviceChoices>(devices.choices);
devices.on('devices', (list) => listStore.set(list));
devices.on('choices', (choices) => choicesStore.set(choices));

export const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;

/** `refreshKey`: look again when it changes, since labels appear once a device was allowed. */
export function useDeviceList(refreshKey: unknown): DeviceList {
  useEffect(() => {
    void devices.refresh().catch(() => undefined);
  }, [refreshKey]);
  return useStore(listStore);
}

export const useDeviceChoices = (): DeviceChoices => useStore(choicesStore);

/** Remembers the choice, and uses it at once in a call and in rooms that are going on. */
export function chooseDevice(choice: Partial<DeviceChoices>): void {
  devices.choose(choice);
  for (const call of [zvonok.calls.current, ...zvonok.rooms.rooms]) {
    if (!call || call.isOver) continue;
    if (choice.microphone) void call.setMicrophoneDevice(choice.microphone).catch(() => false);
    if (choice.camera) void call.setCameraDevice(choice.camera).catch(() => false);
  }
}

/** The browser's name of a failure (DOMException.name) as a text with a remedy. */
export function mediaFailureText(name: string, secure: boolean): PlainKey {
  if (!secure) return 'media.insecure';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'media.denied';
    case 'NotFoundError':
      return 'media.not_found';
    case 'NotReadableError':
    case 'AbortError':
      return 'media.in_use';
    case 'OverconstrainedError':
      return 'media.overconstrained';
    default:
      return 'media.unknown';
  }
}

export interface PreviewState {
  readonly stream: MediaStream | null;
  readonly failure: PlainKey | null;
}

const noPreview: PreviewState = { stream: null, failure: null };

/** Camera and microphone for as long as `wanted`; without a camera, the microphone alone. */
export function usePreview(wanted: boolean, choices: DeviceChoices): PreviewState {
  const [state, setState] = useState(noPreview);
  const { camera, microphone } = choices;
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    let opened: MediaStream | null = null;
    const stop = (stream: MediaStream | null): void => stream?.getTracks().forEach((track) => track.stop());
    devices
      .preview({ audio: true, video: true })
      .catch(() => devices.preview({ audio: true }))
      .then(
        (stream) => {
          opened = stream;
          if (current) setState({ stream, failure: null });
          else stop(stream);
        },
        (error: unknown) => {
          const name = error instanceof Error ? error.name : '';
          if (current) setState({ stream: null, failure: mediaFailureText(name, window.isSecureContext) });
        },
      );
    return () => {
      current = false;
      stop(opened);
      setState(noPreview);
    };
  }, [wanted, camera, microphone]);
  return state;
}

export interface JoinPreview extends PreviewState {
  /** Hands the open tracks over to a room, which then stops them. */
  take(): MediaStream | null;
}

/** What is going to be seen and heard in a room: microphone, and the camera while `video`. */
export function useJoinPreview(video: boolean, choices: DeviceChoices): JoinPreview {
  const [state, setState] = useState(noPreview);
  const [held] = useState<{ stream: MediaStream | null }>({ stream: null });
  const { camera, microphone } = choices;
  useEffect(() => {
    let current = true;
    const stop = (stream: MediaStream | null): void => stream?.getTracks().forEach((track) => track.stop());
    let failure: PlainKey | null = null;
    const unhear = devices.on('warning', ({ code }) => {
      failure ??= warningTexts[code] ?? null;
    });
    void devices.preview({ audio: true, video }).then((stream) => {
      unhear();
      if (!current) return stop(stream);
      held.stream = stream;
      setState({ stream, failure });
    });
    return () => {
      current = false;
      unhear();
      stop(held.stream);
      held.stream = null;
      setState(noPreview);
    };
  }, [video, camera, microphone, held]);
  return {
    ...state,
    take: () => {
      const { stream } = held;
      held.stream = null;
      return stream;
    },
  };
}

/**
 * Writes the loudness of a stream into the custom property --level of an element, and marks it while it is loud:
 * no render per sample. `key` changes when the stream's tracks do.
 */
export function useLevel(ref: RefObject<HTMLElement | null>, stream: MediaStream | null, key: unknown = null): void {
  useEffect(() => {
    const element = ref.current;
    if (!element || !stream || stream.getAudioTracks().length === 0) return;
    let last = -1;
    const meter = devices.meter(stream, (level) => {
      const rounded = Math.round(level * 50) / 50;
      if (rounded === last) return;
      last = rounded;
      element.style.setProperty('--level', String(rounded));
      element.classList.toggle('is-speaking', rounded > 0.12);
    });
    return () => {
      meter.stop();
      element.style.setProperty('--level', '0');
      element.classList.remove('is-speaking');
    };
  }, [ref, stream, key]);
}

/** A short sound on the chosen speaker. */
export async function playTestSound(): Promise<void> {
  const audio = new AudioContext();
  const outlet = audio.createMediaStreamDestination();
  const notes = [659.3, 830.6, 987.8];
  notes.forEach((hertz, index) => {
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    const begin = audio.currentTime + 0.05 + index * 0.18;
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(0.25, begin + 0.02);
    gain.gain.setTargetAtTime(0, begin + 0.12, 0.15);
    oscillator.connect(gain).connect(outlet);
    oscillator.start(begin);
    oscillator.stop(begin + 1);
  });
  const element = new Audio();
  element.srcObject = outlet.stream;
  const detach = devices.attachSpeaker(element);
  await element.play().catch(() => undefined);
  window.setTimeout(() => {
    detach();
    element.srcObject = null;
    void audio.close();
  }, 2000);
}
