// The worker that seals and opens: frames never pass the page's own thread. Its script stands alone, see guard.ts.
import { FrameOpener, FrameSealer, type MediaKind } from './frames.js';
import type { FromWorker, StreamRole, ToWorker } from './guard-protocol.js';

interface EncodedFrame {
  data: ArrayBuffer;
  getMetadata?(): { readonly mimeType?: string };
}

interface Transformer {
  readonly options: StreamRole;
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  generateKeyFrame?(): Promise<unknown>;
  sendKeyFrameRequest?(): Promise<unknown>;
}

const scope = globalThis as unknown as {
  onrtctransform: ((event: { readonly transformer: Transformer }) => void) | null;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
};

const sealer = new FrameSealer();
const opener = new FrameOpener();
const counts = { sealed: 0, unsealed: 0, opened: 0, keyless: 0, refused: 0, repeated: 0 };
const videos: Transformer[] = [];

/** Codecs other than VP8 are cut by their content when they are packed: sealed they can't be sent. */
function canSeal(kind: MediaKind, frame: EncodedFrame): boolean {
  const mimeType = frame.getMetadata?.().mimeType;
  return kind === 'audio' || mimeType === undefined || mimeType.toLowerCase() === 'video/vp8';
}

async function seal(kind: MediaKind, frame: EncodedFrame): Promise<boolean> {
  const sealed = canSeal(kind, frame) ? await sealer.seal(kind, new Uint8Array(frame.data)) : null;
  counts[sealed ? 'sealed' : 'unsealed'] += 1;
  if (sealed) frame.data = sealed.buffer;
  return sealed !== null;
}

async function open(kind: MediaKind, frame: EncodedFrame): Promise<boolean> {
  const opened = await opener.open(kind, new Uint8Array(frame.data));
  counts[opened.outcome] += 1;
  if (opened.outcome === 'opened') frame.data = opened.frame.buffer;
  return opened.outcome === 'opened';
}

function run(role: StreamRole, readable: ReadableStream<EncodedFrame>, writable: WritableStream<EncodedFrame>): void {
  const work = role.direction === 'send' ? seal : open;
  const transform = new TransformStream<EncodedFrame, EncodedFrame>({
    async transform(frame, controller) {
      // What can't be sealed or opened is dropped.
      if (await work(role.kind, frame)) controller.enqueue(frame);
    },
  });
  // Fails when the connection is closed.
  readable.pipeThrough(transform).pipeTo(writable).catch(() => undefined);
  scope.postMessage({ type: 'attached' });
}

/** What was dropped for want of a key has left a decoder without its beginning. */
function refresh(direction: StreamRole['direction']): void {
  for (const transformer of videos) {
    if (transformer.options.direction !== direction) continue;
    const asked = direction === 'send' ? transformer.generateKeyFrame?.() : transformer.sendKeyFrameRequest?.();
    asked?.catch(() => undefined); // no longer sent or received
  }
}

scope.onrtctransform = ({ transformer }): void => {
  if (transformer.options.kind === 'video') videos.push(transformer);
  run(transformer.options, transformer.readable, transformer.writable);
};

scope.onmessage = ({ data }): void => {
  switch (data.type) {
    case 'send-key':
      sealer.install(data.key);
      refresh('send');
      return;
    case 'receive-key':
      opener.install(data.sender, data.key);
      refresh('receive');
      return;
    case 'forget':
      opener.forget(data.sender);
      return;
    case 'streams':
      run(data.role, data.readable as ReadableStream<EncodedFrame>, data.writable as WritableStream<EncodedFrame>);
      return;
    case 'count':
      scope.postMessage({ type: 'counts', id: data.id, counts: { ...counts } });
  }
};
