// What most files of tests need: a server, people who enter and are sent home after each test.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';

import { startRooms } from './server.mjs';
import { Signalling } from './signalling.mjs';
import { WeriftPeer } from './werift.mjs';

/** Call inside describe(): what it gives back is usable once the suite's `before` ran. */
export function useRooms(environment = {}) {
  const rooms = { peers: [], signallings: [] };
  before(async () => {
    rooms.server = await startRooms(environment);
  });
  after(async () => {
    await rooms.server?.stopAndClean();
  });
  afterEach(async () => {
    for (const signalling of rooms.signallings.splice(0)) signalling.leave();
    await Promise.all(rooms.peers.splice(0).map((peer) => peer.close()));
  });

  /** A participant with media; its session is the user's name and something unique. */
  rooms.enter = async (user, room, options = {}) => {
    const peer = await WeriftPeer.enter(rooms.server, { user, room, session: `${user}-${rooms.server.newId()}`, ...options });
    rooms.peers.push(peer);
    return peer;
  };
  /** A participant without media. */
  rooms.join = async (user, room, options = {}) => {
    const signalling = await Signalling.join(rooms.server, { user, room, session: `${user}-${rooms.server.newId()}`, ...options });
    rooms.signallings.push(signalling);
    return signalling;
  };
  rooms.open = async (user, room, options = {}) => {
    const signalling = await Signalling.open(rooms.server, { user, room, session: `${user}-${rooms.server.newId()}`, ...options });
    rooms.signallings.push(signalling);
    return signalling;
  };
  /** Everybody hears `count` more packets of everybody else's `tracks`, unchanged, and without gaps but where the sender makes them. */
  rooms.expectAllHear = async (peers, tracks = ['audio'], count = 15, { gaps = false } = {}) => {
    await Promise.all(
      peers.flatMap((listener) =>
        peers.filter((p) => p !== listener).flatMap((speaker) => tracks.map((track) => listener.hears(`${speaker.name}/${track}`, count))),
      ),
    );
    for (const peer of peers) assert.deepEqual(peer.faults.filter((fault) => !gaps || !fault.includes('are missing')), [], peer.name);
  };
  return rooms;
}

// Where Node.js can't end a file by itself; see run.mjs.
if (Number(process.versions.node.split('.')[0]) < 20) after(() => setTimeout(() => process.exit(), 500).unref());
