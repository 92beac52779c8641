// How long something lasts by now.
import { useEffect, useState } from 'react';
import { cx } from '../lib/cx';
import { formatTimer, isoDuration } from '../lib/format';

interface TimerProps {
  /** Unix time in ms; null: it has not begun. */
  since: number | null;
  label: string;
  className?: string;
  testId?: string;
}

const stepMs = 500; // so that no second is left out

export function Timer({ since, label, className, testId }: TimerProps): JSX.Element | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (since === null) return;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), stepMs);
    return () => window.clearInterval(timer);
  }, [since]);
  if (since === null) return null;
  const seconds = Math.max(0, now - since) / 1000;
  return (
    <time className={cx('numbers', className)} role="timer" aria-label={label} dateTime={isoDuration(seconds)} data-testid={testId}>
      {formatTimer(seconds)}
    </time>
  );
}
