// The tiles of a room on the stage: all of one size, or one large and the others in a strip beside it.
import { useRef, type CSSProperties } from 'react';
import { useStore } from '../lib/store';
import { fitGrid, tilesThatFit, type Size } from '../lib/grid';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { layoutStore, panelStore, pinnedStore, type CurrentRoom } from '../state/rooms';
import { useSession } from '../state/session';
import { TileView } from './TileView';
import { sceneOf, tilesOf, type Scene as SceneModel } from './tiles';
import { useSize } from './useSize';

const gap = 8;
const smallestTile: Size = { width: 150, height: 100 };
const tilesMax = 25;
/** A tile of the strip: beside what is large, and smaller in a low window. */
const stripTiles = { usual: { width: 176, height: 99 }, low: { width: 124, height: 70 } };
const lowHeight = 380;
/** As the style sheet has it. */
const tallStripWidth = 109;

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
  const strip = size.height < lowHeight ? stripTiles.low : stripTiles.usual;
  const inStrip = wide
    ? Math.floor((size.height + gap) / (strip.height + gap))
    : Math.floor((size.width + gap) / (tallStripWidth + gap));
  const scene = sceneOf(
    tiles,
    { pinned, layout, lastSpeaker },
    { grid: tilesThatFit(size, smallestTile, tilesMax), strip: Math.max(1, inStrip) },
  );
  return (
    <div ref={area} className="scene" data-testid="room-scene" data-layout={scene.large ? 'focus' : 'grid'}>
      {size.width > 0 && scene.large && <Focus current={current} scene={scene} strip={strip} wide={wide} pinned={pinned} />}
      {size.width > 0 && !scene.large && <GridScene current={current} scene={scene} size={size} pinned={pinned} />}
    </div>
  );
}

function GridScene({ current, scene, size, pinned }: { current: CurrentRoom; scene: SceneModel; size: Size; pinned: string | null }): JSX.Element {
  const count = scene.small.length + (scene.hidden > 0 ? 1 : 0);
  const grid = fitGrid(count, size, gap);
  const style = {
    '--tile-width': `${grid.width}px`,
    '--tile-height': `${grid.height}px`,
    maxWidth: `${grid.columns * (grid.width + gap)}px`,
  } as CSSProperties;
  return (
    <div className="tiles tiles-grid" style={style}>
      {scene.small.map((tile) => (
        <TileView key={tile.key} room={current.room} tile={tile} size="grid" pinned={pinned === tile.key} />
      ))}
      <HiddenTile count={scene.hidden} />
    </div>
  );
}

interface FocusProps {
  current: CurrentRoom;
  scene: SceneModel;
  strip: Size;
  wide: boolean;
  pinned: string | null;
}

function Focus({ current, scene, strip, wide, pinned }: FocusProps): JSX.Element {
  const { large } = scene;
  const style = { '--tile-width': `${strip.width}px`, '--tile-height': `${strip.height}px` } as CSSProperties;
  return (
    <div className={cx('focus', wide ? 'is-wide' : 'is-tall')} style={style}>
      {large && <TileView key={`${large.key} large`} room={current.room} tile={large} size="large" pinned={pinned === large.key} />}
      <div className="tiles tiles-strip">
        {scene.small.map((tile) => (
          <TileView key={tile.key} room={current.room} tile={tile} size="small" pinned={pinned === tile.key} />
        ))}
        <HiddenTile count={scene.hidden} />
      </div>
    </div>
  );
}

function HiddenTile({ count }: { count: number }): JSX.Element | null {
  const { t } = useI18n();
  if (count === 0) return null;
  return (
    <button type="button" className="tile tile-more" onClick={() => panelStore.set(true)}>
      {t('room.more', { count })}
    </button>
  );
}
