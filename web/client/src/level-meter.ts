// How loud a stream is, for a bar that moves.
import type { Environment } from './environment.js';

export interface LevelMeter {
  /** 0 silence, 1 as loud as can be. */
  readonly level: number;
  stop(): void;
}

const kPeriodMs = 60;
/** -60 dB and quieter is nothing. */
const kFloorDb = -60;

export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  return Math.min(1, Math.max(0, 1 - (20 * Math.log10(rms)) / kFloorDb));
}

/** Measures until stop(). Where there is no WebAudio the level stays 0. */
export function startLevelMeter(env: Environment, stream: MediaStream, onLevel: (level: number) => void): LevelMeter {
  const context = stream.getAudioTracks().length > 0 ? env.createAudioContext() : null;
  let level = 0;
  let timer: unknown = null;
  const source = context?.createMediaStreamSource(stream);
  const analyser = context?.createAnalyser();
  if (source && analyser) {
    analyser.fftSize = 1024;
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const measure = (): void => {
      analyser.getFloatTimeDomainData(samples);
      level = levelOf(samples);
      onLevel(level);
      timer = env.setTimeout(measure, kPeriodMs);
    };
    timer = env.setTimeout(measure, kPeriodMs);
  }
  return {
    get level() {
      return level;
    },
    stop: () => {
      env.clearTimeout(timer);
      source?.disconnect();
      void context?.close().catch(() => undefined);
      level = 0;
    },
  };
}
