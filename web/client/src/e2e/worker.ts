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
const videos = new Set<Transformer>();
/** In rooms: whose frames a stream has. */
const owners = new Map<number, string>();
/** Streams of video that lost frames for want of a key. */
const starved = new Set<number>();

/** Codecs other than VP8 are cut by their content when they are packed: sealed they can't be sent. */
function canSeal(kind: MediaKind, frame: EncodedFrame): boolean {
  const mimeType = frame.getMetadata?.().mimeType;
  return kind === 'audio' || mimeType === undefined || mimeType.toLowerCase() === 'video/vp8';
}

async function seal({ kind }: StreamRole, frame: EncodedFrame): Promise<boolean> {
  const sealed = canSeal(kind, frame) ? await sealer.seal(kind, new Uint8Array(frame.data)) : null;
  counts[sealed ? 'sealed' : 'unsealed'] += 1;
  if (sealed) frame.data = sealed.buffer;
  return sealed !== null;
}

async function open({ kind, stream }: StreamRole, frame: EncodedFrame): Promise<boolean> {
  const owner = stream === undefined ? null : owners.get(stream);
  const opened = owner === undefined ? ({ outcome: 'keyless' } as const) : await opener.open(kind, new Uint8Array(frame.data), owner);
  counts[opened.outcome] += 1;
  if (opened.outcome === 'keyless' && stream !== undefined && kind === 'video') starved.add(stream);
  if (opened.outcome === 'opened') frame.data = opened.frame.buffer;
  return opened.outcome === 'opened';
}

function run(role: StreamRole, readable: ReadableStream<EncodedFrame>, writable: WritableStream<EncodedFrame>): Promise<void> {
  const work = role.direction === 'send' ? seal : open;
  const transform = new TransformStream<EncodedFrame, EncodedFrame>({
    async transform(frame, controller) {
      // What can't be sealed or opened is dropped.
      if (await work(role, frame)) controller.enqueue(frame);
    },
  });
  // Fails when the connection is closed.
  const over = readable.pipeThrough(transform).pipeTo(writable).catch(() => undefined);
  scope.postMessage({ type: 'attached' });
  return over;
}

/** A stream of a room has its key now: if frames were dropped before, the decoder waits for a key frame. */
function feed(stream: number): void {
  if (!starved.delete(stream)) return;
  for (const transformer of videos) {
    if (transformer.options.stream === stream) transformer.sendKeyFrameRequest?.().catch(() => undefined); // no longer received
  }
}

/** What was dropped for want of a key has left a decoder without its beginning. */
function refresh(direction: StreamRole['direction']): void {
  for (const transformer of videos) {
    if (transformer.options.direction !== direction || transformer.options.stream !== undefined) continue;
    const asked = direction === 'send' ? transformer.generateKeyFrame?.() : transformer.sendKeyFrameRequest?.();
    asked?.catch(() => undefined); // no longer sent or received
  }
}

scope.onrtctransform = ({ transformer }): void => {
  const { options, readable, writable } = transformer;
  if (options.kind === 'video') videos.add(transformer);
  void run(options, readable, writable).then(() => videos.delete(transformer));
};

scope.onmessage = ({ data }): void => {
  switch (data.type) {
    case 'send-key':
      sealer.install(data.key);
      if (data.refresh) refresh('send');
      return;
    case 'receive-key':
      opener.install(data.sender, data.key);
      refresh('receive');
      return;
    case 'receive-chain':
      opener.installChain(data.sender, data.tag, data.position);
      for (const [stream, owner] of owners) if (owner === data.sender) feed(stream);
      return;
    case 'owner':
      if (data.sender === null) owners.delete(data.stream);
      else owners.set(data.stream, data.sender);
      feed(data.stream);
      return;
    case 'forget':
      opener.forget(data.sender);
      return;
    case 'streams':
      void run(data.role, data.readable as ReadableStream<EncodedFrame>, data.writable as WritableStream<EncodedFrame>);
      return;
    case 'count':
      scope.postMessage({ type: 'counts', id: data.id, counts: { ...counts } });
  }
};
