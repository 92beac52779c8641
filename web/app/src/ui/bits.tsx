// Small shared pieces: empty states, skeleton rows, keys of the keyboard.
import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';

interface EmptyProps {
  icon: IconName;
  title: string;
  text?: ReactNode;
  action?: ReactNode;
  level?: 'h2' | 'h3';
}

export function Empty({ icon, title, text, action, level: Heading = 'h2' }: EmptyProps): JSX.Element {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <Heading className="empty-title">{title}</Heading>
      {text && <div className="empty-text">{text}</div>}
      {action && <div className="empty-action">{action}</div>}
    </div>
  );
}

export function SkeletonRows({ count, label }: { count: number; label: string }): JSX.Element {
  return (
    <div className="skeleton-list" role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <div className="skeleton-row" key={index} aria-hidden="true">
          <span className="skeleton skeleton-avatar" />
          <span className="skeleton-lines">
            <span className="skeleton skeleton-line" />
            <span className="skeleton skeleton-line is-short" />
          </span>
        </div>
      ))}
    </div>
  );
}

export function Keys({ keys }: { keys: readonly string[] }): JSX.Element {
  return (
    <span className="keys">
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}
