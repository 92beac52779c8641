// A telephone has no face: its sign, where people have their pictures.
import { cx } from '../lib/cx';
import { Icon } from '../ui/Icon';

const iconSizes = { row: 20, large: 32, huge: 32 } as const;

export function PhoneFace({ size = 'row' }: { size?: 'row' | 'large' | 'huge' }): JSX.Element {
  return (
    <span className={cx('avatar', 'phone-face', size !== 'row' && `avatar-${size}`)} aria-hidden="true">
      <Icon name="phone" size={iconSizes[size]} />
    </span>
  );
}
