// Unit tests run in plain Node: what the browser has comes from test/fakes.ts.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/**/*.test.ts'], environment: 'node', testTimeout: 30_000 } });
