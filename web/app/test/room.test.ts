import type { RoomEndReason, RoomParticipant, RoomSnapshot } from '@zvonok/client';
import { describe, expect, it } from 'vitest';
import { fitGrid, tilesThatFit } from '../src/lib/grid';
import { parseRoute, pathOf, routeToRoom, sameRoom } from '../src/lib/route';
import { describeRoomEnd } from '../src/room/ended';
import { mayModerate, mayRemove } from '../src/room/rights';
import { mayInvitePhones } from '../src/room/phones';
import { isSilent, sceneOf, showsCamera, tilesOf, type Tile } from '../src/room/tiles';

const stream = {} as MediaStream;

function person(name: string, sources: Readonly<Record<string, boolean>> = {}): RoomParticipant {
  const sessionId = `s-${name}`;
  return {
    sessionId,
    userId: name,
    name,
    role: 'member',
    state: 'connected',
    speaking: false,
    level: 0,
    quality: null,
    phone: null,
    tracks: Object.entries(sources).map(([source, muted]) => ({
      trackId: `${name}-${source}`,
      sessionId,
      kind: source === 'microphone' ? 'audio' : 'video',
      source: source as 'camera',
      muted,
      stream,
    })),
  };
}

function snapshot(participants: readonly RoomParticipant[], changes: Partial<RoomSnapshot> = {}): RoomSnapshot {
  return {
    kind: 'group',
    roomId: 'team',
    state: 'joined',
    end: null,
    sessionId: 's-me',
    userId: 'me',
    role: 'member',
    locked: false,
    phoneRole: 'moderator',
    encryption: { state: 'off', code: null, missing: [] },
    local: { audio: true, muted: false, video: true, screen: false },
    speaking: false,
    participants,
    speakers: [],
    media: 'connected',
    quality: null,
    serverQuality: null,
    joinedAt: 0,
    ...changes,
  };
}

const self = { name: 'Me', localStream: stream, screenStream: stream };

describe('addresses of rooms', () => {
  it.each([
    ['/room/group/team', '/room/group/team'],
    ['/room/chat/a%3Ab', '/room/chat/a%3Ab'],
    ['/room/nonsense/x', '/people'],
    ['/room/group', '/people'],
    ['/room/group/%E0%A4', '/people'],
    ['/groups/team', '/groups/team'],
  ])('%s leads to %s', (path, canonical) => {
    expect(pathOf(parseRoute(path))).toBe(canonical);
  });
  it('stand over the page of the group', () => {
    expect(parseRoute('/room/group/team')).toEqual({ tab: 'groups', personId: 'team', room: { kind: 'group', id: 'team' } });
    expect(routeToRoom({ kind: 'chat', id: '1' })).toMatchObject({ tab: 'people', personId: null });
  });
  it('tell the room of a chat from that of a group', () => {
    expect(sameRoom({ kind: 'chat', id: '1' }, { kind: 'group', id: '1' })).toBe(false);
    expect(sameRoom({ kind: 'chat', id: '1' }, { kind: 'chat', id: '1' })).toBe(true);
    expect(sameRoom(null, null)).toBe(false);
  });
});

describe('the grid', () => {
  it.each([
    [1, 1600, 900, 1],
    [2, 1600, 900, 2],
    [2, 400, 800, 1],
    [4, 1600, 900, 2],
    [3, 400, 800, 1],
    [6, 400, 800, 2],
    [9, 1600, 900, 3],
  ])('of %i in %i x %i has %i columns', (count, width, height, columns) => {
    expect(fitGrid(count, { width, height }, 8).columns).toBe(columns);
  });
  it.each(Array.from({ length: 30 }, (_, index) => index + 1))('of %i fits into every area', (count) => {
    for (const area of [{ width: 1440, height: 800 }, { width: 390, height: 660 }, { width: 844, height: 250 }, { width: 90, height: 90 }]) {
      const grid = fitGrid(count, area, 4);
      expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
      expect(grid.columns * (grid.width + 4) - 4).toBeLessThanOrEqual(area.width);
      expect(grid.rows * (grid.height + 4) - 4).toBeLessThanOrEqual(area.height);
      if (grid.height > 30) expect(grid.width / grid.height).toBeLessThanOrEqual(1.9);
    }
  });
  it('takes no more tiles than one can look at', () => {
    expect(tilesThatFit({ width: 1500, height: 1000 }, { width: 150, height: 100 }, 25)).toBe(25);
    expect(tilesThatFit({ width: 300, height: 250 }, { width: 150, height: 100 }, 25)).toBe(4);
    expect(tilesThatFit({ width: 0, height: 0 }, { width: 150, height: 100 }, 25)).toBe(1);
  });
});

