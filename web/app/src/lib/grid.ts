// How tiles of pictures fill an area: as large as they can be, all of one size. Pure.

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Grid extends Size {
  readonly columns: number;
  readonly rows: number;
}

/** Width to height of a tile. Pictures are cut to their tile: a wide area has no need to cut much, a phone held upright has. */
const kWidest = 16 / 9;
const kNarrowest = { wide: 4 / 3, tall: 0.75 };

/** The largest tiles of `count` that fit; `gap` is between them. Sizes in whole pixels. */
export function fitGrid(count: number, area: Size, gap: number): Grid {
  const narrowest = area.width > area.height ? kNarrowest.wide : kNarrowest.tall;
  let best: Grid = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = {
      width: (area.width - gap * (columns - 1)) / columns,
      height: (area.height - gap * (rows - 1)) / rows,
    };
    const width = Math.floor(Math.min(cell.width, cell.height * kWidest));
    const height = Math.floor(Math.min(cell.height, cell.width / narrowest));
    if (width > 0 && height > 0 && width * height > best.width * best.height) best = { columns, rows, width, height };
  }
  return best;
}

/** How many tiles an area takes before they get too small to know a face. */
export function tilesThatFit(area: Size, smallest: Size, most: number): number {
  const columns = Math.max(1, Math.floor(area.width / smallest.width));
  const rows = Math.max(1, Math.floor(area.height / smallest.height));
  return Math.min(most, columns * rows);
}
