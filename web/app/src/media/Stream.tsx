// A <video> or <audio> that shows a MediaStream: React has no attribute for srcObject.
import { useEffect, useRef, useState } from 'react';
import { cx } from '../lib/cx';
import { zvonok } from '../state/client';

interface StreamVideoProps {
  stream: MediaStream | null;
  className?: string;
  mirrored?: boolean;
  label: string;
  testId?: string;
}

/** Picture only: the sound of a call has an element of its own, so that it goes on when the picture is hidden. */
export function StreamVideo({ stream, className, mirrored = false, label, testId }: StreamVideoProps): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = stream;
    if (stream) void video.play().catch(() => undefined);
  }, [stream]);
  // A phone turned upright sends a tall picture: a wide window must not cut it to a stripe.
  const [tall, setTall] = useState(false);
  const measure = (): void => {
    const video = ref.current;
    if (video) setTall(video.videoHeight > video.videoWidth);
  };
  return (
    <video
      ref={ref}
      className={cx(className, mirrored && 'is-mirrored', tall && 'is-tall')}
      onLoadedMetadata={measure}
      onResize={measure}
      autoPlay
      playsInline
      muted
      disablePictureInPicture={mirrored}
      aria-label={label}
      data-testid={testId}
    />
  );
}

interface StreamAudioProps {
  stream: MediaStream;
  /** The browser wants a touch before it plays; call the given function from one. */
  onBlocked: (unlock: (() => void) | null) => void;
}

export function StreamAudio({ stream, onBlocked }: StreamAudioProps): JSX.Element {
  const ref = useRef<HTMLAudioElement>(null);
  const [report] = useState(() => ({ onBlocked }));
  report.onBlocked = onBlocked;
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = stream;
    const detachSpeaker = zvonok.devices.attachSpeaker(audio);
    const start = (): void => {
      audio.play().then(
        () => report.onBlocked(null),
        (error: unknown) => {
          if (error instanceof DOMException && error.name === 'NotAllowedError') report.onBlocked(start);
        },
      );
    };
    start();
    return () => {
      detachSpeaker();
      audio.srcObject = null;
    };
  }, [stream, report]);
  return <audio ref={ref} autoPlay data-testid="remote-audio" />;
}
