// The browser's side of MediaGuard: RTCRtpScriptTransform, or createEncodedStreams where that is all there is.
import type { FrameCounts } from '../types.js';
import type { FromWorker, MediaGuard, StreamRole, ToWorker } from './guard-protocol.js';
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

/** null: this browser can't. */
export function createMediaGuard(): MediaGuard | null {
  const globals = globalThis as unknown as Globals;
  const script = globals.RTCRtpScriptTransform;
  const hasStreams = globals.RTCRtpSender !== undefined && 'createEncodedStreams' in globals.RTCRtpSender.prototype;
  if (!globals.Worker || !globalThis.crypto?.subtle || (!script && !hasStreams)) return null;
  return new BrowserGuard(startWorker(), script ?? null, globals);
}

class BrowserGuard implements MediaGuard {
  readonly configuration: RTCConfiguration;
  private readonly protectedOnes = new WeakSet<RTCRtpTransceiver>();
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
    const kind = transceiver.receiver.track.kind === 'audio' ? 'audio' : 'video';
    this.attach(transceiver.sender, { direction: 'send', kind });
    this.attach(transceiver.receiver, { direction: 'receive', kind });
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

  sendWith(key: SframeKey): void {
    this.tell({ type: 'send-key', key });
  }
  receiveWith(sender: string, key: SframeKey): void {
    this.tell({ type: 'receive-key', sender, key });
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
