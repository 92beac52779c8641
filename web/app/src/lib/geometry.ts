// Where the own picture docks: one of four corners, by drag or by arrow keys. Pure.

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The corner whose quarter of the stage holds the point (in the stage's own pixels). */
export function nearestCorner(point: Point, stage: { readonly width: number; readonly height: number }): Corner {
  const vertical = point.y < stage.height / 2 ? 'top' : 'bottom';
  const horizontal = point.x < stage.width / 2 ? 'left' : 'right';
  return `${vertical}-${horizontal}`;
}

export function moveCorner(corner: Corner, key: string): Corner {
  const [vertical, horizontal] = corner.split('-') as ['top' | 'bottom', 'left' | 'right'];
  switch (key) {
    case 'ArrowUp':
      return `top-${horizontal}`;
    case 'ArrowDown':
      return `bottom-${horizontal}`;
    case 'ArrowLeft':
      return `${vertical}-left`;
    case 'ArrowRight':
      return `${vertical}-right`;
    default:
      return corner;
  }
}
