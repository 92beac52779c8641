// The browser's side of MediaGuard: RTCRtpScriptTransform, or createEncodedStreams where that is all there is.
import type { FrameCounts } from '../types.js';
import type { FromWorker, MediaGuard, StreamRole, ToWorker } from './guard-protocol.js';
import type { ChainPosition } from './room-keys.js';
import type { SframeKey } from './sframe.js';

type Transformable = (RTCRtpSender | RTCRtpReceiver) & {
  transform?: unknown;
  createEncodedStreams?(): { readonly readable: Transferable; readonly writable: Transferable };
};

type ScriptTransform = new (worker: Worker, options: StreamRole) => object;

interface Globals {
  readonly RTCRtpScriptTransform?: ScriptTransform;
  readonly RTCRtpSender?: { readonly prototype: object };
  readonly RTCRtpReceiver?: { getCapabilities?(kind: string): RTCRtpCapabilities | null };
  readonly Worker?: typeof Worker;
}

/** Bundlers know this form, and put the worker's script where it is found. */
function startWorker(): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

/** Only what can be sealed: of video VP8, of audio nothing that the server takes apart (RED). */
function isSealable({ mimeType }: { readonly mimeType: string }): boolean {
  const [kind, name] = mimeType.toLowerCase().split('/');
  return kind === 'audio' ? name !== 'red' : ['vp8', 'rtx', 'red', 'ulpfec', 'flexfec-03'].includes(name ?? '');
}

function kindOf(transceiver: RTCRtpTransceiver): 'audio' | 'video' {
  return transceiver.receiver.track.kind === 'audio' ? 'audio' : 'video';
}

/** Whether createMediaGuard() gives one. */
export function canGuardMedia(): boolean {
  const globals = globalThis as unknown as Globals;
  const hasStreams = globals.RTCRtpSender !== undefined && 'createEncodedStreams' in globals.RTCRtpSender.prototype;
  const hasTransform = globals.RTCRtpScriptTransform !== undefined || hasStreams;
  return hasTransform && globals.Worker !== undefined && globalThis.crypto?.subtle !== undefined;
}

/** null: this browser can't. */
export function createMediaGuard(): MediaGuard | null {
  const globals = globalThis as unknown as Globals;
  return canGuardMedia() ? new BrowserGuard(startWorker(), globals.RTCRtpScriptTransform ?? null, globals) : null;
}

class BrowserGuard implements MediaGuard {
  readonly configuration: RTCConfiguration;
  private readonly protectedOnes = new WeakSet<object>();
  private readonly streams = new WeakMap<RTCRtpTransceiver, { readonly stream: number; owner: string | null }>();
  private streamCount = 0;
  private readonly asked = new Map<number, (counts: FrameCounts | null) => void>();
  private questions = 0;
  /** Transforms that the worker has not taken over yet. */
  private pending = 0;
  onReady: () => void = () => undefined;

  constructor(
    private readonly worker: Worker,
    private readonly script: ScriptTransform | null,
    private readonly globals: Globals,
  ) {
    // Not in the standard; Chromium before it had RTCRtpScriptTransform.
    this.configuration = script ? {} : ({ encodedInsertableStreams: true } as RTCConfiguration);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>): void => {
      if (data.type === 'attached') {
        this.pending -= 1;
        if (this.pending === 0) this.onReady();
        return;
      }
      this.asked.get(data.id)?.(data.counts);
      this.asked.delete(data.id);
    };
  }

  get isReady(): boolean {
    return this.pending === 0;
  }

  protect(transceiver: RTCRtpTransceiver): void {
    if (this.protectedOnes.has(transceiver)) return;
    this.protectedOnes.add(transceiver);
    const kind = kindOf(transceiver);
    this.attach(transceiver.sender, { direction: 'send', kind });
    this.attach(transceiver.receiver, { direction: 'receive', kind });
    this.limitCodecs(transceiver, kind);
  }

  protectSender(transceiver: RTCRtpTransceiver): void {
    if (this.protectedOnes.has(transceiver.sender)) return;
    this.protectedOnes.add(transceiver.sender);
    const kind = kindOf(transceiver);
    this.attach(transceiver.sender, { direction: 'send', kind });
    this.limitCodecs(transceiver, kind);
  }

  protectReceiver(transceiver: RTCRtpTransceiver): void {
    if (this.protectedOnes.has(transceiver.receiver)) return;
    this.protectedOnes.add(transceiver.receiver);
    this.streamCount += 1;
    const kind = kindOf(transceiver);
    this.streams.set(transceiver, { stream: this.streamCount, owner: null });
    this.attach(transceiver.receiver, { direction: 'receive', kind, stream: this.streamCount });
    this.limitCodecs(transceiver, kind);
  }

  setOwner(transceiver: RTCRtpTransceiver, sender: string | null): void {
    const known = this.streams.get(transceiver);
    if (!known || known.owner === sender) return;
    known.owner = sender;
    this.tell({ type: 'owner', stream: known.stream, sender });
  }

  private limitCodecs(transceiver: RTCRtpTransceiver, kind: 'audio' | 'video'): void {
    const codecs = this.globals.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs.filter(isSealable) ?? [];
    if (codecs.length > 0) transceiver.setCodecPreferences?.(codecs);
  }

  private attach(end: Transformable, role: StreamRole): void {
    this.pending += 1;
    if (this.script) {
      end.transform = new this.script(this.worker, role);
      return;
    }
    const streams = end.createEncodedStreams?.();
    if (!streams) throw new Error('The browser has no way to seal media');
    const { readable, writable } = streams;
    this.worker.postMessage({ type: 'streams', role, readable, writable } satisfies ToWorker, [readable, writable]);
  }

  sendWith(key: SframeKey, refresh = true): void {
    this.tell({ type: 'send-key', key, refresh });
  }
  receiveWith(sender: string, key: SframeKey): void {
    this.tell({ type: 'receive-key', sender, key });
  }
  receiveChain(sender: string, tag: number, position: ChainPosition): void {
    this.tell({ type: 'receive-chain', sender, tag, position });
  }
  forget(sender: string): void {
    this.tell({ type: 'forget', sender });
  }
  counts(): Promise<FrameCounts | null> {
    this.questions += 1;
    const id = this.questions;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.tell({ type: 'count', id });
    });
  }
  close(): void {
    this.worker.terminate();
    for (const answer of this.asked.values()) answer(null);
    this.asked.clear();
  }

  private tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }
}
