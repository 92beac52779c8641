// A person's picture: initials on a colour of their own, with their presence if it is known.
import { hueIndex, initialsOf } from '../lib/format';
import { cx } from '../lib/cx';

const colours = 10;

interface AvatarProps {
  id: string;
  name: string;
  size?: 'small' | 'medium' | 'large' | 'huge';
  /** undefined: say nothing about it. */
  online?: boolean | undefined;
}

export function Avatar({ id, name, size = 'medium', online }: AvatarProps): JSX.Element {
  return (
    <span className={cx('avatar', `avatar-${size}`, `avatar-colour-${hueIndex(id, colours)}`)} aria-hidden="true">
      <span className="avatar-initials">{initialsOf(name)}</span>
      {online !== undefined && <span className={cx('avatar-dot', online && 'is-online')} />}
    </span>
  );
}
