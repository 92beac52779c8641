// The tiles of a room on the stage: all of one size, or one large and the others in a strip beside it.
import { useRef, type CSSProperties } from 'react';
import { useStore } from '../lib/store';
import { fitGrid, tilesThatFit, type Size } from '../lib/grid';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { layoutStore, panelStore, pinnedStore, type CurrentRoom } from '../state/rooms';
import { useSession } from '../state/session';
import { TileView } from './TileView';
import { sceneOf, tilesOf } from './tiles';
import { useSize } from './useSize';

const gap = 8;
const smallestTile: Size = { width: 150, height: 100 };
const tilesMax = 25;
/** A tile of the strip: beside what is large, smaller in a low window, and below it in a window that is tall. */
const stripTiles = { usual: { width: 176, height: 99 }, low: { width: 124, height: 70 }, tall: { width: 109, height: 83 } };
const lowHeight = 380;

export function Scene({ current }: { current: CurrentRoom }): JSX.Element {
  const area = useRef<HTMLDivElement>(null);
  const size = useSize(area);
  const { user } = useSession();
  const layout = useStore(layoutStore);
  const pinned = useStore(pinnedStore);
  const { room, snapshot, lastSpeaker, entry } = current;
  const { localStream, screenStream } = room;
  const tiles = tilesOf(snapshot, { name: entry.name ?? user?.name ?? '', localStream, screenStream });
  const wide = size.width > size.height;
  const strip = !wide ? stripTiles.tall : size.height < lowHeight ? stripTiles.low : stripTiles.usual;
  const inStrip = wide ? tilesAlong(size.height, strip.height) : tilesAlong(size.width, strip.width);
  const { large, small, hidden } = sceneOf(
    tiles,
    { pinned, layout, lastSpeaker },
    { grid: tilesThatFit(size, smallestTile, tilesMax), strip: Math.max(1, inStrip) },
  );
  const grid = large ? null : fitGrid(small.length + (hidden > 0 ? 1 : 0), size, gap);
  const { width, height } = grid ?? strip;
  const style = {
    '--tile-width': `${width}px`,
    '--tile-height': `${height}px`,
    maxWidth: grid ? `${grid.columns * (width + gap)}px` : undefined,
  } as CSSProperties;
  return (
    <div ref={area} className="scene" data-testid="room-scene" data-layout={large ? 'focus' : 'grid'}>
      {size.width > 0 && (
        <div className={cx('tiles', large ? 'tiles-focus' : 'tiles-grid', wide ? 'is-wide' : 'is-tall')} style={style}>
          {tiles
            .filter((tile) => tile === large || small.includes(tile))
            .map((tile) => (
              <TileView
                key={tile.key}
                room={room}
                tile={tile}
                size={tile === large ? 'large' : large ? 'small' : 'grid'}
                pinned={pinned === tile.key}
              />
            ))}
          <HiddenTile count={hidden} />
        </div>
      )}
    </div>
  );
}

const tilesAlong = (length: number, tile: number): number => Math.floor((length + gap) / (tile + gap));

function HiddenTile({ count }: { count: number }): JSX.Element | null {
  const { t } = useI18n();
  if (count === 0) return null;
  return (
    <button type="button" className="tile tile-more" onClick={() => panelStore.set(true)}>
      {t('room.more', { count })}
    </button>
  );
}