describe('tiles', () => {
  it('are screens, the others, and oneself last', () => {
    const tiles = tilesOf(snapshot([person('ann', { camera: false, screen: false }), person('bob')]), self);
    expect(tiles.map((tile) => tile.key)).toEqual(['s-ann screen', 's-ann', 's-bob', 's-me']);
    expect(tiles[0]).toMatchObject({ kind: 'screen', trackId: 'ann-screen' });
    expect(tiles[1]).toMatchObject({ stream, trackId: 'ann-camera' });
    expect(tiles[2]).toMatchObject({ stream: null, trackId: null, muted: true });
  });
  it('show no picture of a camera that is off, and no screen that is muted', () => {
    const tiles = tilesOf(snapshot([person('ann', { camera: true, screen: true, microphone: false })]), self);
    expect(tiles.map((tile) => [tile.key, tile.stream])).toEqual([['s-ann', null], ['s-me', stream]]);
    expect(tiles[0]?.muted).toBe(false);
  });
  it('have the own screen as well, and no ring around who is muted', () => {
    const local = { audio: true, muted: true, video: false, screen: true };
    const tiles = tilesOf(snapshot([], { local, speaking: true }), self);
    expect(tiles.map((tile) => [tile.key, tile.isSelf, tile.speaking])).toEqual([['s-me screen', true, false], ['s-me', true, false]]);
  });
  it.each<[Readonly<Record<string, boolean>>, boolean, boolean]>([
    [{}, true, false],
    [{ microphone: false, camera: false }, false, true],
    [{ microphone: true, camera: true }, true, false],
  ])('of %j: silent %s, camera %s', (sources, silent, camera) => {
    expect([isSilent(person('x', sources)), showsCamera(person('x', sources))]).toEqual([silent, camera]);
  });
});

describe('the scene', () => {
  const people = ['ann', 'bob', 'cat', 'dan', 'eve'].map((name) => person(name, { camera: false }));
  const tiles = tilesOf(snapshot(people), self);
  const room = { grid: 10, strip: 10 };
  const wish = { pinned: null, layout: 'grid', lastSpeaker: null } as const;
  const keys = (list: readonly Tile[]): string[] => list.map((tile) => tile.key);

  it('shows all of one size', () => {
    expect(sceneOf(tiles, wish, room)).toMatchObject({ large: null, hidden: 0 });
    expect(sceneOf(tiles, wish, room).small).toHaveLength(6);
  });
  it('shows who spoke last large, in the layout for it', () => {
    const scene = sceneOf(tiles, { ...wish, layout: 'speaker', lastSpeaker: 's-cat' }, room);
    expect(scene.large?.key).toBe('s-cat');
    expect(keys(scene.small)).not.toContain('s-cat');
    expect(sceneOf(tiles, { ...wish, layout: 'speaker' }, room).large?.key).toBe('s-ann');
  });
  it('shows a screen large in every layout, but what is pinned before it', () => {
    const shared = tilesOf(snapshot([...people, person('fay', { screen: false })]), self);
    expect(sceneOf(shared, wish, room).large?.key).toBe('s-fay screen');
    expect(sceneOf(shared, { ...wish, pinned: 's-bob' }, room).large?.key).toBe('s-bob');
    expect(sceneOf(shared, { ...wish, pinned: 'gone' }, room).large?.key).toBe('s-fay screen');
  });
  it('leaves the own screen small: one has seen it', () => {
    const own = tilesOf(snapshot(people, { local: { audio: true, muted: false, video: true, screen: true } }), self);
    expect(sceneOf(own, wish, room).large).toBeNull();
  });
  it('keeps oneself and the speaker in sight when there is no room for all', () => {
    const scene = sceneOf(tiles, { ...wish, lastSpeaker: 's-eve' }, { grid: 4, strip: 3 });
    expect(keys(scene.small)).toEqual(['s-ann', 's-eve', 's-me']);
    expect(scene.hidden).toBe(3);
  });
});

describe('rights', () => {
  it.each([
    ['member', false],
    ['moderator', true],
    ['host', true],
  ] as const)('%s moderates a group: %s, and never a private chat', (role, may) => {
    expect(mayModerate({ kind: 'group', role })).toBe(may);
    expect(mayModerate({ kind: 'chat', role })).toBe(false);
  });
  it.each([
    ['host', 'moderator', true],
    ['moderator', 'moderator', true],
    ['moderator', 'host', false],
    ['member', 'member', false],
  ] as const)('%s removes %s: %s', (own, other, may) => {
    const self = { kind: 'group', role: own, userId: 'a' } as const;
    expect(mayRemove(self, { role: other, userId: 'b' })).toBe(may);
    expect(mayRemove(self, { role: other, userId: 'a' })).toBe(false);
  });
});

describe('the end of a stay', () => {
  it.each<[RoomEndReason, boolean]>([
    ['kicked', false],
    ['removed', false],
    ['locked', true],
    ['room-full', true],
    ['forbidden', true],
    ['unavailable', true],
    ['failed', true],
    ['unauthorized', false],
    ['encrypted', false],
    ['not-encrypted', false],
    ['encryption-unsupported', false],
  ])('as %s offers to try again: %s', (reason, again) => {
    expect(describeRoomEnd('group', reason).again).toBe(again);
  });
  it('says nothing of a group in a private chat', () => {
    for (const reason of ['removed', 'forbidden'] as const) {
      expect(describeRoomEnd('chat', reason).text).not.toBe(describeRoomEnd('group', reason).text);
    }
  });
});

describe('who may call telephones in', () => {
  it('is as the server says, and nobody where it says nothing', () => {
    const may = (role: RoomSnapshot['role'], phoneRole: RoomSnapshot['phoneRole']): boolean => mayInvitePhones({ role, phoneRole });
    expect([may('member', 'member'), may('member', 'moderator'), may('moderator', 'moderator'), may('moderator', 'host')]).toEqual([true, false, true, false]);
    expect([may('host', 'host'), may('host', null)]).toEqual([true, false]);
  });
});
