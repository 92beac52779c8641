// Runs the test files one after the other. Neither stack closes all of its sockets and timers, so a file is ended when
// its tests are over; Node.js before 20.14 has no option for that (see support/room.mjs).
import { spawnSync } from 'node:child_process';

const [major, minor] = process.versions.node.split('.').map(Number);
const ends = major > 20 || (major === 20 && minor >= 14) ? ['--test-force-exit'] : [];
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...ends, ...process.argv.slice(2), '.'], { stdio: 'inherit' });
process.exitCode = status ?? 1;
